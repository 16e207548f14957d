"""The list of a user's tokens."""

from tests.support import Journey

from scopegate import RoleCap, Status
from scopegate.flows.listing import TokenSearch


def test_a_user_sees_their_tokens(connect, world):
    """All of them, and nobody else's."""
    first, second = connect(), connect()
    others = connect(user="bob")
    assert {view.token.id for view in world.server.tokens("ann").items} == {first.token_id, second.token_id}
    assert [view.token.id for view in world.server.tokens("bob").items] == [others.token_id]


def test_a_line_has_name_client_default_role_creation_and_status(connect, world):
    """What the page needs for its columns, and the number of overrides and the last use besides."""
    created = world.clock.now
    journey = connect(default="view")
    world.server.recap("ann", journey.token_id, RoleCap("collaborate", {"acme": "view"}))
    world.clock.forward(60)
    journey.access()
    (line,) = world.server.find_tokens("ann", TokenSearch()).items
    assert (line.token.settings.name, line.client.name) == ("Example", "Example")
    assert (line.default_role, line.overrides) == ("collaborate", 1)
    assert (line.token.created_at, line.token.last_used_at) == (created, created + 60)
    assert line.status is Status.ACTIVE


def test_one_that_waits_for_the_end_of_the_flow_is_marked_pending(world):
    """The user approved, and the app has not picked it up. Our reading: it is born at the approval, not before."""
    journey = Journey(world)
    journey.register()
    journey.authorize()
    assert not world.server.tokens("ann").items
    journey.decide(default="view")
    assert [line.status for line in world.server.tokens("ann").items] == [Status.PENDING]
    journey.redeem()
    assert [line.status for line in world.server.tokens("ann").items] == [Status.ACTIVE]


def test_two_of_one_client_are_told_apart(connect, world):
    """By a number after the client's name, and never by a name that is taken."""
    journey = connect()
    for _ in range(3):
        world.clock.forward(1)
        journey.approve(default="view")
    names = [line.token.settings.name for line in world.server.tokens("ann").items]
    assert names == ["Example (4)", "Example (3)", "Example (2)", "Example"]
    world.server.delete("ann", world.server.tokens("ann").items[2].token.id)
    world.clock.forward(1)
    journey.approve(default="view")
    assert world.server.tokens("ann").items[0].token.settings.name == "Example (5)"
