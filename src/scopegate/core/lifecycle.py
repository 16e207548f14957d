"""The life of a token as one table: what may happen to it in each status, and what it is then.

The flows ask the table; the diagram in the documentation is drawn from it.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from scopegate.core.tokens import Status


class Cause(StrEnum):
    """What happens to a token: what somebody does, and what time does."""

    APPROVED = "approved"
    REDEEMED = "redeemed"
    REFRESHED = "refreshed"
    EDITED = "edited"
    PAUSED = "paused"
    RESUMED = "resumed"
    CUT = "cut"
    REVOKED = "revoked"
    LAPSED = "lapsed"
    EXPIRED = "expired"
    UNREDEEMED = "unredeemed"
    DELETED = "deleted"


BIRTH: Final = (Cause.APPROVED, Status.PENDING)
"""How a token comes to be: there is no other way."""

TRANSITIONS: Final[Mapping[tuple[Status, Cause], Status]] = {
    (Status.PENDING, Cause.REDEEMED): Status.ACTIVE,
    (Status.PENDING, Cause.EDITED): Status.PENDING,
    (Status.PENDING, Cause.CUT): Status.PENDING,
    (Status.PENDING, Cause.REVOKED): Status.REVOKED,
    (Status.PENDING, Cause.EXPIRED): Status.EXPIRED,
    (Status.PENDING, Cause.UNREDEEMED): Status.GONE,
    (Status.PENDING, Cause.DELETED): Status.GONE,
    (Status.ACTIVE, Cause.REFRESHED): Status.ACTIVE,
    (Status.ACTIVE, Cause.EDITED): Status.ACTIVE,
    (Status.ACTIVE, Cause.CUT): Status.ACTIVE,
    (Status.ACTIVE, Cause.PAUSED): Status.INACTIVE,
    (Status.ACTIVE, Cause.RESUMED): Status.ACTIVE,
    (Status.ACTIVE, Cause.REVOKED): Status.REVOKED,
    (Status.ACTIVE, Cause.LAPSED): Status.REVOKED,
    (Status.ACTIVE, Cause.EXPIRED): Status.EXPIRED,
    (Status.ACTIVE, Cause.DELETED): Status.GONE,
    (Status.INACTIVE, Cause.REFRESHED): Status.INACTIVE,
    (Status.INACTIVE, Cause.EDITED): Status.INACTIVE,
    (Status.INACTIVE, Cause.CUT): Status.INACTIVE,
    (Status.INACTIVE, Cause.PAUSED): Status.INACTIVE,
    (Status.INACTIVE, Cause.RESUMED): Status.ACTIVE,
    (Status.INACTIVE, Cause.REVOKED): Status.REVOKED,
    (Status.INACTIVE, Cause.LAPSED): Status.REVOKED,
    (Status.INACTIVE, Cause.EXPIRED): Status.EXPIRED,
    (Status.INACTIVE, Cause.DELETED): Status.GONE,
    (Status.EXPIRED, Cause.UNREDEEMED): Status.GONE,
    (Status.EXPIRED, Cause.DELETED): Status.GONE,
    (Status.REVOKED, Cause.UNREDEEMED): Status.GONE,
    (Status.REVOKED, Cause.DELETED): Status.GONE,
}
"""What a status becomes by a cause; what is not here does not happen."""

ENDED: Final = frozenset(status for status in Status if (status, Cause.REVOKED) not in TRANSITIONS)
"""Nothing but deletion happens to a token of these."""


def permits(status: Status, cause: Cause) -> bool:
    """Whether something may happen to a token of that status."""
    return (status, cause) in TRANSITIONS
