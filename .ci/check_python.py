"""Say plainly what is missing before pip says it at length."""

import importlib.util
import sys

if sys.version_info < (3, 11):  # noqa: UP036 (this is the check)
    sys.exit(f"HuggingGPT needs Python 3.11 or later, and this is {sys.version.split()[0]}: make PYTHON=python3.12 ...")
if importlib.util.find_spec("ensurepip") is None:
    sys.exit("Python's venv is missing: sudo apt-get install python3-venv")
