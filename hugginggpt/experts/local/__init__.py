"""Back end of models in the Hugging Face cache, run in this process by transformers and diffusers.

Imported by `agent.factory`. A new task is a row of ``functions.yaml`` and a function in the folder of its modality; a
new architecture a row of ``runtime/architectures.yaml``.
"""
