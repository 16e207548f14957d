"""Tokens that wait for the end of the flow."""

import pytest
from tests.support import Journey

from scopegate import Status
from scopegate.flows.outcomes import OAuthFailure
from scopegate.profiles import DAY


@pytest.fixture
def waiting(world):
    """A token that the user approved and the app did not pick up."""
    journey = Journey(world)
    journey.register()
    journey.approve(default="view")
    return journey


def test_one_is_pending_until_the_app_picks_it_up(waiting, shown):
    """Our reading: from the approval on, since what nobody approved is no token."""
    assert shown(waiting).status is Status.PENDING
    waiting.redeem()
    assert shown(waiting).status is Status.ACTIVE


@pytest.mark.parametrize(("after", "there"), [(-1e-6, True), (0, False), (1e-6, False)])
def test_after_a_day_it_is_removed_by_itself(waiting, world, after, there):
    """To the microsecond, before any sweep; the sweep only frees the space."""
    world.clock.forward(DAY + after)
    assert bool(world.server.tokens("ann").items) is there
    assert isinstance(waiting.redeem(), OAuthFailure)
    world.server.sweep()
    assert (world.record(waiting.token_id) is not None) is there
