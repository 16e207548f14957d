"""The store in memory: the reference for what every store does, for tests and for one process.

Nothing outlives the process. `AsyncMemoryStore` is the same data for an asynchronous server: it never
suspends and never starts a thread.
"""

from collections.abc import Sequence
from heapq import nsmallest
from itertools import islice
from threading import Lock

from scopegate.core.changes import Change
from scopegate.core.clients import Client
from scopegate.core.events import Event
from scopegate.core.records import Cutoffs, OnceRow, Page, TokenQuery, TokenRecord
from scopegate.core.tokens import Token
from scopegate.protocols import Capabilities
from scopegate.stores._batch import conflict, parts
from scopegate.stores._cursors import of_token, page, sequence_position, token_position
from scopegate.stores._rooms import Room


class MemoryStore:
    """Keeps everything in dictionaries.

    Threads may share it. Reading by a live secret takes no lock: what it leads to is one tuple in one dictionary,
    which a commit replaces by one assignment, and looking up a key is one atomic step in CPython, with and
    without a global interpreter lock. Whatever is not found there is looked for again under the lock that
    commits and lists take in turn. So a reader sees the state before a commit or after it, never a mixture.
    """

    __slots__ = ("_lock", "_rooms")

    def __init__(self) -> None:
        self._lock = Lock()
        self._rooms: dict[str, Room] = {}

    def asynchronous(self) -> "AsyncMemoryStore":
        """The twin for asynchronous servers, over the same data."""
        return AsyncMemoryStore(self)

    @property
    def capabilities(self) -> Capabilities:
        """Neither outlives nor leaves its process."""
        return Capabilities(durable=False, cross_process=False)

    def open(self) -> None:
        """Does nothing."""

    def close(self) -> None:
        """Does nothing; the data stay until the store itself goes."""

    def client(self, realm: str, client_id: str, /) -> Client | None:
        """See `Store.client`."""
        room = self._rooms.get(realm)
        return None if room is None else room.clients.get(client_id)

    def token(self, realm: str, token_id: str, digest: bytes | None = None, /) -> TokenRecord | None:
        """See `Store.token`. The hot path: two look-ups in dictionaries."""
        room = self._rooms.get(realm)
        if room is None:
            return None
        if digest is not None:
            record = room.records.get(digest)
            if record is not None and record[0].id == token_id:
                return record
            if token_id not in room.tokens:
                return None
        with self._lock:
            return room.read(token_id, digest)

    def tokens(self, realm: str, query: TokenQuery, /, *, after: str | None, limit: int) -> Page[Token]:
        """See `Store.tokens`."""
        start = None if after is None else _backwards(*token_position(after))
        with self._lock:
            room = self._rooms.get(realm)
            tokens = iter(()) if room is None else room.found(query, start)
            wanted = (token for token in tokens if _wanted(token, query))
            found = [*islice(wanted, limit + 1)]
        return page(found, limit, of_token)

    def events(
        self, realm: str, /, *, user: str | None, token_id: str | None, after: str | None, limit: int
    ) -> Page[Event]:
        """See `Store.events`."""
        start = None if after is None else sequence_position(after)
        with self._lock:
            room = self._rooms.get(realm)
            found = [] if room is None else room.history(user, token_id, before=start, limit=limit + 1)
        numbered = page(found, limit, lambda pair: str(pair[0]))
        return Page(tuple(event for _, event in numbered.items), numbered.after)

    def clients(self, realm: str, /, *, owner: str | None, after: str | None, limit: int) -> Page[Client]:
        """See `Store.clients`."""
        with self._lock:
            room = self._rooms.get(realm)
            every = [] if room is None else list(room.clients.values())
        wanted = (
            client
            for client in every
            if (owner is None or client.owner == owner) and (after is None or client.id > after)
        )
        found = nsmallest(limit + 1, wanted, key=lambda client: client.id)
        return page(found, limit, lambda client: client.id)

    def once(self, realm: str, key: str, /, *, now: float) -> OnceRow | None:
        """See `Store.once`."""
        room = self._rooms.get(realm)
        row = None if room is None else room.once.get(key)
        return None if row is None or now >= row.expires_at else row

    def commit(self, realm: str, changes: Sequence[Change], /) -> None:
        """See `Store.commit`. The guard and all the writes happen under one lock.

        Raises:
            ConflictError: the guard of the first change is false; nothing was written.
        """
        if not changes:
            return
        first, followers = parts(changes)
        with self._lock:
            room = self._rooms.get(realm)
            if room is None:
                room = self._rooms[realm] = Room()
            try:
                if not room.lead(first):
                    raise conflict(first)
                for change in followers:
                    room.follow(change)
                room.done()
            finally:
                room.changed.clear()

    def sweep(self, realm: str, cutoffs: Cutoffs, /, *, limit: int) -> int:
        """See `Store.sweep`."""
        with self._lock:
            room = self._rooms.get(realm)
            return 0 if room is None else room.sweep(cutoffs, limit)


class AsyncMemoryStore:
    """`MemoryStore`, awaited. No call suspends, so none can be cancelled half-way."""

    __slots__ = ("_store",)

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    @property
    def capabilities(self) -> Capabilities:
        """Those of `MemoryStore`."""
        return self._store.capabilities

    async def open(self) -> None:
        """Does nothing."""

    async def close(self) -> None:
        """Does nothing."""

    async def client(self, realm: str, client_id: str, /) -> Client | None:
        """See `Store.client`."""
        return self._store.client(realm, client_id)

    async def token(self, realm: str, token_id: str, digest: bytes | None = None, /) -> TokenRecord | None:
        """See `Store.token`."""
        return self._store.token(realm, token_id, digest)

    async def tokens(self, realm: str, query: TokenQuery, /, *, after: str | None, limit: int) -> Page[Token]:
        """See `Store.tokens`."""
        return self._store.tokens(realm, query, after=after, limit=limit)

    async def events(
        self, realm: str, /, *, user: str | None, token_id: str | None, after: str | None, limit: int
    ) -> Page[Event]:
        """See `Store.events`."""
        return self._store.events(realm, user=user, token_id=token_id, after=after, limit=limit)

    async def clients(
        self, realm: str, /, *, owner: str | None, after: str | None, limit: int
    ) -> Page[Client]:
        """See `Store.clients`."""
        return self._store.clients(realm, owner=owner, after=after, limit=limit)

    async def once(self, realm: str, key: str, /, *, now: float) -> OnceRow | None:
        """See `Store.once`."""
        return self._store.once(realm, key, now=now)

    async def commit(self, realm: str, changes: Sequence[Change], /) -> None:
        """See `Store.commit`."""
        self._store.commit(realm, changes)

    async def sweep(self, realm: str, cutoffs: Cutoffs, /, *, limit: int) -> int:
        """See `Store.sweep`."""
        return self._store.sweep(realm, cutoffs, limit=limit)


def _wanted(token: Token, query: TokenQuery) -> bool:
    pending = token.generation == 0
    return (
        (query.user is None or token.user == query.user)
        and (query.client_id is None or token.client_id == query.client_id)
        and (query.pending is None or pending == query.pending)
        and not (pending and query.pending_after is not None and token.created_at <= query.pending_after)
    )


def _backwards(created_at: float, token_id: str) -> tuple[float, str]:
    """The sort key of a list of tokens: newest first, ties in the order of the ids."""
    return -created_at, token_id
