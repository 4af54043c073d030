"""The back end "local": models of the Hugging Face cache run in this process, on ZeroGPU, or fetched at their first use.

Only `agent/factory.py` imports it. Add a task as a function in text/, image/, audio/ or video/ and a row in `expert.py`.
"""
