"""Revocation: REV rows."""

import pytest
from tests.support import Journey

from scopegate import Refusal
from scopegate.core.events import EventKind
from scopegate.core.tokens import Status
from scopegate.flows.outcomes import Done, OAuthFailure, TokenReply


@pytest.mark.parametrize(
    "secret", ["garbage", "sga_x.y", "sgr_" + "0" * 32 + "." + "z" * 43, "\u00e9", "x" * 9999]
)
def test_unknown_secrets_are_answered_like_revoked_ones(connected, secret):
    """REV-1: 200 for anything; nothing can be learnt."""
    assert connected.revoke(secret) == Done()
    assert not isinstance(connected.access(), Refusal)


def test_a_request_without_token_is_invalid(connected):
    """REV-1: no token is 400 invalid_request."""
    for changes in ({}, {"token": ""}):
        outcome = connected.revoke(None, **changes)
        assert (outcome.code, outcome.status) == ("invalid_request", 400)


def test_a_bad_client_is_refused_first(connected):
    """REV-1: 401, whatever the token."""
    for secret in (connected.access_token, "garbage"):
        outcome = connected.revoke(secret, client_id="nobody")
        assert (outcome.code, outcome.status) == ("invalid_client", 401)


def test_a_foreign_client_changes_nothing(connected, world):
    """REV-2: B revokes A's tokens: 200, and they live."""
    other = Journey(world, user="bob").connect()
    for secret in (connected.access_token, connected.refresh_token):
        assert other.revoke(secret) == Done()
    assert not isinstance(connected.access(), Refusal)
    assert isinstance(connected.refresh(), TokenReply)


def test_a_refresh_token_takes_everything_with_it(connected):
    """REV-3: its access tokens of both generations fail on the next request."""
    first = connected.access_token
    connected.refresh()
    assert connected.revoke(connected.refresh_token) == Done()
    for secret in (first, connected.access_token):
        assert connected.access(secret=secret).reason == "invalid_token"
    assert connected.refresh().code == "invalid_grant"


def test_an_old_refresh_token_revokes_too(connected, world):
    """REV-3: the client says that it is done; which generation it kept does not matter."""
    old = connected.refresh_token
    connected.refresh()
    world.clock.forward(600)
    assert connected.revoke(old) == Done()
    assert connected.token.revoked_reason == "revoked_by_client"


def test_an_access_token_takes_only_itself(connected):
    """REV-3: the refresh token still works, and so does the other access token."""
    first = connected.access_token
    connected.refresh()
    assert connected.revoke(first) == Done()
    assert connected.access(secret=first).reason == "invalid_token"
    assert not isinstance(connected.access(), Refusal)
    assert isinstance(connected.refresh(), TokenReply)
    assert connected.revoke(first) == Done()


def test_an_access_token_without_refresh_token_is_the_token(world):
    """REV-3: nothing would be left of it."""
    journey = Journey(world, grant_types=["authorization_code"]).connect()
    assert journey.revoke(journey.access_token) == Done()
    assert journey.token.revoked_reason == "revoked_by_client"


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "urn:other", ""])
def test_a_wrong_hint_does_not_matter(connected, hint):
    """REV-4: the prefix of a secret says what it is."""
    connected.revoke(connected.refresh_token, token_type_hint=hint)
    assert isinstance(connected.access(), Refusal)


def test_the_user_still_sees_it_as_disconnected(connected, world):
    """REV-5: a client's act never deletes; the list says what happened, and only deleting is left."""
    connected.revoke(connected.refresh_token)
    (view,) = world.server.tokens("ann").items
    assert (view.status, view.token.revoked_reason) == (Status.REVOKED, "revoked_by_client")
    last = world.events(token_id=connected.token_id)[-1]
    assert (last.kind, last.detail["reason"]) == (EventKind.REVOKED, "revoked_by_client")
    before = len(world.events())
    connected.revoke(connected.refresh_token)
    connected.revoke(connected.access_token)
    assert len(world.events()) == before
    world.server.delete("ann", connected.token_id)
    assert world.server.tokens("ann").items == []


def test_a_code_cannot_be_revoked(journey):
    """REV-1: it is no token in the sense of RFC 7009; the user can delete the pending token."""
    journey.register()
    journey.approve()
    assert journey.revoke(journey.code) == Done()
    assert isinstance(journey.redeem(), TokenReply)


def test_repeated_parameters_are_refused(connected):
    """GEN-4: two tokens in one request are no request."""
    outcome = connected.revoke([connected.access_token, connected.refresh_token])
    assert isinstance(outcome, OAuthFailure)
    assert outcome.code == "invalid_request"


def test_a_paused_token_can_be_given_back(connected, world):
    """REV-5: a pause is the user's, giving back the client's."""
    world.server.pause("ann", connected.token_id)
    connected.revoke(connected.refresh_token)
    assert world.server.token_detail("ann", connected.token_id).status is Status.REVOKED
