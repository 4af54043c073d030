"""The long run of the attacks: ``python -m benchmarks.attacks --minutes 10``; exit code 1 where one of them got through."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack

from benchmarks.attacks import http_calls
from benchmarks.attacks.app_process import started_app
from benchmarks.attacks.campaign import Tally, format_tallies, open_attacks, run_campaign

MAX_MEMORY_MB = 200.0
"""Most that either process may grow by."""
_APP_SHARE = 0.3  # of tries and time, for the page that runs


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign and print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.attacks", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--minutes", type=float, default=5.0, metavar="N", help="how long (5)")
    parser.add_argument("--tries", type=int, metavar="N", help="most cases in all (as many as there is time for)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="the same seed makes the same cases (1)")
    parser.add_argument("--no-app", action="store_true", help="leave out the calls to a page that runs")
    chosen = parser.parse_args(arguments)
    share = 0.0 if chosen.no_app else _APP_SHARE
    tries = (None, None) if chosen.tries is None else (chosen.tries - int(chosen.tries * share), int(chosen.tries * share))
    with ExitStack() as stack:
        attacks = stack.enter_context(open_attacks())
        run_campaign(attacks, seed=chosen.seed, tries=len(attacks))  # imports what comes late, before memory is measured
        tallies = run_campaign(attacks, seed=chosen.seed, tries=tries[0], seconds=chosen.minutes * 60 * (1 - share))
    faults = [] if chosen.no_app else _attack_app(tallies, chosen.seed, tries[1], chosen.minutes * 60 * share)
    print(format_tallies(tallies))
    faults += [f"{tally.kind}: memory grew by {tally.memory_mb:.0f} MB" for tally in tallies if tally.memory_mb > MAX_MEMORY_MB]
    for fault in faults:
        print(f"\n{fault}")
    return 1 if faults or any(tally.failed for tally in tallies) else 0


def _attack_app(tallies: list[Tally], seed: int, tries: int | None, seconds: float) -> list[str]:
    """Add the figures of a page that runs; return what its log tells."""
    with started_app() as app:
        attack = http_calls.make_attack(app)
        tallies += run_campaign([attack], seed=seed, tries=tries, seconds=seconds, memory=lambda: app.memory_mb)
        return [f"the page's log: {line}" for line in app.troubles[:5]]


if __name__ == "__main__":
    sys.exit(main())
