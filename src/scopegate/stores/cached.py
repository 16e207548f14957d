"""A cache of bearer look-ups in this process, over any store that tells of its changes.

It is off unless you build one. Ordinarily it shows a change, whoever made it, within milliseconds. If the feed of
changes is seen to be lost, every read goes to the store at once; if it falls silent without a sign, at the latest after
``stale_for`` seconds. It never shows what is older than that.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import closing
from logging import getLogger
from threading import Event as Signal
from threading import Lock, Thread
from time import monotonic
from typing import Final
from weakref import WeakSet

from attrs import evolve, frozen

from scopegate.core.changes import Change, Touch
from scopegate.core.clients import Client
from scopegate.core.events import Event
from scopegate.core.records import Cutoffs, OnceRow, Page, TokenQuery, TokenRecord
from scopegate.core.tokens import Token
from scopegate.protocols import Capabilities, FollowedStore, Store, TwoColouredStore
from scopegate.stores._cache import Cache, no_feed, pause, refuse_times
from scopegate.stores._cached_async import AsyncCachedStore

__all__ = ["AsyncCachedStore", "CachedStore"]

_log: Final = getLogger("scopegate.stores")


@frozen
class _Listener:
    """A thread that hears of changes."""

    ending: Signal
    cache: Cache


class CachedStore:
    """Remembers what bearer tokens led to.

    All but the look-up of a credential goes to the store. A thread listens to its changes, from `open` or the first use
    until `close`; it is not carried over a fork: a child begins with an empty cache and a thread of its own.

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
        store: Store,
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
        _caches.add(self)

    @property
    def is_listening(self) -> bool:
        """Whether changes are heard just now, so that look-ups are remembered."""
        return self._clock() < self._cache.good_until

    @property
    def capabilities(self) -> Capabilities:
        """The store's own, but for what may be stale."""
        return evolve(self._store.capabilities, stale_for=self._stale_for)

    def asynchronous(self) -> AsyncCachedStore:
        """A cache for asynchronous servers, over the twin of the store; it is another cache.

        Raises:
            TypeError: the store has no asynchronous twin.
        """
        if not isinstance(self._store, TwoColouredStore):
            raise TypeError(
                f"{type(self._store).__name__} has no asynchronous() twin: build AsyncCachedStore over a store of "
                f"that colour"
            )
        return AsyncCachedStore(
            self._store.asynchronous(),
            size=self._size,
            beat=self._beat,
            stale_for=self._stale_for,
            clock=self._clock,
        )

    def open(self) -> None:
        """Open the store, and begin to listen."""
        self._store.open()
        self._listen()

    def close(self) -> None:
        """Stop listening, forget everything and close the store."""
        listener = self._listener
        self._listener = None
        if listener is not None:
            listener.ending.set()
        self._cache.lose()
        self._store.close()

    def client(self, realm: str, client_id: str, /) -> Client | None:
        """See `Store.client`."""
        return self._store.client(realm, client_id)

    def token(self, realm: str, token_id: str, digest: bytes | None = None, /) -> TokenRecord | None:
        """See `Store.token`. What is remembered is one look-up in a dictionary."""
        if digest is None:
            return self._store.token(realm, token_id)
        cache = self._cache
        record = cache.records.get((realm, token_id, digest))
        if record is not None and self._clock() < cache.good_until:
            return record
        if self._listener is None:
            self._listen()
            cache = self._cache
        ticket = cache.begin(realm, token_id, digest)
        found: TokenRecord | None = None
        try:
            found = self._store.token(realm, token_id, digest)
        finally:
            if ticket is not None:
                cache.end(ticket, found)
        return found

    def tokens(self, realm: str, query: TokenQuery, /, *, after: str | None, limit: int) -> Page[Token]:
        """See `Store.tokens`."""
        return self._store.tokens(realm, query, after=after, limit=limit)

    def events(
        self, realm: str, /, *, user: str | None, token_id: str | None, after: str | None, limit: int
    ) -> Page[Event]:
        """See `Store.events`."""
        return self._store.events(realm, user=user, token_id=token_id, after=after, limit=limit)

    def clients(self, realm: str, /, *, owner: str | None, after: str | None, limit: int) -> Page[Client]:
        """See `Store.clients`."""
        return self._store.clients(realm, owner=owner, after=after, limit=limit)

    def once(self, realm: str, key: str, /, *, now: float) -> OnceRow | None:
        """See `Store.once`."""
        return self._store.once(realm, key, now=now)

    def commit(self, realm: str, changes: Sequence[Change], /) -> None:
        """See `Store.commit`. Who committed reads what was written, even if the commit failed or is unknown."""
        try:
            self._store.commit(realm, changes)
        finally:
            self._cache.drop_changed(realm, changes)
        self._cache.touch(realm, [change for change in changes if isinstance(change, Touch)])

    def sweep(self, realm: str, cutoffs: Cutoffs, /, *, limit: int) -> int:
        """See `Store.sweep`."""
        try:
            return self._store.sweep(realm, cutoffs, limit=limit)
        finally:
            self._cache.drop_all()

    def _renew(self) -> None:
        """Begin anew, as in a child process: with an empty cache, and nobody who listens."""
        self._starting = Lock()
        self._cache = Cache(self._size, self._stale_for, self._clock)
        self._listener = None

    def _listen(self) -> None:
        """Start listening, once."""
        with self._starting:
            if self._listener is not None:
                return
            self._cache = Cache(self._size, self._stale_for, self._clock)
            listener = self._listener = _Listener(Signal(), self._cache)
        Thread(
            target=_follow, args=(self._store, self._beat, listener), name="scopegate-cache", daemon=True
        ).start()


_caches: Final[WeakSet[CachedStore]] = WeakSet()


def _after_fork_in_child() -> None:
    for cached in list(_caches):
        cached._renew()  # noqa: SLF001 - of this module  # pyright: ignore[reportPrivateUsage]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


def _follow(store: FollowedStore, beat: float, listener: _Listener) -> None:
    """Hear of changes until it ends; when the feed is lost, say so once, and try again."""
    attempt = 0
    while not listener.ending.is_set():
        try:
            with closing(store.changes(beat=beat)) as feed:
                for item in feed:
                    if listener.ending.is_set():
                        return
                    listener.cache.hear(item)
                    attempt = 0
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing is heard any more
            reason = type(error).__name__
        else:
            reason = "it ended"
        listener.cache.lose()
        if not attempt and not listener.ending.is_set():
            _log.warning("the feed of changes was lost (%s): reading from the store until it is back", reason)
        listener.ending.wait(pause(attempt))
        attempt += 1


def _followed(store: object) -> FollowedStore:
    """The store, if it tells of its changes.

    Raises:
        ConfigurationError: it does not.
    """
    if isinstance(store, FollowedStore) and store.capabilities.change_feed:
        return store
    raise no_feed(store)
