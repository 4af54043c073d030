"""The settings at the left: who plans, keys and their tests, models.

Imported by `ui.page`. A new controller to choose is an entry of `session.llm_choice` and its fields of `llm_form`;
what the browser keeps of it is handled in `browser_storage`.
"""
