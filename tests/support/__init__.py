"""What tests share: a clock that moves, randomness that is recorded, a host that changes, servers and a journey.

    with World() as world:                      # or World("async"), or World(store=SQLiteStore(path))
        journey = Journey(world).connect()      # register, authorize, approve, redeem
        world.clock.forward(3600)
        journey.refresh()
        world.people.role("ann", "acme", "viewer")
        assert journey.access("Application.read", application="rocket")

Nothing here opens a socket or sleeps. Fixtures stand in `tests.support.fixtures`.
"""

from tests.support.clock import START, Clock
from tests.support.entropy import RecordedEntropy
from tests.support.journey import REDIRECT_URI, Journey, answered, challenge_of, client_request, form
from tests.support.people import AsyncPeople, People
from tests.support.watched import WatchedStore
from tests.support.world import API, ISSUER, KEY, MCP, OTHER_KEY, Blocking, World

__all__ = [
    "API",
    "ISSUER",
    "KEY",
    "MCP",
    "OTHER_KEY",
    "REDIRECT_URI",
    "START",
    "AsyncPeople",
    "Blocking",
    "Clock",
    "Journey",
    "People",
    "RecordedEntropy",
    "WatchedStore",
    "World",
    "answered",
    "challenge_of",
    "client_request",
    "form",
]
