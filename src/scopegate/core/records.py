"""What one read of a store gives."""

from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

from attrs import frozen

from scopegate.core.clients import Client
from scopegate.core.credentials import Credential
from scopegate.core.tokens import Token

T = TypeVar("T")


class TokenRecord(NamedTuple):
    """A token, its client (None if it was removed) and the credential asked for (None if it is not there)."""

    token: Token
    client: Client | None
    credential: Credential | None


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


@frozen
class OnceRow:
    """A value that is kept until it is taken once, or until it expires (POSIX seconds)."""

    key: str
    value: bytes
    expires_at: float
