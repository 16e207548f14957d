"""What a host or a stranger implements: stores, directories and throttles, each in two colours.

Every method of a store takes the ``realm`` first: the short stable name of one authorization server inside a store.
Nothing that is kept under one realm is ever seen under another. Time is always passed in, as POSIX seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Sequence

    from scopegate.core.changes import Change
    from scopegate.core.clients import Client
    from scopegate.core.events import Event
    from scopegate.core.records import Cutoffs, OnceRow, Page, TokenQuery, TokenRecord
    from scopegate.core.standing import Account, Application, Membership, Sandbox, Standing
    from scopegate.core.tokens import Token


@frozen(kw_only=True)
class Capabilities:
    """What a store declares about itself; the contract of stores tests that it is so.

    Args:
        durable: what a commit acknowledged outlives the process, and the machine's power as far as its disks do.
        cross_process: any number of processes may use the same data at once.
        change_feed: it is a `FollowedStore` (or `AsyncFollowedStore`), so that caches can hear of changes.
        stale_for: seconds for which a read may still show what another process has changed since; 0: not at all.
    """

    durable: bool
    cross_process: bool
    change_feed: bool = False
    stale_for: float = 0.0


@frozen
class Changed:
    """Something that a read of a token gives was changed by a commit or a sweep.

    Args:
        realm: where.
        token_id: the token, if it was one.
        client_id: the client, if it was one. With neither it may have been anything in the realm.
    """

    realm: str
    token_id: str | None = None
    client_id: str | None = None


Heard: TypeAlias = Changed | None
"""What a change feed gives: a change, or None, which says that the feed is alive and has told all until now."""


@runtime_checkable
class Store(Protocol):
    """Six reads, one guarded write, and a sweep that frees space.

    Every method raises `StoreUnavailableError` when the store does not answer, or when it is not known whether a commit
    was applied. A serialization failure is neither: the store repeats the same commit by itself.
    """

    @property
    def capabilities(self) -> Capabilities:
        """What this store can do."""
        ...

    def open(self) -> None:
        """Connect and bring the schema up to date. Calling it again does nothing."""
        ...

    def close(self) -> None:
        """Let go of every resource. Calling it again does nothing."""
        ...

    def client(self, realm: str, client_id: str, /) -> Client | None:
        """The client of that id."""
        ...

    def token(self, realm: str, token_id: str, digest: bytes | None = None, /) -> TokenRecord | None:
        """The token, its client, and its credential of that digest, in one round trip.

        None when there is no such token. A digest that is not one of this token's gives a record without credential.
        The record is made by ``TokenRecord.of``.
        """
        ...

    def tokens(self, realm: str, query: TokenQuery, /, *, after: str | None, limit: int) -> Page[Token]:
        """Tokens, newest first, ties in the order of their ids. A cursor stays valid while tokens come and go."""
        ...

    def events(
        self, realm: str, /, *, user: str | None, token_id: str | None, after: str | None, limit: int
    ) -> Page[Event]:
        """Events of a user or a token, newest first."""
        ...

    def clients(self, realm: str, /, *, owner: str | None, after: str | None, limit: int) -> Page[Client]:
        """Clients in the order of their ids; with ``owner``, only those of that user."""
        ...

    def once(self, realm: str, key: str, /, *, now: float) -> OnceRow | None:
        """The row kept under a key, unless it has expired."""
        ...

    def commit(self, realm: str, changes: Sequence[Change], /) -> None:
        """Apply all changes, or none.

        Raises:
            ConflictError: the guard of the first change is false; nothing was written.
        """
        ...

    def sweep(self, realm: str, cutoffs: Cutoffs, /, *, limit: int) -> int:
        """Free at most ``limit`` rows of what the cutoffs name, and say how many were freed."""
        ...


@runtime_checkable
class AsyncStore(Protocol):
    """`Store`, awaited."""

    @property
    def capabilities(self) -> Capabilities:
        """See `Store.capabilities`."""
        ...

    async def open(self) -> None:
        """See `Store.open`."""
        ...

    async def close(self) -> None:
        """See `Store.close`."""
        ...

    async def client(self, realm: str, client_id: str, /) -> Client | None:
        """See `Store.client`."""
        ...

    async def token(self, realm: str, token_id: str, digest: bytes | None = None, /) -> TokenRecord | None:
        """See `Store.token`."""
        ...

    async def tokens(self, realm: str, query: TokenQuery, /, *, after: str | None, limit: int) -> Page[Token]:
        """See `Store.tokens`."""
        ...

    async def events(
        self, realm: str, /, *, user: str | None, token_id: str | None, after: str | None, limit: int
    ) -> Page[Event]:
        """See `Store.events`."""
        ...

    async def clients(
        self, realm: str, /, *, owner: str | None, after: str | None, limit: int
    ) -> Page[Client]:
        """See `Store.clients`."""
        ...

    async def once(self, realm: str, key: str, /, *, now: float) -> OnceRow | None:
        """See `Store.once`."""
        ...

    async def commit(self, realm: str, changes: Sequence[Change], /) -> None:
        """See `Store.commit`."""
        ...

    async def sweep(self, realm: str, cutoffs: Cutoffs, /, *, limit: int) -> int:
        """See `Store.sweep`."""
        ...


@runtime_checkable
class FollowedStore(Store, Protocol):
    """A store that tells of its changes, whoever made them, soon after they were committed."""

    def changes(self, *, beat: float) -> Generator[Heard, None, None]:
        """Listen, from now on. Closing the generator ends the listening.

        The first item is None: whatever is committed after it is heard. Then come the changes, and None again at
        least every ``beat`` seconds, each after an exchange with the server that shows the feed to be alive. A
        change of the last-used time (`Touch`) is not told.

        Raises:
            StoreUnavailableError: the feed was lost, and changes may have been missed.
        """
        ...


@runtime_checkable
class AsyncFollowedStore(AsyncStore, Protocol):
    """`FollowedStore`, awaited."""

    def changes(self, *, beat: float) -> AsyncGenerator[Heard, None]:
        """See `FollowedStore.changes`."""
        ...


@runtime_checkable
class TwoColouredStore(Protocol):
    """A store that serves synchronous servers itself and gives an asynchronous twin over the same data."""

    def asynchronous(self) -> AsyncStore:
        """The twin."""
        ...


@runtime_checkable
class Directory(Protocol):
    """The host's read-only answer to "who is this user, and what is their standing here, now?".

    Trouble is a `DirectoryUnavailableError` (or any other exception, which becomes one), never "no role".
    """

    def account(self, user: str, /) -> Account | None:
        """The user's account; None when there is none."""
        ...

    def standing(
        self, user: str, /, *, organization: str | Sandbox | None = None, application: str | None = None
    ) -> Standing:
        """The user's standing at an organization, the sandbox or an application, now.

        An application belongs to the owner stated here, whatever ``organization`` says; when both are given and differ,
        the standing is `NOWHERE`.
        """
        ...

    def memberships(self, user: str, /, *, after: str | None = None, search: str = "") -> Page[Membership]:
        """Where the user has a role: organizations, and the sandbox if there is one."""
        ...

    def applications(
        self, user: str, organization: str | Sandbox, /, *, after: str | None = None, search: str = ""
    ) -> Page[Application]:
        """The applications of an organization or the sandbox that the user may see."""
        ...

    def members(self, organization: str, /, *, after: str | None = None) -> Page[str]:
        """The users who have a role in an organization."""
        ...


@runtime_checkable
class AsyncDirectory(Protocol):
    """`Directory`, awaited."""

    async def account(self, user: str, /) -> Account | None:
        """See `Directory.account`."""
        ...

    async def standing(
        self, user: str, /, *, organization: str | Sandbox | None = None, application: str | None = None
    ) -> Standing:
        """See `Directory.standing`."""
        ...

    async def memberships(
        self, user: str, /, *, after: str | None = None, search: str = ""
    ) -> Page[Membership]:
        """See `Directory.memberships`."""
        ...

    async def applications(
        self, user: str, organization: str | Sandbox, /, *, after: str | None = None, search: str = ""
    ) -> Page[Application]:
        """See `Directory.applications`."""
        ...

    async def members(self, organization: str, /, *, after: str | None = None) -> Page[str]:
        """See `Directory.members`."""
        ...


@runtime_checkable
class Throttle(Protocol):
    """Slows down who asks too often (GEN-11)."""

    def wait(self, endpoint: str, key: str, /, *, now: float) -> float:
        """Count one request and say how many seconds the caller must wait: 0 lets it through.

        Args:
            endpoint: ``register`` for a registration that is acceptable, or ``secret`` for a secret that is wrong.
            key: who asks: a client id as it was sent, of any length, or "" for everybody together.
            now: POSIX seconds.
        """
        ...
