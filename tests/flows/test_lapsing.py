"""A token whose credentials can no longer live is shown as disconnected, never as active."""

import pytest
from attrs import evolve
from tests.support import Journey

from scopegate.core.tokens import RevocationReason, Status
from scopegate.errors import ReadOnlyError
from scopegate.flows.outcomes import TokenReply
from scopegate.profiles import DAY, DEFAULT, HOUR

IDLE = evolve(DEFAULT, refresh_idle_lifetime=DAY)
ONCE = {"grant_types": ["authorization_code"]}


def shown(journey):
    """Status and reason, as its user sees them."""
    view = journey.server.token_detail("ann", journey.token_id)
    return view.status, view.revoked_reason


LAPSED = (Status.REVOKED, RevocationReason.LAPSED)


@pytest.mark.parametrize(
    ("after", "expected"), [(-1e-6, Status.ACTIVE), (0, Status.REVOKED), (1e-6, Status.REVOKED)]
)
def test_one_without_refresh_tokens_lapses_with_its_access_token(world, after, expected):
    """TOK-7: the moment the access token ends is the moment the user sees it."""
    journey = Journey(world, **ONCE).connect()
    world.clock.forward(HOUR + after)
    assert shown(journey)[0] is expected
    works = not hasattr(journey.access(), "status")
    assert works is (expected is Status.ACTIVE)


@pytest.mark.parametrize(
    ("after", "expected"), [(-1e-6, Status.ACTIVE), (0, Status.REVOKED), (1e-6, Status.REVOKED)]
)
def test_one_that_is_not_refreshed_in_time_lapses(make_world, after, expected):
    """REF-5: together with its last refresh token."""
    journey = Journey(make_world(profile=IDLE)).connect()
    journey.world.clock.forward(DAY + after)
    assert shown(journey)[0] is expected
    assert isinstance(journey.refresh(), TokenReply) is (expected is Status.ACTIVE)


def test_each_refresh_gives_the_time_anew(make_world):
    """The clock of the idle time begins again."""
    journey = Journey(make_world(profile=IDLE)).connect()
    for _ in range(3):
        journey.world.clock.forward(DAY - 1)
        assert isinstance(journey.refresh(), TokenReply)
    assert shown(journey) == (Status.ACTIVE, None)
    journey.world.clock.forward(DAY)
    assert shown(journey) == LAPSED


def test_a_pause_stops_the_clock(make_world):
    """Design: resuming brings back what was there, however long the pause was."""
    journey = Journey(make_world(profile=IDLE)).connect()
    journey.world.clock.forward(DAY - HOUR)
    journey.server.pause("ann", journey.token_id)
    journey.world.clock.forward(30 * DAY)
    assert shown(journey) == (Status.INACTIVE, None)
    journey.server.resume("ann", journey.token_id)
    assert shown(journey) == (Status.ACTIVE, None)
    journey.world.clock.forward(HOUR)
    assert shown(journey) == LAPSED


def test_what_lapsed_is_read_only_and_can_be_deleted(world):
    """It has ended like every other that is disconnected."""
    journey = Journey(world, **ONCE).connect()
    world.clock.forward(HOUR)
    with pytest.raises(ReadOnlyError, match="disconnected"):
        world.server.edit("ann", journey.token_id, name="x")
    assert world.server.delete("ann", journey.token_id).status is Status.REVOKED
    assert not world.server.tokens("ann").items


def test_what_lapsed_stays_disconnected_when_its_date_comes(make_world):
    """An end is final: the one that came first is the one that is told."""
    journey = Journey(make_world(profile=evolve(IDLE, token_lifetime=3 * DAY))).connect()
    journey.world.clock.forward(2 * DAY)
    assert shown(journey) == LAPSED
    journey.world.clock.forward(2 * DAY)
    assert shown(journey) == LAPSED


def test_what_ends_with_its_date_is_expired(make_world):
    """An access token that is cut short by the date does not lapse before it."""
    journey = Journey(make_world(profile=evolve(DEFAULT, token_lifetime=HOUR / 2)), **ONCE).connect()
    journey.world.clock.forward(HOUR / 2)
    assert shown(journey) == (Status.EXPIRED, None)


def test_one_that_is_neither_refreshed_nor_ends_never_lapses(make_world):
    """By profile a client that cannot refresh may hold an access token without an end."""
    journey = Journey(make_world(profile=evolve(DEFAULT, endless_access_tokens=True)), **ONCE).connect()
    journey.world.clock.forward(10_000 * DAY)
    assert shown(journey) == (Status.ACTIVE, None)
    assert journey.access().user == "ann"


def test_a_theft_is_noticed_of_what_lapsed_too(make_world):
    """REF-2: reuse is judged before the end, and then it is the reason that is told."""
    journey = Journey(make_world(profile=IDLE)).connect()
    old = journey.refresh_token
    journey.refresh()
    journey.world.clock.forward(DAY)
    assert shown(journey) == LAPSED
    assert journey.refresh(refresh_token=old).code == "invalid_grant"
    assert shown(journey) == (Status.REVOKED, RevocationReason.REFRESH_REUSE)
