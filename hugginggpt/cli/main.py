"""The same agent in a terminal: ``python -m hugginggpt "Read this image for me, aloud" demos/media/invoice.png``."""

import argparse
import asyncio
import json
import logging
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import cast

from hugginggpt.agent.agent import HuggingGPT, Session
from hugginggpt.agent.factory import make_agent, make_controller, make_language_model, make_session_experts
from hugginggpt.agent.model_preferences import make_visitor
from hugginggpt.cli.commands import COMMANDS, run_command
from hugginggpt.cli.options import add_preference_options, read_preferences
from hugginggpt.core.errors import HuggingGPTError, RequestError, StoppedError
from hugginggpt.core.events import (
    Answered,
    AttemptFailed,
    Event,
    ModelSelected,
    Notice,
    Planned,
    RequestDone,
    RequestFailed,
    RequestProgress,
    TaskDone,
    TaskFailed,
    TaskPlanned,
    TaskProgress,
    TaskSkipped,
    TaskStarted,
)
from hugginggpt.core.resources import Resource
from hugginggpt.core.settings import SettingsError
from hugginggpt.core.trace import describe_cost, format_duration, trace_json
from hugginggpt.hub.tokens import read_environment_token
from hugginggpt.llm.client import LanguageModel

_SECONDS_BETWEEN_PROGRESS = 1.0  # a model may report many times a second

EXIT_ANSWERED, EXIT_FAILED, EXIT_BAD_USAGE = 0, 1, 2
"""Exit codes."""


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m hugginggpt",
        description="Ask for something in plain language, with pictures, sound or video.",
        epilog="A language model plans when OPENAI_API_KEY is set (OPENAI_BASE_URL and OPENAI_MODEL choose which); "
        "without it the built-in planner does. With HF_TOKEN, models that are not here run at Hugging Face's inference "
        "providers. Two first words are commands: `tasks` shows what can be done here, `models` which models could do it.",
    )
    parser.add_argument("request", help="what you want, in a sentence")
    parser.add_argument("files", nargs="*", help="pictures, recordings, videos, texts, tables, documents (PDF, Word, Excel …)")
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--plan", action="store_true", help="print the plan alone, as JSON")
    shape.add_argument("--json", action="store_true", help="print the whole trace as JSON")
    parser.add_argument("--out", type=Path, metavar="DIR", help="save what is made there (default: a new temporary folder)")
    parser.add_argument("--offline", action="store_true", help="use the built-in planner even if a key is set")
    parser.add_argument("--look", action="store_true", help="show the pictures to the language model before it plans")
    parser.add_argument("--no-text-work", action="store_true", help="have models do text tasks that it would do itself")
    add_preference_options(parser)
    parser.add_argument("-v", "--verbose", action="store_true", help="tell more on stderr")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one request, or one of the commands of commands.py; returns the exit code."""
    argv = sys.argv[1:] if argv is None else argv
    if argv and argv[0] in COMMANDS:  # not a subparser: any other first word is a request
        return _survive_broken_pipe(lambda: run_command(argv))
    args = _build_parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO if args.verbose else logging.CRITICAL, stream=sys.stderr)
    if refusal := _check_arguments(args):
        print(refusal, file=sys.stderr)
        return EXIT_BAD_USAGE
    return _survive_broken_pipe(lambda: _run_request(args))


def _survive_broken_pipe(work: Callable[[], int]) -> int:
    try:
        code = work()
        sys.stdout.flush()  # here, where a broken pipe can be caught
    except BrokenPipeError:  # whoever reads (head, true) wants no more
        _discard_output()
        return EXIT_FAILED
    return code


def _run_request(args: argparse.Namespace) -> int:
    environment = {} if args.offline else os.environ  # no key, so the built-in planner
    model = make_language_model(
        key=environment.get("OPENAI_API_KEY", ""),
        base_url=environment.get("OPENAI_BASE_URL", ""),
        model=environment.get("OPENAI_MODEL", ""),
    )
    try:
        return asyncio.run(_run_in_session(make_agent(), model, args))
    except SettingsError as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_USAGE
    except (KeyboardInterrupt, asyncio.CancelledError, StoppedError):  # CancelledError: a signal
        with suppress(OSError):  # after SIGHUP the terminal is gone
            print("Stopped.", file=sys.stderr, flush=True)
        return EXIT_FAILED


def _check_arguments(args: argparse.Namespace) -> str:
    """Return the reason for which arguments can't be used; empty when they can."""
    for file in args.files:
        if re.match("https?://", file, re.IGNORECASE):
            return f"Put the address into the request: “{args.request} {file}”."
        if not os.path.isfile(file):  # Path.is_file raises where a name is too long
            return f"There is no file “{file}”."
    if args.out and (refusal := _check_folder(args.out)):
        return f"--out: {refusal}"
    return ""


def _discard_output() -> None:
    """Discard buffered output, or Python would flush it into the closed pipe as it ends, and fail once more."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(devnull, stream.fileno())
    os.close(devnull)


def _check_folder(folder: Path) -> str:
    """Return the reason for which a folder can't be written to, before there is output for it; empty when it can."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        return f"{folder} is a file, not a folder."
    except OSError as error:
        return f"{folder} can't be made ({error.strerror})."
    return "" if os.access(folder, os.W_OK) else f"nothing may be written into {folder}."


@contextmanager
def _cancel_on_signals() -> Iterator[None]:
    """Turn the signals that end a terminal or a service into cancellation, as asyncio does with Ctrl-C."""
    task, loop = cast("asyncio.Task[int]", asyncio.current_task()), asyncio.get_running_loop()
    signals = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    signals = [number for number in signals if signal.getsignal(number) is not signal.SIG_IGN]  # nohup
    with suppress(NotImplementedError):  # Windows
        for number in signals:
            loop.add_signal_handler(number, task.cancel)
    try:
        yield
    finally:
        with suppress(NotImplementedError):
            for number in signals:
                loop.remove_signal_handler(number)  # a program that calls main() must not keep them


async def _run_in_session(agent: HuggingGPT, model: LanguageModel | None, args: argparse.Namespace) -> int:
    with _cancel_on_signals():
        session = agent.new_session()  # inside: a signal must not leave its folder behind
        try:
            return await _run(agent, session, model, args)
        finally:
            session.close()  # its files go, whatever ended the run


async def _run(agent: HuggingGPT, session: Session, model: LanguageModel | None, args: argparse.Namespace) -> int:
    try:
        choices = read_preferences(args, agent.settings)
    except RequestError as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_USAGE
    if model is not None and model.base_url == f"{agent.settings.router.rstrip('/')}/v1":
        model = replace(model, bill_to=choices.bill_to)
    controller = make_controller(model, show_images=args.look)
    files = [Path(file) for file in args.files]
    try:
        attached = [await asyncio.to_thread(session.workspace.add_file, file) for file in files]
        if args.plan:
            plan = await agent.plan(args.request, session, controller, attached)
            for note in plan.notes:
                print(note, file=sys.stderr)
            print(json.dumps(plan.as_json(), ensure_ascii=False, indent=2))
            return EXIT_ANSWERED
    except HuggingGPTError as error:
        print(error, file=sys.stderr)
        return EXIT_FAILED
    try:
        visitor = await make_visitor(agent, "" if args.offline else read_environment_token(), choices)
    except HuggingGPTError as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_USAGE if isinstance(error, RequestError) else EXIT_FAILED
    extra = make_session_experts(agent, None if args.no_text_work else model, visitor=visitor)
    events: list[Event] = []
    last_progress = 0.0  # by `time.monotonic`; 0: none yet, so that a long wait is told as it begins
    async for event in agent.run(args.request, session, controller, attached, extra=extra, preferences=choices.to_ranking()):
        events.append(event)
        if isinstance(event, TaskProgress | RequestProgress):
            if time.monotonic() - last_progress < _SECONDS_BETWEEN_PROGRESS:
                continue
            last_progress = time.monotonic()
        if line := format_progress_line(event):
            print(line, file=sys.stderr)  # stdout is for the answer
    outputs = [resource for event in events if isinstance(event, TaskDone) for resource in event.outputs]
    sources = {resource.name: file for resource, file in zip(attached, files, strict=True)}
    _print_result(events, sources, _save_outputs(outputs, args.out), args)
    return EXIT_ANSWERED if any(isinstance(e, Answered) and e.complete for e in events) else EXIT_FAILED


def _print_result(events: Sequence[Event], sources: dict[str, Path], saved: dict[str, Path], args: argparse.Namespace) -> None:
    if args.json:
        trace = trace_json(events)
        for resource in trace["resources"]:
            if "path" in resource:  # the session's own folder is gone when this is read
                resource["path"] = str((sources | saved).get(resource["name"], resource["path"]))
        print(json.dumps(trace, ensure_ascii=False, indent=2))
        return
    print(render_plain_text(next((e.answer for e in events if isinstance(e, Answered)), "")))
    for name, path in saved.items():
        print(f"{name}: {path}")


def render_plain_text(markdown: str) -> str:
    """Return an answer as a terminal shows it: without the marks of titles and notes, and those before quoted marks."""
    markdown = re.sub(r"^(\*\*|_)(?=\S)(.*\S)\1$", r"\2", markdown, flags=re.MULTILINE)
    return re.sub(r"\\([\\`*_{}\[\]<>#|~])", r"\1", re.sub(r"[ ]+$", "", markdown, flags=re.MULTILINE))


def format_progress_line(event: Event) -> str | None:
    """Return one line of progress for the events that a person watching a terminal wants to see."""
    match event:
        case TaskPlanned(task=task):
            return f"[{task.id}] {task.task}"
        case Planned(plan=plan, seconds=seconds):
            steps = ", ".join(task.task for task in plan.tasks) or "nothing to run"
            because = [f"  because: {event.because}"] if event.because else []
            notes = [f"  {note}" for note in plan.notes]
            return "\n".join([f"planned in {format_duration(seconds)}: {steps}", *because, *notes])
        case ModelSelected():
            source = f" (candidates: {event.source})" if event.source and event.source != "you" else ""
            return f"[{event.task_id}] {event.model.id} ({event.model.location}): {event.reason}{source}"
        case TaskStarted():
            return f"[{event.task_id}] running on {event.model.id}"
        case RequestProgress():
            return event.message
        case TaskProgress():
            return f"[{event.task_id}] {event.message}"
        case AttemptFailed():
            return f"[{event.task_id}] {event.model.id} ({event.model.location}) failed, trying the next: {event.error}"
        case TaskDone():
            names = ", ".join(resource.name for resource in event.outputs)
            return f"[{event.task_id}] done in {format_duration(event.seconds)}: {names}"
        case TaskFailed():
            return f"[{event.task_id}] failed: {event.error}"
        case TaskSkipped():
            return f"[{event.task_id}] {event.error}"
        case RequestDone(usage=usage) if usage:
            return "\n".join(f"  {describe_cost(stage)}" for stage in usage)
        case Notice(message=message) | RequestFailed(error=message):
            return message
        case _:
            return None


def _save_outputs(resources: Sequence[Resource], folder: Path | None) -> dict[str, Path]:
    """Copy what was made into `folder` under the resources' names; without one, files alone into a new temporary folder."""
    files = [resource for resource in resources if resource.path is not None]
    if folder is None:
        if not files:
            return {}
        folder, resources = Path(tempfile.mkdtemp(prefix="hugginggpt-out-")), files
    folder.mkdir(parents=True, exist_ok=True)
    saved = {}
    for resource in resources:
        if resource.path is not None:
            target = folder / f"{resource.name}{resource.path.suffix}"
            shutil.copyfile(resource.path, target)
        else:
            target = folder / f"{resource.name}.txt"
            target.write_text(f"{resource.text}\n", encoding="utf-8")
        saved[resource.name] = target
    return saved
