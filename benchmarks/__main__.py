"""Run benchmarks: `python -m benchmarks [suite ...]`. The README beside this says what each row means."""

import asyncio
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from time import perf_counter_ns
from typing import Final

from benchmarks import imports, reach, report, revocations, room, scale
from benchmarks.harness import check, figures, judge, sample
from benchmarks.rows import Suite
from benchmarks.servers import NotInstalledError
from benchmarks.suites import SUITES

APART: Final = {
    "reach": reach.measure,
    "import": imports.measure,
    "room": room.measure,
    "scale": scale.measure,
    "revocations": revocations.measure,
}
"""Suites that are not made of rows."""


def arguments(given: Sequence[str] | None = None) -> Namespace:
    """Parse the command line."""
    names = [*SUITES, *APART]
    parser = ArgumentParser(
        prog="python -m benchmarks", description="Compare scopegate with rulers and peers."
    )
    parser.add_argument(
        "suites", nargs="*", metavar="suite", help=f"which to run: {', '.join(names)}; all if none"
    )
    parser.add_argument("--rounds", type=int, default=11, help="interleaved rounds, 7 to 15 (default 11)")
    parser.add_argument(
        "--quick", action="store_true", help="three rounds of a tenth of the calls: a smoke test"
    )
    parser.add_argument("--check", action="store_true", help="only check the answers, measure nothing")
    chosen = parser.parse_args(given)
    if unknown := set(chosen.suites) - set(names):
        parser.error(f"no such suite: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    chosen.suites = chosen.suites or names
    return chosen


def measure(suite: Suite, chosen: Namespace, runner: asyncio.Runner) -> None:
    """Check, sample, print and keep one suite."""
    for row in suite.rows:
        check(suite, row, runner)
    if chosen.check:
        report.write(f"{suite.name}: {len(suite.rows)} rows answer as they must")
        return
    size = max(10, suite.size // 10) if chosen.quick else suite.size
    times = sample(suite, rounds=3 if chosen.quick else chosen.rounds, size=size, runner=runner)
    report.table(suite.title, figures(suite, times), judge(suite, times))
    passing = suite.clock is perf_counter_ns
    report.keep(
        suite.name, times, size=size, unit=f"microseconds{'' if passing else ' of CPU time'} per call"
    )


def run(name: str, chosen: Namespace, runner: asyncio.Runner) -> None:
    """Run what is called by one name."""
    if name in APART:
        APART[name](quick=chosen.quick or chosen.check)
        return
    for suite in SUITES[name]():
        measure(suite, chosen, runner)


def main() -> int:
    """Run the chosen suites, but for those whose servers are missing.

    Returns:
        What the process ends with: 1 if a target was missed, unless nothing was really measured.
    """
    chosen = arguments()
    with asyncio.Runner() as runner:
        for name in chosen.suites:
            try:
                run(name, chosen, runner)
            except NotInstalledError as missing:
                report.write(f"{name}: left out, {missing}")
    if chosen.quick or not report.MISSED:
        return 0
    report.write("\nMissed:\n" + "\n".join(report.MISSED))
    return 1


if __name__ == "__main__":
    sys.exit(main())
