"""The settings at the left: who plans, keys and their tests, models.

Imported by `ui.page`. A new controller to choose is an entry of `llm_panel`, what the browser keeps of it a line of
`browser_storage`.
"""
