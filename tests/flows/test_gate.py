"""The gate of a resource: what a header names, and which gate it is (RS-1, RS-4)."""

from hashlib import sha256

import pytest
from tests.support import API, MCP

from scopegate import Access
from scopegate.core.credentials import MAXIMUM_PRESENTED
from scopegate.flows.access import PAUSED, Gate, gates


@pytest.fixture
def gate(world):
    """The gate of the first resource."""
    return Gate(world.configuration, API)


def located(world, secret):
    """What is looked for: the digest of the secret, which is bound to the realm and the kind."""
    return sha256((world.configuration.access_prefix + secret).encode()).digest()


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER   ", "Bearer  "])
def test_a_header_names_a_token_and_a_secret(world, gate, scheme):
    """The id ends at the first dot; whatever follows is secret. Spaces around it do not count."""
    for sent, token_id, secret in (("sga_a.b", "a", "b"), ("sga_a.b.c", "a", "b.c"), ("sga_.b", "", "b")):
        assert gate.locate(scheme + sent) == (token_id, located(world, secret))
    assert gate.locate("bearer sga_a.b  ") == ("a", located(world, "b"))


@pytest.mark.parametrize(
    "header",
    [
        *(
            None,
            "",
            "Bearer",
            "Bearer ",
            "sga_a.b",
            "Basic sga_a.b",
            "Bearersga_a.b",
            "Bearer a.b",
            "Bearer sgr_a.b",
        ),
        *("Bearer sga_a", "Bearer sga_a.", "bearer \tsga_a.b", "Bearer\tsga_a.b", "a.bBearer sga_"),
        "Bearer sga_a.\ud800",
    ],
)
def test_a_header_that_names_none_of_ours_is_not_looked_up(gate, header):
    """Nothing is digested and no store is asked."""
    assert gate.locate(header) is None


def test_a_secret_has_a_longest_length(world, gate):
    """The limit itself is looked up; what is longer is not."""
    longest = "x" * MAXIMUM_PRESENTED
    assert gate.locate(f"Bearer sga_a.{longest}") == ("a", located(world, longest))
    assert gate.locate(f"Bearer sga_a.{longest}x") is None


@pytest.mark.parametrize(
    "header",
    [
        *("Basic {good}", "Token {good}", "{good}", "{bare}Bearer sga_", "bearer \t{good}"),
        *("bearer {good}X", "bearer X{good}", "Bearer {good} x"),
    ],
)
def test_a_good_secret_in_a_bad_header_is_refused(connected, header):
    """Another scheme, in the wrong place, with something around it."""
    good = connected.access_token
    assert isinstance(connected.server.access(f"Bearer {good}"), Access)
    sent = header.format(good=good, bare=good.removeprefix("sga_"))
    assert not isinstance(connected.server.access(sent), Access)


def test_each_resource_has_a_gate_of_its_own(world):
    """By its URI; the first one is also that of who names none."""
    found = gates(world.configuration)
    assert found.keys() == {API, MCP, None}
    assert found[None] is found[API] is not found[MCP]
    assert {uri: each.resource for uri, each in found.items()} == {API: API, MCP: MCP, None: API}


def test_a_user_whom_the_host_does_not_know_has_no_access(connected, world):
    """An account that is gone is as closed as one that is disabled."""
    del world.people.places["ann"]
    assert connected.access().reason == "invalid_token"


def test_every_refusal_is_of_the_resource_that_was_asked(connected, world):
    """So that its challenge leads to the right metadata."""
    assert {connected.access(resource=MCP).resource, world.server.access(None, resource=MCP).resource} == {
        MCP
    }
    assert world.server.access("Bearer x", resource=MCP).resource == MCP
    world.server.pause("ann", connected.token_id)
    assert connected.access() == PAUSED.at(API)
