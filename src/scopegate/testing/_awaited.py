"""An asynchronous store, seen by synchronous callers."""

import asyncio
from collections.abc import Coroutine, Generator, Sequence
from contextlib import contextmanager
from threading import Thread
from typing import TypeVar

from scopegate.core.changes import Change
from scopegate.core.clients import Client
from scopegate.core.events import Event
from scopegate.core.records import Cutoffs, OnceRow, Page, TokenQuery, TokenRecord
from scopegate.core.tokens import Token
from scopegate.protocols import AsyncStore, Capabilities

T = TypeVar("T")


class AwaitedStore:
    """An asynchronous store, seen by synchronous callers in other threads than its event loop's."""

    def __init__(self, store: AsyncStore, loop: asyncio.AbstractEventLoop) -> None:
        self.asynchronous = store
        self._loop = loop

    @property
    def capabilities(self) -> Capabilities:
        """See `Store.capabilities`."""
        return self.asynchronous.capabilities

    def open(self) -> None:
        """See `Store.open`."""
        self._run(self.asynchronous.open())

    def close(self) -> None:
        """See `Store.close`."""
        self._run(self.asynchronous.close())

    def client(self, realm: str, client_id: str, /) -> Client | None:
        """See `Store.client`."""
        return self._run(self.asynchronous.client(realm, client_id))

    def token(self, realm: str, token_id: str, digest: bytes | None = None, /) -> TokenRecord | None:
        """See `Store.token`."""
        return self._run(self.asynchronous.token(realm, token_id, digest))

    def tokens(self, realm: str, query: TokenQuery, /, *, after: str | None, limit: int) -> Page[Token]:
        """See `Store.tokens`."""
        return self._run(self.asynchronous.tokens(realm, query, after=after, limit=limit))

    def events(
        self, realm: str, /, *, user: str | None, token_id: str | None, after: str | None, limit: int
    ) -> Page[Event]:
        """See `Store.events`."""
        return self._run(
            self.asynchronous.events(realm, user=user, token_id=token_id, after=after, limit=limit)
        )

    def clients(self, realm: str, /, *, owner: str | None, after: str | None, limit: int) -> Page[Client]:
        """See `Store.clients`."""
        return self._run(self.asynchronous.clients(realm, owner=owner, after=after, limit=limit))

    def once(self, realm: str, key: str, /, *, now: float) -> OnceRow | None:
        """See `Store.once`."""
        return self._run(self.asynchronous.once(realm, key, now=now))

    def commit(self, realm: str, changes: Sequence[Change], /) -> None:
        """See `Store.commit`."""
        self._run(self.asynchronous.commit(realm, changes))

    def sweep(self, realm: str, cutoffs: Cutoffs, /, *, limit: int) -> int:
        """See `Store.sweep`."""
        return self._run(self.asynchronous.sweep(realm, cutoffs, limit=limit))

    def _run(self, coroutine: Coroutine[object, object, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()


@contextmanager
def awaited(store: AsyncStore) -> Generator[AwaitedStore]:
    """Run an event loop in a thread, and show an asynchronous store to synchronous callers. It is closed at the end."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    shown = AwaitedStore(store, loop)
    try:
        yield shown
    finally:
        shown.close()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
