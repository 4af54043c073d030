"""The bundled back end: small models and algorithms that run from installed packages, offline and without a key.

The agent's factory imports `expert`; the local back end reads documents with `ocr`. Modules load heavy libraries late.
Add a model: an entry in ``models_config/bundled.yaml``, a function here, and its row in the table of `expert`.
"""
