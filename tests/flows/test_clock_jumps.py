"""Law 3 with clocks that are set back: what was consumed, revoked or deleted never comes back, and nothing breaks."""

import pytest
from attrs import evolve
from tests.support import Journey

from scopegate import Access, Status
from scopegate.flows.outcomes import OAuthFailure, TokenReply
from scopegate.profiles import DAY, DEFAULT, HOUR

BACK = [1e-6, 1.0, HOUR, 10 * DAY]


@pytest.mark.parametrize("seconds", BACK)
def test_a_code_is_redeemed_once_whatever_the_clock_says(connected, world, seconds):
    """Also before the time at which it was made."""
    world.clock.back(seconds)
    assert isinstance(connected.redeem(), OAuthFailure)
    assert isinstance(connected.access(), Access)


@pytest.mark.parametrize("seconds", BACK)
def test_what_was_disconnected_or_deleted_stays_so(connected, world, seconds):
    """By the client, the host or the user."""
    other = Journey(world).connect()
    connected.revoke(connected.refresh_token)
    world.server.delete("ann", other.token_id)
    world.clock.back(seconds)
    assert world.server.token_detail("ann", connected.token_id).status is Status.REVOKED
    for journey in (connected, other):
        assert journey.access().error == "invalid_token"
        assert isinstance(journey.refresh(), OAuthFailure)


@pytest.mark.parametrize("seconds", BACK)
def test_a_rotated_refresh_token_stays_rotated(connected, world, seconds):
    """Its retry is told the same again for as long as the clock says, and after that it is reuse."""
    old = connected.refresh_token
    first = connected.refresh()
    world.clock.back(seconds)
    assert connected.refresh(refresh_token=old) == first
    world.clock.forward(seconds + 31)
    assert isinstance(connected.refresh(refresh_token=old), OAuthFailure)
    assert world.server.token_detail("ann", connected.token_id).status is Status.REVOKED


@pytest.mark.parametrize("seconds", BACK)
def test_a_pause_that_ended_before_it_began_costs_nothing(make_world, seconds):
    """The token's own clock never runs backwards because of it."""
    world = make_world(profile=evolve(DEFAULT, refresh_idle_lifetime=DAY))
    journey = Journey(world).connect()
    world.server.pause("ann", journey.token_id)
    world.clock.back(seconds)
    world.server.resume("ann", journey.token_id)
    assert journey.token.settings.paused_for == 0
    assert isinstance(journey.refresh(), TokenReply)


def test_an_end_is_where_it_was_when_the_clock_is_right_again(make_world):
    """Expired, back, and expired again: the date is a date, and nothing was changed by looking."""
    world = make_world(profile=evolve(DEFAULT, token_lifetime=DAY))
    journey = Journey(world).connect()
    before = journey.token
    world.clock.forward(DAY)
    assert world.server.token_detail("ann", journey.token_id).status is Status.EXPIRED
    world.clock.back(HOUR)
    assert world.server.token_detail("ann", journey.token_id).status is Status.ACTIVE
    world.clock.forward(HOUR)
    assert world.server.token_detail("ann", journey.token_id).status is Status.EXPIRED
    assert journey.token == before


def test_times_of_use_never_go_back(connected, world):
    """The last use is the last one that there was."""
    connected.access("Application.write", application="rocket")
    used = connected.token.last_used_at, connected.token.last_wrote_at
    world.clock.back(DAY)
    connected.access("Application.write", application="rocket")
    assert (connected.token.last_used_at, connected.token.last_wrote_at) == used
