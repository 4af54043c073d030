"""Entry point of the Space and of ``make run``: builds the page and launches it."""

from hugginggpt.assembly import make_agent
from hugginggpt.ui.page import CSS, THEME, Page

page = Page(make_agent()).blocks()

if __name__ == "__main__":
    page.launch(theme=THEME, css_paths=CSS, run_history=False, ssr_mode=False, footer_links=["gradio", "settings"])
