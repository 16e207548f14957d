"""Law 4: what an error changes is committed, and an answer whose commit failed is thrown away."""

import pytest
from tests.support import Journey, RecordedEntropy, WatchedStore, World

from scopegate import RoleCap
from scopegate.core.changes import Touch
from scopegate.core.credentials import encode
from scopegate.errors import ConflictError, ContentionError, StoreUnavailableError
from scopegate.flows.outcomes import OAuthFailure, Redirect, TokenReply
from scopegate.flows.requests import ConsentForm


class LostRaces:
    """Makes commits of a kind fail, as if somebody else had been first.

    Args:
        times: how many commits in a row fail.
        rival: called once, before the first failure: what the somebody else did.
    """

    def __init__(self, times, rival=lambda: None) -> None:
        self.times = times
        self.rival = rival
        self.lost = 0

    def __call__(self, name, args):
        """Lose, or let it pass."""
        if name != "commit" or self.lost >= self.times or isinstance(args[1][0], Touch):
            return
        self.lost += 1
        if self.lost == 1:
            self.rival()
        raise ConflictError("the guard is false")


@pytest.fixture
def store():
    """A watched store."""
    return WatchedStore()


@pytest.fixture
def watched(make_world, store):
    """A world over the watched store."""
    return make_world(store=store)


@pytest.fixture
def rivals(watched, store):
    """Another process of the same host: its commits are not watched."""
    entropy = RecordedEntropy("rivals")
    with World(store=store.store, clock=watched.clock, people=watched.people, entropy=entropy) as world:
        yield world


def test_reuse_answers_an_error_and_revokes(connected, world):
    """The outcome of a reused refresh token is invalid_grant, and its revocation stands."""
    used = connected.refresh_token
    connected.refresh()
    world.clock.forward(30)
    outcome = connected.refresh(refresh_token=used)
    assert outcome == OAuthFailure("invalid_grant", "the refresh token was used already")
    assert connected.token.revoked_at == world.clock.now


def test_an_answer_whose_commit_failed_is_never_seen(watched, store):
    """Three lost races in a row are a 503, and none of the secrets made for those answers is anybody's."""
    connected = Journey(watched).connect()
    for step in (connected.refresh, connected.redeem):
        made = len(watched.entropy.secrets)
        store.before = LostRaces(3)
        if step == connected.redeem:
            watched.clock.forward(3600)
        with pytest.raises(ContentionError):
            step()
        store.before = lambda *_: None
        for secret in watched.entropy.secrets[made:]:
            for kind in ("sga", "sgr"):
                header = f"Bearer {kind}_{connected.token_id}.{encode(secret)}"
                assert watched.server.access(header).status == 401
    assert connected.token.generation == 1
    assert connected.token.revoked_at is None
    assert isinstance(connected.refresh(), TokenReply)


@pytest.mark.parametrize("times", [1, 2])
def test_a_lost_race_is_read_and_decided_again(watched, store, times):
    """The answer is that of the attempt that was committed."""
    connected = Journey(watched).connect()
    store.before = LostRaces(times)
    assert isinstance(connected.refresh(), TokenReply)
    store.before = lambda *_: None
    assert connected.access().user == "ann"
    assert connected.token.generation == 2


def test_who_lost_to_a_redemption_is_refused(watched, store, rivals):
    """Two processes redeem one code: the second reads the winner's row, and answers what that says."""
    journey = Journey(watched)
    journey.register()
    journey.approve()
    rival = Journey(rivals)
    rival.client_id, rival.code = journey.client_id, journey.code
    store.before = LostRaces(1, rival.redeem)
    assert isinstance(journey.redeem(), OAuthFailure)
    assert journey.token.generation == 1
    assert rival.access().user == "ann"


def test_every_write_gives_up_after_three_lost_races(watched, store):
    """Each method that commits says 503 rather than answer without having written."""
    connected = Journey(watched).connect()
    other = Journey(watched)
    other.register()
    other.authorize()
    server, token_id = watched.server, connected.token_id
    for attempt in (
        lambda: server.recap("ann", token_id, RoleCap("viewer")),
        lambda: server.pause("ann", token_id),
        lambda: server.delete("ann", token_id),
        lambda: connected.revoke(connected.refresh_token),
        other.decide,
    ):
        store.before = LostRaces(3)
        with pytest.raises(ContentionError):
            attempt()
        assert store.before.lost == 3
        store.before = lambda *_: None
    assert server.token_detail("ann", token_id).version == 1
    assert [view.token.id for view in server.tokens("ann").items] == [token_id]
    for attempt in (other.register, lambda: server.add_client("Partner", ["https://partner.example/"])):
        store.before = LostRaces(1)
        with pytest.raises(ContentionError):
            attempt()


def test_an_unknown_end_of_a_redemption_does_no_harm(watched, store):
    """The store applied the commit and then the line broke: the client's retry is refused, and nothing is revoked."""
    journey = Journey(watched)
    journey.register()
    journey.approve()
    store.after = broken_line
    with pytest.raises(StoreUnavailableError):
        journey.redeem()
    store.after = lambda *_: None
    assert isinstance(journey.redeem(), OAuthFailure)
    token = watched.token(journey.token_id)
    assert (token.generation, token.revoked_at) == (1, None)


def test_an_unknown_end_of_a_refresh_can_be_asked_for_again(watched, store):
    """The retry gets the answer that was sealed before the line broke."""
    connected = Journey(watched).connect()
    store.after = broken_line
    with pytest.raises(StoreUnavailableError):
        connected.refresh()
    store.after = lambda *_: None
    assert isinstance(connected.refresh(), TokenReply)
    assert connected.token.generation == 2
    assert connected.access().user == "ann"
    assert isinstance(connected.refresh(), TokenReply)


def test_an_unknown_end_of_an_approval_is_mended_by_sending_the_form_again(watched, store):
    """The second click gets the redirect that the first one should have got."""
    journey = Journey(watched)
    journey.register()
    journey.authorize()
    store.after = broken_line
    with pytest.raises(StoreUnavailableError):
        journey.decide()
    store.after = lambda *_: None
    assert isinstance(journey.decide(), Redirect)
    assert isinstance(journey.redeem(), TokenReply)


def broken_line(name, _args):
    """The commit was applied; nobody was told."""
    if name == "commit":
        raise StoreUnavailableError("the connection was lost")


def test_two_forms_at_once_make_one_token(watched, store, rivals):
    """The same page sent twice with different choices: one is done, the other is told that it was decided."""
    journey = Journey(watched)
    journey.register()
    journey.authorize()
    rival = ConsentForm(journey.transaction, "approve", "viewer")
    won = []
    store.before = LostRaces(1, lambda: won.append(rivals.server.consent(rival, journey.signed_in)))
    outcome = journey.decide(default="admin")
    assert outcome.problem == "already_decided"
    assert isinstance(won[0], Redirect)
    (view,) = watched.server.tokens("ann").items
    assert view.token.settings.cap == RoleCap("viewer")
