"""How long a token may live, as host and user decide it at consent, and never again afterwards."""

import json

import pytest
from attrs import evolve
from tests.support import Journey

from scopegate import Access, RoleCap, Status
from scopegate.errors import ReadOnlyError
from scopegate.flows.outcomes import ConsentPrompt, ErrorPage, Redirect, TokenReply
from scopegate.profiles import DAY, DEFAULT, HOUR

OFFERING = evolve(DEFAULT, lifetimes=(HOUR / 2, DAY))
LIMITED = evolve(OFFERING, token_lifetime=30 * DAY)


@pytest.fixture
def ready(make_world):
    """A client at the consent page of a server with that profile."""

    def go(profile):
        journey = Journey(make_world(profile=profile))
        journey.register()
        journey.authorize()
        return journey

    return go


@pytest.mark.parametrize(
    ("profile", "chosen", "lifetime"),
    [
        (DEFAULT, "", None),
        (OFFERING, "", None),
        (OFFERING, "86400", DAY),
        (OFFERING, "1800", HOUR / 2),
        (LIMITED, "", 30 * DAY),
        (LIMITED, "86400", DAY),
    ],
)
def test_the_choice_is_the_end(ready, profile, chosen, lifetime):
    """Counted from the approval; without a choice it is what the host says, and that may be never."""
    journey = ready(profile)
    journey.world.clock.forward(60)
    journey.decide(lifetime=chosen)
    expires_at = journey.token.expires_at
    assert expires_at == (None if lifetime is None else journey.world.clock.now + lifetime)


@pytest.mark.parametrize(
    ("profile", "chosen"),
    [
        (DEFAULT, "86400"),
        (OFFERING, "86401"),
        (OFFERING, "86400.0"),
        (OFFERING, " 86400"),
        (OFFERING, "never"),
        (OFFERING, "-1"),
        (OFFERING, "1e9"),
        (LIMITED, "2592001"),
        (LIMITED, "inf"),
    ],
)
def test_what_is_not_on_offer_is_shown_again(ready, profile, chosen):
    """Never a longer life than the host allows, and nothing is approved; the rest of the choice is kept."""
    journey = ready(profile)
    shown = journey.decide(default="admin", lifetime=chosen)
    assert isinstance(shown, ConsentPrompt)
    assert (shown.status, [field for field, _ in shown.errors]) == (400, ["lifetime"])
    assert shown.cap.default == "admin"
    assert not journey.server.tokens("ann").items


def test_every_mistake_is_told_at_once(ready):
    """A wrong role and a wrong life."""
    shown = ready(OFFERING).decide(default="owner", lifetime="1")
    assert [field for field, _ in shown.errors] == ["default", "lifetime"]


def test_a_preview_keeps_the_choice(ready):
    """And says when it would end."""
    journey = ready(OFFERING)
    shown = journey.decide("preview", lifetime="86400")
    assert (shown.lifetime, shown.lifetimes) == (DAY, OFFERING.lifetimes)
    assert shown.expires_at == journey.world.clock.now + DAY
    assert (shown.status, shown.errors) == (200, ())


def test_no_choice_again_is_the_same_answer(ready):
    """The longest life that there is, a second later."""
    journey = ready(LIMITED)
    first = journey.decide()
    journey.world.clock.forward(1)
    assert journey.decide().location == first.location


def test_the_same_choice_again_is_the_same_answer(ready):
    """A double click, a second later; another life is another choice."""
    journey = ready(LIMITED)
    first = journey.decide(lifetime="86400")
    journey.world.clock.forward(1)
    again = journey.decide(lifetime="86400")
    assert isinstance(again, Redirect)
    assert again.location == first.location
    assert journey.decide(lifetime="86400").location == first.location
    assert journey.decide(lifetime="1800") == ErrorPage("already_decided", 409)
    assert journey.decide(lifetime="") == ErrorPage("already_decided", 409)


@pytest.mark.parametrize(("after", "ended"), [(-1e-6, False), (0, True), (1e-6, True)])
def test_at_its_moment_everything_ends(ready, after, ended):
    """Requests, refresh, and changes; it can still be deleted."""
    journey = ready(OFFERING)
    journey.decide(lifetime="86400")
    born = journey.world.clock.now
    journey.redeem()
    journey.world.clock.forward(born + DAY - HOUR / 2 - journey.world.clock.now)
    assert isinstance(journey.refresh(), TokenReply)
    journey.world.clock.forward(HOUR / 2 + after)
    server, token_id = journey.server, journey.token_id
    assert isinstance(journey.access(), Access) is not ended
    assert server.token_detail("ann", token_id).status is (Status.EXPIRED if ended else Status.ACTIVE)
    if ended:
        assert (journey.access().status, journey.access().error) == (401, "invalid_token")
        assert journey.refresh().code == "invalid_grant"
        before = journey.token
        for deed in (
            lambda: server.edit("ann", token_id, name="x"),
            lambda: server.recap("ann", token_id, RoleCap("none")),
            lambda: server.pause("ann", token_id),
            lambda: server.resume("ann", token_id),
            lambda: server.cut_out("acme", token_id),
        ):
            with pytest.raises(ReadOnlyError, match="expired"):
                deed()
        journey.revoke(journey.refresh_token)
        server.revoke_token(token_id)
        assert journey.token == before
        server.delete("ann", token_id)
    else:
        assert isinstance(journey.refresh(), TokenReply)


def test_an_access_token_never_outlives_its_token(ready):
    """`expires_in` says so."""
    journey = ready(OFFERING)
    journey.decide(lifetime="1800")
    assert json.loads(journey.redeem().body)["expires_in"] == 1800
    journey.world.clock.forward(1000)
    assert json.loads(journey.refresh().body)["expires_in"] == 800


def test_nothing_moves_the_end(ready):
    """No edit, refresh, pause or resumption; there is no operation that would."""
    journey = ready(OFFERING)
    journey.decide(lifetime="86400")
    end = journey.token.expires_at
    journey.redeem()
    journey.world.clock.forward(60)
    journey.refresh()
    journey.server.edit("ann", journey.token_id, name="x", description="y", cap=RoleCap("admin"))
    journey.server.pause("ann", journey.token_id)
    journey.world.clock.forward(HOUR)
    journey.server.resume("ann", journey.token_id)
    assert journey.token.expires_at == end
