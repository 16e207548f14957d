"""The cache of bearer look-ups for asynchronous servers."""

from asyncio import AbstractEventLoop, Task, get_running_loop, sleep, wait
from collections.abc import Callable, Sequence
from contextlib import suppress
from logging import getLogger
from threading import Event as Signal
from time import monotonic
from typing import Final

from attrs import evolve, frozen

from scopegate.core.changes import Change, Touch
from scopegate.core.clients import Client
from scopegate.core.events import Event
from scopegate.core.records import Cutoffs, OnceRow, Page, TokenQuery, TokenRecord
from scopegate.core.tokens import Token
from scopegate.protocols import AsyncFollowedStore, AsyncStore, Capabilities
from scopegate.stores._cache import Cache, no_feed, pause, refuse_times

_log: Final = getLogger("scopegate.stores")


@frozen
class _Listener:
    """A task that hears of changes, on the event loop that it runs on."""

    loop: AbstractEventLoop
    task: Task[None]
    ending: Signal


class AsyncCachedStore:
    """Remembers what bearer tokens led to.

    All but the look-up of a credential goes to the store. A task listens to its changes, from `open` or the first use
    until `close`; on another event loop the cache begins anew.

    Args:
        store: the store, which declares a change feed.
        size: how many records at least are kept; at most twice as many are.
        beat: seconds after which silence is taken for a question whether the feed is alive.
        stale_for: seconds for which a proof of life lasts; more than ``beat``.
        clock: gives seconds, and never goes back.

    Raises:
        ConfigurationError: the store has no change feed, or the times make no sense.
    """

    _listener: _Listener | None

    def __init__(
        self,
        store: AsyncStore,
        *,
        size: int = 8192,
        beat: float = 1.0,
        stale_for: float = 3.0,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._store = _followed(store)
        refuse_times(size, beat, stale_for)
        self._beat, self._stale_for, self._size = beat, stale_for, size
        self._clock = clock
        self._renew()

    @property
    def is_listening(self) -> bool:
        """Whether changes are heard just now, so that look-ups are remembered."""
        return self._clock() < self._cache.good_until

    @property
    def capabilities(self) -> Capabilities:
        """The store's own, but for what may be stale."""
        return evolve(self._store.capabilities, stale_for=self._stale_for)

    async def open(self) -> None:
        """Open the store, and begin to listen."""
        await self._store.open()
        self._listen()

    async def close(self) -> None:
        """Stop listening, forget everything and close the store."""
        listener = self._listener
        self._listener = None
        if listener is not None:
            listener.ending.set()
            if listener.loop is get_running_loop():
                listener.task.cancel()
                await wait([listener.task])
        self._cache.lose()
        await self._store.close()

    async def client(self, realm: str, client_id: str, /) -> Client | None:
        """See `Store.client`."""
        return await self._store.client(realm, client_id)

    async def token(self, realm: str, token_id: str, digest: bytes | None = None, /) -> TokenRecord | None:
        """See `Store.token`. What is remembered is one look-up in a dictionary."""
        if digest is None:
            return await self._store.token(realm, token_id)
        # First, for what another loop listened to nobody listens to here.
        if self._listener is None or self._listener.loop is not get_running_loop():
            self._listen()
        cache = self._cache
        record = cache.records.get((realm, token_id, digest))
        if record is not None and self._clock() < cache.good_until:
            return record
        ticket = cache.begin(realm, token_id, digest)
        found: TokenRecord | None = None
        try:
            found = await self._store.token(realm, token_id, digest)
        finally:
            if ticket is not None:
                cache.end(ticket, found)
        return found

    async def tokens(self, realm: str, query: TokenQuery, /, *, after: str | None, limit: int) -> Page[Token]:
        """See `Store.tokens`."""
        return await self._store.tokens(realm, query, after=after, limit=limit)

    async def events(
        self, realm: str, /, *, user: str | None, token_id: str | None, after: str | None, limit: int
    ) -> Page[Event]:
        """See `Store.events`."""
        return await self._store.events(realm, user=user, token_id=token_id, after=after, limit=limit)

    async def clients(
        self, realm: str, /, *, owner: str | None, after: str | None, limit: int
    ) -> Page[Client]:
        """See `Store.clients`."""
        return await self._store.clients(realm, owner=owner, after=after, limit=limit)

    async def once(self, realm: str, key: str, /, *, now: float) -> OnceRow | None:
        """See `Store.once`."""
        return await self._store.once(realm, key, now=now)

    async def commit(self, realm: str, changes: Sequence[Change], /) -> None:
        """See `Store.commit`. Who committed reads what was written, even if the commit failed or is unknown."""
        try:
            await self._store.commit(realm, changes)
        finally:
            self._cache.drop_changed(realm, changes)
        self._cache.touch(realm, [change for change in changes if isinstance(change, Touch)])

    async def sweep(self, realm: str, cutoffs: Cutoffs, /, *, limit: int) -> int:
        """See `Store.sweep`."""
        try:
            return await self._store.sweep(realm, cutoffs, limit=limit)
        finally:
            self._cache.drop_all()

    def _renew(self) -> None:
        self._cache = Cache(self._size, self._stale_for, self._clock)
        self._listener = None

    def _listen(self) -> None:
        """Start listening, once on each event loop."""
        loop = get_running_loop()
        if self._listener is not None and self._listener.loop is loop:
            return
        self._renew()
        ending = Signal()
        following = _follow(self._store, self._beat, self._cache, ending)
        self._listener = _Listener(loop, loop.create_task(following, name="scopegate-cache"), ending)


async def _follow(store: AsyncFollowedStore, beat: float, cache: Cache, ending: Signal) -> None:
    """Hear of changes until it ends or is cancelled; when the feed is lost, say so once, and try again."""
    attempt = 0
    while not ending.is_set():
        feed = store.changes(beat=beat)
        try:
            async for item in feed:
                if ending.is_set():
                    return
                cache.hear(item)
                attempt = 0
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing is heard any more
            reason = type(error).__name__
        else:
            reason = "it ended"
        finally:
            cache.lose()
            with suppress(Exception):
                await feed.aclose()
        if ending.is_set():  # a driver may answer to the cancellation with an error of its own
            return
        if not attempt:
            _log.warning("the feed of changes was lost (%s): reading from the store until it is back", reason)
        await sleep(pause(attempt))
        attempt += 1


def _followed(store: object) -> AsyncFollowedStore:
    """The store, if it tells of its changes.

    Raises:
        ConfigurationError: it does not.
    """
    if isinstance(store, AsyncFollowedStore) and store.capabilities.change_feed:
        return store
    raise no_feed(store)
