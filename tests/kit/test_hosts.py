"""The stand-ins for a host: a directory, a clock, a ready access."""

import asyncio

import pytest

from scopegate import (
    SANDBOX,
    Account,
    Application,
    AuthorizationServer,
    Membership,
    Organization,
    Resource,
    Standing,
)
from scopegate.core.credentials import encode
from scopegate.protocols import AsyncDirectory, Directory
from scopegate.stores.memory import MemoryStore
from scopegate.testing import Clock, MemoryDirectory, access


@pytest.fixture
def directory():
    """Ada is admin of Northwind and has a sandbox."""
    northwind = Membership("northwind", "Northwind", "admin", {"boiler": "Boiler room"})
    return MemoryDirectory({"ada": [northwind, Membership(SANDBOX, "Ada's sandbox", "admin")]})


def test_a_directory_in_memory_answers_like_any_other(directory):
    """Accounts, standings, memberships, applications and members agree."""
    assert isinstance(directory, Directory)
    assert directory.account("ada") == Account("ada")
    assert directory.account("bob") is None
    assert directory.standing("ada", application="boiler") == Standing(Organization("northwind"), "admin")
    assert directory.standing("ada", organization=SANDBOX).role == "admin"
    assert directory.standing("bob", application="boiler").owner is None
    assert [place.label for place in directory.memberships("ada", search="north").items] == ["Northwind"]
    assert list(directory.applications("ada", "northwind").items) == [Application("boiler", "Boiler room")]
    assert list(directory.members("northwind").items) == ["ada"]


def test_a_directory_in_memory_can_change(directory):
    """Roles, people and accounts change between two requests."""
    directory.change_role("ada", "northwind", "viewer")
    directory.put("bob", [Membership("northwind", "Northwind", "editor")])
    directory.disable("bob")
    assert directory.standing("ada", application="boiler").role == "viewer"
    assert directory.account("bob") == Account("bob", enabled=False)
    assert list(directory.members("northwind").items) == ["ada", "bob"]


def test_the_twin_of_a_directory_in_memory_answers_the_same(directory):
    """One directory serves both colours."""
    twin = directory.asynchronous()
    assert isinstance(twin, AsyncDirectory)

    async def ask():
        return (
            await twin.account("ada"),
            await twin.standing("ada", application="boiler"),
            await twin.memberships("ada"),
            await twin.applications("ada", "northwind"),
            await twin.members("northwind"),
        )

    assert asyncio.run(ask()) == (
        directory.account("ada"),
        directory.standing("ada", application="boiler"),
        directory.memberships("ada"),
        directory.applications("ada", "northwind"),
        directory.members("northwind"),
    )


def test_a_clock_moves_only_when_it_is_moved():
    """Both ways."""
    clock = Clock(100.0)
    clock.move(5)
    clock.move(-10)
    assert clock() == 95.0


@pytest.mark.parametrize(("cap", "allowed"), [("viewer", False), ("editor", True)])
def test_an_access_without_a_host_is_judged_like_any_other(directory, cap, allowed):
    """A handler's permissions can be tested without a flow."""
    server = AuthorizationServer(
        issuer="https://acme.example",
        product="Acme",
        directory=directory,
        resources=[Resource("https://acme.example/api", scopes=["all.Application.read"])],
        store=MemoryStore(),
        sealing_keys=[encode(b"k" * 32)],
    )
    granted = access("ada", ["all.Application.bounded"], cap)
    assert granted.client_name == "A test"
    assert server.explain(granted, "Application.write", application="boiler").allowed is allowed
