"""Where a token reaches, walked lazily over a directory that answers in pages: the first item, all, and the memory."""

import asyncio
import gc
import tracemalloc
from statistics import median
from time import process_time_ns
from typing import Final, cast

from attrs import frozen

from benchmarks.harness import Samples
from benchmarks.report import keep, target, write
from benchmarks.scopegate_rows import AsyncPeople, People, Stock
from scopegate import Access, Application, Membership, Sandbox
from scopegate.core.records import Page

SIZES: Final = (100, 1_000, 10_000)
PAGE: Final = 100
APPLICATIONS: Final = 2
"""In each organization."""
FIRST_SHARE: Final = 0.01
"""Of the time for all, at the largest size, until the first place."""
PEAK_KIB: Final = 256.0
PEAK_GROWTH: Final = 1.1


class Crowd(People):
    """One user in many organizations, each made when its page is asked for; nothing is kept."""

    def __init__(self, organizations: int) -> None:
        super().__init__()
        self._organizations = organizations

    def memberships(self, user: str, /, *, after: str | None = None, search: str = "") -> Page[Membership]:  # noqa: ARG002
        """List a page of them."""
        start = int(after or 0)
        end = min(start + PAGE, self._organizations)
        items = [Membership(f"organization-{n}", f"Organization {n}", "editor") for n in range(start, end)]
        return Page(items, None if end == self._organizations else str(end))

    def applications(
        self,
        user: str,  # noqa: ARG002
        organization: str | Sandbox,
        /,
        *,
        after: str | None = None,  # noqa: ARG002
        search: str = "",  # noqa: ARG002
    ) -> Page[Application]:
        """List all applications of one."""
        return Page([Application(f"{organization}-application-{n}") for n in range(APPLICATIONS)])


class AsyncCrowd(AsyncPeople):
    """`Crowd`, awaited."""

    def __init__(self, organizations: int) -> None:
        super().__init__()
        self._people = Crowd(organizations)


@frozen
class Walk:
    """What one walk took.

    Attributes:
        item: milliseconds until the first item.
        place: milliseconds until the first application.
        every: milliseconds until the end.
        places: how many applications there were.
    """

    item: float
    place: float
    every: float
    places: int


class Stopwatch:
    """Notes when the first item, the first application and the end came; keeps no item."""

    def __init__(self) -> None:
        self._start = process_time_ns()
        self._first = self._place = 0
        self._places = 0

    def saw(self, application: str | None) -> None:
        """Note an item."""
        if not self._first:
            self._first = process_time_ns()
        if application is not None:
            self._place = self._place or process_time_ns()
            self._places += 1

    def stop(self) -> Walk:
        """Return what was noted."""
        end = process_time_ns()
        item, place, every = ((at - self._start) / 1e6 for at in (self._first, self._place, end))
        return Walk(item, place, every, self._places)


class Walker:
    """Walks for one token over a directory of some size, in one colour."""

    def __init__(self, organizations: int, *, awaits: bool) -> None:
        stock = Stock.new()
        self._awaits = awaits
        self._header = stock.bearer()
        self._server = stock.server(Crowd(organizations))
        self._async_server = stock.async_server(directory=AsyncCrowd(organizations))

    def walk(self) -> Walk:
        """Walk once."""
        return asyncio.run(self._walk_async()) if self._awaits else self._walk()

    def _walk(self) -> Walk:
        held = cast("Access", self._server.access(self._header))
        watch = Stopwatch()
        for reached in self._server.reach(held):
            watch.saw(reached.application)
        return watch.stop()

    async def _walk_async(self) -> Walk:
        held = cast("Access", await self._async_server.access(self._header))
        watch = Stopwatch()
        async for reached in self._async_server.reach(held):
            watch.saw(reached.application)
        return watch.stop()

    def peak(self) -> float:
        """Walk once and return by how many KiB the memory in use rose at most."""
        gc.collect()
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        self.walk()
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return (highest - before) / 1024


class WrongReach(Exception):
    """A walk missed places or invented some."""


def measure(*, quick: bool) -> None:
    """Measure, print and keep the reach suite."""
    write(f"\nReach: directories in pages of {PAGE}, {APPLICATIONS} applications in each organization\n")
    write("| row                                | first ms | first place |   all ms | us/place | peak KiB |")
    write("| ---------------------------------- | -------: | ----------: | -------: | -------: | -------: |")
    for colour, awaits in (("sync", False), ("async", True)):
        peaks: list[float] = []
        walks: list[Walk] = []
        samples: Samples = {}
        for size in SIZES:
            walker = Walker(size, awaits=awaits)
            done = walks_of(walker, size, 1 if quick else 5)
            walks.append(middle(done))
            peaks.append(walker.peak())
            say(f"scopegate, {colour}, {size:,} organizations", walks[-1], peaks[-1])
            samples[f"{size} organizations"] = [walk.every * 1000 for walk in done]
        keep(f"reach-{colour}", samples, size=1)
        judge(colour, walks[-1], peaks)


def walks_of(walker: Walker, size: int, count: int) -> list[Walk]:
    """Return that many walks, after one that warms up.

    Raises:
        WrongReach: if one does not reach each application once.
    """
    done = [walker.walk() for _ in range(count + 1)][1:]
    for walk in done:
        if walk.places != size * APPLICATIONS:
            raise WrongReach(f"{walk.places} applications reached, expected {size * APPLICATIONS}")
    return done


def middle(walks: list[Walk]) -> Walk:
    """Return the medians."""
    return Walk(
        median(walk.item for walk in walks),
        median(walk.place for walk in walks),
        median(walk.every for walk in walks),
        walks[0].places,
    )


def say(name: str, walk: Walk, peak: float) -> None:
    """Print a line."""
    each = walk.every * 1000 / walk.places
    write(
        f"| {name:<34} | {walk.item:8.3f} | {walk.place:11.3f} | {walk.every:8.1f} | {each:8.2f} | {peak:8.1f} |"
    )


def judge(colour: str, largest: Walk, peaks: list[float]) -> None:
    """Print what became of the targets."""
    for goal, found, at_most in (
        ("first place <= {} of all", largest.place / largest.every, FIRST_SHARE),
        (f"peak at {SIZES[-1]:,} <= {{}} x at {SIZES[-2]:,}", peaks[-1] / peaks[-2], PEAK_GROWTH),
        (f"peak at {SIZES[-1]:,} <= {{}} KiB", peaks[-1], PEAK_KIB),
    ):
        write(target(f"{colour}: {goal.format(at_most)}: {found:.4g}", met=found <= at_most))
