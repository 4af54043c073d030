"""Report of a run as one HTML file: request, answer, plan, steps and media; no script, nothing fetched, everything escaped."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

from hugginggpt.core.events import Answered, ModelRef, Notice, Planned, RequestDone, RequestFailed, RequestStarted, Step, Usage
from hugginggpt.core.markdown import shorten
from hugginggpt.core.model_card import BACKENDS
from hugginggpt.core.recording import Recording
from hugginggpt.core.resources import Resource
from hugginggpt.core.tasks import TaskTable, load_task_table
from hugginggpt.core.trace import answer_text, fold_steps, format_cost, format_duration
from hugginggpt.ui.assets import load_style
from hugginggpt.ui.export.html_media import Figures, cut_text
from hugginggpt.ui.export.json_codec import encode
from hugginggpt.ui.export.queries import find_first, list_resources
from hugginggpt.ui.i18n import Words
from hugginggpt.ui.markup import draw_code, link_model, link_words, render_markdown

_POLICY: Final = (
    "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)
_MAX_HEADING_CHARS: Final = 200
"""A longer request, in characters, has its beginning as the heading and stands below it as a whole."""
_MAX_TITLE_CHARS: Final = 70
_MAX_ARG_CHARS: Final = 400


def build_report(recording: Recording, words: Words = Words(), *, table: TaskTable | None = None) -> str:  # noqa: B008 - frozen
    """Return the run as one HTML file, to be written as UTF-8; it holds no path and needs nothing beside it.

    Args:
        recording: The run, whole or as far as it has come.
        words: The visitor's language.
        table: The task types; by default the shipped ones.
    """
    page = _Page(recording, words, table or load_task_table()).render()
    return page.encode("utf-8", "replace").decode("utf-8")  # half a surrogate pair can't be written to a file


@dataclass
class _Page:
    """Writer of one page, section by section."""

    recording: Recording
    words: Words
    table: TaskTable

    def __post_init__(self) -> None:
        events = self.recording.events
        self.started = find_first(events, RequestStarted) or RequestStarted("", (), "")  # a refused request has none
        self.done = find_first(events, RequestDone)
        self.steps = fold_steps(events)
        self.links: Mapping[str, str] = {resource.name: f"#{resource.name}" for resource in list_resources(events)}
        self.figures = Figures(self.words)

    def render(self) -> str:
        title = shorten(" ".join(self.started.request.split()), _MAX_TITLE_CHARS) or "HuggingGPT"  # a title has one line
        main = f"{self._draw_files('files given', self.started.resources)}{self._draw_answer()}{self._draw_results()}"
        footer = self._translate("share.footer")
        return (
            f'<!doctype html>\n<html lang="{self.words.language}">\n<head>\n<meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'  # a file has no headers
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
            f"<title>{escape(title)} · HuggingGPT</title>\n<style>\n{_load_styles()}\n</style>\n</head>\n<body>\n<main>\n"
            f'{self._draw_header()}\n<div class="columns">\n<div class="told">\n{main}</div>\n'
            f'<div class="side">\n{self._draw_plan()}</div>\n'
            f'<div class="told">\n{self._draw_steps()}{self._draw_usage()}</div>\n'
            f"</div>\n</main>\n<footer>{footer}</footer>\n</body>\n</html>\n"
        )

    def _translate(self, key: str, **values: object) -> str:
        return escape(self.words(key, **values))

    def _draw_section(self, key: str, content: str) -> str:
        return f"<section><h2>{self._translate(key)}</h2>{content}</section>\n"

    def _draw_facts(self, facts: Sequence[tuple[str, str]]) -> str:
        """Return a list of facts: pairs of a phrase's key and HTML; a fact that is empty is left out."""
        rows = "".join(f"<dt>{self._translate(key)}</dt><dd>{value}</dd>" for key, value in facts if value)
        return f"<dl>{rows}</dl>" if rows else ""

    def _link(self, text: str) -> str:
        return link_words(text, self.links)

    def _draw_header(self) -> str:
        request = self.started.request
        heading = shorten(request, _MAX_HEADING_CHARS)
        rest = f'<p class="request">{escape(request)}</p>' if heading != request else ""
        controller = self.started.controller
        about = [self._translate("share.planned_by", controller=controller)] if controller else []
        about += [self._translate("share.took", time=format_duration(self.done.seconds))] if self.done else []
        return (
            f'<header><p class="brand">HuggingGPT</p><h1>{escape(heading)}</h1>{rest}'
            f'<p class="about">{" · ".join(about)}</p></header>'
        )

    def _draw_files(self, classes: str, resources: Sequence[Resource]) -> str:
        shown = "".join(self.figures.draw(resource) for resource in resources)
        key = "share.files" if "given" in classes else "share.results"
        return self._draw_section(key, f'<div class="{classes}">{shown}</div>') if shown else ""

    def _draw_answer(self) -> str:
        events = self.recording.events
        answer = answer_text(events)
        prose = f'<div class="prose answer">{render_markdown(answer, self.links)}</div>' if answer else ""
        notices = [self._link(event.message) for event in events if isinstance(event, Notice)]
        ended = find_first(events, Answered)
        notices += [self._translate("share.no_answer")] if not answer else []
        notices += [self._translate("share.incomplete")] if ended and not ended.complete else []
        notices += [self._translate("share.stopped")] if self.recording.stopped else []
        lines = "".join(f'<p class="sentence">{notice}</p>' for notice in notices)
        failed = find_first(events, RequestFailed)
        lines += f'<p class="sentence wrong">{escape(failed.error)}</p>' if failed else ""
        return self._draw_section("share.answer", f"{prose}{lines}")

    def _draw_results(self) -> str:
        """Return the section of what was made or fetched; texts that were made stand with their steps."""
        attached = {resource.name for resource in self.started.resources}
        found = [r for r in list_resources(self.recording.events) if r.name not in attached]
        return self._draw_files("files", [r for r in found if r.text is None or r.origin.source != "task"])

    def _draw_plan(self) -> str:
        from hugginggpt.ui.run_panel.plan_graph import draw_plan

        if not self.steps:
            return ""
        plans = [event for event in self.recording.events if isinstance(event, Planned)]
        notes = dict.fromkeys(note for planned in plans for note in planned.plan.notes)  # a replan repeats notes
        facts = [("share.repaired", self._link(note)) for note in notes]
        facts += [("share.replanned", self._link(planned.because)) for planned in plans[1:]]
        return self._draw_section("share.plan", f"{draw_plan(self.steps, self.table, self.words)}{self._draw_facts(facts)}")

    def _draw_steps(self) -> str:
        items = "".join(self._draw_step(step) for step in self.steps)
        return self._draw_section("share.steps", f'<ol class="steps">{items}</ol>') if items else ""

    def _draw_step(self, step: Step) -> str:
        status = f'<span class="status {step.status}">{self._translate(_STATUS[step.status])}</span>'
        seconds = f'<span class="seconds">{format_duration(step.seconds)}</span>' if step.seconds else ""
        model = f"{link_model(step.model)} · {escape(self._describe_place(step.model))}" if step.model else ""
        facts = [("share.model", model), ("share.why", self._link(step.reason)), ("share.input", self._draw_inputs(step))]
        facts += [("share.tried", f"{link_model(each.model)}: {self._link(each.error)}") for each in step.attempts]
        facts += [("share.result", self._draw_result(resource)) for resource in step.outputs]
        facts += [("share.note", self._link(step.note))]
        facts += [("share.error", f'<span class="wrong">{self._link(step.error)}</span>' if step.error else "")]
        title = f"{step.task.id} · {escape(step.task.task)}"
        return f"<li><header><h3>{title}</h3>{status}{seconds}</header>{self._draw_facts(facts)}</li>\n"

    def _describe_place(self, model: ModelRef) -> str:
        if model.provider:
            return self.words("share.where_provider", provider=model.provider)
        key = f"share.where_{model.backend}"
        return self.words(key) if model.backend in BACKENDS else model.backend

    def _draw_inputs(self, step: Step) -> str:
        values = {name: value if isinstance(value, str) else ", ".join(value) for name, value in step.task.args.items()}
        return "<br>".join(f"{escape(name)} = {self._link(shorten(value, _MAX_ARG_CHARS))}" for name, value in values.items())

    def _draw_result(self, resource: Resource) -> str:
        details = self._draw_data(resource) if resource.data else ""
        name = escape(resource.name)
        if resource.text is None:
            about = f", {escape(resource.measure)}" if resource.measure else ""
            return f'<a href="#{name}">{name}</a>{about}{details}'
        text = f'<blockquote class="said" tabindex="0">{escape(cut_text(resource.text))}</blockquote>'
        return f'<div id="{name}"><strong>{name}</strong>{text}{details}</div>'

    def _draw_data(self, resource: Resource) -> str:
        data = cut_text(json.dumps(encode(resource.data), ensure_ascii=False, indent=1))  # no NaN, which JSON lacks
        summary = self._translate("share.data", name=resource.name)
        return f"<details><summary>{summary}</summary>{draw_code(data)}</details>"

    def _draw_usage(self) -> str:
        usages = self.done.usage if self.done else ()
        if not usages:
            return ""
        head = _draw_cells("th", [self.words(key) for key in _USAGE_COLUMNS])
        body = "".join(f"<tr>{_draw_cells('td', self._format_usage(usage))}</tr>" for usage in usages)
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        return self._draw_section("share.usage", f'<div class="scroll" tabindex="0">{table}</div>')

    def _format_usage(self, usage: Usage) -> Sequence[str]:
        stage = self.words(f"share.stage_{usage.stage}")
        tokens = f"{usage.prompt_tokens:,}", f"{usage.completion_tokens:,}"
        cost = "" if usage.cost is None else format_cost(usage.cost)
        if cost and usage.estimated:
            cost = self.words("share.list_price", cost=cost)
        return stage, f"{usage.calls:,}", *tokens, format_duration(usage.seconds), cost


_STATUS: Final = {status: f"share.status_{status}" for status in ("pending", "running", "done", "failed", "skipped")}
_USAGE_COLUMNS: Final = ("share.stage", "share.calls", "share.tokens_in", "share.tokens_out", "share.time", "share.cost")


def _draw_cells(tag: str, cells: Sequence[str]) -> str:
    """Return a row of a table of numbers; its first cell is a name."""
    scope = ' scope="col"' if tag == "th" else ""
    numeric = ["", *[' class="number"'] * len(cells)]  # one more than needed: zip stops in time
    return "".join(f"<{tag}{scope}{n}>{escape(cell)}</{tag}>" for cell, n in zip(cells, numeric, strict=False))


def _load_styles() -> str:
    from hugginggpt.ui.run_panel import plan_graph

    return f"{plan_graph.STYLE}\n{load_style('code')}\n{Path(__file__).with_name('page.css').read_text(encoding='utf-8')}"
