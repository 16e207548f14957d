"""Sampling: every row checked, then interleaved rounds, garbage collector off, and medians of ratios."""

import asyncio
import gc
from collections.abc import Awaitable, Callable, Sequence
from copy import deepcopy
from statistics import median, quantiles
from typing import Any, Final

from attrs import frozen

from benchmarks.rows import REFUSED, Clock, Row, Share, Suite, Target, Verdict

SLICES: Final = 20
Samples = dict[str, list[float]]
"""By row name, microseconds per call, one number a round."""


class WrongAnswer(Exception):
    """A contender did not do the job; its time would mean nothing."""


@frozen
class Figure:
    """One printed line.

    Attributes:
        name: of the row.
        micros: median over the rounds, microseconds per call, by the suite's clock.
        ratio: median of the per-round ratios to the ruler.
        spread: half the interquartile range over the median.
    """

    name: str
    micros: float
    ratio: float
    spread: float


@frozen
class Judgement:
    """A target and what was measured.

    Attributes:
        goal: the target.
        measured: median of the per-round ratios.
    """

    goal: Target
    measured: float

    @property
    def met(self) -> bool:
        """Whether the target is reached, if it is one."""
        most, least = self.goal.at_most, self.goal.at_least
        return (most is None or self.measured <= most) and (least is None or self.measured >= least)

    @property
    def line(self) -> str:
        """What the report says."""
        goal, found, said = self.goal, self.measured, "met" if self.met else "missed"
        if goal.at_most is not None:
            return f"target: {goal.row} <= {goal.at_most:.2f} x {goal.against}: {found:.2f}, {said}"
        if goal.at_least is not None:
            return f"target: {goal.row} >= {goal.at_least:.0f} x {goal.against}: {found:.1f}, {said}"
        return f"beside: {goal.row} / {goal.against}: {found:.2f}"


def check(suite: Suite, row: Row[Any], runner: asyncio.Runner) -> None:
    """Show that `row` does the job of `suite`.

    Raises:
        WrongAnswer: if a good input is refused, a bad one accepted, or one that works once works twice.
    """
    if row.answers:
        check_answers(suite, row, runner)
        return
    good = row.prepare(1)[0]
    same = deepcopy(good)
    said = ask(row, good, runner)
    if row.part:
        if said.status in REFUSED:
            raise WrongAnswer(f"{suite.name}: {row.name} answered {said}, expected a success")
        return
    if said != suite.expected:
        raise WrongAnswer(f"{suite.name}: {row.name} answered {said}, expected {suite.expected}")
    if suite.once:
        check_once(suite, row, ask(row, same, runner), said)
    for wrong, make in row.refused.items():
        if (said := ask(row, make(), runner)).status not in REFUSED:
            raise WrongAnswer(f"{suite.name}: {row.name} answered {said} to {wrong}, expected a refusal")


def check_once(suite: Suite, row: Row[Any], again: Verdict, first: Verdict) -> None:
    """Show that what works once was refused `again`, or answered as the `first` time where it may be told again.

    Raises:
        WrongAnswer: if it works twice.
    """
    if again.status not in REFUSED and not (row.retries and again.secret == first.secret):
        raise WrongAnswer(f"{suite.name}: {row.name} answered {again} the second time, expected a refusal")


def check_answers(suite: Suite, row: Row[Any], runner: asyncio.Runner) -> None:
    """Show that `row` says to its first inputs what it must.

    Raises:
        WrongAnswer: if one answer differs.
    """
    for given, right in zip(row.prepare(len(row.answers)), row.answers, strict=True):
        if (said := ask(row, given, runner)) != right:
            raise WrongAnswer(f"{suite.name}: {row.name} answered {said} to {given}, expected {right}")


def ask(row: Row[Any], given: object, runner: asyncio.Runner) -> Verdict:
    """Return the verdict of `row` on one input."""
    if not row.awaits:
        return row.read(row.call(given))

    async def once() -> object:
        return await row.call(given)

    return row.read(runner.run(once()))


def sample(suite: Suite, *, rounds: int, size: int, runner: asyncio.Runner) -> Samples:
    """Return the samples of all rows of `suite`, and of its derived rows."""
    gc.collect()
    gc.freeze()
    times: Samples = {row.name: [] for row in suite.rows}
    for number in range(rounds + 1):
        spent = one_round(suite, size, runner)
        if number:  # the first round warms up
            for row in suite.rows:
                times[row.name].append(spent[row.name] / calls(row, size) / 1000)
    gc.unfreeze()
    for share in suite.shares:
        times[share.name] = subtract(times, share)
    return times


def calls(row: Row[Any], size: int) -> int:
    """Return how many calls of a round of `size` are that row's."""
    return max(1, size // row.portion)


def one_round(suite: Suite, size: int, runner: asyncio.Runner) -> dict[str, int]:
    """Return the nanoseconds which each row takes for `size` fresh inputs, or its portion of them.

    The rows take turns slice by slice, each slice beginning with another row, so that a busy neighbour or a
    slow clock falls on all of them alike. The garbage collector waits until the round is over.
    """
    rows = suite.rows
    inputs = {row.name: row.prepare(calls(row, size)) for row in rows}
    spent = dict.fromkeys(inputs, 0)
    gc.collect()
    gc.disable()
    try:
        for turn in range(SLICES):
            for row in (*rows[turn % len(rows) :], *rows[: turn % len(rows)]):
                given = inputs[row.name]
                start, end = (len(given) * bound // SLICES for bound in (turn, turn + 1))
                spent[row.name] += timed(row, given[start:end], runner, suite.clock)
    finally:
        gc.enable()
    return spent


def timed(row: Row[Any], inputs: Sequence[object], runner: asyncio.Runner, clock: Clock) -> int:
    """Return the nanoseconds that `row` takes on all of `inputs`."""
    if row.loop is not None:
        start = clock()
        done = row.loop(inputs)
        if row.awaits:
            return runner.run(await_loop(done, clock))
        return clock() - start
    return runner.run(run_async(row.call, inputs, clock)) if row.awaits else run(row.call, inputs, clock)


def run(call: Callable[[Any], object], inputs: Sequence[object], clock: Clock) -> int:
    """Return the nanoseconds that `call` takes on all of `inputs`."""
    start = clock()
    for given in inputs:
        call(given)
    return clock() - start


async def run_async(call: Callable[[Any], Awaitable[object]], inputs: Sequence[object], clock: Clock) -> int:
    """Return the nanoseconds that awaiting `call` takes on all of `inputs`, one by one."""
    start = clock()
    for given in inputs:
        await call(given)
    return clock() - start


async def await_loop(loop: Awaitable[object], clock: Clock) -> int:
    """Return the nanoseconds that awaiting a row's own loop takes."""
    start = clock()
    await loop
    return clock() - start


def subtract(times: Samples, share: Share) -> list[float]:
    """Return what the whole costs besides the part, round by round."""
    return [whole - part for whole, part in zip(times[share.whole], times[share.part], strict=True)]


def ratio(times: Samples, row: str, against: str) -> float:
    """Return the median of the per-round ratios of two rows."""
    return median(one / other for one, other in zip(times[row], times[against], strict=True))


def figures(suite: Suite, times: Samples) -> list[Figure]:
    """Return the lines of the table, in the order of the suite, derived rows last."""
    ruler = suite.rows[0].name
    return [
        Figure(name, median(samples), ratio(times, name, ruler), spread(samples))
        for name, samples in times.items()
    ]


def spread(samples: Sequence[float]) -> float:
    """Return half the interquartile range over the median."""
    low, _, high = quantiles(samples, n=4)
    return (high - low) / 2 / median(samples)


def judge(suite: Suite, times: Samples) -> list[Judgement]:
    """Return what became of the suite's targets."""
    return [Judgement(goal, ratio(times, goal.row, goal.against)) for goal in suite.targets]
