"""Real servers for the stores that need one: one of each kind for all tests of a process."""

import pytest
from tests.support.databases import MariaDB, PostgreSQL, Redis, running


@pytest.fixture(scope="session")
def postgresql():
    """PostgreSQL, on a socket of its own."""
    with running(PostgreSQL) as server:
        yield server


@pytest.fixture(scope="session")
def mariadb():
    """MariaDB, on a socket of its own."""
    with running(MariaDB) as server:
        server.execute("CREATE DATABASE scopegate CHARACTER SET utf8mb4")
        yield server


@pytest.fixture(scope="session")
def redis():
    """Redis, on a socket of its own."""
    with running(Redis) as server:
        yield server
