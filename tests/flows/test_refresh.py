"""The refresh grant: REF rows."""

import json

import pytest
from attrs import evolve
from tests.support import API, MCP, Journey, RecordedEntropy

from scopegate import Refusal, profiles
from scopegate.core.changes import PutClient
from scopegate.core.events import EventKind
from scopegate.core.tokens import Status
from scopegate.flows.outcomes import OAuthFailure, TokenReply
from scopegate.profiles import DAY, DEFAULT, STRICT

MICROSECOND = 1e-6


def refused(outcome, code="invalid_grant"):
    """Whether an outcome is that error, as a 400."""
    return isinstance(outcome, OAuthFailure) and (outcome.code, outcome.status) == (code, 400)


def is_revoked(journey):
    """Whether the token was disconnected."""
    return journey.token.revoked_at is not None


def works(journey, secret=None):
    """Whether an access token is accepted."""
    return not isinstance(journey.access(secret=secret), Refusal)


def test_each_refresh_gives_a_new_refresh_token(connected):
    """REF-1: rotation for everybody; the access token before stays good for what is in flight."""
    first_access, first_refresh = connected.access_token, connected.refresh_token
    connected.refresh()
    assert connected.refresh_token != first_refresh
    assert works(connected)
    assert works(connected, first_access)
    second_access = connected.access_token
    connected.refresh()
    assert not works(connected, first_access)
    assert works(connected, second_access)


@pytest.mark.parametrize("generations", [1, 2, 5])
def test_an_old_refresh_token_revokes_however_old(connected, world, generations):
    """REF-2: a rotated refresh token after the window is theft: refused, and everything ends."""
    stolen = connected.refresh_token
    for _ in range(generations):
        connected.refresh()
        world.clock.forward(31)
    assert refused(connected.refresh(refresh_token=stolen))
    assert is_revoked(connected)
    assert connected.token.revoked_reason == "refresh_token_reused"
    assert not works(connected)
    assert refused(connected.refresh())


def test_an_older_generation_revokes_even_within_the_window(connected):
    """REF-2: only the immediately previous one may be told again."""
    stolen = connected.refresh_token
    connected.refresh()
    connected.refresh()
    assert refused(connected.refresh(refresh_token=stolen))
    assert is_revoked(connected)


def test_reuse_is_judged_before_expiry(make_world):
    """REF-2: a rotated token that would also be too old by now is still a sign of theft."""
    world = make_world(profile=evolve(DEFAULT, refresh_idle_lifetime=DAY))
    connected = Journey(world).connect()
    used = connected.refresh_token
    connected.refresh()
    world.clock.forward(3 * DAY)
    assert refused(connected.refresh(refresh_token=used))
    assert connected.token.revoked_reason == "refresh_token_reused"


def test_reuse_is_noticed_while_paused(connected, world):
    """REF-2: a pause does not hide a theft."""
    used = connected.refresh_token
    connected.refresh()
    world.server.pause("ann", connected.token_id)
    world.clock.forward(60)
    assert refused(connected.refresh(refresh_token=used))
    assert is_revoked(connected)


@pytest.mark.parametrize("profile", [DEFAULT, STRICT], ids=lambda profile: profile.name)
@pytest.mark.parametrize("state", ["paused", "disabled", "unknown"])
def test_nothing_that_may_pass_hides_a_theft(make_world, profile, state):
    """REF-2: neither a pause that answers nobody nor a closed account: what is stolen is dead when they are over."""
    world = make_world(profile=profile)
    connected = Journey(world).connect()
    used = connected.refresh_token
    connected.refresh()
    world.clock.forward(60)
    places = world.people.places["ann"]
    if state == "paused":
        world.server.pause("ann", connected.token_id)
    elif state == "disabled":
        world.people.disabled.add("ann")
    else:
        del world.people.places["ann"]
    assert refused(connected.refresh(refresh_token=used))
    assert connected.token.revoked_reason == "refresh_token_reused"
    world.people.disabled.clear()
    world.people.places["ann"] = places
    assert refused(connected.refresh())


def test_a_retry_is_not_answered_where_the_grant_does_not_stand(connected, world):
    """REF-6, REF-8: a closed account is told nothing again, and a retry in time is still no theft."""
    used = connected.refresh_token
    answer = connected.refresh()
    world.people.disabled.add("ann")
    assert refused(connected.refresh(refresh_token=used))
    assert not is_revoked(connected)
    world.people.disabled.clear()
    assert connected.refresh(refresh_token=used) == answer


def test_a_foreign_client_neither_refreshes_nor_revokes(world, connected):
    """REF-3: bound to its client; what another client does with it changes nothing."""
    stranger = Journey(world, method="client_secret_basic")
    stranger.register()
    used = connected.refresh_token
    for _ in range(2):
        for identity in (
            {"client_id": stranger.client_id, "client_secret": stranger.client_secret},
            {"client_id": None, "authorization": "Basic bm9ib2R5OmE="},
            {"client_id": "nobody"},
        ):
            assert connected.refresh(refresh_token=used, **identity).code == "invalid_client"
        assert not is_revoked(connected)
        connected.refresh()
        world.clock.forward(60)
    public = Journey(world)
    public.register()
    assert refused(connected.refresh(refresh_token=used, client_id=public.client_id))
    assert not is_revoked(connected)


def test_narrowing_keeps_the_whole_grant(connected):
    """REF-4: a narrower access token does not narrow the refresh token."""
    connected.refresh(scope="only.User.read")
    assert connected.reply["scope"] == "only.User.read"
    assert connected.access("User.read").scopes == ("only.User.read",)
    assert connected.access("Application.read", application="rocket").error == "insufficient_scope"
    connected.refresh()
    assert connected.reply["scope"] == "all.Application.bounded only.User.read"
    assert works(connected)


@pytest.mark.parametrize(
    "scope", ["all.Organization.read", "only.User.read all.Organization.read", "root", "\u00e9"]
)
def test_a_refresh_never_widens(connected, scope):
    """REF-4: asking for more is invalid_scope and uses nothing up."""
    assert refused(connected.refresh(scope=scope), "invalid_scope")
    assert isinstance(connected.refresh(), TokenReply)


def test_rotation_does_not_move_a_fixed_end(make_world):
    """REF-5: a token with an end keeps it, and no access token outlives it."""
    world = make_world(profile=evolve(DEFAULT, token_lifetime=1.5 * 3600))
    connected = Journey(world).connect()
    end = connected.token.expires_at
    world.clock.forward(3600)
    connected.refresh()
    assert connected.token.expires_at == end == connected.token.created_at + 1.5 * 3600
    assert connected.reply["expires_in"] == 1800
    world.clock.now = end - MICROSECOND
    assert works(connected)
    world.clock.now = end
    assert not works(connected)
    assert refused(connected.refresh())
    assert not is_revoked(connected)


def test_an_unused_refresh_token_ends_at_its_idle_limit(make_world):
    """REF-5: t-1us refreshes, t does not, and each refresh starts the limit anew."""
    world = make_world(profile=evolve(DEFAULT, refresh_idle_lifetime=DAY))
    connected = Journey(world).connect()
    world.clock.forward(DAY - MICROSECOND)
    assert isinstance(connected.refresh(), TokenReply)
    world.clock.forward(DAY)
    assert refused(connected.refresh())
    assert not is_revoked(connected)


def test_the_idle_clock_stands_still_while_paused(make_world):
    """REF-5: a pause of any length costs nothing."""
    world = make_world(profile=evolve(DEFAULT, refresh_idle_lifetime=DAY))
    connected = Journey(world).connect()
    for days in (3, 5):
        world.clock.forward(DAY / 4)
        world.server.pause("ann", connected.token_id)
        world.clock.forward(days * DAY)
        world.server.resume("ann", connected.token_id)
    world.clock.forward(DAY / 2 - MICROSECOND)
    assert isinstance(connected.refresh(), TokenReply)
    world.server.pause("ann", connected.token_id)
    world.clock.forward(9 * DAY)
    assert isinstance(connected.refresh(), TokenReply)
    world.clock.forward(9 * DAY)
    world.server.resume("ann", connected.token_id)
    world.clock.forward(DAY)
    assert refused(connected.refresh())


def test_without_an_idle_limit_no_sweep_takes_a_live_refresh_token(connected, world):
    """REF-5: a token that was not used for a year, and was swept every day, still refreshes."""
    for _ in range(365):
        world.clock.forward(DAY)
        world.server.sweep()
    assert isinstance(connected.refresh(), TokenReply)


def test_a_used_refresh_token_is_remembered_from_its_use_and_then_forgotten(connected, world):
    """REF-2: reuse is recognised for 90 days after the rotation, and rows do not pile up for ever."""
    used = connected.refresh_token
    world.clock.forward(200 * DAY)
    connected.refresh()
    world.clock.forward(90 * DAY - MICROSECOND)
    world.server.sweep()
    assert refused(connected.refresh(refresh_token=used))
    assert is_revoked(connected)
    world.clock.forward(1)
    assert world.server.sweep() > 0
    other = Journey(world, user="bob").connect()
    used = other.refresh_token
    other.refresh()
    world.clock.forward(90 * DAY)
    world.server.sweep()
    assert refused(other.refresh(refresh_token=used))
    assert not is_revoked(other)
    assert isinstance(other.refresh(), TokenReply)


@pytest.mark.parametrize("profile", [DEFAULT, STRICT], ids=lambda profile: profile.name)
def test_a_grant_that_does_not_stand_gives_nothing(make_world, profile):
    """REF-6: deleted, disabled user, disabled client: refused, and nothing is revoked by it."""
    world = make_world(profile=profile)
    connected = Journey(world).connect()
    world.people.disabled.add("ann")
    assert refused(connected.refresh())
    world.people.disabled.clear()
    places = world.people.places.pop("ann")
    assert refused(connected.refresh())
    world.people.places["ann"] = places
    client = world.store.client(world.realm, connected.client_id)
    disable(world, client, disabled=True)
    assert connected.refresh().code == "invalid_client"
    disable(world, world.store.client(world.realm, connected.client_id), disabled=False)
    assert isinstance(connected.refresh(), TokenReply)
    world.server.delete("ann", connected.token_id)
    assert refused(connected.refresh())


def disable(world, client, *, disabled):
    """Switch a client off or on, as an operator does."""
    changed = evolve(client, disabled=disabled, version=client.version + 1)
    world.store.commit(world.realm, [PutClient(changed, client.version)])


def test_a_paused_token_still_rotates(connected, world):
    """REF-6: by default a pause keeps the client's credentials alive, and they give no access."""
    world.server.pause("ann", connected.token_id)
    assert isinstance(connected.refresh(), TokenReply)
    assert connected.access().status == 403
    assert connected.access().error == ""
    world.server.resume("ann", connected.token_id)
    assert works(connected)


def test_a_paused_token_does_not_refresh_under_the_strict_profile(make_world):
    """REF-6: the strict reading says invalid_grant, and resuming still resumes."""
    world = make_world(profile=STRICT)
    connected = Journey(world).connect()
    world.server.pause("ann", connected.token_id)
    assert refused(connected.refresh())
    assert connected.access().status == 401
    world.server.resume("ann", connected.token_id)
    assert isinstance(connected.refresh(), TokenReply)


def test_a_retry_within_the_window_gets_the_same_answer(connected, world):
    """REF-8: a lost response can be asked for again, any number of times, byte for byte."""
    used = connected.refresh_token
    answer = connected.refresh()
    for seconds in (0, 10, 20 - MICROSECOND):
        world.clock.forward(seconds)
        assert connected.refresh(refresh_token=used) == answer
    assert not is_revoked(connected)
    assert connected.token.generation == 2
    assert works(connected)


@pytest.mark.parametrize(
    ("offset", "same"),
    [(-MICROSECOND, True), (0.0, False), (MICROSECOND, False)],
    ids=["before", "at", "after"],
)
def test_the_retry_window_closes_at_thirty_seconds(connected, world, offset, same):
    """REF-8: t-1us gets the same answer, t and t+1us revoke."""
    used = connected.refresh_token
    answer = connected.refresh()
    world.clock.forward(30 + offset)
    again = connected.refresh(refresh_token=used)
    assert (again == answer) is same
    assert is_revoked(connected) is not same


@pytest.mark.parametrize(
    "changes", [{"scope": "only.User.read"}, {"resource": API}], ids=["scope", "resource"]
)
def test_another_request_in_the_window_is_refused_without_revoking(connected, changes):
    """REF-8: only an identical request is a retry; another one gets nothing and harms nobody."""
    used = connected.refresh_token
    answer = connected.refresh()
    assert refused(connected.refresh(refresh_token=used, **changes))
    assert not is_revoked(connected)
    assert connected.refresh(refresh_token=used) == answer


def test_a_narrowed_refresh_is_told_again_as_narrow(connected):
    """REF-8: the identity of the request includes what was asked for."""
    used = connected.refresh_token
    answer = connected.refresh(scope="only.User.read", resource=[API])
    assert connected.refresh(refresh_token=used, scope="only.User.read", resource=[API]) == answer
    assert refused(connected.refresh(refresh_token=used))


def test_a_retry_does_not_outlive_the_grant(connected, world):
    """REF-8: within the window, too, a grant that ended or a user that left gets nothing."""
    used = connected.refresh_token
    connected.refresh()
    world.people.disabled.add("ann")
    assert refused(connected.refresh(refresh_token=used))
    world.people.disabled.clear()
    connected.revoke(connected.refresh_token)
    assert refused(connected.refresh(refresh_token=used))


def test_a_retry_never_starts_a_second_branch(connected, world):
    """REF-7: after a retry there is one live refresh token, the one both answers told."""
    used = connected.refresh_token
    connected.refresh()
    successor = connected.refresh_token
    connected.refresh(refresh_token=used)
    assert connected.refresh_token == successor
    connected.refresh()
    world.clock.forward(30)
    assert refused(connected.refresh(refresh_token=successor))
    assert is_revoked(connected)


def test_without_a_window_the_first_retry_revokes(make_world):
    """REF-8: the strict profile has no window, and keeps no reply."""
    connected = Journey(make_world(profile=STRICT)).connect()
    used = connected.refresh_token
    connected.refresh()
    assert connected.token.reply is None
    assert refused(connected.refresh(refresh_token=used))
    assert is_revoked(connected)


def test_an_answer_that_was_not_kept_is_not_told_again(make_world):
    """REF-8: rotated by a process without a window, used again at one with a window: theft, not a retry."""
    strict = make_world(profile=STRICT)
    connected = Journey(strict).connect()
    used = connected.refresh_token
    connected.refresh()
    entropy = RecordedEntropy("other")
    lenient = make_world(store=strict.given_store, clock=strict.clock, people=strict.people, entropy=entropy)
    connected.server = lenient.server
    assert refused(connected.refresh(refresh_token=used))
    assert is_revoked(connected)


def test_repeated_scopes_are_told_once(connected):
    """TOK-3: what is granted is a set."""
    connected.refresh(scope="only.User.read only.User.read")
    assert connected.reply["scope"] == "only.User.read"


def test_reuse_is_in_the_history(connected, world):
    """REF-9: the user can see that a refresh token was used twice, and that the token was disconnected for it."""
    used = connected.refresh_token
    connected.refresh()
    world.clock.forward(30)
    connected.refresh(refresh_token=used)
    last = world.events(user="ann")[-2:]
    assert [event.kind for event in last] == [EventKind.REUSE_DETECTED, EventKind.REVOKED]
    assert {event.detail["reason"] for event in last} == {"refresh_token_reused"}
    assert world.server.token_detail("ann", connected.token_id).status is Status.REVOKED


def test_a_refresh_may_ask_for_a_part_of_the_audience(world):
    """REF-4: each access token holds the resources asked for, the refresh token all of them."""
    journey = Journey(world)
    journey.register()
    journey.authorize(resource=[API, MCP])
    journey.decide()
    journey.redeem()
    assert works(journey)
    journey.refresh(resource=MCP)
    assert journey.access(resource=MCP).token_id == journey.token_id
    assert journey.access(resource=API).reason == "wrong_audience"
    journey.refresh()
    assert works(journey)
    assert refused(journey.refresh(resource="https://elsewhere.example/"), "invalid_target")


def test_a_client_without_the_grant_gets_and_uses_no_refresh_token(world):
    """TOK-4: refresh tokens are for clients that registered for them."""
    journey = Journey(world, grant_types=["authorization_code"]).connect()
    assert "refresh_token" not in journey.reply
    assert journey.reply["expires_in"] == 3600
    assert refused(journey.refresh(refresh_token="sgr_x.y"), "unauthorized_client")


def test_the_kind_of_a_secret_is_part_of_it(connected):
    """An access token or a code is no refresh token, whatever it is called."""
    for secret in (connected.access_token, connected.code, "nonsense", "sgr_" + connected.access_token[4:]):
        assert refused(connected.refresh(refresh_token=secret))
    assert not is_revoked(connected)
    assert isinstance(connected.refresh(), TokenReply)


def test_the_answer_is_a_token_response(connected):
    """TOK-2, TOK-3: the same members as at the first exchange."""
    answer = json.loads(connected.refresh().body)
    assert set(answer) == {"access_token", "token_type", "expires_in", "scope", "refresh_token"}
    assert answer["expires_in"] == 3600
    assert profiles.DEFAULT.access_token_lifetime == 3600
