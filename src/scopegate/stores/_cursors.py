"""Cursors: where a list stopped, as opaque text that stays valid while rows come and go."""

from collections.abc import Callable, Sequence
from math import isnan
from typing import TypeVar

from scopegate.core.records import Page
from scopegate.core.tokens import Token
from scopegate.errors import InvalidValueError

T = TypeVar("T")


def page(found: Sequence[T], limit: int, cursor: Callable[[T], str]) -> Page[T]:
    """The page of the rows that were found by asking for one more than ``limit``."""
    items = tuple(found[:limit])
    return Page(items, cursor(items[-1]) if items and len(found) > limit else None)


def of_token(token: Token) -> str:
    """The cursor after a token: newest first, ties in the order of the ids."""
    return f"{token.created_at!r}:{token.id}"


def token_position(after: str) -> tuple[float, str]:
    """The creation time and the id of the token that `of_token` was given.

    Raises:
        InvalidValueError: no store gave this cursor.
    """
    created_at, colon, token_id = after.partition(":")
    try:
        position = float(created_at)
    except ValueError:
        position = float("nan")
    if not colon or isnan(position):
        raise _unknown()
    return position, token_id


def sequence_position(after: str) -> int:
    """The place in the history that a cursor of events stands for.

    Raises:
        InvalidValueError: no store gave this cursor.
    """
    if not (after.isascii() and after.isdigit() and len(after) < len(str(2**63))):
        raise _unknown()
    return int(after)


def _unknown() -> InvalidValueError:
    return InvalidValueError("after", "this is no cursor of this list: begin again without one")
