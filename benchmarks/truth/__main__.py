"""Measure the truth of answers: ``python -m benchmarks.truth [PART …] [--show]``.

It shows what the thresholds of ``experts/bundled/`` (``image_classification.py``, ``speech_confidence.py``,
``text_certainty.py``) are worth.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.truth.files import make_file
from benchmarks.truth.grading import VERDICTS, Reply, Verdict, judge
from benchmarks.truth.questions import Question, list_parts, read_scenes
from hugginggpt.agent.agent import HuggingGPT
from hugginggpt.agent.factory import make_agent, make_controller
from hugginggpt.controllers.context import Session
from hugginggpt.core.errors import HuggingGPTError
from hugginggpt.core.events import Answered, Event, RequestFailed, Step
from hugginggpt.core.resources import Resource
from hugginggpt.core.trace import fold_steps

_MAX_WRONG_SHARE: Final = 0.05


async def ask(agent: HuggingGPT, question: Question, paths: Sequence[Path]) -> Reply:
    """Ask one question in a session of its own."""
    with agent.new_session() as session:
        try:
            files = [session.workspace.add_file(path) for path in paths]
        except HuggingGPTError as error:
            return Reply(error=str(error))
        if question.before:
            await _run(agent, question.before, session, files)
        return await _run(agent, question.request, session, [] if question.before else files)


async def _run(agent: HuggingGPT, request: str, session: Session, files: Sequence[Resource]) -> Reply:
    events: list[Event] = [event async for event in agent.run(request, session, make_controller(), files)]
    answer = next((event.answer for event in events if isinstance(event, Answered)), "")
    error = next((event.error for event in events if isinstance(event, RequestFailed)), "")
    steps = fold_steps(events)
    error = error or next((step.error for step in steps if step.status != "done"), "")
    stated = [each for step in _list_last(steps) for each in _list_stated(step)] if steps else [answer]
    return Reply(stated, answer or error, error)


def _list_last(steps: Sequence[Step]) -> list[Step]:
    """Return the steps on whose results no other works."""
    used = {reference.task_id for step in steps for reference in step.task.references}
    return [step for step in steps if step.task.id not in used]


def _list_stated(step: Step) -> list[str]:
    return [str(output.data.get("answer", output.text or "")) for output in step.outputs]


def _format_row(name: str, counts: Counter[Verdict]) -> str:
    return f"{name:<12}" + "".join(f"{counts[verdict]:>10}" for verdict in VERDICTS) + f"{sum(counts.values()):>10}"


async def _measure(parts: Sequence[str], *, show: bool) -> Counter[Verdict]:
    agent = make_agent()
    total: Counter[Verdict] = Counter()
    print(f"{'':<12}" + "".join(f"{verdict:>10}" for verdict in VERDICTS) + f"{'of':>10}")
    for part in parts:
        counts: Counter[Verdict] = Counter()
        for scene in read_scenes(part):
            with tempfile.TemporaryDirectory() as folder:
                paths = [make_file(Path(folder, name), content) for name, content in scene.files.items()]
                for question in scene.ask:
                    reply = await ask(agent, question, paths)
                    verdict = judge(question, reply)
                    counts[verdict] += 1
                    if show and verdict != "right":
                        print(
                            f"  {verdict}: {question.request[:90]!r} {[*scene.files]}\n      -> {reply.text[:300]!r}",
                            file=sys.stderr,
                        )
        print(_format_row(part, counts), flush=True)
        total += counts
    print(_format_row("all", total))
    return total


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns 1 if anything was invented, or more than 5 % of the answers are wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.truth", description=__doc__)
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"parts of the table: {', '.join(list_parts())} (default: all)"
    )
    parser.add_argument("--show", action="store_true", help="show what isn't right")
    args: Any = parser.parse_args(argv)
    counts = asyncio.run(_measure(args.parts or list_parts(), show=args.show))
    return int(counts["invented"] > 0 or counts["wrong"] > _MAX_WRONG_SHARE * sum(counts.values()))


if __name__ == "__main__":
    sys.exit(main())
