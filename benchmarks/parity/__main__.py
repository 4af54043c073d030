"""Compare every family of local models with the libraries' own code: ``python -m benchmarks.parity``.

Each case runs a tiny checkpoint, made from a configuration, on a file of ``demos/media`` or a text, through the local back end
and through transformers' or diffusers' own pipeline (where there is none, the code of their documentation). It prints what
differs and why, and ends with 1 where something differs that isn't meant to. It takes some minutes, so CI leaves it out.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

from benchmarks.parity import generators, pictures, sounds, texts
from benchmarks.parity.cases import Bench, Case, Verdict
from hugginggpt.core.settings import Settings
from hugginggpt.workspace.workspace import Workspace

CASES: tuple[Case, ...] = (*texts.CASES, *pictures.CASES, *sounds.CASES, *generators.CASES)


def compare_all(cases: Sequence[Case]) -> list[Verdict]:
    """Run the cases, and print each that doesn't agree as soon as it is known."""
    verdicts = []
    with tempfile.TemporaryDirectory() as folder, Workspace.create(Settings(sessions=Path(folder) / "sessions")) as workspace:
        bench = Bench(Path(folder), workspace)
        for case in cases:
            verdicts.append(bench.compare(case))
            if verdicts[-1].outcome != "agrees":
                print(format_verdict(verdicts[-1]), flush=True)
    return verdicts


def format_verdict(verdict: Verdict) -> str:
    """Return a line for a case that doesn't agree."""
    return f"{verdict.case.task}, {verdict.case.model}: {verdict.outcome}: {verdict.detail}"


def summarize(verdicts: Sequence[Verdict]) -> str:
    """Return the last line: how many agree, and how many of the others are meant to differ."""
    count = {outcome: sum(v.outcome == outcome for v in verdicts) for outcome in ("agrees", "on purpose", "differs")}
    return f"{count['agrees']} of {len(verdicts)} agree; {count['on purpose']} differ on purpose, {count['differs']} do not."


def main() -> int:
    """Run the cases whose task or model holds the given word."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.parity", description=__doc__)
    parser.add_argument("--only", default="", metavar="WORD", help="cases whose task or model holds this word")
    args = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"  # what a case lacks fails, and is not fetched
    warnings.simplefilter("ignore")
    _silence()
    verdicts = compare_all([case for case in CASES if args.only in f"{case.task} {case.model}"])
    print(summarize(verdicts))
    return int(any(verdict.outcome == "differs" for verdict in verdicts))


def _silence() -> None:
    """Turn off the libraries' progress bars and hints."""
    import diffusers
    import transformers

    for library in (transformers, diffusers):
        library.utils.logging.disable_progress_bar()
        library.utils.logging.set_verbosity_error()


if __name__ == "__main__":
    sys.exit(main())
