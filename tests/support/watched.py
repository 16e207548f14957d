"""A store whose calls can be made to go wrong."""

from asyncio import sleep
from functools import partial

from scopegate.stores import MemoryStore

METHODS = ("open", "close", "client", "token", "tokens", "events", "clients", "once", "commit", "sweep")


class WatchedStore:
    """A store in memory whose calls can be made to go wrong, in the colour that its server wants.

    Args:
        before: called with the method's name and arguments before each call.
        after: likewise, after it took effect.
    """

    def __init__(self, before=None, after=None) -> None:
        self.store = MemoryStore()
        self.before = before or (lambda *_: None)
        self.after = after or (lambda *_: None)
        for name in METHODS:
            setattr(self, name, partial(self._call, name))

    def _call(self, name, *args, **kwargs):
        self.before(name, args)
        found = getattr(self.store, name)(*args, **kwargs)
        self.after(name, args)
        return found

    def asynchronous(self):
        """The same store for an asynchronous server."""
        return AsyncWatchedStore(self)


class AsyncWatchedStore:
    """`WatchedStore`, awaited."""

    def __init__(self, watched) -> None:
        for name in METHODS:
            setattr(self, name, self._awaited(getattr(watched, name)))

    @staticmethod
    def _awaited(method):
        async def call(*args, **kwargs):
            await sleep(0)  # as if the answer came over a wire: others run meanwhile
            return method(*args, **kwargs)

        return call
