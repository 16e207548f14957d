"""What a measured row is: how to make inputs (untimed), the call (timed), how its answer is read."""

from collections.abc import Callable, Mapping, Sequence
from time import process_time_ns
from typing import Any, Final, Generic, TypeAlias, TypeVar

from attrs import field, frozen

Input = TypeVar("Input")
Clock: TypeAlias = Callable[[], int]
"""Tells nanoseconds."""


@frozen
class Verdict:
    """What a contender said, in the words common to all of them.

    Attributes:
        status: 200 when it said yes, else the HTTP status of its refusal.
        detail: the user for a bearer check; the sorted members of a token answer; empty for a refusal.
        secret: the access token of a token answer, to tell one answer from another.
    """

    status: int
    detail: tuple[str, ...] = ()
    secret: str = field(default="", eq=False, repr=False)


REFUSED: Final = frozenset({400, 401, 403})


@frozen
class Row(Generic[Input]):
    """One contender's way of doing one suite's job.

    Attributes:
        name: what the table prints.
        prepare: makes that many fresh inputs, and the stored records they need. Never timed.
        call: the timed work on one input. Returns whatever the contender returns, exceptions caught.
        read: puts that into a `Verdict`. Never timed.
        refused: by what is wrong with it, a maker of an input which the contender must refuse.
        awaits: whether `call` returns an awaitable.
        part: whether it does only a part of the job, to be subtracted from a whole.
        retries: whether the same request told again may get the very same answer, instead of a refusal.
        loop: the timed work on many inputs, where a call of a Python function for each would itself be felt;
            a coroutine function if the row awaits.
        portion: of so many inputs it gets one, where a call takes a hundred times the ruler's.
        answers: what it must say to the first inputs that it prepares, one by one, in place of the suite's verdict.
    """

    name: str
    prepare: Callable[[int], Sequence[Input]]
    call: Callable[[Input], Any]
    read: Callable[[Any], Verdict]
    refused: Mapping[str, Callable[[], Input]] = field(factory=dict[str, Callable[[], Input]])
    awaits: bool = False
    part: bool = False
    retries: bool = False
    loop: Callable[[Sequence[Input]], Any] | None = None
    portion: int = 1
    answers: Sequence[Verdict] = ()


@frozen
class Share:
    """A derived row: what `whole` costs besides `part`, subtracted round by round."""

    name: str
    whole: str
    part: str


@frozen
class Target:
    """A goal: the ratio of two rows that is to be reached. A run in which one is missed ends with 1.

    Attributes:
        row: the row the goal is for.
        against: the row it is divided by.
        at_most: the ratio to stay under.
        at_least: the ratio to reach, where the row is somebody else's. With neither, the ratio is only told.
    """

    row: str
    against: str
    at_most: float | None = None
    at_least: float | None = None


@frozen
class Suite:
    """Rows which do the same job, and what they are compared by.

    Attributes:
        name: as given on the command line.
        title: one line above the table.
        rows: the contenders; the first is the ruler which all are divided by.
        expected: the verdict each must give on a good input.
        size: calls per sample.
        once: whether an input may succeed only once (codes, rotated refresh tokens).
        shares: derived rows.
        targets: goals.
        clock: what is measured: CPU time of the process, or what passes, where disks or servers do part of the job.
    """

    name: str
    title: str
    rows: Sequence[Row[Any]]
    expected: Verdict
    size: int
    once: bool = False
    shares: Sequence[Share] = ()
    targets: Sequence[Target] = ()
    clock: Clock = process_time_ns
