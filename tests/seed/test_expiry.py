"""The end of a token."""

import pytest
from tests.support import Journey

from scopegate import RoleCap, Status
from scopegate.errors import ReadOnlyError
from scopegate.flows.outcomes import OAuthFailure, TokenReply
from scopegate.profiles import DAY


@pytest.fixture
def expired(serve):
    """A token whose date has come."""
    journey = Journey(serve(token_lifetime=30 * DAY)).connect(default="view")
    journey.world.clock.forward(30 * DAY)
    return journey


def test_by_default_it_does_not_expire(connect, world, shown):
    """Ten years of weekly use, swept now and then, and it is the same token."""
    journey = connect()
    for week in range(520):
        world.clock.forward(7 * DAY)
        assert isinstance(journey.refresh(), TokenReply)
        if week % 10 == 0:
            world.server.sweep()
    view = shown(journey)
    assert (view.status, view.token.expires_at, view.token.generation) == (Status.ACTIVE, None, 521)


def test_a_date_that_was_set_is_shown(serve):
    """By the host's policy, or by the user's choice at consent."""
    world = serve(lifetimes=(DAY,))
    journey = Journey(world)
    journey.register()
    journey.approve(default="view", lifetime="86400")
    assert world.server.token_detail("ann", journey.token_id).token.expires_at == world.clock.now + DAY


def test_after_it_the_app_must_start_again(expired):
    """Neither its access token nor its refresh token helps; a new authorization does."""
    assert expired.access().error == "invalid_token"
    assert isinstance(expired.refresh(), OAuthFailure)
    expired.approve(default="view")
    assert isinstance(expired.redeem(), TokenReply)
    assert expired.access().user == "ann"


def test_after_it_the_page_is_read_only(expired):
    """Whatever would be changed."""
    server, token_id = expired.server, expired.token_id
    before = expired.token
    assert server.token_detail("ann", token_id).status is Status.EXPIRED
    for deed in (
        lambda: server.edit("ann", token_id, name="x"),
        lambda: server.recap("ann", token_id, RoleCap("none")),
        lambda: server.pause("ann", token_id),
        lambda: server.resume("ann", token_id),
    ):
        with pytest.raises(ReadOnlyError, match="only be deleted"):
            deed()
    assert expired.token == before
