"""The consent page and what a decision does: CON rows, AZ-14, AZ-15, and sealing."""

import json

import pytest
from attrs import evolve
from tests.support import (
    API,
    KEY,
    MCP,
    OTHER_KEY,
    REDIRECT_URI,
    Journey,
    RecordedEntropy,
    WatchedStore,
    World,
    answered,
)

from scopegate import SANDBOX, RoleCap, SignedIn, presets
from scopegate.core.changes import DeleteToken, PutClient
from scopegate.core.events import EventKind
from scopegate.core.names import token_name
from scopegate.core.tokens import MAXIMUM_NAME, Status
from scopegate.flows import consent
from scopegate.flows.outcomes import ConsentPrompt, ErrorPage, OAuthFailure, Redirect, TokenReply
from scopegate.flows.requests import ConsentForm
from scopegate.profiles import DAY, DEFAULT

MICROSECOND = 1e-6


@pytest.fixture
def asked(journey):
    """A journey whose user sees the consent page."""
    journey.register()
    assert isinstance(journey.authorize(), ConsentPrompt)
    return journey


@pytest.mark.parametrize("decision", ["", "Approve", "yes", "approve ", "preview", "on", "true"])
def test_only_the_literal_approve_approves(asked, world, decision):
    """CON-1: everything else shows the page again."""
    assert isinstance(asked.decide(decision), ConsentPrompt)
    assert world.server.tokens("ann").items == []


def test_nobody_signed_out_approves(asked, world):
    """CON-1: the form of somebody whose session ended gives no code."""
    assert asked.decide(signed_in=None) == ErrorPage("sign_in_required", 403)
    assert world.server.tokens("ann").items == []


def test_a_form_belongs_to_its_session(asked, world):
    """CON-2: the same user in another session, or in none that we know, is refused."""
    for session in ("another", None, ""):
        assert asked.decide(signed_in=SignedIn("ann", session)) == ErrorPage("wrong_user", 403)
    assert world.server.tokens("ann").items == []
    assert isinstance(asked.decide(), Redirect)


def test_a_form_belongs_to_its_user(asked, world):
    """CON-3, attack 8: bob cannot send what ann was shown, not even in a session of that name."""
    outcome = asked.decide(signed_in=SignedIn("bob", asked.signed_in.session))
    assert outcome == ErrorPage("wrong_user", 403)
    assert world.server.tokens("bob").items == world.server.tokens("ann").items == []


def test_a_host_without_sessions_still_ties_forms_to_users(journey):
    """CON-3: session None stays None."""
    journey.register()
    journey.signed_in = SignedIn("ann", None)
    journey.authorize()
    assert journey.decide(signed_in=SignedIn("bob", None)) == ErrorPage("wrong_user", 403)
    assert isinstance(journey.decide(), Redirect)


@pytest.mark.parametrize(
    ("offset", "good"),
    [(-MICROSECOND, True), (0.0, False), (MICROSECOND, False)],
    ids=["before", "at", "after"],
)
def test_a_page_is_valid_for_ten_minutes(asked, world, offset, good):
    """CON-4: t-1us decides, t and t+1us do not."""
    world.clock.forward(600 + offset)
    outcome = asked.decide()
    assert isinstance(outcome, Redirect) if good else outcome == ErrorPage("expired_transaction")


def test_the_same_choice_again_gets_the_same_redirect(asked, world):
    """CON-4: a double click, or Back and again, makes no second code."""
    first = asked.decide(organizations={"acme": "viewer"})
    assert asked.decide(organizations={"acme": "viewer"}).location == first.location
    world.clock.forward(599)
    assert asked.decide(organizations={"acme": "viewer", "globex": ""}).location == first.location
    assert len(world.server.tokens("ann").items) == 1
    assert [event.kind for event in world.events(user="ann")] == [EventKind.AUTHORIZED]


def test_a_wrong_verifier_does_not_come_between_two_clicks(asked):
    """CODE-8, CON-4: the client's mistake is no decision of the user."""
    first = asked.decide()
    asked.redeem(code_verifier="w" * 43)
    assert asked.decide().location == first.location
    assert isinstance(asked.redeem(), TokenReply)


def test_the_same_choice_after_the_redemption_gives_a_used_code(asked):
    """CON-4: the redirect is the same, and its code is spent."""
    first = asked.decide()
    asked.redeem()
    assert asked.decide().location == first.location
    assert isinstance(asked.redeem(), OAuthFailure)
    assert asked.access().user == "ann"


def test_another_choice_afterwards_is_told_that_it_was_decided(asked, world):
    """CON-4: the token is changed on its own page, not by going back."""
    asked.decide(default="viewer")
    for again in (lambda: asked.decide(default="admin"), lambda: asked.decide("deny")):
        assert again() == ErrorPage("already_decided", 409)
    assert world.server.tokens("ann").items[0].token.settings.cap == RoleCap("viewer")


def test_a_page_does_not_bring_a_token_back(asked, world):
    """CON-4, law 3: deleted, changed or disconnected, the old form has nothing to say any more."""
    asked.decide()
    token_id = asked.token_id
    world.server.edit("ann", token_id, name="Renamed")
    assert asked.decide() == ErrorPage("already_decided", 409)
    world.server.delete("ann", token_id)
    for decision in ("approve", "deny"):
        assert asked.decide(decision) == ErrorPage("already_decided", 409)
    assert world.record(token_id) is None
    assert isinstance(asked.decide("preview"), ConsentPrompt)


def test_a_disconnected_token_is_not_approved_again(asked):
    """CON-4: what the client gave back stays given back."""
    asked.decide()
    asked.redeem()
    asked.revoke(asked.refresh_token)
    assert asked.decide() == ErrorPage("already_decided", 409)


def test_who_said_no_may_still_say_yes(asked):
    """CON-13: a denial stores nothing, so Back within the ten minutes is a new decision."""
    denied = asked.decide("deny")
    assert answered(denied)["error"] == "access_denied"
    assert denied.client_name == "Example"
    assert isinstance(asked.decide(), Redirect)


def test_a_denial_is_told_with_state_and_issuer(asked, world):
    """CON-13: access_denied, and nothing is stored."""
    before = len(world.events())
    parameters = answered(asked.decide("deny"))
    assert parameters["error"] == "access_denied"
    assert (parameters["state"], parameters["iss"]) == (asked.state, "https://acme.example")
    assert world.server.tokens("ann").items == []
    assert len(world.events()) == before


def test_a_denial_needs_no_valid_choice(asked):
    """CON-13: Cancel cancels, whatever else the form holds."""
    assert answered(asked.decide("deny", default="nonsense"))["error"] == "access_denied"


def test_client_and_redirect_are_checked_again(asked, world):
    """CON-2: what changed while the page was open counts."""
    client = world.store.client(world.realm, asked.client_id)
    moved = evolve(client, redirect_uris=("https://elsewhere.example/",), version=2)
    world.store.commit(world.realm, [PutClient(moved, 1)])
    assert asked.decide() == ErrorPage("bad_redirect_uri")
    assert asked.decide("deny") == ErrorPage("bad_redirect_uri")
    world.store.commit(world.realm, [PutClient(evolve(client, disabled=True, version=3), 2)])
    assert asked.decide() == ErrorPage("unknown_client")
    world.people.disabled.add("ann")
    world.store.commit(world.realm, [PutClient(evolve(client, version=4), 3)])
    assert asked.decide() == ErrorPage("sign_in_required", 403)


def test_a_scope_that_is_no_longer_offered_ends_the_page(asked, make_world):
    """AZ-15: the host changed its catalogue meanwhile; the client asks again."""
    world = asked.world
    fewer = presets.simple(scopes=["all.Application.read", "only.Organization.read", "only.User.read"])
    changed = make_world(
        store=world.given_store,
        clock=world.clock,
        people=world.people,
        entropy=RecordedEntropy("later"),
        catalogue=fewer,
    )
    form = ConsentForm(asked.transaction, "approve", "viewer")
    assert changed.server.consent(form, asked.signed_in) == ErrorPage("expired_transaction")


def test_a_resource_that_is_no_longer_there_ends_the_page(asked, make_world):
    """AZ-15: likewise."""
    world = asked.world
    asked.authorize(resource=[API, MCP])
    shared = {"store": world.given_store, "clock": world.clock, "people": world.people}
    changed = make_world(
        **shared, entropy=RecordedEntropy("later"), resources=world.configuration.resources[1:]
    )
    form = ConsentForm(asked.transaction, "approve", "viewer")
    assert changed.server.consent(form, asked.signed_in) == ErrorPage("expired_transaction")
    assert isinstance(world.server.consent(form, asked.signed_in), Redirect)


def test_a_scope_that_the_client_may_no_longer_ask_for_ends_the_page(asked, world):
    """CON-2: the operator narrowed the client meanwhile."""
    client = world.store.client(world.realm, asked.client_id)
    fewer = evolve(client, scopes=("only.User.read",), version=2)
    world.store.commit(world.realm, [PutClient(fewer, 1)])
    assert asked.decide() == ErrorPage("expired_transaction")
    wide = evolve(client, scopes=tuple(asked.scope.split()), version=3)
    world.store.commit(world.realm, [PutClient(wide, 2)])
    assert isinstance(asked.decide(), Redirect)


def test_the_prompt_says_everything(asked):
    """CON-9: who asks, where it returns to, what for, as whom, and how far."""
    prompt = asked.authorize()
    assert prompt.client.name == "Example"
    assert prompt.redirect.uri == REDIRECT_URI
    assert [sentence.scope for sentence in prompt.sentences] == asked.scope.split()
    assert prompt.resources == (API,)
    assert prompt.account.label == "Ann"
    assert [place.organization for place in prompt.places] == ["acme", "globex", SANDBOX]
    assert prompt.cap == RoleCap("viewer")
    assert (prompt.errors, prompt.status, prompt.expires_at) == ((), 200, None)


def test_a_client_may_ask_for_everything_on_offer(asked):
    """CON-9: libraries do; the page lists it all, and the least role is preselected."""
    everything = asked.world.configuration.catalogue.scopes
    prompt = asked.authorize(scope=" ".join(everything))
    assert tuple(sentence.scope for sentence in prompt.sentences) == everything
    assert isinstance(asked.decide(), Redirect)
    assert asked.token.scopes == everything


def test_the_page_says_when_there_are_more_places_than_it_shows(asked):
    """CON-9: those follow the default, and the page must not look complete."""
    assert not asked.authorize().more_places
    asked.world.people.page_size = 2
    prompt = asked.authorize()
    assert prompt.more_places
    assert len(prompt.places) == 2


def test_the_preselected_cap_is_the_least_role(asked):
    """CON-9: client libraries ask for every scope there is; the user chooses more, never less by accident."""
    assert asked.authorize().cap.default == "viewer"


@pytest.mark.parametrize(
    ("choice", "field"),
    [
        ({"default": ""}, "default"),
        ({"default": "owner"}, "default"),
        ({"default": "viewer", "sandbox": "owner"}, "sandbox"),
        ({"default": "viewer", "organizations": {"acme": "owner"}}, "organizations[acme]"),
    ],
)
def test_a_choice_that_makes_no_sense_is_shown_again(asked, world, choice, field):
    """CON-1: with the problem beside its field, as a 400, and nothing is granted; none chosen is never all."""
    shown = asked.decide(**choice)
    assert isinstance(shown, ConsentPrompt)
    assert shown.status == 400
    assert [name for name, _ in shown.errors] == [field]
    assert world.server.tokens("ann").items == []


def test_a_preview_shows_the_choice_and_stores_nothing(asked, world):
    """CON-17: without a script, the page can show what a choice would mean."""
    shown = asked.decide("preview", default="admin", organizations={"acme": "none"}, sandbox="viewer")
    assert (shown.cap, shown.status) == (RoleCap("admin", {"acme": "none"}, "viewer"), 200)
    assert world.server.tokens("ann").items == []
    assert isinstance(asked.decide(), Redirect)


def test_the_choice_becomes_the_cap(asked, world):
    """CON-11: default, organizations and sandbox, as chosen; empty means the default."""
    asked.decide(default="editor", organizations={"acme": "viewer", "globex": ""}, sandbox="none")
    cap = world.token(asked.token_id).settings.cap
    assert cap == RoleCap("editor", {"acme": "viewer"}, "none")
    asked.redeem()
    for action, place, allowed in (
        ("Application.read", "rocket", True),
        ("Application.write", "rocket", False),
        ("Application.read", "lamp", True),
        ("Application.read", "toy", False),
    ):
        assert (asked.access(action, application=place).__class__.__name__ == "Access") is allowed


def test_the_form_cannot_alter_the_request():
    """AZ-15: its only inputs are the decision, the cap and how long."""
    names = {attribute.name for attribute in ConsentForm.__attrs_attrs__}
    assert names == {"transaction", "decision", "default", "sandbox", "organizations", "lifetime"}


@pytest.mark.parametrize(
    "change", ["empty", "truncated", "flipped", "extended", "other purpose", "other key", "text"]
)
def test_a_transaction_that_we_did_not_seal_is_refused(asked, world, change):
    """AZ-15, CON-2: forged, damaged, sealed for something else or by somebody else."""
    sealed = asked.transaction
    sealer, purpose = world.configuration.sealer, consent.purpose(world.configuration)
    opened = sealer.open(purpose, sealed)
    with World(sealing_keys=[OTHER_KEY]) as other:
        changed = {
            "empty": "",
            "truncated": sealed[:-8],
            "flipped": ("A" if sealed[40] != "A" else "B").join((sealed[:40], sealed[41:])),
            "extended": sealed + "AAAA",
            "other purpose": sealer.seal("a page's form", opened.payload, world.entropy),
            "other key": other.configuration.sealer.seal(purpose, opened.payload, world.entropy),
            "text": "\u00e9" * 100,
        }[change]
    form = ConsentForm(changed, "approve", "viewer")
    assert world.server.consent(form, asked.signed_in) == ErrorPage("expired_transaction")
    assert world.server.tokens("ann").items == []


def test_keys_rotate_under_an_open_page(asked, make_world):
    """OPS-2: newest seals, any opens: the page stays valid, and the double click still gives the same code."""
    world = asked.world
    first = asked.decide()
    shared = {"store": world.given_store, "clock": world.clock, "people": world.people}
    rotated = make_world(**shared, entropy=RecordedEntropy("1"), sealing_keys=[OTHER_KEY, KEY])
    form = ConsentForm(asked.transaction, "approve", "editor")
    assert rotated.server.consent(form, asked.signed_in).location == first.location
    gone = make_world(**shared, entropy=RecordedEntropy("2"), sealing_keys=[OTHER_KEY])
    assert gone.server.consent(form, asked.signed_in) == ErrorPage("expired_transaction")


def test_a_retry_survives_the_rotation_of_keys(connected, make_world):
    """OPS-2: the sealed answer opens by any key that is still there; without it the retry is refused, not punished."""
    world = connected.world
    used = connected.refresh_token
    answer = connected.refresh()
    shared = {"store": world.given_store, "clock": world.clock, "people": world.people}
    rotated = make_world(**shared, entropy=RecordedEntropy("1"), sealing_keys=[OTHER_KEY, KEY])
    again = Journey(rotated)
    again.client_id = connected.client_id
    assert again.refresh(refresh_token=used) == answer
    gone = make_world(**shared, entropy=RecordedEntropy("2"), sealing_keys=[OTHER_KEY])
    again.server = gone.server
    assert again.refresh(refresh_token=used).code == "invalid_grant"
    assert connected.token.revoked_at is None


def test_the_stored_answer_opens_with_the_presented_secret_only(connected):
    """REF-8: neither with the successor, nor under another token or generation, nor damaged."""
    used = connected.refresh_token.rpartition(".")[2]
    answer = connected.refresh().body
    token, sealer = connected.token, connected.world.configuration.sealer
    name = f"default {token.id} 1"
    assert sealer.open_reply(used, name, token.reply)[32:] == answer
    successor = connected.refresh_token.rpartition(".")[2]
    assert sealer.open_reply(successor, name, token.reply) is None
    assert sealer.open_reply("", name, token.reply) is None
    for wrong in (f"default {token.id} 2", f"default {'0' * 32} 1", f"other {token.id} 1"):
        assert sealer.open_reply(used, wrong, token.reply) is None
    for damaged in (token.reply[:-1], token.reply[:12], b"", bytes(len(token.reply)), token.reply + b"x"):
        assert sealer.open_reply(used, name, damaged) is None


def test_at_most_ten_tokens_wait(world):
    """AZ-14: the eleventh approval lets the oldest go, and says so in the history; others are not touched."""
    redeemed = Journey(world).connect()
    bob = Journey(world, user="bob")
    bob.register()
    bob.approve()
    journey = Journey(world)
    journey.register()
    waiting = []
    for _ in range(12):
        world.clock.forward(1)
        journey.approve()
        waiting.append(journey.code)
    pending = [view for view in world.server.tokens("ann").items if view.status is Status.PENDING]
    kept = [code[4:].partition(".")[0] for code in waiting[2:]]
    assert [view.token.id for view in pending] == kept[::-1]
    assert isinstance(journey.redeem(code=waiting[1]), OAuthFailure)
    assert isinstance(journey.redeem(code=waiting[2]), TokenReply)
    assert redeemed.access().user == "ann"
    assert isinstance(bob.redeem(), TokenReply)
    dropped = [event for event in world.events(user="ann") if event.kind is EventKind.DELETED]
    assert [event.detail for event in dropped] == [{"reason": "too many pending"}] * 2
    assert {event.client_id for event in dropped} == {journey.client_id}
    assert len({event.token_id for event in dropped} - {""}) == 2


def test_the_approval_of_this_moment_stays_though_the_clock_was_set_back(world):
    """AZ-14: the oldest of the others goes."""
    journey = Journey(world)
    journey.register()
    for _ in range(10):
        journey.approve()
        world.clock.forward(1)
    newest_before = journey.token_id
    world.clock.back(3600)
    journey.approve()
    assert isinstance(journey.redeem(), TokenReply)
    assert world.record(newest_before) is not None
    assert len(world.server.tokens("ann").items) == 10


def test_a_code_that_is_redeemed_meanwhile_keeps_its_token(make_world):
    """AZ-14: between the list of those that wait and the deletion, the oldest may have become active."""
    store = WatchedStore()
    world = make_world(store=store)
    elsewhere = World(store=store.store, clock=world.clock, people=world.people)
    oldest, journey = Journey(world), Journey(world)
    for each in (oldest, *[journey] * 9):
        each.register()
        each.approve()
        world.clock.forward(1)
    oldest.server = elsewhere.server

    def redeem_first(name, arguments):
        if name == "commit" and isinstance(arguments[1][0], DeleteToken):
            store.before = lambda *_: None
            assert isinstance(oldest.redeem(), TokenReply)

    store.before = redeem_first
    journey.register()
    assert isinstance(journey.approve(), Redirect)
    assert oldest.access().user == "ann"
    assert [event for event in world.events() if event.kind is EventKind.DELETED] == []
    elsewhere.close()


def test_those_that_time_has_ended_do_not_count(world):
    """AZ-14: ten from yesterday and ten from today may stand."""
    journey = Journey(world)
    journey.register()
    for _ in range(2):
        for _ in range(10):
            journey.approve()
        world.clock.forward(DAY)
    assert [event for event in world.events() if event.kind is EventKind.DELETED] == []


def test_names_of_tokens_tell_them_apart(world):
    """CON-9: the client's name, then (2), (3), within the limit."""
    journey = Journey(world)
    journey.register()
    names = []
    for _ in range(3):
        journey.approve()
        names.append(world.token(journey.token_id).settings.name)
    assert names == ["Example", "Example (2)", "Example (3)"]
    assert journey.authorize().existing == 3
    long = "x" * 300
    first = token_name(long, [])
    second = token_name(long, [first])
    assert (first, second) == ("x" * MAXIMUM_NAME, "x" * (MAXIMUM_NAME - 4) + " (2)")
    assert token_name(long, [first, second]) == "x" * (MAXIMUM_NAME - 4) + " (3)"


def test_a_token_with_an_end_says_so(make_world):
    """REF-5: the page shows when it will end, counted from the approval."""
    world = make_world(profile=evolve(DEFAULT, token_lifetime=DAY))
    journey = Journey(world)
    journey.register()
    assert journey.authorize().expires_at == world.clock.now + DAY
    world.clock.forward(60)
    journey.decide()
    assert journey.token.expires_at == world.clock.now + DAY


def test_a_sealed_transaction_is_not_readable(asked):
    """AZ-15: neither state nor user can be read out of the page."""
    assert "ann" not in asked.transaction
    assert "state" not in asked.transaction
    purpose = consent.purpose(asked.world.configuration)
    payload = asked.world.configuration.sealer.open(purpose, asked.transaction).payload
    assert "ann" in json.loads(payload)


def test_each_page_has_its_own_transaction(asked):
    """CON-4: two tabs make two tokens."""
    first = asked.transaction
    asked.authorize()
    assert asked.transaction != first
    one, other = asked.decide(transaction=first), asked.decide()
    assert answered(one)["code"] != answered(other)["code"]
