"""The seven scopes that an app may ask for."""

import json
from pathlib import Path

import pytest

from scopegate.flows import metadata
from scopegate.flows.outcomes import OAuthFailure, Redirect

ENDPOINTS = json.loads((Path(__file__).parents[1] / "presets" / "endpoints.json").read_text("utf-8"))
SEVEN = {
    "all.Application.read": (113, {"Application.read"}),
    "all.Application.bounded": (241, {"Application.read", "Application.write"}),
    "only.Organization.read": (11, {"Organization.read"}),
    "only.Organization.bounded": (19, {"Organization.read", "Organization.write"}),
    "all.Organization.read": (124, {"Organization.read", "Application.read"}),
    "all.Organization.bounded": (
        260,
        {"Organization.read", "Organization.write", "Application.read", "Application.write"},
    ),
    "only.User.read": (18, {"User.read"}),
}


def test_an_app_may_ask_for_some_of_them(connect):
    """Any part of the seven, together."""
    journey = connect("only.User.read all.Application.read only.Organization.read")
    assert len(journey.token.scopes) == 3


def test_an_app_may_not_ask_for_another(connect, world):
    """Neither for one without a suffix nor for a single action."""
    journey = connect()
    for scope in ("all.User", "all.Application", "device.get", "everything"):
        answer = journey.authorize(scope=scope)
        assert isinstance(answer, Redirect)
        assert ("error", "invalid_scope") in answer.parameters
    assert len(world.server.tokens("ann").items) == 1


def test_the_metadata_has_the_authoritative_list(world):
    """In the field scopes_supported."""
    assert set(metadata.authorization_server(world.configuration)["scopes_supported"]) == set(SEVEN)


@pytest.mark.parametrize("scope", SEVEN)
def test_a_scope_opens_what_it_says_and_no_more(world, connect, may, scope):
    """Level and class: all reaches beneath, only does not; read reads, bounded writes too, none is sensitive."""
    journey = connect(scope, default="admin")
    levels = world.configuration.catalogue.levels
    pairs = [f"{level.name}.{access}" for level in levels for access in ("read", "write", "sensitive")]
    found = {name for name in pairs if may(journey, name, organization="acme", application="rocket")}
    assert found == SEVEN[scope][1]


@pytest.mark.parametrize("scope", SEVEN)
def test_a_scope_covers_as_many_actions_as_the_product_has(world, scope):
    """Counted over every endpoint of the product."""
    catalogue = world.configuration.catalogue
    mask = catalogue.mask((scope,))
    names = [f"{row['resource']}.{row['action']}" for row in ENDPOINTS if row["level"]]
    assert sum(bool(catalogue.rule(name).mask & mask) for name in names) == SEVEN[scope][0]


@pytest.mark.parametrize(
    "action",
    [
        "applicationApiTokens.post",
        "userApiTokens.post",
        "org.inviteMember",
        "org.modifyMember",
        "org.transferResources",
        "me.changePassword",
        "me.patch",
    ],
)
def test_bounded_leaves_out_what_is_sensitive(connect, may, action):
    """Tokens, members and invitations, transfers, and the account's own credentials."""
    journey = connect(" ".join(SEVEN), default="admin")
    assert not may(journey, action, organization="acme", application="rocket")


def test_the_scope_of_a_token_never_changes(connect):
    """Not by refreshing, and there is no edit for it."""
    journey = connect("all.Application.read")
    assert isinstance(journey.refresh(scope="all.Organization.read"), OAuthFailure)
    assert journey.token.scopes == ("all.Application.read",)
    with pytest.raises(TypeError):
        journey.server.edit("ann", journey.token_id, scopes=("all.Organization.read",))


def test_for_more_scopes_the_app_starts_again_and_the_user_is_asked_again(connect, world):
    """Another consent makes another token; the first stays as it is."""
    journey = connect("all.Application.read")
    first = journey.token_id
    journey.authorize(scope="all.Organization.read")
    journey.decide(default="view")
    journey.redeem()
    assert journey.token.scopes == ("all.Organization.read",)
    assert world.token(first).scopes == ("all.Application.read",)
