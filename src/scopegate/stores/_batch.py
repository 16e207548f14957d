"""The form every commit has: one change with a guard, then its followers."""

from collections.abc import Sequence
from typing import Final, TypeGuard

from scopegate.core.changes import (
    AddCredential,
    AdvanceToken,
    AppendEvent,
    Change,
    CreateToken,
    DeleteToken,
    DropCredential,
    Follower,
    Guarded,
    PutClient,
    PutOnce,
    ReviseToken,
    RevokeToken,
    TakeOnce,
    Touch,
)
from scopegate.errors import ConflictError

_FOLLOWERS: Final[frozenset[type[object]]] = frozenset({AddCredential, DropCredential, AppendEvent, Touch})
_TOUCHES: Final[frozenset[type[object]]] = frozenset({Touch})
_GUARDED: Final = (
    CreateToken,
    ReviseToken,
    AdvanceToken,
    RevokeToken,
    DeleteToken,
    PutClient,
    PutOnce,
    TakeOnce,
)
_LEADERS: Final = (*_GUARDED, DropCredential, Touch)


def parts(changes: Sequence[Change]) -> tuple[Guarded | DropCredential | Touch, Sequence[Follower]]:
    """The first change and its followers.

    Raises:
        TypeError: the first change may not lead, or another one may not follow. Nothing is written then.
    """
    first, followers = changes[0], changes[1:]
    if not isinstance(first, _LEADERS):
        raise TypeError(
            f"{type(first).__name__} cannot be the first change of a commit: put a guarded change first"
        )
    if not _only_followers(followers):
        names = ", ".join(type(change).__name__ for change in changes)
        raise TypeError(
            f"a commit has one guarded change, the first; this one has: {names}. Make it two commits"
        )
    return first, followers


def only_touches(changes: Sequence[Change]) -> TypeGuard[Sequence[Touch]]:
    """Whether a commit notes uses and nothing else: such a one is dropped where it would fail or wait."""
    return _TOUCHES.issuperset(map(type, changes))


def conflict(change: Guarded | DropCredential | Touch) -> ConflictError:
    """The error for a guard that is false. It names the kind of change and nothing else."""
    return ConflictError(
        f"the guard of {type(change).__name__} is false, nothing was written: read again, then decide again"
    )


def _only_followers(changes: Sequence[Change]) -> TypeGuard[Sequence[Follower]]:
    return _FOLLOWERS.issuperset(map(type, changes))
