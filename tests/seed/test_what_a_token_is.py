"""What a token is, and how it comes to be."""

from tests.support import Journey

from scopegate import SANDBOX
from scopegate.flows.outcomes import ConsentPrompt, Redirect, SignInFirst


def test_it_gives_an_app_access_to_what_its_user_has(connect, world):
    """The sandbox, the organizations, and the applications in both: what is the user's and nobody else's."""
    world.people.join("bob", "hooli", "admin", nucleus="Nucleus")
    journey = connect()
    reached = {
        (place.organization, place.application)
        for place in world.server.reach(world.server.token_detail("ann", journey.token_id))
    }
    assert {
        ("acme", None),
        ("acme", "rocket"),
        ("globex", "lamp"),
        (SANDBOX, None),
        (SANDBOX, "toy"),
    } <= reached
    assert not {place for place, _ in reached} & {"hooli"}


def test_the_app_asks_for_scopes_and_the_user_approves_them(connect, may):
    """As much as it asked for and the user approved, and no more."""
    journey = connect("all.Application.read", default="admin")
    assert journey.reply["scope"] == "all.Application.read"
    assert may(journey, "device.get", application="rocket")
    assert not may(journey, "device.patch", application="rocket")
    assert not may(journey, "org.get", organization="acme")


def test_it_comes_to_be_when_an_app_starts_the_flow_and_the_user_authorizes_it(world):
    """The app starts, the user signs in, looks and decides; only then there is a token."""
    journey = Journey(world)
    journey.register()
    assert isinstance(journey.authorize(signed_in=None), SignInFirst)
    assert isinstance(journey.authorize(), ConsentPrompt)
    assert not world.server.tokens("ann").items
    assert isinstance(journey.decide(default="view"), Redirect)
    assert [view.user for view in world.server.tokens("ann").items] == ["ann"]


def test_nobody_can_make_one_in_another_way(world):
    """The server has no operation that creates a token besides the consent page."""
    names = {name for name in dir(world.server.configuration and world.bare) if not name.startswith("_")}
    assert {"authorize", "consent", "token"} <= names
    assert not [name for name in names if name.startswith(("create", "issue", "mint", "new_"))]
    assert not [name for name in names if name.startswith("add_") and name != "add_client"]


def test_a_refusal_makes_none(world):
    """The user may say no; the app is told."""
    journey = Journey(world)
    journey.register()
    journey.authorize()
    told = journey.decide("deny")
    assert ("error", "access_denied") in told.parameters
    assert not world.server.tokens("ann").items
