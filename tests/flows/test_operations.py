"""Operations that are several actions at once: what the client is told when one of them is not allowed (RS-6, RS-8)."""

import json

import pytest
from attrs import evolve
from tests.support import API, MCP, REDIRECT_URI, Journey

from scopegate import Access, Action, ConfigurationError, Resource, RoleCap, presets
from scopegate.core.changes import PutClient
from scopegate.core.permissions import Layer
from scopegate.core.records import TokenRecord
from scopegate.errors import InvalidValueError

PLACES = {"organization": "acme", "application": "rocket"}
FINE = presets.simple(
    actions=[
        Action("device.get", "Application", "read"),
        Action("device.reboot", "Application", "write"),
        Action("key.mint", "User", "sensitive", closed=True),
    ],
    scopes=(
        "only.User.read",
        "all.Application.read",
        "all.Application.bounded",
        "device.*",
        "all.Organization",
    ),
)


RESOURCES = [Resource(API, scopes=["all.Application.read"])]


def connected(world, scope, *, scopes=None, **choices):
    """A journey of ann's with a scope, of a client that may ask for these scopes only (None: for any)."""
    journey = Journey(world, scope=scope)
    journey.client_id = world.server.add_client("Partner", [REDIRECT_URI], scopes=scopes).client.id
    journey.approve(**({"default": "admin"} | choices))
    journey.redeem()
    return journey


def refusal(journey, *actions, **places):
    """What the client is told of an operation, if it is refused."""
    return journey.server.refusal(journey.access(), *actions, **PLACES | places)


@pytest.mark.parametrize(
    ("actions", "scopes"),
    [
        (("Application.read", "Application.write"), ("all.Application.bounded",)),
        (("Application.write", "Application.read"), ("all.Application.bounded",)),
        (("Organization.read", "Application.read"), ("only.Organization.read", "all.Application.read")),
        (("Application.read", "Organization.read"), ("all.Application.read", "only.Organization.read")),
        (("User.read", "Application.read"), ("only.User.read", "all.Application.read")),
        (("Organization.write", "Organization.read"), ("only.Organization.bounded",)),
    ],
)
def test_all_scopes_that_an_operation_needs_are_named_and_no_more(world, actions, scopes):
    """Those that the token has already too: the client asks for what it is told, and gets that."""
    journey = connected(world, "only.User.read")
    found = refusal(journey, *actions)
    assert (found.status, found.error, found.reason) == (403, "insufficient_scope", "insufficient_scope")
    assert (found.layer, found.scopes) == (Layer.SCOPE, scopes)
    challenge = world.server.challenge(found).www_authenticate
    assert challenge.startswith(f'Bearer scope="{" ".join(scopes)}", ')
    assert refusal(connected(world, " ".join(scopes)), *actions) is None


def test_a_fine_grained_scope_that_covers_all_is_enough(make_world):
    """``device.*`` opens both; the scope that is the least for one of them alone would be too much."""
    world = make_world(catalogue=FINE, resources=RESOURCES)
    journey = connected(world, "only.User.read")
    assert refusal(journey, "device.get", "device.reboot").scopes == ("device.*",)
    assert refusal(journey, "device.reboot", "device.get").scopes == ("device.*",)


def test_the_scope_is_judged_before_the_role(world):
    """Whichever action lacks which, and in whatever order they are asked about."""
    journey = connected(world, "all.Application.bounded", default="viewer")
    for actions in (("Application.write", "Organization.read"), ("Organization.read", "Application.write")):
        found = refusal(journey, *actions)
        assert (found.layer, found.reason) == (Layer.SCOPE, "insufficient_scope")
        assert set(found.scopes) == {"all.Application.bounded", "only.Organization.read"}
    for actions in (("Application.write", "Application.read"), ("Application.read", "Application.write")):
        found = refusal(journey, *actions)
        assert (found.layer, found.status, found.error, found.scopes) == (Layer.ROLE, 403, "", ())


def test_an_operation_is_allowed_if_each_of_its_actions_is(world):
    """With the roles in each of the places that it touches."""
    journey = connected(world, "all.Organization.bounded")
    assert refusal(journey, "Organization.write", "Application.write", "Application.read") is None
    world.server.recap("ann", journey.token_id, RoleCap("admin", {"acme": "viewer"}))
    assert refusal(journey, "Organization.read", "Application.read") is None
    assert refusal(journey, "Organization.read", "Application.write").reason == "role_too_low"
    assert (
        refusal(journey, "Organization.read", "Application.write", application="toy").reason == "role_too_low"
    )


def test_the_directory_is_asked_once_about_each_place(world):
    """However many actions the operation is."""
    journey = connected(world, "all.Organization.bounded only.User.read")
    granted = journey.access()
    world.people.asked.clear()
    actions = (
        "Application.read",
        "Application.write",
        "Organization.read",
        "Organization.write",
        "User.read",
    )
    assert world.server.refusal(granted, *actions, **PLACES) is None
    assert world.people.asked == ["standing", "standing"]


def test_a_client_is_not_told_a_scope_that_it_may_not_ask_for(world):
    """The least of its own that would do; if none would, that no access token may do this."""
    journey = connected(world, "only.User.read", scopes=["only.User.read", "all.Organization.read"])
    assert refusal(journey, "Application.read").scopes == ("all.Organization.read",)
    assert refusal(journey, "Application.read", "Organization.read").scopes == ("all.Organization.read",)
    for actions in (("Application.write",), ("Application.read", "Application.write")):
        found = refusal(journey, *actions)
        assert (found.layer, found.reason, found.status) == (Layer.SCOPE, "closed_to_tokens", 403)
        assert (found.error, found.scopes) == ("", ())
        assert world.server.challenge(found).www_authenticate == ""
        assert "no access token" in json.loads(world.server.challenge(found).body)["error_description"]


def test_a_refusal_is_of_the_resource_that_was_asked(world):
    """Whatever the reason; the challenge leads to that one's metadata."""
    journey = connected(world, "only.User.read", default="viewer")
    for actions in (("Application.read",), ("Application.sensitive",)):
        assert refusal(journey, *actions).resource == API
        found = refusal(journey, *actions, resource=MCP)
        assert found.resource == MCP
        assert (found.status, bool(found.description)) == (403, True)
    answer = world.server.challenge(refusal(journey, "Application.read", resource=MCP))
    assert "/.well-known/oauth-protected-resource/mcp" in answer.www_authenticate
    journey = connected(world, "all.Application.bounded", default="viewer")
    assert refusal(journey, "Application.write").resource == API
    assert refusal(journey, "Application.write", resource=MCP).resource == MCP


def test_without_a_client_the_least_scopes_on_offer_are_named(world):
    """An access that a host made for its own tests may have none."""
    journey = connected(world, "only.User.read", scopes=["only.User.read"])
    record = TokenRecord.of(journey.token, None, journey.access().credential)
    found = world.server.refusal(Access.of(record), "Application.read", **PLACES)
    assert found.scopes == ("all.Application.read",)


@pytest.mark.parametrize(
    "action", ["key.mint", "Application.sensitive", "Organization.sensitive", "User.write"]
)
def test_what_no_client_can_get_is_not_asked_for(make_world, action):
    """Nor are the scopes of the other actions, which would not help."""
    world = make_world(catalogue=evolve(FINE, scopes=FINE.scopes[:-1]), resources=RESOURCES)
    found = refusal(connected(world, "only.User.read"), "Application.read", action)
    assert (found.layer, found.reason, found.scopes) == (Layer.SCOPE, "closed_to_tokens", ())


def test_what_the_token_can_do_already_needs_nothing_of_the_client(world):
    """A client whose own scopes were cut after consent keeps what the user gave, and is told of nothing else."""
    journey = connected(world, "all.Application.read", scopes=["all.Application.read"])
    client = world.store.client(world.realm, journey.client_id)
    cut = evolve(client, scopes=("only.User.read",), version=client.version + 1)
    world.store.commit(world.realm, [PutClient(cut, client.version)])
    assert refusal(journey, "Application.read") is None
    assert refusal(journey, "User.read").scopes == ("only.User.read",)
    assert refusal(journey, "Application.read", "User.read").scopes == ()


def test_after_a_narrowing_refresh_an_operation_is_judged_by_what_is_left(world):
    """The access token has less than the token."""
    journey = connected(world, "all.Application.bounded only.User.read")
    assert refusal(journey, "Application.read", "User.read") is None
    journey.refresh(scope="only.User.read")
    assert refusal(journey, "Application.read", "User.read").reason == "insufficient_scope"
    assert journey.access("Application.read", application="rocket").reason == "insufficient_scope"
    assert refusal(journey, "User.read") is None


def test_a_mistake_in_an_operation_is_the_hosts(world):
    """An unknown action, also behind one that is refused; a place that is missing."""
    journey = connected(world, "only.User.read")
    for actions in (("User.read", "User.fly"), ("Application.read", "User.fly"), ("User.fly", "User.read")):
        with pytest.raises(ConfigurationError, match=r"User\.fly"):
            refusal(journey, *actions)
    with pytest.raises(InvalidValueError, match="organization"):
        refusal(journey, "User.read", "Organization.read", organization=None)
    with pytest.raises(InvalidValueError, match="application"):
        refusal(journey, "User.read", "Application.read", application=None)
