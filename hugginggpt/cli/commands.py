"""The terminal's commands besides requests: ``python -m hugginggpt tasks`` and ``python -m hugginggpt models``."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import functools
import itertools
import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.agent.factory import make_agent, make_session_experts
from hugginggpt.agent.model_preferences import choose_endpoint_task, make_visitor
from hugginggpt.cli.options import add_preference_options, read_preferences
from hugginggpt.core.errors import HuggingGPTError, RequestError
from hugginggpt.core.model_card import ModelCard
from hugginggpt.core.settings import SettingsError
from hugginggpt.core.tasks import TaskType, load_task_table
from hugginggpt.hub.cache import Checkpoint, scan_cache
from hugginggpt.hub.cache_faults import UnusableModel
from hugginggpt.hub.catalog import list_small_models
from hugginggpt.hub.client import HubAddresses
from hugginggpt.hub.download import create_downloader, format_size
from hugginggpt.hub.endpoints import list_endpoints
from hugginggpt.hub.tokens import read_environment_token
from hugginggpt.selection.ranking import Ranking

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_EXIT_DONE, _EXIT_FAILED, _EXIT_BAD_USAGE = 0, 1, 2
_PIPE_WIDTH: Final = 1_000  # rich would wrap lines at 80 columns where there is no terminal
_MAX_SHOWN_MODELS: Final = 2  # most models of a task that are named in a line


def run_command(argv: Sequence[str]) -> int:
    """Run ``tasks`` or ``models``; returns the exit code, as for a request."""
    args = _build_parser().parse_args(argv)
    try:
        return int(args.work(args))
    except (SettingsError, RequestError) as error:
        print(error, file=sys.stderr)
        return _EXIT_BAD_USAGE
    except HuggingGPTError as error:
        print(error, file=sys.stderr)
        return _EXIT_FAILED
    except KeyboardInterrupt:
        hint = "; what has been fetched is kept, and the same command goes on from there" if args.work is _run_pull else ""
        print(f"Stopped{hint}.", file=sys.stderr)
        return _EXIT_FAILED


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hugginggpt")
    commands = parser.add_subparsers(required=True)
    tasks = commands.add_parser("tasks", help="all tasks, and what can run each here and now")
    tasks.add_argument("--json", action="store_true", help="as JSON")
    tasks.set_defaults(work=_run_tasks)
    models = commands.add_parser("models", help="which models could do a task, where, and which one would be taken")
    models.add_argument("--task", metavar="T", help="that task alone")
    models.add_argument("--json", action="store_true", help="as JSON")
    add_preference_options(models)
    models.set_defaults(work=_run_models)
    subcommands = models.add_subparsers()  # not required: "models" alone ranks
    listing = subcommands.add_parser(
        "list", help="what the Hugging Face cache holds; with --task before it, what of that does the task"
    )
    listing.set_defaults(work=_run_list)
    endpoints = subcommands.add_parser("endpoints", help="your account's dedicated endpoints, as --pin and --add take them")
    endpoints.set_defaults(work=_run_endpoints)
    pull = subcommands.add_parser("pull", help="fetch a model, or a small one for a task")
    pull.add_argument("what", metavar="TASK|MODEL", help="a task's name, or the Hub's id of a model")
    pull.add_argument("--yes", action="store_true", help="do not ask before fetching")
    pull.set_defaults(work=_run_pull)
    return parser


COMMANDS: Final = frozenset({"tasks", "models"})
"""First words that are commands, and no requests."""


def _run_tasks(args: argparse.Namespace) -> int:
    ranked = make_agent().candidates()
    rows = [(row, ranked[row.name].cards if row.name in ranked else ()) for row in load_task_table().values()]
    if args.json:
        print(json.dumps([_task_as_json(row, cards) for row, cards in rows], indent=2, ensure_ascii=False))
        return _EXIT_DONE
    for family, members in itertools.groupby(rows, lambda pair: pair[0].family):  # the table is in families already
        print(f"\n{family}")
        _print_table(("", row.name, _format_signature(row), _format_models(row, cards)) for row, cards in members)
    ready = sum(bool(cards) for _, cards in rows)
    print(f"\n{ready} of {len(rows)} tasks can run here and now.")
    return _EXIT_DONE


def _task_as_json(row: TaskType, cards: Sequence[ModelCard]) -> dict[str, Any]:
    return {
        "task": row.name,
        "family": row.family,
        "inputs": [{"name": i.name, "kind": i.kind.value, "required": i.required} for i in row.inputs],
        "outputs": [kind.value for kind in row.outputs],
        "pipeline_tag": row.pipeline_tag,
        "when": row.when,
        "runnable": bool(cards),
        "models": [{"id": c.id, "backend": c.backend, "license": c.license, "size_mb": c.size_mb} for c in cards],
    }


def _format_signature(row: TaskType) -> str:
    arguments = ", ".join(f"{i.name}{'' if i.required else '?'}" for i in row.inputs)
    return f"{arguments} → {', '.join(kind.value for kind in row.outputs)}"


def _format_models(row: TaskType, cards: Sequence[ModelCard]) -> str:
    if cards:
        more = f" and {len(cards) - _MAX_SHOWN_MODELS} more" if len(cards) > _MAX_SHOWN_MODELS else ""
        return ", ".join(f"{card.id} ({card.backend})" for card in cards[:_MAX_SHOWN_MODELS]) + more
    return f"nothing yet: models pull {row.name}" if row.name in list_small_models() else "nothing yet"


def _run_models(args: argparse.Namespace) -> int:
    agent, table = make_agent(), load_task_table()
    task = _parse_task(args)
    choices = read_preferences(args, agent.settings)
    visitor = asyncio.run(make_visitor(agent, read_environment_token(), choices))
    extra = make_session_experts(agent, None, visitor=visitor)
    ranked = agent.candidates(extra, {task} if task else set(table), choices.to_ranking())
    rankings = {name: ranked.get(name, Ranking(())) for name in ([task] if task else table)}
    if args.json:
        print(json.dumps([_ranking_as_json(*each) for each in rankings.items()], indent=2, ensure_ascii=False))
    else:
        print("\n\n".join(_format_ranking(*each) for each in rankings.items()))
    return _EXIT_DONE


def _parse_task(args: argparse.Namespace) -> str | None:
    """Return the task that --task names; None without that option, which means all tasks.

    Raises:
        RequestError: There is no such task.
    """
    if args.task is None:
        return None
    if (task := load_task_table().recognise(args.task)) is None:
        raise RequestError(f"“{args.task}” is no task: “python -m hugginggpt tasks” lists them.")
    return task


def _ranking_as_json(task: str, ranking: Ranking) -> dict[str, Any]:
    return {
        "task": task,
        "candidates": [
            {
                "id": card.id,
                "where": card.ref.location,
                "downloads": card.downloads,
                "likes": card.likes,
                "size_mb": card.size_mb,
                "license": card.license,
                "languages": list(card.languages),
                "gated": card.gated,
                "source": card.source,
                "description": card.description,
            }
            for card in ranking.cards
        ],
        "reason": ranking.reason,
        "left_out": list(ranking.left_out),
    }


def _format_ranking(task: str, ranking: Ranking) -> str:
    lines = [task]
    for place, card in enumerate(ranking.cards):
        downloads = f"{card.downloads:,} downloads" if card.downloads else ""
        size = format_size(round(card.size_mb * 1e6)) if card.size_mb else ""
        facts = ", ".join(filter(None, (card.ref.location, size, card.license, "/".join(card.languages[:5]), downloads)))
        lines.append(f"  {'→' if not place else ' '} {card.id} ({facts})")
        if not place:
            lines.append(f"      {ranking.reason}")
    sources = dict.fromkeys(card.source for card in ranking.cards if card.source and card.source != "you")
    lines += [f"    Hosted models: {source}." for source in sources]
    if not ranking.cards:
        lines.append(f"    nothing yet{f': models pull {task}' if task in list_small_models() else ''}")
    return "\n".join([*lines, *(f"    left out: {why}" for why in ranking.left_out)])


def _run_list(args: argparse.Namespace) -> int:
    entries = scan_cache()
    agent, task = make_agent(), _parse_task(args)
    local = agent.expert("local") if entries else None  # asking it takes seconds
    faults = agent.list_unusable() if local else [entry for entry in entries if isinstance(entry, UnusableModel)]
    unusable = {fault.id for fault in faults}
    checkpoints = [entry for entry in entries if isinstance(entry, Checkpoint) and entry.id not in unusable]
    if task:
        capable = {card.id for card in (local.cards({task}) if local else ()) if card.task == task}  # cards() may give more
        checkpoints = [checkpoint for checkpoint in checkpoints if checkpoint.id in capable]
    _print_table((checkpoint.id, format_size(checkpoint.size), checkpoint.architecture) for checkpoint in checkpoints)
    if not checkpoints:  # stdout stays empty: a script counts its lines
        wanted, pulled = (f" for {task}", task) if task else ("", "TASK")
        print(f"No model{wanted} in the cache yet: “python -m hugginggpt models pull {pulled}” fetches one.", file=sys.stderr)
    if faults and not task:  # which task they would do isn't known of most
        print("\nIn the cache, and can't be used:")
        _print_table((fault.id, fault.sentence) for fault in faults)
    return _EXIT_DONE


def _run_endpoints(args: argparse.Namespace) -> int:
    if not (token := read_environment_token()):
        raise RequestError("Endpoints are listed for an account: set HF_TOKEN to a token of yours.")
    settings = make_agent().settings
    found = asyncio.run(list_endpoints(token, HubAddresses(settings.hub, settings.router, settings.endpoints)))
    rows = [(each, f"{choose_endpoint_task(each) or 'TASK'}={each.url}" if each.url else "") for each in found]
    if args.json:
        print(json.dumps([dataclasses.asdict(each) | {"pin": pin} for each, pin in rows], indent=2, ensure_ascii=False))
    else:
        _print_table((each.name, each.model, each.task, each.state, pin) for each, pin in rows)
    return _EXIT_DONE


def _run_pull(args: argparse.Namespace) -> int:
    task = load_task_table().recognise(args.what) if "/" not in args.what else None
    if "/" not in args.what and task not in list_small_models():
        print(f"“{args.what}” is no task that a model is known for, and no model's id (like owner/name).", file=sys.stderr)
        return _EXIT_BAD_USAGE
    source = create_downloader()
    downloads = [source.look_up(model) for model in (list_small_models()[task] if task else (args.what,))]
    for download in downloads:
        status = f"{format_size(download.size)} to fetch" if download.files else "all of it is here"
        print(f"{download.id}: {status}", file=sys.stderr)
    missing = [download for download in downloads if download.files]
    if not missing:
        return _EXIT_DONE
    if not args.yes and not _confirm():
        return _EXIT_FAILED
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn  # late: seldom needed

    columns = (TextColumn("{task.description}:"), DownloadColumn(), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:  # stdout is for results
        for download in missing:
            bar = progress.add_task(download.id, total=download.size)
            source.fetch(download, functools.partial(_update_bar, progress, bar))
    return _EXIT_DONE


def _update_bar(progress: Progress, bar: TaskID, done: int) -> None:
    progress.update(bar, completed=done)


def _confirm() -> bool:
    """Ask before fetching; without a terminal nobody can answer, so the command itself is the consent."""
    if not sys.stdin.isatty():
        return True
    print("Fetch it? [Y/n] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in {"", "y", "yes"}


def _print_table(rows: Iterable[Sequence[str]]) -> None:
    """Print rows in columns: a terminal gets lines that fit, a pipe lines of any length."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for row in rows:
        table.add_row(*map(Text, row))  # as plain text: brackets in a model's name are no markup
    if table.row_count:
        Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH).print(table)
