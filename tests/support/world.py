"""A whole server with its host, of either colour, over any store."""

from asyncio import Runner
from inspect import isasyncgenfunction, iscoroutinefunction
from typing import Self

from tests.support.clock import Clock
from tests.support.entropy import RecordedEntropy
from tests.support.people import People

from scopegate import AsyncAuthorizationServer, AuthorizationServer, Resource
from scopegate.stores import MemoryStore, as_async_store, as_store
from scopegate.throttle import WindowThrottle

ISSUER = "https://acme.example"
API = "https://acme.example/api"
MCP = "https://mcp.acme.example/mcp"
KEY = "a2V5IG9mIHRoZSB0ZXN0cyB3aXRoIDI1NiBiaXRzISE"
OTHER_KEY = "YW5vdGhlciBrZXkgb2YgdGhlIHRlc3RzLCAyNTYgYi4"
RESOURCES = (
    Resource(API, scopes=["all.Application.read"], name="Acme API"),
    Resource(MCP, scopes=["only.Organization.read", "only.User.read"], name="Acme MCP"),
)


async def _next(items):
    return await anext(items)


class Blocking:
    """An asynchronous server or store, called as if it were synchronous; it keeps to one event loop."""

    def __init__(self, awaited, runner: Runner) -> None:
        self.awaited = awaited
        self._runner = runner

    def __getattr__(self, name):
        found = getattr(self.awaited, name)
        if isasyncgenfunction(found):
            return lambda *args, **kwargs: self._listed(found(*args, **kwargs))
        if not iscoroutinefunction(found):
            return found
        return lambda *args, **kwargs: self._runner.run(found(*args, **kwargs))

    def _listed(self, items):
        """An asynchronous iterator, one item at a time."""
        while True:
            try:
                yield self._runner.run(_next(items))
            except StopAsyncIteration:
                return


class World:
    """A server, its store, clock, entropy and people; close it, or use it in a ``with`` statement.

    ``server`` and ``store`` are called synchronously whatever the colour; ``bare`` is the server itself, to be awaited
    where the colour is ``async``. Several worlds may share a store, a clock and people: several processes of one host.

    Args:
        colour: ``sync`` or ``async``.
        store: of either colour; by default a new `MemoryStore`.
        clock, entropy, people: by default new ones.
        options: other arguments of the server. By default nobody is throttled.
    """

    def __init__(
        self, colour="sync", *, store=None, clock=None, entropy=None, people=None, **options
    ) -> None:
        self.colour = colour
        self.clock = clock or Clock()
        self.entropy = entropy or RecordedEntropy()
        self.people = people or People()
        self.given_store = MemoryStore() if store is None else store
        self._runner = Runner()
        arguments = {
            "issuer": ISSUER,
            "product": "Acme IoT",
            "resources": RESOURCES,
            "sealing_keys": [KEY],
            "throttle": WindowThrottle({}),
            "clock": self.clock,
            "entropy": self.entropy,
        } | options
        if colour == "sync":
            self.store = as_store(self.given_store)
            self.bare = self.server = AuthorizationServer(
                store=self.store, directory=self.people, **arguments
            )
        else:
            store = as_async_store(self.given_store)
            self.store = Blocking(store, self._runner)
            self.bare = AsyncAuthorizationServer(
                store=store, directory=self.people.asynchronous(), **arguments
            )
            self.server = Blocking(self.bare, self._runner)
        self.realm = self.server.configuration.realm

    @property
    def configuration(self):
        """The server's checked configuration."""
        return self.server.configuration

    def record(self, token_id):
        """What the store holds of a token."""
        return self.store.token(self.realm, token_id)

    def token(self, token_id):
        """The token as stored."""
        return self.record(token_id).token

    def events(self, user=None, token_id=None):
        """Every event, the oldest first."""
        page = self.store.events(self.realm, user=user, token_id=token_id, after=None, limit=10_000)
        return list(reversed(page.items))

    def run(self, coroutine):
        """Run a coroutine on the world's own event loop."""
        return self._runner.run(coroutine)

    def close(self) -> None:
        """Let go of the store and the event loop."""
        self.server.close()
        self._runner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self.close()
