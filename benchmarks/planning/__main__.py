"""Measures planning: ``python -m benchmarks.planning --data FILE --controller offline|llm``."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.planning.chart import draw
from benchmarks.planning.items import BenchmarkError, Data, Item
from benchmarks.planning.labelled import read_labelled
from benchmarks.planning.metrics import ALL, Answered, by_shape
from benchmarks.planning.results import Header, Results, planner_version
from benchmarks.planning.runs import plan_all
from benchmarks.planning.table import table, unknown_tools
from benchmarks.planning.taskbench import BESIDE, PUBLISHED, read_taskbench
from hugginggpt.controllers.base import Controller, PlanRequest
from hugginggpt.controllers.llm.controller import LLMController
from hugginggpt.controllers.rules.controller import RulesController
from hugginggpt.llm.client import DEFAULT_MODEL, LanguageModel
from hugginggpt.llm.connection import OPENAI_URL

DONE, EXIT_FAILED, EXIT_BAD_USAGE = 0, 1, 2
"""Exit codes."""

_UNSEEN: Final = Path(__file__).resolve().parent.parent / "requests" / "unseen.yaml"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.planning",
        description="Plan the requests of a file and compare with the right plans, as TaskBench and the HuggingGPT paper do.",
        epilog="What is done is kept: the same command goes on where it stopped. The key is read from OPENAI_API_KEY.",
    )
    add = parser.add_argument
    add("--data", type=Path, default=_UNSEEN, metavar="FILE", help="our YAML or TaskBench's JSON lines (default: unseen.yaml)")
    add("--controller", choices=("offline", "llm"), default="offline", help="who plans (default: offline)")
    add("--model", metavar="M", help=f"with llm: the model's name (default: OPENAI_MODEL, else {DEFAULT_MODEL})")
    add("--base-url", metavar="U", help="with llm: an OpenAI-compatible server (default: OPENAI_BASE_URL, else OpenAI)")
    add("--seconds", type=float, default=120.0, metavar="S", help="with llm: time for one reply (default: 120)")
    add(
        "--parallel",
        type=_positive,
        default=1,
        metavar="N",
        help="with llm: requests at a time (default: 1); times are then those under load",
    )
    add("--limit", type=_positive, metavar="N", help="only the first N requests")
    add("--out", type=Path, default=Path("out/planning"), metavar="DIR", help="where results go (default: out/planning)")
    add("--results", type=Path, metavar="FILE", help="results file (default: in --out, named after what is measured)")
    add("--chart", type=Path, metavar="FILE", help="bar chart, PNG (default: beside the results)")
    add("--beside", choices=tuple(PUBLISHED), help="show TaskBench's published figures for that domain (its own files only)")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit code."""
    args = _parser().parse_args(argv)
    try:
        data = read(args.data)
        _check(args, data)
        controller, header = _controller(args)
        results = Results.open(args.results or args.out / f"{_slug(args.data, header)}.jsonl", header, data.items)
    except BenchmarkError as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_USAGE
    items = data.items[: args.limit]
    failed, stopped = 0, ""
    try:
        failed = asyncio.run(_plan(controller, items, results, args.parallel))
    except KeyboardInterrupt:
        kept = sum(item.id in results.done for item in items)
        stopped = f"Stopped: {kept} of {len(items)} are kept in {results.path}; the same command goes on there."
    except BenchmarkError as error:
        stopped = str(error)
    answered = [(item, results.done[item.id]) for item in items if item.id in results.done]
    try:
        if answered:
            _show(answered, data, header, args.chart or results.path.with_suffix(".png"), args.beside)
    except OSError as error:
        stopped = stopped or f"The chart can't be saved ({error.strerror}): name another --chart."
    if failed and not stopped:
        stopped = f"{failed} of {len(items)} failed at the server and are not counted: run it again to try them again."
    if stopped:
        print(stopped, file=sys.stderr)
    return EXIT_FAILED if stopped else DONE


def read(path: Path) -> Data:
    """The requests of a file, ours (YAML) or TaskBench's (JSON lines).

    Raises:
        BenchmarkError: There is no such file, it is empty, or it is in another form.
    """
    try:
        data = read_labelled(path) if path.suffix in {".yaml", ".yml"} else read_taskbench(path)
    except OSError as error:
        raise BenchmarkError(f"{path} can't be read ({error.strerror}).") from error
    if not data.items:
        raise BenchmarkError(f"{path} holds no requests.")
    return data


def _check(args: argparse.Namespace, data: Data) -> None:
    """What is asked for belongs together."""
    if args.beside and data.form != "taskbench":
        raise BenchmarkError(f"--beside is for TaskBench's own files, and {data.name} is none: leave it out.")
    if args.controller == "offline" and (args.model or args.base_url or args.parallel > 1):
        raise BenchmarkError("--model, --base-url and --parallel are for a language model: add --controller llm.")


def _controller(args: argparse.Namespace) -> tuple[Controller, Header]:
    version = planner_version()
    if args.controller == "offline":
        return RulesController(), Header(args.data.name, "offline", version=version)
    base_url = (args.base_url or os.environ.get("OPENAI_BASE_URL") or OPENAI_URL).strip().rstrip("/")
    key = os.environ.get("OPENAI_API_KEY", "").strip()
    if not key and base_url == OPENAI_URL:
        raise BenchmarkError("OpenAI wants a key: set OPENAI_API_KEY, or name another server with --base-url.")
    name = (args.model or os.environ.get("OPENAI_MODEL") or DEFAULT_MODEL).strip()
    model = LanguageModel(name, base_url, key, seconds=args.seconds)
    return LLMController(model), Header(args.data.name, "llm", name, model.server, version)


def _slug(data: Path, header: Header) -> str:
    """A file name made of what is measured; TaskBench's files are all called data.json, their folders tell them apart."""
    parts = (data.resolve().parent.name, data.stem, header.controller, header.model, header.version)
    return re.sub(r"[^\w.-]+", "-", "-".join(filter(None, parts)))


async def _plan(controller: Controller, items: Sequence[Item], results: Results, parallel: int) -> int:
    """Plan what is not planned yet, after what would count as the first request's time alone."""
    if isinstance(controller, RulesController):
        async for _ in controller.plan(PlanRequest("say hello aloud")):
            pass  # has read its tables now
    else:
        import openai  # noqa: F401 (a second, once a process)
    return await plan_all(controller, items, results, parallel=parallel)


def _show(answered: Sequence[Answered], data: Data, header: Header, chart: Path, beside: str | None) -> None:
    scores = by_shape(answered)
    published = PUBLISHED.get(beside or "", ()) if scores[ALL].exact is not None else ()
    subject = f"{data.name}: {len(answered):,} of {len(data.items):,} requests planned by {header.title}"
    print(subject, table(scores, published), sep="\n\n")
    for note in filter(None, (unknown_tools(data), BESIDE if published else "")):
        print(f"\n{note}")
    chart.parent.mkdir(parents=True, exist_ok=True)
    draw(scores, chart, title=subject, published=published)
    print(f"\nChart: {chart}")


if __name__ == "__main__":
    sys.exit(main())
