"""Hugging Face Hub: its client, search, catalog, cache, downloads, accounts and tokens.

Imports `core` alone; imported by every floor above. A new call to the Hub goes through `client.use_hub_context`. What
a failure means is told by `errors` and `faults`, by the tables of ``errors.yaml``.
"""
