"""Fixtures; a ``conftest.py`` imports those it wants by name."""

import pytest
from tests.support.journey import Journey
from tests.support.world import World

from scopegate.stores import SQLiteStore


@pytest.fixture(params=["sync", "async"])
def colour(request):
    """Both colours, one after the other."""
    return request.param


@pytest.fixture
def make_world(colour):
    """Makes worlds of the colour under test and closes them."""
    worlds = []

    def make(**options):
        worlds.append(World(colour, **options))
        return worlds[-1]

    yield make
    for world in worlds:
        world.close()


@pytest.fixture
def world(make_world):
    """A world of either colour over a store in memory."""
    return make_world()


@pytest.fixture
def journey(world):
    """A journey that has not begun."""
    return Journey(world)


@pytest.fixture
def connected(world):
    """A journey that has reached its first access token."""
    return Journey(world).connect()


@pytest.fixture
def sqlite_store(tmp_path):
    """An SQLite store in a file of its own."""
    store = SQLiteStore(tmp_path / "store.db")
    yield store
    store.close()
