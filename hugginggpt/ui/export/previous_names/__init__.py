"""Modules under the names that exported scripts and workflows of earlier versions import.

``hugginggpt.__path__`` ends with this folder, so that `scripting` here is ``hugginggpt.scripting``. Nothing else imports them.
"""
