"""A store in memory that tells of its changes, and can be cut off or fall silent: for tests of caches."""

import asyncio
from queue import Empty, SimpleQueue
from threading import Lock

from scopegate.errors import StoreUnavailableError
from scopegate.protocols import Capabilities, Changed
from scopegate.stores import AsyncMemoryStore, MemoryStore
from scopegate.stores._told import concerned

CUT = object()


class Told:
    """Where listeners are told."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._queues = []
        self.is_silent = False
        self.is_down = False

    def queue(self):
        """Of a new listener."""
        if self.is_down:
            raise StoreUnavailableError("it is down")
        queue = SimpleQueue()
        with self._lock:
            self._queues.append(queue)
        return queue

    def tell(self, item):
        """Everybody, unless it is silent."""
        if not self.is_silent:
            with self._lock:
                for queue in self._queues:
                    queue.put(item)

    def cut(self):
        """End all that listen, and let nobody listen until it is mended."""
        self.is_down = True
        with self._lock:
            for queue in self._queues:
                queue.put(CUT)
            self._queues.clear()

    def tell_of(self, realm, changes):
        """What a commit changed."""
        tokens, clients = concerned(changes)
        for token_id in sorted(tokens):
            self.tell(Changed(realm, token_id=token_id))
        for client_id in sorted(clients):
            self.tell(Changed(realm, client_id=client_id))


class FollowedMemoryStore(MemoryStore):
    """`MemoryStore` with a feed."""

    def __init__(self) -> None:
        super().__init__()
        self.told = Told()
        self.reads = 0

    @property
    def capabilities(self):
        """With a feed."""
        return Capabilities(durable=False, cross_process=False, change_feed=True)

    def asynchronous(self):
        """The twin."""
        return AsyncFollowedMemoryStore(self)

    def token(self, realm, token_id, digest=None, /):
        """Counted."""
        self.reads += 1
        return super().token(realm, token_id, digest)

    def commit(self, realm, changes, /):
        """And tell."""
        super().commit(realm, changes)
        self.told.tell_of(realm, changes)

    def sweep(self, realm, cutoffs, /, *, limit):
        """And tell."""
        freed = super().sweep(realm, cutoffs, limit=limit)
        if freed:
            self.told.tell(Changed(realm))
        return freed

    def changes(self, *, beat):
        """See `FollowedStore.changes`."""
        queue = self.told.queue()
        yield None
        while True:
            try:
                item = queue.get(timeout=beat)
            except Empty:
                item = None
            if item is CUT:
                raise StoreUnavailableError("it was cut off")
            if item is not None:
                yield item
            if not self.told.is_silent:
                yield None


class AsyncFollowedMemoryStore(AsyncMemoryStore):
    """`FollowedMemoryStore`, awaited."""

    @property
    def capabilities(self):
        """With a feed."""
        return self._store.capabilities

    async def changes(self, *, beat):
        """See `AsyncFollowedStore.changes`."""
        queue = self._store.told.queue()
        yield None
        while True:
            waited = 0.0
            while queue.empty() and waited < beat:
                await asyncio.sleep(beat / 10)
                waited += beat / 10
            item = None if queue.empty() else queue.get()
            if item is CUT:
                raise StoreUnavailableError("it was cut off")
            if item is not None:
                yield item
            if not self._store.told.is_silent:
                yield None
