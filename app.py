"""Entry point of the Space and of ``make run``: builds the page and launches it."""

import sys

from starlette.middleware import Middleware

from hugginggpt.agent.factory import make_agent, preload
from hugginggpt.core.settings import SettingsError
from hugginggpt.ui.api.progress import DisconnectMiddleware
from hugginggpt.ui.export.trace_reader import TRACE_BYTES
from hugginggpt.ui.i18n import load_i18n
from hugginggpt.ui.page import Page
from hugginggpt.ui.security.headers import SecurityHeadersMiddleware
from hugginggpt.ui.security.request_guard import RequestGuardMiddleware, find_hosts
from hugginggpt.ui.session.llm_choice import is_home, is_space
from hugginggpt.ui.theme import CSS, JS, THEME

try:
    agent = make_agent()
    page = Page(agent).blocks()
except SettingsError as error:
    sys.exit(str(error))

if __name__ == "__main__":
    page.launch(
        theme=THEME,
        css_paths=CSS,
        js=JS,
        i18n=load_i18n(),
        run_history=False,
        max_file_size=max(agent.settings.max_file_bytes, TRACE_BYTES),
        ssr_mode=False,
        footer_links=["gradio", "settings"],
        mcp_server=True,
        app_kwargs={
            "middleware": [
                Middleware(SecurityHeadersMiddleware, space=is_space()),
                Middleware(RequestGuardMiddleware, hosts=find_hosts(agent.settings.allowed_hosts), home=is_home()),
                Middleware(DisconnectMiddleware),
            ]
        },
        prevent_thread_lock=True,
    )
    preload(agent)
    page.block_thread()
