"""Tests, with an empty Hugging Face cache: none may depend on what somebody has in theirs."""

import atexit
import os
import shutil
import tempfile

# here, before anything else: the Hub's client reads its environment as it is imported
os.environ["HF_HOME"] = tempfile.mkdtemp(prefix="no-hub-cache-")
os.environ.pop("HF_HUB_CACHE", None)
atexit.register(shutil.rmtree, os.environ["HF_HOME"], ignore_errors=True)
