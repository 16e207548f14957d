"""Fixtures for the laws."""

import pytest
from attrs import evolve
from tests.support import World, oracle
from tests.support.fixtures import (  # noqa: F401
    colour,
    connected,
    journey,
    make_world,
    sqlite_store,
    world,
)
from tests.support.situations import SEED, UNCAPPED, UNCEILED, Situation

from scopegate.presets import user_tokens
from scopegate.profiles import DEFAULT


@pytest.fixture
def everywhere_admin():
    """In the seed's world, a token of an administrator without any limit but its scopes."""
    token = {"status": "active", "client": "c1", "scopes": oracle.SEVEN, "cap": UNCAPPED, "cuts": ()}
    return Situation(SEED, "seed", token, ("organization", "acme"), "rocket", UNCEILED, "Organization.read")


@pytest.fixture(scope="module", params=["sync", "async"])
def servers(request):
    """Servers of either colour, made once for all examples, by whether overrides may only lower."""
    made = {
        lower_only: World(
            request.param, catalogue=user_tokens(), profile=evolve(DEFAULT, lower_only=lower_only)
        )
        for lower_only in (False, True)
    }
    yield made
    for each in made.values():
        each.close()
