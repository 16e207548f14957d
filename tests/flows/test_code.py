"""The exchange of a code: CODE and TOK rows."""

import json
from base64 import b64encode

import pytest
from attrs import evolve
from tests.support import API, MCP, REDIRECT_URI, Journey, challenge_of, client_request

from scopegate import Refusal
from scopegate.core.changes import PutClient
from scopegate.core.events import EventKind
from scopegate.core.tokens import Status
from scopegate.errors import NotFoundError
from scopegate.flows._oauthlib import s256
from scopegate.flows.outcomes import OAuthFailure, Redirect, TokenReply
from scopegate.profiles import DAY, DEFAULT, STRICT, Profile

MICROSECOND = 1e-6
OTHER_VERIFIER = "o" * 43


def refused(outcome, code="invalid_grant"):
    """Whether an outcome is that error, as a 400."""
    return isinstance(outcome, OAuthFailure) and (outcome.code, outcome.status) == (code, 400)


def works(journey):
    """Whether the access token is accepted."""
    return not isinstance(journey.access(), Refusal)


@pytest.fixture
def approved(journey):
    """A journey that has a code."""
    journey.register()
    assert isinstance(journey.approve(), Redirect)
    return journey


# CODE rows


def test_a_code_is_consumed_by_its_first_use(approved):
    """CODE-1: one winner; what the second attempt gets is invalid_grant."""
    assert isinstance(approved.redeem(), TokenReply)
    assert refused(approved.redeem())
    assert works(approved)


@pytest.mark.parametrize(
    ("offset", "good"),
    [(-MICROSECOND, True), (0.0, False), (MICROSECOND, False)],
    ids=["before", "at", "after"],
)
def test_a_code_lives_sixty_seconds(approved, world, offset, good):
    """CODE-2: t-1us redeems, t and t+1us do not."""
    world.clock.forward(60 + offset)
    assert isinstance(approved.redeem(), TokenReply) is good


@pytest.mark.parametrize("seconds", [0, -1, 600.5])
def test_a_code_never_lives_longer_than_ten_minutes(seconds):
    """CODE-2: the profile cannot be written otherwise."""
    with pytest.raises(Exception, match=r"code_lifetime.*600"):
        Profile(name="mine", code_lifetime=seconds)
    assert Profile(name="mine", code_lifetime=600).code_lifetime == 600


def test_a_code_is_bound_to_its_client(approved, world):
    """CODE-3: another client cannot redeem it, and does it no harm by trying."""
    other = Journey(world)
    other.register()
    assert refused(approved.redeem(client_id=other.client_id))
    assert approved.token.settings.verifier_failures == 0
    assert isinstance(approved.redeem(), TokenReply)


def test_a_code_is_bound_to_what_was_approved(approved, world):
    """CODE-3: what the token request says about scope or user is ignored; the consent counts."""
    approved.redeem(scope="all.Organization.bounded", user="bob", client="x", extra_credentials="y")
    assert approved.reply["scope"] == "all.Application.bounded only.User.read"
    assert approved.access().user == "ann"
    assert world.token(approved.token_id).user == "ann"


def test_a_code_is_bound_to_its_redirect_uri(approved):
    """CODE-3, CODE-6: present it must equal; the error is invalid_grant, and the code is not used up."""
    for uri in (REDIRECT_URI + "/", "https://client.example/CALLBACK", "https://evil.example/callback"):
        assert refused(approved.redeem(redirect_uri=uri))
    assert isinstance(approved.redeem(), TokenReply)


def test_the_redirect_uri_may_be_left_out(approved):
    """CODE-6: OAuth 2.1 clients do not repeat it."""
    assert isinstance(approved.redeem(redirect_uri=None), TokenReply)


def test_the_redirect_uri_that_was_asked_counts_not_the_registered_one(world):
    """CODE-6: a loopback client that came from a random port repeats that port."""
    journey = Journey(world, redirect_uris=["http://127.0.0.1/callback"])
    journey.register()
    journey.authorize(redirect_uri="http://127.0.0.1:51004/callback")
    journey.decide()
    assert refused(journey.redeem(redirect_uri="http://127.0.0.1/callback"))
    assert isinstance(journey.redeem(redirect_uri="http://127.0.0.1:51004/callback"), TokenReply)


@pytest.mark.parametrize(
    ("verifier", "code"),
    [
        (OTHER_VERIFIER, "invalid_grant"),
        ("v" * 42, "invalid_grant"),
        ("v" * 129, "invalid_grant"),
        ("v" * 42 + "+", "invalid_grant"),
        ("v" * 42 + "\u00e9", "invalid_grant"),
        (None, "invalid_request"),
        ("", "invalid_request"),
    ],
)
def test_the_verifier_is_checked(approved, verifier, code):
    """CODE-4: wrong or malformed is invalid_grant, absent invalid_request; the code survives."""
    assert refused(approved.redeem(code_verifier=verifier), code)
    assert isinstance(approved.redeem(), TokenReply)


def test_the_vector_of_the_standard():
    """CODE-4: RFC 7636 appendix B."""
    verifier, challenge = (
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    )
    assert s256(verifier, challenge)
    assert challenge_of(verifier) == challenge
    assert not s256(verifier, challenge[:-1] + "N")
    assert not s256(challenge, challenge)


def test_the_vector_of_the_standard_through_the_server(journey):
    """CODE-4: the same, from the authorization request to the access token."""
    journey.verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    journey.register()
    journey.authorize(code_challenge="E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
    journey.decide()
    assert isinstance(journey.redeem(), TokenReply)


@pytest.mark.parametrize("length", [43, 128])
def test_verifiers_of_every_allowed_length_work(journey, length):
    """CODE-4: 43 to 128 unreserved characters."""
    journey.verifier = ("aZ09-._~" * 16)[:length]
    assert isinstance(journey.connect().refresh(), TokenReply)


def test_there_is_no_code_without_a_challenge(journey):
    """CODE-5: no downgrade; a request without challenge never becomes a code."""
    journey.register()
    outcome = journey.authorize(code_challenge=None)
    assert ("error", "invalid_request") in outcome.parameters


def test_a_second_valid_use_a_moment_later_is_only_refused(approved, world):
    """CODE-7: a client that lost the answer looks like this; t-1us of the ten seconds revokes nothing."""
    approved.redeem()
    world.clock.forward(10 - MICROSECOND)
    assert refused(approved.redeem())
    assert works(approved)


@pytest.mark.parametrize("later", [10.0, 10.0 + MICROSECOND, 59.0, 61.0, 3599.0, 30 * DAY])
def test_a_later_second_valid_use_revokes(approved, world, later):
    """CODE-7: code replay with the right verifier is theft, also after the code's own life."""
    approved.redeem()
    world.clock.forward(later)
    assert refused(approved.redeem())
    assert approved.token.revoked_reason == "code_replayed"
    assert not works(approved)
    assert refused(approved.refresh())
    assert [event.kind for event in world.events(user="ann")][-2:] == [
        EventKind.REUSE_DETECTED,
        EventKind.REVOKED,
    ]


def test_a_used_code_is_remembered_for_ninety_days(approved, world):
    """CODE-7: sweeps leave it, so that a late replay is recognised; after that it is just unknown."""
    approved.redeem()
    other = Journey(world, user="bob").connect()
    world.clock.forward(90 * DAY - 1)
    world.server.sweep()
    assert refused(approved.redeem())
    assert approved.token.revoked_reason == "code_replayed"
    world.clock.forward(1)
    world.server.sweep()
    assert refused(other.redeem())
    assert other.token.revoked_at is None


def test_a_replay_after_a_refresh_revokes(approved, world):
    """CODE-7: the tolerance is counted from the redemption, not from what came later."""
    approved.redeem()
    world.clock.forward(3000)
    approved.refresh()
    assert refused(approved.redeem())
    assert approved.token.revoked_reason == "code_replayed"


def test_the_strict_profile_revokes_at_once(make_world):
    """CODE-7: its tolerance is nothing."""
    journey = Journey(make_world(profile=STRICT)).connect()
    assert refused(journey.redeem())
    assert journey.token.revoked_at is not None


@pytest.mark.parametrize("profile", [DEFAULT, STRICT], ids=lambda profile: profile.name)
@pytest.mark.parametrize("state", ["paused", "disabled", "elsewhere"])
def test_nothing_that_may_pass_hides_a_replay(make_world, profile, state):
    """CODE-7: neither a pause, nor a closed account, nor a resource that was not granted."""
    world = make_world(profile=profile)
    journey = Journey(world).connect()
    world.clock.forward(60)
    if state == "paused":
        world.server.pause("ann", journey.token_id)
    elif state == "disabled":
        world.people.disabled.add("ann")
    assert refused(journey.redeem(resource=MCP if state == "elsewhere" else None))
    assert journey.token.revoked_reason == "code_replayed"


@pytest.mark.parametrize(
    "changes",
    [{"code_verifier": OTHER_VERIFIER}, {"code_verifier": None}, {"redirect_uri": REDIRECT_URI + "/"}],
)
def test_an_invalid_replay_revokes_nothing(approved, world, changes):
    """CODE-7: whoever saw the code without the verifier cannot kill the token with it."""
    approved.redeem()
    world.clock.forward(3000)
    for _ in range(7):
        assert isinstance(approved.redeem(**changes), OAuthFailure)
    assert works(approved)
    assert approved.token.settings.verifier_failures == 0
    assert isinstance(approved.refresh(), TokenReply)


def test_five_wrong_verifiers_burn_a_code(approved):
    """CODE-8: guessing ends; the right verifier comes too late then."""
    for _ in range(4):
        assert refused(approved.redeem(code_verifier=OTHER_VERIFIER))
    assert approved.token.settings.verifier_failures == 4
    assert refused(approved.redeem(code_verifier=OTHER_VERIFIER))
    assert refused(approved.redeem())
    assert approved.token.settings.verifier_failures == 5


def test_four_wrong_verifiers_do_not(approved):
    """CODE-8: the fifth attempt may still be right."""
    for _ in range(4):
        approved.redeem(code_verifier=OTHER_VERIFIER)
    assert isinstance(approved.redeem(), TokenReply)


def test_only_wrong_verifiers_of_a_live_code_are_counted(approved, world):
    """CODE-8: another client, a missing verifier or a dead code is no guess at this one."""
    approved.redeem(code_verifier=None)
    approved.redeem(client_id="nobody", code_verifier=OTHER_VERIFIER)
    world.clock.forward(60)
    approved.redeem(code_verifier=OTHER_VERIFIER)
    assert approved.token.settings.verifier_failures == 0


def test_a_grant_that_is_gone_gives_nothing(approved, world):
    """CODE-9: deleted while pending, disabled user or client: refused."""
    world.people.disabled.add("ann")
    assert refused(approved.redeem())
    world.people.disabled.clear()
    client = world.store.client(world.realm, approved.client_id)
    disabled = evolve(client, disabled=True, version=client.version + 1)
    world.store.commit(world.realm, [PutClient(disabled, client.version)])
    assert approved.redeem().code == "invalid_client"
    enabled = evolve(disabled, disabled=False, version=disabled.version + 1)
    world.store.commit(world.realm, [PutClient(enabled, disabled.version)])
    world.server.delete("ann", approved.token_id)
    assert refused(approved.redeem())


@pytest.mark.parametrize(
    ("offset", "there"),
    [(-MICROSECOND, True), (0.0, False), (MICROSECOND, False)],
    ids=["before", "at", "after"],
)
def test_a_pending_token_is_gone_after_a_day(approved, world, offset, there):
    """CODE-9: t-1us it is in the list as pending; at t it is gone, before any sweep."""
    world.clock.forward(DAY + offset)
    assert [view.status for view in world.server.tokens("ann").items] == [Status.PENDING] * there
    if there:
        assert world.server.token_detail("ann", approved.token_id).status is Status.PENDING
    else:
        with pytest.raises(NotFoundError):
            world.server.token_detail("ann", approved.token_id)
        with pytest.raises(NotFoundError):
            world.server.delete("ann", approved.token_id)


def test_redeeming_activates_in_one_step(approved, world):
    """CODE-9: pending becomes active in the commit that adds the credentials."""
    assert world.server.token_detail("ann", approved.token_id).status is Status.PENDING
    approved.redeem()
    assert world.server.token_detail("ann", approved.token_id).status is Status.ACTIVE
    assert [event.kind for event in world.events(user="ann")] == [EventKind.AUTHORIZED, EventKind.ACTIVATED]


def test_an_ended_token_is_not_redeemed(make_world):
    """CODE-9: also not when its own end comes before its code's."""
    world = make_world(profile=evolve(DEFAULT, token_lifetime=30.0))
    journey = Journey(world)
    journey.register()
    journey.approve()
    world.clock.forward(30)
    assert refused(journey.redeem())


# TOK rows


def test_a_token_response_has_its_members(approved):
    """TOK-2, TOK-3: Bearer, integer expires_in, scope always."""
    reply = json.loads(approved.redeem().body)
    assert reply["token_type"] == "Bearer"
    assert reply["expires_in"] == 3600
    assert isinstance(reply["expires_in"], int)
    assert reply["scope"] == "all.Application.bounded only.User.read"
    assert set(reply) == {"access_token", "token_type", "expires_in", "scope", "refresh_token"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"grant_type": None}, "invalid_request"),
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "implicit"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"grant_type": "Authorization_Code"}, "unsupported_grant_type"),
        ({"code": None}, "invalid_request"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
    ],
)
def test_malformed_token_requests_are_told_so(approved, changes, code):
    """TOK-5: what is missing is invalid_request, what is not served unsupported_grant_type."""
    assert refused(approved.redeem(**changes), code)
    assert isinstance(approved.redeem(), TokenReply)


def test_secrets_have_256_bits_and_a_prefix(world):
    """TOK-6: every secret is drawn afresh, 256 bits each, and scanners can find it."""
    journey = Journey(world).connect()
    journey.refresh()
    for secret, prefix in (
        (journey.access_token, "sga_"),
        (journey.refresh_token, "sgr_"),
        (journey.code, "sgc_"),
    ):
        assert secret.startswith(prefix + journey.token_id + ".")
        assert len(secret.partition(".")[2]) == 43
    assert len(set(world.entropy.secrets)) == len(world.entropy.secrets) >= 4


@pytest.mark.parametrize(
    ("offset", "good"),
    [(-MICROSECOND, True), (0.0, False), (MICROSECOND, False)],
    ids=["before", "at", "after"],
)
def test_an_access_token_lives_an_hour(connected, world, offset, good):
    """TOK-7: t-1us is accepted, t and t+1us are not."""
    world.clock.forward(3600 + offset)
    assert works(connected) is good


def test_an_access_token_is_bound_to_its_resource(connected):
    """TOK-7: it is for the default resource, and for no other."""
    assert isinstance(connected.access(resource=MCP), Refusal)
    assert connected.access(resource=MCP).reason == "wrong_audience"
    assert works(connected)


def test_a_resource_at_the_token_endpoint_must_have_been_granted(approved):
    """TOK-8: another one is invalid_target, and the code is not burned; case and root slash do not matter."""
    assert refused(approved.redeem(resource=MCP), "invalid_target")
    assert refused(approved.redeem(resource=[API, "https://elsewhere.example/"]), "invalid_target")
    assert isinstance(approved.redeem(resource="HTTPS://ACME.example/api"), TokenReply)
    assert works(approved)


def test_several_granted_resources_can_be_asked_for_one_by_one(journey):
    """TOK-8: each access token names the subset asked for."""
    journey.register()
    journey.authorize(resource=[API, MCP])
    journey.decide()
    journey.redeem(resource=MCP)
    assert journey.access(resource=MCP).token_id == journey.token_id
    assert journey.access(resource=API).reason == "wrong_audience"


def test_a_client_that_cannot_refresh_may_get_endless_access_tokens(make_world):
    """TOK-2: only by profile; then expires_in is left out, not null."""
    world = make_world(profile=evolve(DEFAULT, endless_access_tokens=True))
    journey = Journey(world, grant_types=["authorization_code"]).connect()
    assert set(journey.reply) == {"access_token", "token_type", "scope"}
    world.clock.forward(1000 * DAY)
    assert works(journey)
    both = Journey(world).connect()
    assert both.reply["expires_in"] == 3600


def test_a_repeated_parameter_is_refused(approved):
    """GEN-4: code, code_verifier and the rest may stand there once; only resource may repeat."""
    for name in ("code", "code_verifier", "grant_type", "client_id", "redirect_uri"):
        assert refused(approved.redeem(**{name: ["a", "b"]}), "invalid_request")
    assert isinstance(approved.redeem(resource=[API, API]), TokenReply)


def test_unknown_parameters_are_ignored(approved):
    """GEN-3: a request with foo=1 is the same request."""
    assert isinstance(approved.redeem(foo="1", audience="x"), TokenReply)


@pytest.mark.parametrize(
    "code",
    [
        "x",
        "sgc_",
        "sgc_.",
        "sgc_x.",
        "sgc_.x",
        "sgr_a.b",
        "sgc_" + "a" * 32 + "." + "b" * 43,
        "\u00e9" * 9,
        "s" * 9000,
    ],
)
def test_nonsense_for_a_code_is_an_invalid_grant(approved, code):
    """TOK-5: whatever is sent as a code, nothing breaks."""
    assert refused(approved.redeem(code=code))


def test_a_wrong_secret_has_no_effect_on_the_token_it_names(approved):
    """The id in a secret only locates: guesses at it count nothing and end nothing."""
    guess = approved.code[:-43] + "A" * 43
    for _ in range(6):
        assert refused(approved.redeem(code=guess))
    assert isinstance(approved.redeem(), TokenReply)


def test_a_code_is_no_bearer_token(approved):
    """Each kind of secret is good for one thing."""
    assert approved.access(secret=approved.code).reason == "invalid_token"
    assert approved.access(secret="sga_" + approved.code[4:]).reason == "invalid_token"


def test_the_secret_counts_where_it_was_registered_for(world):
    """GEN-7: the secret of a confidential client counts in the body or the header, each by its method."""
    confidential = Journey(world, method="client_secret_basic")
    confidential.register()
    confidential.approve()
    basic = "Basic " + b64encode(f"{confidential.client_id}:{confidential.client_secret}".encode()).decode()
    request = client_request(
        {
            "grant_type": "authorization_code",
            "code": confidential.code,
            "code_verifier": confidential.verifier,
        },
        basic,
    )
    assert isinstance(world.server.token(request), TokenReply)
