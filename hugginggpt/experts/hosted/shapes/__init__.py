"""Shapes of hosted results: what pipelines of transformers answer, put into the form of the Hub's inference API.

Hugging Face's default container for dedicated endpoints sends what a pipeline returns
(https://github.com/huggingface/huggingface-inference-toolkit); the client reads the inference API's forms alone
(https://huggingface.co/docs/inference-providers/tasks). Imported by `pipeline_client`, which knows only `table`. A new task is
a row of `table` and a function in the module of its modality: from the answer, and from what was asked, to the API's form.
"""
