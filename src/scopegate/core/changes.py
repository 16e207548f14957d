"""What one guarded write of a store does: a closed union.

A commit is a sequence of changes. Its first change carries the guard; the others, the followers, take effect only with
it. `DropCredential` and `Touch` may also stand first: the guard of a leading `DropCredential` is that the credential is
there, a leading `Touch` has none.

These values live for one commit, so they are made without slots, which makes frozen ones in half the time.
"""

from typing import TypeAlias

from attrs import frozen

from scopegate.core.clients import Client
from scopegate.core.credentials import Credential
from scopegate.core.events import Event
from scopegate.core.tokens import Settings, Token


@frozen(slots=False)
class CreateToken:
    """Guard: no token has this id."""

    token: Token


@frozen(slots=False)
class ReviseToken:
    """Put new settings. Guard: the token is there and has ``expected_version``; it gets the next one."""

    token_id: str
    expected_version: int
    settings: Settings


@frozen(slots=False)
class AdvanceToken:
    """Go to the next generation. Guard: the token is there, not revoked, and at ``expected_generation``.

    Sets ``advanced_at`` to ``at`` (POSIX seconds), and ``reply`` and ``lapses_at`` as given.
    """

    token_id: str
    expected_generation: int
    at: float
    reply: bytes | None = None
    lapses_at: float | None = None


@frozen(slots=False)
class RevokeToken:
    """Disconnect at ``at`` (POSIX seconds). Guard: the token is there and not revoked."""

    token_id: str
    at: float
    reason: str


@frozen(slots=False)
class DeleteToken:
    """Remove the token and all its credentials. Guard: the token is there, and at ``expected_generation`` if given."""

    token_id: str
    expected_generation: int | None = None


@frozen(slots=False)
class PutClient:
    """Put a client. Guard: there is none for ``expected_version`` 0, else one of exactly that version."""

    client: Client
    expected_version: int


@frozen(slots=False)
class PutOnce:
    """Keep a value. Guard: at ``now`` there is none under this key, or it has expired."""

    key: str
    value: bytes
    expires_at: float
    now: float


@frozen(slots=False)
class TakeOnce:
    """Take a value away. Guard: at ``now`` it is there and has not expired."""

    key: str
    now: float


@frozen(slots=False)
class AddCredential:
    """Follower: keep a credential."""

    credential: Credential


@frozen(slots=False)
class DropCredential:
    """Follower: forget a credential. As the first change its guard is that the credential is there."""

    token_id: str
    digest: bytes


@frozen(slots=False)
class AppendEvent:
    """Follower: add to the history."""

    event: Event


@frozen(slots=False)
class Touch:
    """Follower, or alone: set the last-used time (POSIX seconds). It may be lost, and never blocks or fails.

    With ``wrote`` the time of the last change through the token is set too. Neither ever goes back.
    """

    token_id: str
    at: float
    wrote: bool = False


Guarded: TypeAlias = (
    CreateToken | ReviseToken | AdvanceToken | RevokeToken | DeleteToken | PutClient | PutOnce | TakeOnce
)
Follower: TypeAlias = AddCredential | DropCredential | AppendEvent | Touch
Change: TypeAlias = Guarded | Follower
