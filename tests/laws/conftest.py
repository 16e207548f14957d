"""Fixtures for the laws."""

from tests.support.fixtures import (  # noqa: F401
    colour,
    connected,
    journey,
    make_world,
    sqlite_store,
    world,
)
