"""State of one browser tab: the session, the language model with its key, the conversation.

It lives in a ``gr.State``, which Gradio keeps on the server for that one browser tab and deletes with it.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from hugginggpt.agent.agent import HuggingGPT, Session
from hugginggpt.agent.model_preferences import ModelPreferences, make_visitor
from hugginggpt.core.events import Event
from hugginggpt.core.model_card import Placement
from hugginggpt.core.settings import Settings
from hugginggpt.core.ssrf import is_public
from hugginggpt.hub.account import Visitor
from hugginggpt.llm.client import HUGGING_FACE_URL, LanguageModel
from hugginggpt.ui.i18n import Words
from hugginggpt.ui.session.background_run import ApprovalGate, BackgroundRun, RunWorker
from hugginggpt.ui.session.llm_choice import BUILT_IN, is_personal_machine

if TYPE_CHECKING:
    from hugginggpt.hub.shared_token import SharedToken


@dataclass(eq=False)  # found in lists by identity
class TabSession:
    """The state of one tab."""

    session: Session
    model: LanguageModel | None = None
    use_llm_for_text: bool = True
    """True if the language model may do text tasks itself."""
    show_images: bool = False
    """True if it is shown the pictures before it plans."""
    token: str = field(default="", repr=False)  # a repr may end in a log
    """The visitor's Hugging Face token, for hosted models."""
    preferences: ModelPreferences = field(default_factory=ModelPreferences, repr=False)
    """Models that they have pinned, banned and added, and where models may run."""
    account: Visitor | None = field(default=None, repr=False)
    """Account with the preferred models that were looked up on the Hub."""
    may_fetch: bool | None = None
    """True if small models may be fetched when they are needed; None: what the settings say."""
    runs: list[BackgroundRun] = field(default_factory=list)
    """The requests of this conversation, the oldest first; the last may be under way."""
    worker: RunWorker | None = field(default=None, repr=False)
    """The work on the last one; None before the first."""
    gate: ApprovalGate = field(default_factory=ApprovalGate, repr=False)
    """Gate where a plan waits for approval."""
    ask_first: bool = False
    """True if plans wait for approval."""
    top_k: int | None = None
    """Candidates that a task has; None: what the settings say."""
    task_seconds: float | None = None
    """Deadline of a task, in seconds; None: what the settings say."""
    words: Words = field(default_factory=Words)
    """Phrases in the visitor's language."""
    selected_run: BackgroundRun | None = None
    """The run whose plan was selected to be shown; None: the last one."""
    drawn_resources: tuple[Any, str] | None = field(default=None, repr=False)
    """Cache of the drawn resource cards: what they were drawn from, and their HTML."""
    claimed: bool = False
    """True if a request is about to begin."""
    page_count: int = 1
    """Number of pages whose state in Gradio is this tab: a reloaded page has a new one, and the old one stays an hour."""
    page_opened: bool = False
    """True if its page was opened in this process."""
    controller: str = BUILT_IN
    """Name of the controller of which `model` is the language model."""
    router: str = HUGGING_FACE_URL
    """The base URL of Hugging Face's router, on whose key hosted models may run."""
    oauth_token: str = field(default="", repr=False)
    """The token of who has signed in on a Space."""
    user_name: str = ""
    """Name of the account that has signed in."""
    key_remembered: bool = False
    """True if the browser keeps the choice of the controller and its key."""
    token_remembered: bool = False
    """True if the browser keeps the token for hosted models."""

    def __post_init__(self) -> None:
        self._preferences_lock = asyncio.Lock()
        self._conversation_lock = asyncio.Lock()
        self._finalizer: weakref.finalize[..., TabSession] | None = None
        self._set_session(self.session)

    def _set_session(self, session: Session) -> None:
        self.session = session
        if self._finalizer is not None:
            self._finalizer.detach()  # the old session is closed by `renew`
        # however the tab ends (it is closed, the process ends, Gradio drops its state), its files go with it
        self._finalizer = weakref.finalize(self, session.close)

    def close(self) -> None:
        """Stop what is worked on, and delete its files."""
        if self.worker is not None:
            self.worker.abandon()
        self.session.close()

    @property
    def hosted_token(self) -> str:
        """Token for hosted models: the visitor's own, that of their language model, or that of the account signed in."""
        at_router = self.model is not None and self.model.base_url == self.router  # no other server's key goes there
        return self.token or (self.model.key if self.model and at_router else "") or self.oauth_token

    def charge(self, organization: str) -> None:
        """Have an organization pay for calls at Hugging Face, those of the language model there among them.

        Raises:
            RequestError: No organization can have that name.
        """
        self.preferences = self.preferences.charge(organization)
        self.set_model(self.controller, self.model)

    def set_model(self, controller: str, model: LanguageModel | None) -> None:
        """Set who plans and answers."""
        at_router = model is not None and model.base_url == self.router
        self.controller = controller
        self.model = replace(model, bill_to=self.preferences.bill_to) if model is not None and at_router else model

    def set_placement(self, placement: Placement) -> None:
        """Set where models may run."""
        self.preferences = replace(self.preferences, placement=placement)

    def restrict(self, placement: Placement, ask_first: bool) -> None:
        """Apply the boxes' values that come with a request where they are stricter: the boxes' own events may be under way."""
        if placement != "anywhere":
            self.set_placement(placement)
        self.ask_first = self.ask_first or ask_first

    async def change_preferences(
        self, agent: HuggingGPT, change: Callable[[ModelPreferences], ModelPreferences], shared: SharedToken | None
    ) -> None:
        """Change the preferences, once the models that they name have been found; one change after the other.

        Args:
            agent: The agent that looks models up.
            change: Returns the new preferences for the present ones.
            shared: The owner's token, where it is given away: it may look models up, too.

        Raises:
            HuggingGPTError: A model doesn't exist, or can't be run from here; then everything stays as it was.
        """
        async with self._preferences_lock:
            changed = change(self.preferences)
            token = self.hosted_token or (shared.token if shared else "")
            allowed = None if is_personal_machine() else is_public  # strangers can't reach this network
            self.account = await make_visitor(agent, token, changed, known=self.account, allowed=allowed)
            # these may have changed meanwhile
            now = self.preferences
            self.preferences = replace(changed, placement=now.placement, provider=now.provider, bill_to=now.bill_to)

    def build_visitor(self, shared: SharedToken | None, visitor_name: str) -> Visitor:
        """Return the account on which hosted models run: the visitor's own, else the owner's where that is shared.

        Args:
            shared: The owner's token, where it is given away.
            visitor_name: Text that tells visitors apart.
        """
        allowed = None if is_personal_machine() else is_public
        found = replace(self.account or Visitor(), allowed=allowed, provider=self.preferences.provider)
        if self.hosted_token or shared is None:
            return replace(found, token=self.hosted_token, bill_to=self.preferences.bill_to)
        lent = replace(found, token=shared.token, shared=True, bill_to=shared.bill_to)
        return replace(lent, count_call=lambda: shared.count_call(visitor_name))

    @property
    def is_busy(self) -> bool:
        """True if a request is worked on, or about to be."""
        return self.claimed or (self.worker is not None and not self.worker.finished)

    @property
    def has_just_begun(self) -> bool:
        """True if a request has begun in the last second, or is about to."""
        return self.claimed or (self.worker is not None and self.worker.elapsed_seconds < 1)

    @asynccontextmanager
    async def claim(self) -> AsyncGenerator[bool]:
        """Reserve the tab for what ends in `start_run`; yield False where it is busy. Nothing else may begin meanwhile.

        What was sent in the moment of a "Clear" waits for the new conversation, to which it belongs.
        """
        async with self._conversation_lock:
            pass
        if self.is_busy:
            yield False
            return
        self.claimed = True
        try:
            yield True
        finally:
            self.claimed = False

    def start_run(self, run: BackgroundRun, stream: AsyncIterator[Event]) -> RunWorker:
        """Append a run and start the work on it."""
        self.runs.append(run)
        self.worker, self.selected_run = RunWorker(run, stream), None
        return self.worker

    @property
    def displayed_run(self) -> BackgroundRun | None:
        """The run whose plan is shown: the one that was chosen, else the last."""
        runs = self.runs  # looked at once: another thread may clear the conversation
        return self.selected_run or (runs[-1] if runs else None)

    def rewind_to(self, position: int) -> None:
        """Remove a run and the ones after it; their resources stay."""
        self.session.turns = self.runs[position].previous_turns  # the planner forgets, too
        self.runs, self.selected_run = self.runs[:position], None

    async def stop(self) -> None:
        """Stop what is worked on; what was finished before stays."""
        if self.worker is not None:
            await self.worker.stop()

    async def start_conversation(self, session: Session) -> None:
        """Begin a new conversation with the same planner: the old one is stopped, then what it left is deleted."""
        async with self._conversation_lock:
            work, self.runs, self.worker, self.selected_run = (
                self.worker,
                [],
                None,
                None,
            )  # whoever follows sees at once that it is gone
            if work is not None:
                await work.stop()
            old, self.drawn_resources = self.session, None
            self._set_session(session)
            await asyncio.to_thread(old.close)  # it deletes files

    def replace_expired(self, session: Session) -> None:
        """Begin a new conversation where the files of the old one were deleted because others needed their room."""
        if self.worker is not None:
            self.worker.abandon()
        self.runs, self.worker, self.selected_run, self.drawn_resources = [], None, None, None
        self._set_session(session)

    def narrow_settings(self, settings: Settings) -> Settings:
        """Return the deployment's settings, with those that this visitor has narrowed."""
        own = {"top_k": self.top_k, "task_seconds": self.task_seconds}
        return settings.model_copy(update={name: value for name, value in own.items() if value is not None})


def close_tab(tab: TabSession | None) -> None:
    """Release a tab whose page is gone; Gradio calls this about an hour after it was last used."""
    if tab is not None:
        tab.page_count -= 1
        if not tab.page_count:  # a reloaded page still has it
            tab.close()
