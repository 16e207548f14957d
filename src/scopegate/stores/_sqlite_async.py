"""The SQLite store for asynchronous servers."""

from asyncio import get_running_loop
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from os import getpid
from typing import TypeVar

from scopegate.core.changes import Change
from scopegate.core.clients import Client
from scopegate.core.events import Event
from scopegate.core.records import Cutoffs, OnceRow, Page, TokenQuery, TokenRecord
from scopegate.core.tokens import Token
from scopegate.protocols import Capabilities
from scopegate.stores._batch import only_touches
from scopegate.stores._sqlite_changes import commit
from scopegate.stores._sqlite_pool import BusyError, Pool
from scopegate.stores.sqlite import SQLiteStore

T = TypeVar("T")


class AsyncSQLiteStore:
    """`SQLiteStore`, awaited. Get it from `SQLiteStore.asynchronous`.

    Reads run where they are awaited: they take microseconds and wait for no writer, while handing them to a
    thread would take ten times as long. Commits wait for the disk, so they run on one thread of their own, in
    the order in which they were awaited; with ``synchronous="NORMAL"`` they do not, and run where they are
    awaited as well, unless somebody else writes. Cancelling an awaited commit cannot tear it: it is dropped
    whole if it had not begun, and carried through if it had, and the one who cancelled does not know which.
    """

    def __init__(self, store: SQLiteStore, pool: Pool) -> None:
        self._store = store
        self._pool = pool
        self._writer: tuple[int, ThreadPoolExecutor] | None = None
        self._under_way = 0

    @property
    def capabilities(self) -> Capabilities:
        """Those of `SQLiteStore`."""
        return self._store.capabilities

    async def open(self) -> None:
        """See `SQLiteStore.open`."""
        await self._on_writer(self._store.open)

    async def close(self) -> None:
        """Let commits under way finish, end the thread and close every connection."""
        if self._writer is not None:
            await self._on_writer(self._store.close)
            _, writer = self._writer
            self._writer = None
            writer.shutdown(wait=True)
        self._store.close()

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
        """See `Store.commit`. A commit of `Touch` alone is dropped while another commit is under way."""
        if self._under_way and only_touches(changes):
            return
        if self._under_way or not self._commits_at_once(realm, changes):
            await self._on_writer(partial(self._store.commit, realm, changes))

    async def sweep(self, realm: str, cutoffs: Cutoffs, /, *, limit: int) -> int:
        """See `Store.sweep`."""
        return await self._on_writer(partial(self._store.sweep, realm, cutoffs, limit=limit))

    def _commits_at_once(self, realm: str, changes: Sequence[Change]) -> bool:
        if not self._pool.is_prompt:
            return False
        try:
            commit(self._pool, realm, changes, waiting=False)
        except BusyError:
            return False
        return True

    async def _on_writer(self, work: Callable[[], T]) -> T:
        pid = getpid()
        if self._writer is None or self._writer[0] != pid:
            # A thread does not survive a fork, so a child process starts its own.
            self._writer = pid, ThreadPoolExecutor(max_workers=1, thread_name_prefix="scopegate-sqlite")
            self._under_way = 0
        self._under_way += 1
        try:
            return await get_running_loop().run_in_executor(self._writer[1], work)
        finally:
            self._under_way -= 1
