"""The table of the lifecycle is what a server does: every cause in every status, and nothing else."""

from itertools import product

import pytest
from attrs import evolve
from tests.support import Journey

from scopegate.core.lifecycle import BIRTH, ENDED, TRANSITIONS, Cause, permits
from scopegate.core.tokens import Status
from scopegate.errors import NotFoundError, ReadOnlyError
from scopegate.flows.outcomes import TokenReply
from scopegate.profiles import DAY, DEFAULT, HOUR

LIVING = [status for status in Status if status is not Status.GONE]
HAPPENING = [cause for cause in Cause if cause is not Cause.APPROVED]

DEEDS = {
    Cause.REDEEMED: lambda journey: journey.redeem(),
    Cause.REFRESHED: lambda journey: journey.refresh(refresh_token=journey.refresh_token or "sgr_x.y"),
    Cause.EDITED: lambda journey: journey.server.edit("ann", journey.token_id, description="Mine"),
    Cause.PAUSED: lambda journey: journey.server.pause("ann", journey.token_id),
    Cause.RESUMED: lambda journey: journey.server.resume("ann", journey.token_id),
    Cause.CUT: lambda journey: journey.server.cut_out("acme", journey.token_id),
    Cause.REVOKED: lambda journey: journey.server.revoke_token(journey.token_id),
    Cause.LAPSED: lambda journey: journey.world.clock.forward(HOUR),
    Cause.EXPIRED: lambda journey: journey.world.clock.forward(2 * HOUR),
    Cause.UNREDEEMED: lambda journey: journey.world.clock.forward(DAY),
    Cause.DELETED: lambda journey: journey.server.delete("ann", journey.token_id),
}
"""How each cause comes about. Of those that are time, the fitting end is nearer than all others; see `journey_in`."""


def journey_in(make_world, status, cause):
    """A token of that status, to which that cause could happen next."""
    can_expire = status is Status.EXPIRED or cause is Cause.EXPIRED
    world = make_world(profile=evolve(DEFAULT, token_lifetime=2 * HOUR if can_expire else None))
    lapses = cause is Cause.LAPSED and status is not Status.EXPIRED
    grants = ["authorization_code"] if lapses else ["authorization_code", "refresh_token"]
    journey = Journey(world, grant_types=grants)
    journey.register()
    journey.approve()
    if status is not Status.PENDING and cause is not Cause.UNREDEEMED:
        assert isinstance(journey.redeem(), TokenReply)
    if status in {Status.ACTIVE, Status.INACTIVE} and cause is Cause.UNREDEEMED:
        assert isinstance(journey.redeem(), TokenReply)
    if status is Status.INACTIVE:
        world.server.pause("ann", journey.token_id)
    elif status is Status.REVOKED:
        world.server.revoke_token(journey.token_id)
    elif status is Status.EXPIRED:
        world.clock.forward(2 * HOUR)
    assert seen(journey) is status
    return journey


def seen(journey):
    """The status that its user sees."""
    try:
        return journey.server.token_detail("ann", journey.token_id).status
    except NotFoundError:
        return Status.GONE


@pytest.mark.parametrize(("status", "cause"), list(product(LIVING, HAPPENING)))
def test_what_happens_is_what_the_table_says(make_world, status, cause):
    """In the table: that status afterwards. Not in the table: refused, and nothing of the token has changed."""
    journey = journey_in(make_world, status, cause)
    before = journey.token
    try:
        DEEDS[cause](journey)
    except ReadOnlyError:
        assert not permits(status, cause)
    after = TRANSITIONS.get((status, cause), status)
    assert seen(journey) is after
    if not permits(status, cause):
        assert journey.token == before


def test_a_token_comes_to_be_by_approval_alone(make_world):
    """Registration, a look at the consent page and a refusal make none."""
    world = make_world()
    journey = Journey(world)
    journey.register()
    journey.authorize()
    journey.decide("deny")
    assert not world.server.tokens("ann").items
    journey.approve()
    (view,) = world.server.tokens("ann").items
    assert (Cause.APPROVED, view.status) == BIRTH


def test_every_status_is_reached_and_left():
    """Only what is gone stays for ever, and what has ended can but go."""
    reached = {BIRTH[1], *TRANSITIONS.values()}
    left = {status for status, _ in TRANSITIONS}
    assert reached == set(Status)
    assert left == set(LIVING)
    assert {Status.EXPIRED, Status.REVOKED, Status.GONE} == ENDED
    assert {after for (status, _), after in TRANSITIONS.items() if status in ENDED} == {Status.GONE}


def test_a_token_is_never_pending_again():
    """A code is redeemed once: nothing leads back to where one waits for that."""
    assert {status for (status, _), after in TRANSITIONS.items() if after is Status.PENDING} == {
        Status.PENDING
    }
