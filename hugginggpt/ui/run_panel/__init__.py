"""The panel of a run: the plan as a picture, the resources and their lineage, the link.

Imported by `ui.chat` and `ui.export`; imports nothing of Gradio. A new state of a task is drawn in `plan_graph`.
"""
