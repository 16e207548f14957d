"""The rules for a user's OAuth tokens as users read them, each walked through from consent to use."""

import pytest
from attrs import evolve
from tests.support import Journey
from tests.support.people import PLACES

from scopegate import ApplicationCap, Refusal, RoleCap, presets
from scopegate.core.tokens import Status
from scopegate.errors import ReadOnlyError
from scopegate.flows import metadata
from scopegate.flows.outcomes import OAuthFailure, TokenReply
from scopegate.profiles import DAY

ROLES = {"viewer": "view", "editor": "edit", "admin": "admin"}


@pytest.fixture
def world(make_world):
    """A server with five roles: none, view, collaborate, edit, admin."""
    made = make_world(catalogue=presets.user_tokens())
    made.people.places = {
        user: tuple(rewritten(place) for place in places) for user, places in PLACES.items()
    }
    return made


@pytest.fixture
def connected(world):
    """A token that may edit."""
    return Journey(world).connect(default="edit")


def rewritten(place):
    """A membership in the words of that catalogue."""
    applications = {
        name: evolve(each, role=ROLES.get(each.role)) for name, each in place.applications.items()
    }
    return evolve(place, role=ROLES[place.role], applications=applications)


def may(journey, action, **place):
    """Whether the token may do that there."""
    return not isinstance(journey.access(action, **place), Refusal)


def test_the_default_maximum_role_caps_every_organization(world):
    """The default caps what role the token may assume in every organization it can reach, and in the sandbox."""
    journey = Journey(world, scope="all.Organization.bounded").connect(default="view")
    for application in ("rocket", "lamp", "toy"):
        assert may(journey, "Application.read", application=application)
        assert not may(journey, "Application.write", application=application)


def test_overrides_replace_the_default_where_they_are_set(world):
    """For one organization, for the sandbox, and later for one application; higher or lower than the default."""
    journey = Journey(world, scope="all.Organization.bounded").connect(
        default="view", organizations={"acme": "collaborate", "globex": "none"}, sandbox="edit"
    )
    assert may(journey, "Application.write", application="rocket")
    assert not may(journey, "Application.read", application="lamp")
    assert may(journey, "Application.write", application="toy")
    cap = RoleCap(
        "view", {"acme": "collaborate", "globex": "none"}, "edit", {"rocket": ApplicationCap("none", "acme")}
    )
    world.server.recap("ann", journey.token_id, cap)
    assert not may(journey, "Application.read", application="rocket")
    assert may(journey, "Organization.write", organization="acme")


def test_a_token_cannot_exceed_the_permissions_of_its_user(world):
    """If the role in an organization is later reduced, the token's effective permissions are reduced along with it."""
    journey = Journey(world, scope="all.Organization.bounded").connect(default="admin")
    assert not may(journey, "Application.write", application="lamp")
    assert may(journey, "Application.write", application="rocket")
    world.people.role("ann", "acme", "view")
    assert not may(journey, "Application.write", application="rocket")
    assert may(journey, "Application.read", application="rocket")
    assert world.token(journey.token_id).settings.cap == RoleCap("admin")


def test_the_supported_scopes_are_the_seven(world):
    """The authoritative list is in the metadata of the authorization server."""
    assert sorted(metadata.authorization_server(world.configuration)["scopes_supported"]) == [
        "all.Application.bounded",
        "all.Application.read",
        "all.Organization.bounded",
        "all.Organization.read",
        "only.Organization.bounded",
        "only.Organization.read",
        "only.User.read",
    ]


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        ("all.Application.read", {"Application.read"}),
        ("all.Application.bounded", {"Application.read", "Application.write"}),
        ("only.Organization.read", {"Organization.read"}),
        ("only.Organization.bounded", {"Organization.read", "Organization.write"}),
        ("all.Organization.read", {"Organization.read", "Application.read"}),
        (
            "all.Organization.bounded",
            {"Organization.read", "Organization.write", "Application.read", "Application.write"},
        ),
        ("only.User.read", {"User.read"}),
    ],
)
def test_a_scope_allows_what_it_says_and_no_more(world, scope, allowed):
    """Bounded excludes what is sensitive, only excludes what is inside, and nothing reaches instances."""
    journey = Journey(world, scope=scope).connect(default="admin")
    levels = world.configuration.catalogue.levels
    pairs = [f"{level.name}.{access}" for level in levels for access in ("read", "write", "sensitive")]
    found = {name for name in pairs if may(journey, name, organization="acme", application="rocket")}
    assert found == allowed


def test_the_scope_of_a_token_never_changes(connected):
    """For more, the client starts a new authorization, and the user is asked again."""
    assert isinstance(connected.refresh(scope="all.Organization.read"), OAuthFailure)
    before = connected.token.scopes
    connected.authorize(scope="all.Organization.read")
    connected.decide(default="view")
    assert connected.world.token(connected.code[4:].partition(".")[0]).scopes == ("all.Organization.read",)
    assert connected.world.token(connected.token_id).scopes == before


def test_active_and_inactive_toggle_at_any_time(connected, world):
    """While inactive, any request fails; activating it restores the client's access, a year later too."""
    for pause in (0, DAY, 365 * DAY):
        world.server.pause("ann", connected.token_id)
        world.clock.forward(pause)
        assert isinstance(connected.access("Application.read", application="rocket"), Refusal)
        assert world.server.tokens("ann").items[0].status is Status.INACTIVE
        world.server.resume("ann", connected.token_id)
        connected.refresh()
        assert may(connected, "Application.read", application="rocket")


def test_a_pending_token_is_removed_after_a_day(world):
    """It is marked pending from the approval until the client redeems its code, and goes by itself."""
    journey = Journey(world)
    journey.register()
    journey.approve(default="view")
    assert [view.status for view in world.server.tokens("ann").items] == [Status.PENDING]
    world.clock.forward(DAY)
    assert world.server.tokens("ann").items == []
    world.server.sweep()
    assert world.record(journey.token_id) is None


def test_tokens_do_not_expire_by_default(connected, world):
    """Ten years of weekly use, swept now and then, and it is the same token."""
    for week in range(520):
        world.clock.forward(7 * DAY)
        assert isinstance(connected.refresh(), TokenReply)
        if week % 10 == 0:
            world.server.sweep()
    view = world.server.token_detail("ann", connected.token_id)
    assert (view.status, view.token.expires_at, view.token.generation) == (Status.ACTIVE, None, 521)


def test_deleting_ends_the_access_at_once_and_the_client_may_come_again(connected, world):
    """The application can reconnect by starting a new authorization."""
    world.server.delete("ann", connected.token_id)
    assert isinstance(connected.access(), Refusal)
    assert isinstance(connected.refresh(), OAuthFailure)
    connected.approve(default="view")
    connected.redeem()
    assert may(connected, "Application.read", application="rocket")


def test_what_cannot_be_changed_cannot_be_changed(connected, world):
    """Scope, expiration and client are no arguments of an edit."""
    for name in ("scopes", "expires_at", "client_id", "user", "resources"):
        with pytest.raises(TypeError):
            world.server.edit("ann", connected.token_id, **{name: None})
    connected.revoke(connected.refresh_token)
    with pytest.raises(ReadOnlyError):
        world.server.resume("ann", connected.token_id)
