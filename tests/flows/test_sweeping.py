"""What a sweep frees of the history, and what it leaves (OPS-7)."""

import pytest
from attrs import evolve
from tests.support import Journey

from scopegate.core.events import EventKind
from scopegate.profiles import DAY, DEFAULT


@pytest.mark.parametrize(("after", "left"), [(-1e-6, 3), (0, 0), (1e-6, 0)])
def test_events_go_after_their_time(make_world, after, left):
    """To the microsecond; the token that they tell of stays."""
    world = make_world(profile=evolve(DEFAULT, history_lifetime=DAY, idle_registration=None))
    journey = Journey(world).connect()
    world.clock.forward(DAY + after)
    world.server.sweep()
    assert len(world.events()) == left
    assert world.server.token_detail("ann", journey.token_id)


def test_what_happened_since_stays(make_world):
    """The newest of them."""
    world = make_world(profile=evolve(DEFAULT, history_lifetime=DAY))
    journey = Journey(world).connect()
    world.clock.forward(DAY / 2)
    journey.refresh()
    world.clock.forward(DAY / 2)
    world.server.sweep()
    assert [event.kind for event in world.events()] == [EventKind.REFRESHED]


def test_a_history_without_an_end_is_kept(make_world):
    """Where the host says so."""
    world = make_world(profile=evolve(DEFAULT, history_lifetime=None))
    Journey(world).connect()
    world.clock.forward(100 * 365 * DAY)
    world.server.sweep()
    assert len(world.events(user="ann")) == 2


def test_a_sweep_is_bounded_and_goes_on(make_world):
    """Call it again while it frees as much as it may."""
    world = make_world(profile=evolve(DEFAULT, history_lifetime=DAY, idle_registration=None))
    journey = Journey(world).connect()
    for number in range(7):
        world.server.edit("ann", journey.token_id, name=f"{number}")
    world.clock.forward(DAY)
    freed = []
    while not freed or freed[-1]:
        freed.append(world.server.sweep(limit=4))
    assert max(freed) == 4
    assert not world.events()


def test_tokens_that_have_ended_stay_until_they_are_deleted(make_world):
    """However old they are."""
    world = make_world(profile=evolve(DEFAULT, token_lifetime=DAY))
    expired, revoked = Journey(world).connect(), Journey(world).connect()
    world.server.revoke_token(revoked.token_id)
    world.clock.forward(1000 * DAY)
    while world.server.sweep():
        pass
    assert {view.token.id for view in world.server.tokens("ann").items} == {
        expired.token_id,
        revoked.token_id,
    }
