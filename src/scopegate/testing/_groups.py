"""The groups of the contract of stores: what each test belongs to, and what an author declines."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

VERSION: Final = "1.0"
"""The version of the contract: another one asks for more, or for something else."""

GROUPS: Final = {
    "R": "round trips: what is put comes back as it was",
    "O": "one-shot: of those who race for one guard, one wins",
    "F": "families: rotation never forks, and what was consumed is remembered",
    "S": "states: each guard true and false, and nothing written when it is false",
    "T": "time: only the time that is passed in counts",
    "L": "lists: one order, stable pages, nothing of another realm or owner",
    "D": "deletion: nothing is left that authenticates",
    "P": "purging: bounded sweeps that free what is dead and nothing else",
    "H": "hygiene: a dump holds no secret, and no error tells what was handed in",
    "M": "migration: what earlier releases wrote is read",
    "A": "atomicity: a failure after any write leaves all or nothing",
    "E": "errors: an outage is an outage, a mistake a mistake",
    "C": "closing and opening, and what is declared",
    "X": "comparison with the model: random histories, and every interleaving of two actors",
}

T = TypeVar("T", bound=Callable[..., Any])


def group(letter: str) -> Callable[[T], T]:
    """Say that a test belongs to another group than its class."""

    def mark(test: T) -> T:
        vars(test)["scopegate_group"] = letter
        return test

    return mark


def group_of(test: object, owner: type | None) -> str | None:
    """The group of a test; None: it is no test of the contract.

    Args:
        test: the function.
        owner: the class that it was collected in.
    """
    own = getattr(test, "scopegate_group", None)
    if own is None and owner is not None:
        name = getattr(test, "__name__", "")
        homes = [each for each in owner.__mro__ if callable(vars(each).get(name))]
        own = vars(homes[-1]).get("scopegate_group") if homes else None
    return own if own in GROUPS else None
