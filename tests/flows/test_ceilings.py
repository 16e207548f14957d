"""Ceilings: what an organization allows to tokens of third parties. They only lower, and from the next request on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import Journey, World

from scopegate import Access, Ceiling, RoleCap
from scopegate.core.permissions import Who
from scopegate.flows.reach import NewCeiling

ROLES = ("none", "viewer", "editor", "admin")
SCOPE = "all.Organization.bounded only.User.read"


@pytest.fixture
def ann(world):
    """A token of ann's that may do all that she may."""
    return Journey(world, scope=SCOPE).connect(default="admin")


def may(journey, action, application="rocket", organization="acme"):
    """Whether a request may."""
    return isinstance(journey.access(action, application=application, organization=organization), Access)


def roles_at(prompt):
    """What the choice on a page would give in each place."""
    return [prompt.role_at(place).name for place in prompt.places]


def test_a_ceiling_bites_on_the_next_request(ann, world):
    """In the organization and on all its applications, and it goes as it came; nothing about the token changes."""
    before = ann.token
    assert may(ann, "Application.write")
    world.people.ceiling("acme", Ceiling("viewer"))
    assert [may(ann, "Application.write"), may(ann, "Organization.write")] == [False, False]
    assert [may(ann, "Application.read"), may(ann, "Organization.read")] == [True, True]
    world.people.ceiling("acme", Ceiling("none"))
    assert [may(ann, "Application.read"), may(ann, "Organization.read"), may(ann, "User.read")] == [
        False,
        False,
        True,
    ]
    world.people.ceiling("acme", None)
    assert may(ann, "Application.write")
    assert ann.token.settings == before.settings


def test_a_ceiling_holds_in_its_own_organization_only(ann, world):
    """The user's sandbox and the other organizations have none; an application that moves in comes under it."""
    world.people.ceiling("acme", Ceiling("none"))
    assert may(ann, "Application.read", "lamp", "globex")
    assert may(ann, "Application.write", "toy", None)
    world.people.move("toy", "acme")
    assert not may(ann, "Application.read", "toy", None)


def test_a_client_may_have_a_ceiling_of_its_own(ann, world):
    """In place of that for all, be it lower or higher."""
    other = Journey(world, scope=SCOPE).connect(default="admin")
    world.people.ceiling("acme", Ceiling(clients={ann.client_id: "viewer"}))
    assert [may(each, "Application.write") for each in (ann, other)] == [False, True]
    world.people.ceiling("acme", Ceiling("viewer", {ann.client_id: "editor"}))
    assert [may(each, "Application.write") for each in (ann, other)] == [True, False]


def test_an_organization_may_list_the_clients_that_it_admits(ann, world):
    """None for all, and a role for some; a client that registers later stays outside."""
    world.people.ceiling("acme", Ceiling("none", {ann.client_id: "admin"}))
    later = Journey(world, scope=SCOPE).connect(default="admin")
    assert [may(each, "Application.write") for each in (ann, later)] == [True, False]
    assert [may(each, "Application.read") for each in (ann, later)] == [True, False]
    assert may(later, "Application.write", "toy", None)


def test_the_consent_page_shows_what_is_left_under_a_ceiling(world):
    """Before anything is approved; for the client that asks, and in the organizations that have one."""
    journey = Journey(world)
    journey.register()
    assert roles_at(journey.authorize()) == ["viewer", "viewer", "viewer"]
    world.people.ceiling("acme", Ceiling("none", {"another": "admin"}))
    assert roles_at(journey.authorize()) == ["none", "viewer", "viewer"]
    world.people.ceiling("acme", Ceiling("none", {journey.client_id: "editor"}))
    journey.authorize()
    assert roles_at(journey.decide("preview", default="admin")) == ["editor", "viewer", "admin"]
    world.people.ceiling("acme", Ceiling("admin"))
    assert roles_at(journey.decide("preview", default="editor", organizations={"globex": "none"})) == [
        "editor",
        "none",
        "editor",
    ]


def test_a_client_is_not_told_of_a_ceiling(ann, world):
    """To it all is one: a role that is too low. The user is told, and the host is."""
    world.people.ceiling("acme", Ceiling("viewer"))
    by_ceiling = ann.access("Application.write", application="rocket")
    page = world.server.token_detail("ann", ann.token_id)
    for held in (page, ann.access()):
        found = world.server.explain(held, "Application.write", application="rocket")
        assert (found.reason, found.ceiling_role) == ("ceiling_too_low", "viewer")
        assert [remedy.who for remedy in found.remedies] == [Who.ORGANIZATION]
    world.people.ceiling("acme", None)
    world.server.recap("ann", ann.token_id, RoleCap("viewer"))
    assert ann.access("Application.write", application="rocket") == by_ceiling
    assert (by_ceiling.reason, by_ceiling.scopes) == ("role_too_low", ())


def test_reach_and_lists_stay_under_the_ceiling(ann, world):
    """The role that is left, and no place where nothing is."""
    world.people.ceiling("acme", Ceiling("viewer"))
    reached = {(each.organization, each.application): each.role for each in world.server.reach(ann.access())}
    assert reached["acme", None] == reached["acme", "rocket"] == "viewer"
    world.people.ceiling("acme", Ceiling("none"))
    assert "acme" not in {each.organization for each in world.server.reach(ann.access())}
    listed = world.server.organizations(ann.access(), "Organization.read")
    assert "acme" not in {each.organization for each in listed}
    assert list(world.server.reaching("acme")) == []


def test_what_a_ceiling_would_do_can_be_seen_before(ann, world):
    """For the organization that considers it; it is not set by looking."""
    page = world.server.token_detail("ann", ann.token_id)
    found = list(world.server.preview(page, NewCeiling("acme", Ceiling("viewer"))))
    lost = {(each.before.organization, each.before.application): each.lost for each in found if each.lost}
    assert lost == {
        ("acme", None): ("Organization.write",),
        ("acme", "rocket"): ("Application.write",),
    }
    assert may(ann, "Application.write")


@given(st.sampled_from(ROLES), st.sampled_from(ROLES), st.sampled_from(ROLES), st.booleans())
def test_a_ceiling_only_lowers(live, cap, ceiling, own):
    """For whatever role and cap: the lowest of the three counts, for all clients or for one."""
    with World() as world:
        journey = Journey(world, scope=SCOPE).connect(default=cap)
        world.people.role("ann", "acme", live)
        allowed = Ceiling("admin", {journey.client_id: ceiling}) if own else Ceiling(ceiling)
        world.people.ceiling("acme", allowed)
        lowest = min(live, cap, ceiling, key=ROLES.index)
        for action, least in (("Organization.read", "viewer"), ("Organization.write", "editor")):
            assert may(journey, action) is (ROLES.index(lowest) >= ROLES.index(least))
        found = world.server.explain(journey.access(), "Organization.read", organization="acme")
        assert found.effective_role == lowest


def test_a_ceiling_that_the_ladder_has_not_closes(ann, world):
    """A role of last year is none."""
    world.people.ceiling("acme", Ceiling("owner"))
    assert not may(ann, "Application.read")
