"""What one read of a store gives."""

from collections.abc import Sequence
from typing import Final, Generic, NamedTuple, TypeVar

from attrs import frozen

from scopegate.core.clients import Client
from scopegate.core.credentials import Credential
from scopegate.core.tokens import Token

T = TypeVar("T")
NEVER: Final = float("-inf")
ALWAYS: Final = float("inf")


class TokenRecord(NamedTuple):
    """What one read of a token gives; stores make it by `of`.

    Args:
        token: the token.
        client: its client; None if it was removed.
        credential: the credential asked for; None if it is not there.
        good_until: see `good_until`; worked out when the record is made, not at each request that reads it.
    """

    token: Token
    client: Client | None
    credential: Credential | None
    good_until: float = NEVER

    @classmethod
    def of(cls, token: Token, client: Client | None, credential: Credential | None) -> "TokenRecord":
        """A record of these three."""
        return cls(token, client, credential, good_until(token, client, credential))


def good_until(token: Token, client: Client | None, credential: Credential | None) -> float:
    """POSIX seconds until which an access token is good, as far as its record tells; `NEVER` if it is not now.

    It is not where token, client or credential is gone or disabled, or where the token is two generations on.
    """
    if credential is None or client is None or client.disabled or token.revoked_at is not None:
        return NEVER
    if credential.generation < token.generation - 1:
        return NEVER
    ends = ALWAYS if credential.expires_at is None else credential.expires_at
    return ends if token.expires_at is None else min(ends, token.expires_at)


@frozen
class Page(Generic[T]):
    """A part of a list.

    Args:
        items: in the order of the list.
        after: hand it in again to read on; None at the end.
    """

    items: Sequence[T]
    after: str | None = None


@frozen(kw_only=True)
class TokenQuery:
    """Which tokens to list, newest first.

    Args:
        user: only this user's.
        client_id: only this client's.
        pending: True: only those whose code was not redeemed; False: only the others.
        pending_after: leave out those not redeemed and created at or before this time, POSIX seconds: they are gone.
    """

    user: str | None = None
    client_id: str | None = None
    pending: bool | None = None
    pending_after: float | None = None


@frozen(kw_only=True)
class Cutoffs:
    """What a sweep may free: all of it is dead, or older than it has to be. Times are POSIX seconds.

    Args:
        pending_before: tokens never redeemed and created at or before this time go, with their credentials.
        kept_before: once rows that expired by this time go, and credentials to be kept until this time that are
            consumed: of a generation before their token's. The credentials of the current generation stay.
            Self-registered clients that no token refers to are noticed to be idle at this time.
        idle_before: those go that were noticed at or before this time, and neither put nor given a token since.
        events_before: events of this time or before go.
        forgotten: a user all whose events go, whatever their time.
    """

    pending_before: float = NEVER
    kept_before: float = NEVER
    idle_before: float = NEVER
    events_before: float = NEVER
    forgotten: str | None = None


@frozen
class OnceRow:
    """A value that is kept until it is taken once, or until it expires (POSIX seconds)."""

    key: str
    value: bytes
    expires_at: float
