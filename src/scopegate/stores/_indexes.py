"""Indexes from a name to few or many: one alone is kept by itself, for most users have one token."""

from collections.abc import Sequence
from typing import TypeAlias, TypeVar

M = TypeVar("M", str, int)

Index: TypeAlias = dict[str, M | dict[M, None]]


def members(index: Index[M], key: str) -> Sequence[M]:
    """All that is entered under a key, the earliest first."""
    if key not in index:
        return []
    found: M | dict[M, None] = index[key]
    return list(found) if isinstance(found, dict) else [found]


def enter(index: Index[M], key: str, member: M) -> None:
    """Enter something under a key."""
    if key not in index:
        index[key] = member
        return
    found: M | dict[M, None] = index[key]
    if isinstance(found, dict):
        found[member] = None
    else:
        index[key] = {found: None, member: None}


def leave(index: Index[M], key: str, member: M) -> None:
    """Take something away from a key."""
    found: M | dict[M, None] = index[key]
    if isinstance(found, dict):
        del found[member]
        if not found:
            del index[key]
    else:
        del index[key]
