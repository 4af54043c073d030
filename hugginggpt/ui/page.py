"""The page: keys at the side, the chat in the middle, the run with its plan and resources at the other side."""

import asyncio
from dataclasses import replace
from typing import Any, Final

import gradio as gr
from gradio.context import LocalContext

from hugginggpt.agent.agent import HuggingGPT
from hugginggpt.agent.factory import make_shared_token
from hugginggpt.core.model_card import Placement
from hugginggpt.ui.api.endpoints import Api
from hugginggpt.ui.assets import load_script
from hugginggpt.ui.chat import approval_form, examples
from hugginggpt.ui.chat.camera import build_camera
from hugginggpt.ui.chat.handlers import ChatHandlers
from hugginggpt.ui.chat.view import READY, View, Views
from hugginggpt.ui.checked_blocks import CheckedBlocks
from hugginggpt.ui.export.panel import SharePanel
from hugginggpt.ui.export.trace_reader import TRACE_BYTES
from hugginggpt.ui.i18n import choose_words, get_label
from hugginggpt.ui.listeners import PRIVATE, PRIVATE_LATEST, PRIVATE_MULTIPLE
from hugginggpt.ui.models_page.page import ModelsPage
from hugginggpt.ui.property_updates import PropertyUpdate, make_updatable
from hugginggpt.ui.run_panel import resource_cards
from hugginggpt.ui.run_panel.share_link import read_link
from hugginggpt.ui.session.admission import Admission
from hugginggpt.ui.session.tab_registry import TabSessions
from hugginggpt.ui.session.tab_session import TabSession, close_tab
from hugginggpt.ui.session.visitor import read_visitor
from hugginggpt.ui.settings_panel.llm_panel import LLMPanel
from hugginggpt.ui.uploads import Uploads
from hugginggpt.workspace.workspace import EXAMPLE_MEDIA

_MAX_STATE_SECONDS: Final = 24 * 3600
_MAX_CONCURRENT_REQUESTS: Final = 200
"""Requests of all visitors that are worked on at once; models take turns in their device queues."""

_UpdatableHTML: Final = make_updatable(gr.HTML)

_BEGIN_SCRIPT: Final = load_script("begin")
"""Script that scrolls to a new request and, where there is room, opens the panel of its plan."""

_FIND_TAB_SCRIPT: Final = load_script("arrive")
"""Script that finds the tab's state again after a reload; the browser keeps a random key alone, and as long as the tab.

It holds the side bar, too, for the moment until `_RELEASE_SCRIPT`.
"""

_NOTE_VISIT_SCRIPT: Final = "() => { try { sessionStorage.setItem('hugginggpt-answered', '1') } catch {} }"
"""Script that notes that the server knows the tab: one that is reloaded before it was answered has lost nothing."""

_RESTORE_SECONDS: Final = 10.0
"""The page sends that event first: it is seldom waited for."""

_RELEASE_SCRIPT: Final = "() => { document.querySelector('#side')?.removeAttribute('inert') }"
"""Script that lets the side bar be used, once it shows what the tab holds."""


class Page:
    """The page over one agent."""

    def __init__(self, agent: HuggingGPT, *, restore_seconds: float = _RESTORE_SECONDS) -> None:
        """Set up the page.

        Args:
            agent: Works on the requests.
            restore_seconds: Time for which a request waits for the event that restores its tab.
        """
        self._agent = agent
        self.settings = agent.settings
        self.uploads = Uploads(agent.storage, agent.settings, max_file_bytes=max(agent.settings.max_file_bytes, TRACE_BYTES))
        """Files that were sent ahead; served by `UploadMiddleware`."""
        self._tabs = TabSessions()
        self._shared = shared = make_shared_token(agent.settings)
        self._restore_seconds = restore_seconds
        self._admission = Admission(agent.settings)
        self._chat = ChatHandlers(agent, self._get_chat_tab, self._admission, shared=shared, uploads=self.uploads)
        self._llm_panel = LLMPanel(agent, self._get_tab, shared=shared)
        self._share_panel = SharePanel(agent, self._get_tab, self._chat.follower, self.uploads)
        # shown from where they lie, wherever that is; a copy in Gradio's cache would outlive the session
        gr.set_static_paths([agent.settings.sessions, EXAMPLE_MEDIA])

    def build(self) -> gr.Blocks:
        """Return the whole page."""
        with CheckedBlocks(
            title="HuggingGPT", fill_height=True, fill_width=True, analytics_enabled=False, delete_cache=(3600, 86_400)
        ) as page:
            tab_state = gr.State(None, time_to_live=_MAX_STATE_SECONDS, delete_callback=close_tab)
            # shows nothing: it has what the server tells heard, whenever it was sent
            stream = gr.HTML("", visible="hidden", js_on_load=load_script("stream"))
            stream.select(lambda: None, None, None, **PRIVATE)
            with gr.Sidebar(width=310, open=False, elem_id="settings"):
                self._llm_panel.draw(tab_state)
            with gr.Sidebar(width=380, open=False, position="right", elem_id="run"):
                gr.Markdown(get_label("page.run"), elem_classes="region")
                runs = make_updatable(gr.Dropdown)([], label=get_label("page.which_run"), visible=False, elem_id="runs")
                plan = _UpdatableHTML("", elem_id="plan", js_on_load=None, apply_default_css=False)
                gr.Markdown(get_label("page.resources"), elem_classes="region")
                resources = _UpdatableHTML("", elem_id="shelf", js_on_load=resource_cards.ON_LOAD, apply_default_css=False)
                share, link = self._share_panel.draw()
            gr.Markdown(get_label("page.heading"), elem_id="heading")
            welcome = _UpdatableHTML("", elem_id="welcome", js_on_load=examples.ON_LOAD, apply_default_css=False)
            chat = make_updatable(gr.Chatbot)(
                elem_id="chat",
                label=get_label("page.chat"),
                show_label=False,
                visible=False,
                height=None,
                scale=1,
                layout="bubble",
                buttons=["copy", "copy_all"],
                editable="user",
                allow_file_downloads=False,
                feedback_options=None,
                render_markdown=False,  # texts come as finished HTML: see `ui.markup`
                latex_delimiters=[],  # “$5 or $6” is no formula
            )
            form = _UpdatableHTML(
                "", elem_id="approval", visible=False, js_on_load=approval_form.ON_LOAD, apply_default_css=False
            )
            with gr.Column(elem_id="ask"):
                camera = build_camera()
                box = self._build_box()
                camera.add_button(box, self.uploads)
            # in the order of View's fields
            outputs = [chat, welcome, box, form, plan, runs, resources, share, link, tab_state]
            self._connect_handlers(page, tab_state, outputs)
            Api(self._agent, read_visitor, self._admission, shared=self._shared).add()
        ModelsPage(self._agent).draw(page)  # a route of its own, so outside of the `with`
        page.queue(default_concurrency_limit=_MAX_CONCURRENT_REQUESTS)  # Gradio's own limit is one
        blocks: gr.Blocks = page
        return blocks

    def _build_box(self) -> gr.MultimodalTextbox:
        box: gr.MultimodalTextbox = make_updatable(gr.MultimodalTextbox)(
            elem_id="request",
            label=get_label("page.request"),
            show_label=False,
            placeholder=get_label("page.ask"),
            sources=["upload", "microphone"],
            file_count="multiple",
        )
        return box

    def _connect_handlers(self, page: gr.Blocks, tab_state: gr.State, outputs: list[Any]) -> None:
        named = dict(zip(View.__dataclass_fields__, outputs, strict=True))
        chat, welcome, box, form, runs, resources = (named[n] for n in ("chat", "welcome", "box", "form", "runs", "resources"))
        handlers = self._chat
        restored = gr.Textbox(visible=False)  # filled by the answer to `restore_tab`
        for event, handler, inputs in (
            (box.submit, self.ask, [box, restored]),
            (welcome.select, handlers.run_example, []),
            (chat.retry, handlers.retry, []),
            (chat.edit, handlers.edit, []),
            (chat.option_select, handlers.rerun_failed, []),
        ):
            event(handler, [*inputs, *self._llm_panel.request_inputs, tab_state], outputs, **PRIVATE_MULTIPLE)
            event(None, js=_BEGIN_SCRIPT, api_visibility="private")  # beside the handler: `then` would come after the answer
        chat.undo(handlers.undo, tab_state, outputs, **PRIVATE)
        chat.clear(handlers.clear, tab_state, outputs, **PRIVATE)
        box.stop(handlers.stop, tab_state, None, **PRIVATE)
        form.submit(handlers.approve, tab_state, outputs, **PRIVATE)
        runs.input(handlers.select_run, [runs, tab_state], outputs, **PRIVATE_LATEST)
        resources.select(handlers.insert_resource, [box, tab_state], box, **PRIVATE)
        self._share_panel.wire(tab_state, outputs)
        key = gr.Textbox(visible=False)
        search = gr.Textbox(visible=False)  # filled by the script, read by `restore_tab`
        returned = gr.Textbox(visible=False)
        # the boxes are emptied in the same step: whoever had the key would have the tab's state
        arrived = page.load(
            self.restore_tab, [key, search, returned], [key, search, restored, *outputs], js=_FIND_TAB_SCRIPT, **PRIVATE
        )
        arrived.then(None, js=_NOTE_VISIT_SCRIPT, **PRIVATE)
        chosen = self._llm_panel.restore_on(arrived.then, tab_state)
        chosen.then(None, js=_RELEASE_SCRIPT, **PRIVATE)
        arrived.then(self.resume, tab_state, outputs, **PRIVATE)

    def _get_tab(self, tab: TabSession | None) -> TabSession:
        if tab is not None:
            return self._keep_alive(tab)
        request = LocalContext.request.get(None)  # not all handlers have it as an argument
        lang = request.headers.get("accept-language") if request and request.headers else ""
        return self._tabs.get_for_page(
            getattr(request, "session_hash", "") or "", lambda: TabSession(self._agent.new_session(), words=choose_words(lang))
        )

    def _keep_alive(self, tab: TabSession) -> TabSession:
        """Keep a tab's files for the next minutes; where they were deleted already, begin a new conversation."""
        if not tab.session.workspace.files.touch() and tab.session.workspace.files.expired:
            tab.replace_expired(self._agent.new_session())
            gr.Warning(tab.words("page.expired"), duration=None)
        return tab

    def _get_chat_tab(self, tab: TabSession | None) -> TabSession:
        """Return the tab of a chat event; warn where its state was lost with the process before."""
        tab = self._get_tab(tab)
        self._warn_of_loss(tab, is_lost=not tab.page_opened)
        return tab

    def _warn_of_loss(self, tab: TabSession, *, is_lost: bool) -> None:
        tab.page_opened = True
        if is_lost:
            gr.Warning(tab.words("page.restarted"), duration=None)

    async def restore_tab(self, key: str, search: str, returned: str, request: gr.Request) -> tuple[Any, ...]:
        """Show a page that was opened; one that was reloaded is restored, or told that its state is lost.

        Args:
            key: Key of the tab's state, kept by the browser.
            search: The query of the page's address.
            returned: Not empty where the server has answered that key before.
            request: The request, with the page's session hash.
        """
        # found before anything is waited for: what the person does before this has answered belongs to the same tab
        tab = self._tabs.find(key or "")
        if tab is None:
            tab = self._get_tab(None)
            self._tabs.register(tab, key or "")
            self._warn_of_loss(tab, is_lost=bool(returned))
        else:
            self._tabs.add_page(self._keep_alive(tab), request.session_hash or "")
        self._tabs.note_opened(request.session_hash or "")
        view = await asyncio.to_thread(self._chat.build_whole, tab)  # reads disks
        value = read_link(search or "")
        if value["text"] and not tab.is_busy:  # else what has been typed meanwhile stays
            view = replace(view, box=PropertyUpdate({"value": value, **READY}))
        return ("", "", "1", *view.to_outputs())

    async def ask(
        self,
        value: dict[str, Any] | None,
        restored: str,
        placement: Placement,
        ask_first: bool,
        tab: TabSession | None,
        request: gr.Request,
    ) -> Views:
        """Work on a request; one that comes before `restore_tab` waits for it, so that it belongs to the right conversation."""
        if tab is None and not restored:
            found = await self._tabs.wait_for_page(request.session_hash or "", self._restore_seconds)
            tab = self._get_tab(None)
            tab.page_opened = tab.page_opened or not found  # nothing is lost: nothing was there yet
        async for view in self._chat.ask(value, placement, ask_first, tab, request):
            yield view

    async def resume(self, tab: TabSession | None) -> Views:
        """Follow what is still worked on since before the page was opened again."""
        if tab is None or tab.worker is None:
            yield View().to_outputs()  # a handler that yields nothing would empty everything
        elif tab.is_busy:
            async for view in self._chat.follower.follow(tab):
                yield view
        else:  # it has ended meanwhile
            yield await self._chat.follower.draw_idle(tab)
