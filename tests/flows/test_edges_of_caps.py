"""The edges of caps, each decided once: the table of edge cases in docs/permissions.md names these tests."""

import pytest
from attrs import evolve
from tests.support import Journey
from tests.support.people import PLACES

from scopegate import (
    SANDBOX,
    Access,
    Action,
    Application,
    ApplicationCap,
    Ceiling,
    Membership,
    Refusal,
    RoleCap,
    presets,
)
from scopegate.core.whatif import MemberRole
from scopegate.errors import InvalidValueError
from scopegate.profiles import DEFAULT

EVERYTHING = "all.Organization.bounded only.User.read"
ROCKET = {"application": "rocket"}
LATER = Membership("initech", "Initech", "admin", {"stapler": "Stapler"})
CLOSED = evolve(DEFAULT, new_organizations="none")


@pytest.fixture
def connect(world):
    """Connects ann with a choice at the consent page; a whole cap is set afterwards."""

    def connect(cap=None, *, at=world, user="ann", **choices):
        journey = Journey(at, user=user, scope=EVERYTHING).connect(**({"default": "editor"} | choices))
        if cap is not None:
            at.server.recap(user, journey.token_id, cap)
        return journey

    return connect


def may(journey, action, **place):
    """Whether a request of the token may do that there."""
    return isinstance(journey.access(action, **place), Access)


def role_at(journey, **place):
    """The effective role at a place, and the level of the cap that counts there."""
    action = "Application.read" if "application" in place else "Organization.read"
    view = journey.server.token_detail(journey.user, journey.token_id)
    found = journey.server.explain(view, action, **place)
    return found.effective_role, found.cap_source


def reached(journey):
    """The organizations and the sandbox that the token reaches."""
    view = journey.server.token_detail(journey.user, journey.token_id)
    places = [each.organization for each in journey.server.reach(view)]
    return {place for place in places if place is not None}


def test_an_entry_for_an_unknown_organization_is_refused(connect, world):
    """3.9 b: alike for one that does not exist and one of other people; by whom it is sent makes no difference."""
    world.people.join("bob", "secret")
    journey = connect()
    told = set()
    for organization in ("nowhere", "secret"):
        with pytest.raises(InvalidValueError) as caught:
            world.server.recap("ann", journey.token_id, RoleCap("editor", {organization: "admin"}))
        assert caught.value.field == f"organizations[{organization}]"
        told.add(caught.value.problem)
        other = Journey(world)
        other.register()
        shown = other.approve(organizations={organization: "admin"})
        assert [field for field, _ in shown.errors] == [f"organizations[{organization}]"]
    assert len(told) == 1
    assert journey.token.settings.cap == RoleCap("editor")


def test_an_entry_for_an_organization_that_was_left_opens_nothing(connect, world):
    """3.9 b: it is answered like any place that is not there."""
    journey = connect(organizations={"globex": "admin"})
    world.people.leave("ann", "globex")
    named = journey.access("Organization.read", organization="globex")
    assert isinstance(named, Refusal)
    assert named == journey.access("Organization.read", organization="not named in any cap")
    assert reached(journey) == {"acme", SANDBOX}


def test_an_entry_outlives_leaving_and_holds_again_after_rejoining(connect, world):
    """3.9 c: leaving closes the organization at once; whoever comes back, as whatever, finds the limit they set."""
    journey = connect(organizations={"acme": "viewer"})
    world.people.leave("ann", "acme")
    assert not may(journey, "Application.read", **ROCKET)
    assert journey.token.settings.cap == RoleCap("editor", {"acme": "viewer"})
    world.people.places["ann"] = PLACES["ann"]
    assert role_at(journey, **ROCKET) == ("viewer", "organization_cap")


@pytest.mark.parametrize("home", ["globex", SANDBOX])
def test_a_lock_stays_behind_when_its_application_moves(connect, world, home):
    """3.9 d: the override is void in the new place, a lock with it; it holds again where it was written."""
    locked = RoleCap("viewer", {"acme": "editor"}, None, {"rocket": ApplicationCap("none", "acme")})
    journey = connect(locked)
    assert role_at(journey, **ROCKET) == ("none", "application_cap")
    world.people.move("rocket", home)
    assert role_at(journey, **ROCKET) == ("viewer", "default_cap")
    world.people.move("rocket", "acme")
    assert role_at(journey, **ROCKET) == ("none", "application_cap")


def test_a_moved_application_is_locked_again_by_an_override_with_its_new_home(connect, world):
    """3.9 d: one override for each application, with the place where it stands now."""
    journey = connect(RoleCap("editor", applications={"rocket": ApplicationCap("none", "acme")}))
    world.people.move("rocket", SANDBOX)
    assert may(journey, "Application.read", **ROCKET)
    again = RoleCap("editor", applications={"rocket": ApplicationCap("none", None)})
    world.server.recap("ann", journey.token_id, again)
    assert not may(journey, "Application.read", **ROCKET)


def test_a_default_of_none_stays_closed_whatever_moves(connect, world):
    """3.9 d: what is opened by single overrides cannot be opened further by a move."""
    journey = connect(RoleCap("none", applications={"rocket": ApplicationCap("editor", "acme")}))
    assert may(journey, "Application.write", **ROCKET)
    world.people.move("rocket", SANDBOX)
    assert role_at(journey, **ROCKET) == ("none", "default_cap")


def test_entries_of_what_was_deleted_are_passed_over(connect, world):
    """3.9 e: no view stumbles over them, and every other place is as it was."""
    cap = RoleCap(
        "viewer",
        {"acme": "editor", "globex": "none"},
        applications={"rocket": ApplicationCap("none", "acme")},
    )
    journey = connect(cap)
    world.people.leave("ann", "acme")
    view = world.server.token_detail("ann", journey.token_id)
    assert reached(journey) == {SANDBOX}
    assert world.server.explain(view, "Application.read", **ROCKET).reason == "not_a_member"
    assert not world.server.check(view, "Organization.read", organization="globex")
    unchanged = list(world.server.preview(view, None))
    assert {each.after.organization for each in unchanged} == {None, SANDBOX, "globex"}
    assert (
        world.server.recap(
            "ann", journey.token_id, evolve(cap, default="editor")
        ).token.settings.cap.overrides
        == 3
    )


def test_organizations_beyond_the_page_follow_the_default(connect, world):
    """3.9 f: the page says that there are more; a cap may name those too, on the page of the token."""
    world.people.page_size = 1
    journey = connect(default="viewer")
    assert role_at(journey, organization="acme") == ("viewer", "default_cap")
    assert role_at(journey, organization="globex") == ("viewer", "default_cap")
    world.server.recap("ann", journey.token_id, RoleCap("viewer", {"globex": "none"}))
    assert not may(journey, "Organization.read", organization="globex")


def test_organizations_beyond_the_page_are_closed_where_new_ones_are(connect, make_world):
    """3.9 f: what the user did not see counts as joined later, until it gets an entry of its own."""
    strict = make_world(profile=CLOSED)
    strict.people.page_size = 1
    journey = connect(at=strict, default="viewer")
    assert role_at(journey, organization="acme") == ("viewer", "default_cap")
    assert role_at(journey, organization="globex") == ("none", "new_organization")
    strict.server.recap("ann", journey.token_id, RoleCap("viewer", {"globex": "viewer"}))
    assert role_at(journey, organization="globex") == ("viewer", "organization_cap")


@pytest.mark.parametrize(
    ("profile", "expected"),
    [(DEFAULT, ("editor", "default_cap")), (CLOSED, ("none", "new_organization"))],
    ids=["default", "none"],
)
def test_an_organization_joined_later_gets_what_the_page_said(connect, make_world, profile, expected):
    """3.9 g: the default, or nothing; and a later change of the profile does not change what a user was told."""
    first = make_world(profile=profile)
    journey = connect(at=first)
    first.people.places["ann"] = (*PLACES["ann"], LATER)
    assert role_at(journey, organization="initech") == expected
    assert role_at(journey, application="stapler") == expected
    other = CLOSED if profile is DEFAULT else DEFAULT
    second = make_world(store=first.given_store, clock=first.clock, people=first.people, profile=other)
    view = second.server.token_detail("ann", journey.token_id)
    assert second.server.explain(view, "Organization.read", organization="initech").cap_source == expected[1]


def test_an_application_made_later_has_what_its_organization_has(connect, world):
    """3.9 g: a limit of an organization speaks for all that is in it."""
    journey = connect(organizations={"globex": "none"})
    world.people.places["ann"] = tuple(
        evolve(place, applications={**place.applications, f"new in {place.label}": Application("new")})
        for place in PLACES["ann"]
    )
    assert may(journey, "Application.write", application="new in Acme")
    assert not may(journey, "Application.read", application="new in Globex")


def test_a_new_cap_replaces_the_old_one_whole(connect, world):
    """3.9 h: nothing is merged, so what a form shows is what counts."""
    old = RoleCap("viewer", {"acme": "none"}, "none", {"lamp": ApplicationCap("none", "globex")})
    journey = connect(old)
    world.server.recap("ann", journey.token_id, RoleCap("viewer", {"globex": "viewer"}))
    assert journey.token.settings.cap == RoleCap("viewer", {"globex": "viewer"})
    for place in (ROCKET, {"application": "toy"}, {"application": "lamp"}):
        assert may(journey, "Application.read", **place)


@pytest.mark.parametrize("role", ["none", "viewer"])
def test_a_role_on_an_application_counts_for_an_administrator_too(connect, world, role):
    """3.9 i: it is the user's role there, lower or higher; being administrator of the organization does not win."""
    acme, *others = PLACES["ann"]
    lowered = evolve(acme, applications={"rocket": Application("rocket", "Rocket", role)})
    world.people.places["ann"] = (lowered, *others)
    journey = connect(default="admin")
    assert role_at(journey, **ROCKET)[0] == role
    assert role_at(journey, organization="acme")[0] == "admin"


def test_a_role_on_an_application_may_raise(connect, world):
    """3.9 i: and the token rises with it, up to its cap."""
    world.people.places["ann"] = (
        Membership("acme", "Acme", "none", {"rocket": Application("rocket", "Rocket", "admin")}),
    )
    journey = connect(default="editor")
    assert role_at(journey, **ROCKET)[0] == "editor"
    assert not may(journey, "Organization.read", organization="acme")


def test_a_dashboard_opens_no_data_of_another_place(connect, make_world):
    """3.9 j: each place that a page shows is judged by itself, and the board gives nothing to what stands on it."""
    catalogue = presets.simple(actions=[Action("dashboard.get", "Organization", "read")])
    world = make_world(catalogue=catalogue)
    journey = connect(at=world, sandbox="admin", organizations={"globex": "none"})
    assert may(journey, "dashboard.get", organization=SANDBOX)
    assert not may(journey, "Application.read", application="lamp")
    granted = journey.access()
    board = {"organization": SANDBOX, "application": "lamp"}
    assert isinstance(world.server.refusal(granted, "dashboard.get", "Application.read", **board), Refusal)


def test_the_sandbox_of_somebody_else_is_nowhere(connect):
    """What stands in it is answered like what is not there, whatever the cap says about one's own."""
    journey = connect(user="bob", default="admin", sandbox="admin")
    strange = journey.access("Application.read", application="toy")
    assert isinstance(strange, Refusal)
    assert strange == journey.access("Application.read", application="of nobody")
    assert not may(journey, "Organization.read", organization=SANDBOX)
    assert reached(journey) == {"acme"}


def test_an_organization_called_sandbox_is_an_organization(connect, world):
    """The sandbox is a value of its own and never a text, so that neither can be taken for the other."""
    castle = Membership("sandbox", "Sandbox Ltd", "admin", {"castle": "Castle"})
    world.people.places["ann"] = (*PLACES["ann"], castle)
    journey = connect(default="none", sandbox="viewer", organizations={"sandbox": "editor"})
    assert journey.token.settings.cap == RoleCap("none", {"sandbox": "editor"}, "viewer")
    assert role_at(journey, organization="sandbox") == ("editor", "organization_cap")
    assert role_at(journey, application="castle") == ("editor", "organization_cap")
    assert role_at(journey, organization=SANDBOX) == ("viewer", "sandbox_cap")
    assert role_at(journey, application="toy") == ("viewer", "sandbox_cap")


def test_under_lower_only_an_own_entry_counts_against_the_default(connect, make_world):
    """An entry opens an organization joined later, up to the default: there is no level of none above it."""
    strict = make_world(profile=evolve(CLOSED, lower_only=True))
    journey = connect(at=strict, default="viewer")
    strict.people.places["ann"] = (*PLACES["ann"], LATER)
    assert role_at(journey, organization="initech") == ("none", "new_organization")
    strict.server.recap("ann", journey.token_id, RoleCap("viewer", {"initech": "admin"}))
    assert role_at(journey, organization="initech") == ("viewer", "default_cap")


def test_a_preview_of_a_membership_cannot_know_its_applications_and_its_ceiling(connect, world):
    """The directory has not said anything about a place where the user is not yet."""
    journey = connect(default="editor")
    view = world.server.token_detail("ann", journey.token_id)
    (found,) = [
        each
        for each in world.server.preview(view, MemberRole("initech", "admin"))
        if each.after.organization == "initech"
    ]
    assert (found.after.application, found.after.label, found.after.role) == (None, "initech", "editor")
    assert "Organization.write" in found.gained
    world.people.places["ann"] = (*PLACES["ann"], evolve(LATER, ceiling=Ceiling("viewer")))
    inside = [each for each in world.server.reach(view) if each.organization == "initech"]
    assert [(each.application, each.role) for each in inside] == [(None, "viewer"), ("stapler", "viewer")]
