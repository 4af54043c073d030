"""Entry point of the Space and of ``make run``: builds the page and launches it."""

import sys

from hugginggpt.assembly import make_agent
from hugginggpt.settings import SettingsError
from hugginggpt.ui.page import CSS, THEME, Page

try:
    page = Page(make_agent()).blocks()
except SettingsError as error:
    sys.exit(str(error))

if __name__ == "__main__":
    page.launch(theme=THEME, css_paths=CSS, run_history=False, ssr_mode=False, footer_links=["gradio", "settings"])
