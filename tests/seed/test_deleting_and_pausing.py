"""Taking an app's access away, for a while and for good."""

import pytest
from tests.support import Journey

from scopegate import Status
from scopegate.flows.outcomes import OAuthFailure, TokenReply
from scopegate.profiles import DAY, HOUR


def test_pausing_revokes_nothing_for_good(connect, world, may):
    """Our reading: a paused token's refresh still rotates, so that the app keeps what it needs to go on later."""
    journey = connect()
    world.server.pause("ann", journey.token_id)
    assert journey.access().status == 403
    world.clock.forward(2 * HOUR)
    assert isinstance(journey.refresh(), TokenReply)
    assert journey.access().reason == "paused"
    world.server.resume("ann", journey.token_id)
    assert may(journey, "device.get", application="rocket")


def test_it_is_paused_from_the_list(connect, world):
    """One switch for each line; all of them at once besides."""
    for _ in range(2):
        connect()
    first, second = world.server.tokens("ann").items
    assert world.server.pause("ann", first.token.id).status is Status.INACTIVE
    assert world.server.pause_all(user="ann").changed == 1
    assert {line.status for line in world.server.tokens("ann").items} == {Status.INACTIVE}
    assert world.server.resume("ann", second.token.id).status is Status.ACTIVE


def test_it_is_paused_on_its_page_together_with_other_changes(connect, world):
    """One form, one change."""
    journey = connect()
    view = world.server.edit("ann", journey.token_id, active=False, name="Off for now")
    assert (view.status, view.token.settings.name) == (Status.INACTIVE, "Off for now")
    assert view.version == 2


def test_it_is_resumed_at_any_time(connect, world, may):
    """A year later too: the app goes on where it was, without asking the user."""
    journey = connect()
    world.server.pause("ann", journey.token_id)
    world.clock.forward(365 * DAY)
    world.server.resume("ann", journey.token_id)
    assert isinstance(journey.refresh(), TokenReply)
    assert may(journey, "device.get", application="rocket")
    assert len(world.server.tokens("ann").items) == 1


@pytest.mark.parametrize("state", ["pending", "active", "inactive", "expired", "revoked"])
def test_it_is_deleted_whatever_it_is(serve, state):
    """Expired, no longer needed, or thought to be compromised; from the list or from its page."""
    world = serve(token_lifetime=30 * DAY)
    journey = Journey(world)
    journey.register()
    journey.approve(default="view")
    if state != "pending":
        journey.redeem()
    if state == "inactive":
        world.server.pause("ann", journey.token_id)
    elif state == "expired":
        world.clock.forward(30 * DAY)
    elif state == "revoked":
        journey.revoke(journey.refresh_token)
    assert world.server.token_detail("ann", journey.token_id).status.value == state
    world.server.delete("ann", journey.token_id)
    assert not world.server.tokens("ann").items
    assert world.record(journey.token_id) is None


def test_deleting_ends_the_access_at_once(connect, world):
    """Access token, refresh token and a code that was not redeemed yet."""
    journey = connect()
    world.server.delete("ann", journey.token_id)
    assert journey.access().error == "invalid_token"
    assert isinstance(journey.refresh(), OAuthFailure)
    journey.approve(default="view")
    (waiting,) = world.server.tokens("ann").items
    world.server.delete("ann", waiting.token.id)
    assert isinstance(journey.redeem(), OAuthFailure)


def test_the_app_can_come_again(connect, world, may):
    """By a new authorization, which the user approves anew."""
    journey = connect()
    deleted = journey.token_id
    world.server.delete("ann", deleted)
    journey.approve(default="view")
    assert isinstance(journey.redeem(), TokenReply)
    assert may(journey, "device.get", application="rocket")
    assert journey.token_id != deleted
