"""The page: Gradio Blocks over the event stream."""
