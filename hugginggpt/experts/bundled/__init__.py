"""Back end of models whose weights come inside Python packages: no key, no download, no network.

Imported by `agent.factory`, which knows only `expert`. A new model is an entry of ``models_config/bundled.yaml`` and a
function that ``functions.yaml`` names.
"""
