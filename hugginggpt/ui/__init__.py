"""The page: Gradio Blocks over the event stream.

Imported by ``app.py`` alone; imports `agent` and the vocabulary, never a controller, an expert or a prompt. A new part
of the page is a folder here with its phrases in `i18n` and its style sheet in `assets`.
"""
