"""The part of the side bar about models: where they may run, on whose account, and which ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import gradio as gr

from hugginggpt.agent import HuggingGPT
from hugginggpt.errors import HuggingGPTError
from hugginggpt.markdown import escaped
from hugginggpt.selection import Where
from hugginggpt.shared_token import SharedToken
from hugginggpt.ui.visit import Visit
from hugginggpt.wishes import Wishes, checked_token, known_providers

_ABOUT: Final = "### Models\nThose that come with the installation, those in the Hugging Face cache, and hosted ones."
_PLACES: Final[tuple[tuple[str, Where], ...]] = (
    ("Here first, then hosted", "anywhere"),
    ("Only here", "here"),
    ("Only hosted", "hosted"),
)
_NO_TOKEN: Final = "Hosted models run on your own Hugging Face account: enter a token for that."
_SHARED: Final = (
    "Hosted models run on the account of this page's owner, {calls} calls an hour for you; with a token of yours, on your own."
)
_OWN: Final = "Hosted models run on your account. The token stays in this tab's session and goes with it."
_QUIET: Final[dict[str, Any]] = {"api_visibility": "private", "show_progress": "hidden"}


class ModelsPanel:
    """Its fields and their handlers."""

    def __init__(
        self, agent: HuggingGPT, visit_of: Callable[[Visit | None], Visit], *, shared: SharedToken | None = None
    ) -> None:
        """Make it.

        Args:
            agent: What knows the models.
            visit_of: Gives a tab's visit, a new one where there is none yet.
            shared: The token of the page's owner, where it is given away.
        """
        self._agent = agent
        self._visit = visit_of
        self._shared = shared

    def draw(self, visit: gr.State) -> None:
        """Put the fields where the caller stands."""
        gr.Markdown(_ABOUT)
        where = gr.Radio(list(_PLACES), value="anywhere", show_label=False, elem_id="where")
        where.change(self.choose_place, [where, visit], visit, **_QUIET)
        if self._agent.expert("local") is not None:
            fetch = gr.Checkbox(
                label="Fetch small models when they are needed",
                value=self._agent.settings.local == "download",
                elem_id="fetch",
            )
            fetch.change(self.choose_fetching, [fetch, visit], visit, **_QUIET)
        token = gr.Textbox(label="Hugging Face token for hosted models", type="password", elem_id="hosted-token")
        use = gr.Button("Use token", elem_id="use-token", size="sm")
        status = gr.Markdown(self._status(None), elem_id="hosted-status")
        # the box is emptied in the same step: a value that stays in a box can be read by whoever shares the page
        use.click(self.use_token, [token, visit], [status, token, visit], api_visibility="private")
        with gr.Accordion("Choose models yourself", open=False, elem_id="wishes"):
            tasks = [(row.name, row.name) for row in self._agent.table.values()]
            task = gr.Dropdown(tasks, value="text-to-image", label="Task", elem_id="wish-task")
            model = gr.Textbox(label="Model's id or endpoint's URL", placeholder="owner/name", elem_id="wish-model")
            with gr.Row():
                pin = gr.Button("Pin", size="sm", min_width=60, elem_id="wish-pin")
                add = gr.Button("Add", size="sm", min_width=60, elem_id="wish-add")
                ban = gr.Button("Ban", size="sm", min_width=60, elem_id="wish-ban")
            settled = gr.Markdown("", elem_id="wish-status")
            provider = gr.Dropdown(
                [("whichever serves a model", ""), *((name, name) for name in sorted(known_providers()))],
                value="",
                label="Provider of hosted models",
                elem_id="provider",
            )
            provider.change(self.choose_provider, [provider, visit], visit, **_QUIET)
            clear = gr.Button("Clear all", size="sm", visible=False, elem_id="wish-clear")
            outputs = [settled, model, clear, visit]
            for button, handler in ((pin, self.pin), (add, self.add), (ban, self.ban)):
                button.click(handler, [task, model, visit], outputs, api_visibility="private")
            clear.click(self.clear, visit, outputs, **_QUIET)

    def choose_place(self, where: Where, visit: Visit | None) -> Visit:
        """Where this visitor's models may run."""
        visit = self._visit(visit)
        visit.place(where)
        return visit

    def choose_provider(self, provider: str, visit: Visit | None) -> Visit:
        """Who runs this visitor's hosted models."""
        visit = self._visit(visit)
        visit.wishes = visit.wishes.only(provider)
        return visit

    def choose_fetching(self, fetch: bool, visit: Visit | None) -> Visit:
        """Whether this visitor's requests may fetch models."""
        visit = self._visit(visit)
        visit.fetch = fetch
        return visit

    def use_token(self, token: str, visit: Visit | None) -> tuple[str, str, Visit]:
        """Keep the token in this tab's session and empty the box; an empty one forgets it."""
        visit = self._visit(visit)
        try:
            visit.token = checked_token(token or "")
        except HuggingGPTError as error:
            return str(error), "", visit
        return self._status(visit), "", visit

    async def pin(self, task: str, model: str, visit: Visit | None) -> tuple[str, Any, Any, Visit]:
        """Take that model for that task."""
        return await self._wish(visit, lambda wishes: wishes.pin(task, model or ""))

    async def add(self, task: str, model: str, visit: Visit | None) -> tuple[str, Any, Any, Visit]:
        """Offer that model for that task, too."""
        return await self._wish(visit, lambda wishes: wishes.add(task, model or ""))

    async def ban(self, _: str, model: str, visit: Visit | None) -> tuple[str, Any, Any, Visit]:
        """Never take that model."""
        return await self._wish(visit, lambda wishes: wishes.ban(model or ""))

    async def clear(self, visit: Visit | None) -> tuple[str, Any, Any, Visit]:
        """Forget what was pinned, added and banned."""
        return await self._wish(visit, lambda wishes: Wishes(where=wishes.where, provider=wishes.provider))

    async def _wish(self, visit: Visit | None, change: Callable[[Wishes], Wishes]) -> tuple[str, Any, Any, Visit]:
        """Change what is settled, as far as that can be done; what was typed stays in its box when it can't."""
        visit = self._visit(visit)
        try:
            await visit.settle(self._agent, change, self._shared)
        except HuggingGPTError as error:
            return f"{_settled(visit.wishes)}\n\n{escaped(str(error))}".strip(), gr.skip(), gr.skip(), visit
        wishes = visit.wishes
        some = bool(wishes.pinned or wishes.added or wishes.banned)
        return _settled(wishes), "", gr.update(visible=some), visit

    def _status(self, visit: Visit | None) -> str:
        if visit is not None and visit.hosted_token:
            return _OWN
        return _SHARED.format(calls=self._shared.per_hour) if self._shared else _NO_TOKEN


def _settled(wishes: Wishes) -> str:
    lines = [f"- {task}: {escaped(_shown(model))}, pinned" for task, model in wishes.pinned.items()]
    lines += [f"- {task}: {escaped(_shown(model))}, added" for task, model in wishes.added]
    return "\n".join([*lines, *(f"- {escaped(model)}, banned" for model in sorted(wishes.banned))])


def _shown(model: str) -> str:
    """An endpoint's address without its query, which may be secret."""
    return model.partition("?")[0]
