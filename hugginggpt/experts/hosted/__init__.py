"""Back end of hosted models: the Hub's inference providers and dedicated endpoints.

Imported by `agent.factory`, which knows only `expert`. A new task is a row of ``task_table.yaml`` and a function in the
module of its modality.
"""
