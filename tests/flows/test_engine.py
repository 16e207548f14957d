"""Where the protocol engine is laxer than OAuth 2.1, or odd: each known case, as seen from our side.

An upgrade of the engine that changes one of these fails here, loudly.
"""

import inspect
import json
import threading

import pytest
from oauthlib.oauth2.rfc6749.grant_types import AuthorizationCodeGrant
from tests.support import API, Journey, World, answered, challenge_of

from scopegate import AuthorizationServer, Profile, Refusal
from scopegate.core.clients import Client
from scopegate.core.redirects import match
from scopegate.errors import ConfigurationError, InvalidValueError, OAuthError
from scopegate.flows import metadata
from scopegate.flows._oauthlib import OauthlibEngine
from scopegate.flows.engine import AuthorizationCheck, FatalError, GrantRequest, RevocationCheck, Stage
from scopegate.flows.outcomes import ConsentPrompt, ErrorPage, OAuthFailure, Redirect, TokenReply
from scopegate.flows.register import RegistrationRequest

URI = "https://client.example/callback"
CLIENT = Client(id="c", name="C", redirect_uris=(URI,))
VERIFIER = "v" * 43
ODD = '[ ] { } | " \\ ^ < > ` \u00e9 \U0001f600 %zz %'


@pytest.fixture
def approved(journey):
    """A journey that has a code."""
    journey.register()
    journey.approve()
    return journey


def authorization(**changes):
    """A good authorization request as the engine sees it."""
    values = {
        "client_id": "c",
        "redirect_uri": URI,
        "response_type": "code",
        "scope": "a b",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
        "known_client": CLIENT,
        "matched": match([URI], URI),
        "allowed_scopes": frozenset({"a", "b"}),
        "default_scopes": ("a",),
        "problem": None,
    }
    return AuthorizationCheck(**values | changes)


def grant(**changes):
    """A good redemption as the engine sees it."""
    values = {
        "grant_type": "authorization_code",
        "client_id": "c",
        "code_verifier": VERIFIER,
        "redirect_uri": URI,
        "scope": None,
        "known_client": CLIENT,
        "credential_valid": True,
        "challenge": challenge_of(VERIFIER),
        "bound_redirect_uri": URI,
        "original_scopes": ("a", "b"),
    }
    return GrantRequest(**values | changes)


def refusal_of(step, request):
    """The error with which the engine refuses."""
    with pytest.raises(OAuthError) as caught:
        step(request)
    return caught.value.code


# The table of oddities, from our side


def test_odd_characters_in_a_query_break_nothing(journey):
    """The engine's own parser raises ValueError on them; ours is never that parser."""
    journey.register()
    assert isinstance(journey.authorize(state=ODD, unrelated=ODD), ConsentPrompt)
    assert answered(journey.decide())["state"] == ODD
    assert answered(journey.authorize(scope=ODD))["error"] == "invalid_scope"


def test_odd_characters_in_a_body_break_nothing(approved):
    """The engine would ignore the whole body; ours reads what is well-formed and judges it."""
    assert isinstance(approved.redeem(unrelated=ODD), TokenReply)
    assert approved.refresh(scope=ODD).code == "invalid_scope"
    assert approved.redeem(code=ODD).code == "invalid_grant"
    assert approved.redeem(client_id=ODD).code == "invalid_client"


def test_the_engine_sees_no_method_and_no_address():
    """It raises instead of answering for GET or a query string; neither can reach it."""
    names = {name for name in dir(grant()) if not name.startswith("_")}
    assert not names & {"uri", "http_method", "headers", "body", "uri_query"}
    check = RevocationCheck(client_id="c", token="token", token_type_hint=None, known_client=CLIENT)
    assert (check.http_method, check.uri_query) == ("POST", "")


def test_a_missing_grant_type_is_an_invalid_request(approved):
    """The engine says unsupported_grant_type."""
    assert approved.redeem(grant_type=None).code == "invalid_request"


@pytest.mark.parametrize("response_type", ["xcodex", "code ", "code id_token", "CODE"])
def test_the_response_type_is_compared_exactly(response_type):
    """The engine looks for a substring."""
    problem = OAuthError("unsupported_response_type")
    code = refusal_of(
        OauthlibEngine().authorization, authorization(response_type=response_type, problem=problem)
    )
    assert code == "unsupported_response_type"
    bare = refusal_of(OauthlibEngine().authorization, authorization(response_type=response_type))
    assert bare in {"unsupported_response_type", "unauthorized_client"}


def test_parameters_do_not_become_attributes(approved):
    """The engine's request takes every parameter as an attribute: a user, a scope, a client of the sender's choice."""
    assert isinstance(
        approved.redeem(user="admin", scope="root", client="x", extra_credentials="x", scopes="root"),
        TokenReply,
    )
    assert approved.reply["scope"] == "all.Application.bounded only.User.read"
    assert approved.token.user == "ann"
    assert approved.token.client_id == approved.client_id
    assert not hasattr(grant(), "extra_credentials")
    with pytest.raises(AttributeError):
        grant().extra_credentials = "x"


@pytest.mark.parametrize("name", ["code", "code_verifier"])
def test_duplicates_at_the_token_endpoint_are_refused(approved, name):
    """The engine takes the last one."""
    good = {"code": approved.code, "code_verifier": approved.verifier}[name]
    assert approved.redeem(**{name: ["x", good]}).code == "invalid_request"
    assert isinstance(approved.redeem(), TokenReply)


def test_duplicates_at_the_authorization_endpoint_are_refused(journey):
    """The engine takes the last code_challenge."""
    journey.register()
    outcome = journey.authorize(code_challenge=["x" * 43, journey.query()["code_challenge"]])
    assert answered(outcome)["error"] == "invalid_request"


def test_several_resources_are_all_judged(journey):
    """The engine knows resource as one value and keeps the last."""
    journey.register()
    assert answered(journey.authorize(resource=["https://x.example", API]))["error"] == "invalid_target"
    assert answered(journey.authorize(resource=[API, "https://x.example"]))["error"] == "invalid_target"


@pytest.mark.parametrize("mode", ["fragment", "form_post"])
def test_other_response_modes_are_refused_in_the_query(journey, mode):
    """The engine honours fragment for codes, and turns form_post into query."""
    journey.register()
    outcome = journey.authorize(response_mode=mode)
    assert answered(outcome)["error"] == "invalid_request"
    assert "#" not in outcome.location


def test_a_redirect_uri_cannot_hold_an_answer_of_its_own(world):
    """The engine keeps both, the attacker's code first."""
    for name in ("code", "state", "iss", "error", "error_description", "error_uri"):
        document = {"redirect_uris": [f"{URI}?{name}=evil"]}
        assert world.server.register(RegistrationRequest(document)).code == "invalid_redirect_uri"


def test_another_redirect_uri_at_the_token_endpoint_is_an_invalid_grant(approved):
    """The engine says invalid_request."""
    assert refusal_of(OauthlibEngine().code, grant(redirect_uri=URI + "x")) == "invalid_grant"
    assert approved.redeem(redirect_uri=URI + "x").code == "invalid_grant"


def test_an_unknown_client_is_401_and_never_a_bearer_challenge(approved):
    """The engine challenges for Bearer."""
    outcome = approved.redeem(client_id="nobody")
    assert (outcome.code, outcome.status, outcome.basic) == ("invalid_client", 401, True)


def test_double_spaces_in_a_scope_are_folded(approved):
    """The engine finds an empty scope in them at a refresh."""
    approved.redeem()
    assert isinstance(approved.refresh(scope="only.User.read  all.Application.bounded "), TokenReply)


def test_a_narrowed_refresh_does_not_narrow_the_grant(approved):
    """The engine saves the narrowed scopes unless they are kept apart."""
    approved.redeem()
    approved.refresh(scope="only.User.read")
    approved.refresh()
    assert approved.reply["scope"] == "all.Application.bounded only.User.read"


def test_an_empty_state_is_no_state(journey):
    """The engine drops it, and so do we: an empty value counts as absent."""
    journey.register()
    journey.authorize(state="")
    assert "state" not in answered(journey.decide())


@pytest.mark.parametrize(
    "variable", ["OAUTHLIB_INSECURE_TRANSPORT", "OAUTHLIB_RELAX_TOKEN_SCOPE", "OAUTHLIB_STRICT_TOKEN_TYPE"]
)
def test_the_engines_switches_switch_nothing(monkeypatch, variable):
    """Plain http stays forbidden, and scopes stay exact."""
    monkeypatch.setenv(variable, "1")
    with pytest.raises(ConfigurationError, match="http"), World(issuer="http://acme.example"):
        pass
    with World() as world:
        journey = Journey(world).connect()
        assert journey.refresh(scope="all.Organization.read").code == "invalid_scope"


def test_a_bad_client_or_redirect_is_never_redirected(journey):
    """The engine raises its fatal errors: that is the one thing to build on."""
    journey.register()
    assert isinstance(journey.authorize(client_id="nobody"), ErrorPage)
    assert isinstance(journey.authorize(redirect_uri="https://evil.example/"), ErrorPage)
    bad = (
        {"known_client": None},
        {"matched": None},
        {"redirect_uri": "x"},
        {"redirect_uri": None, "matched": None},
    )
    for changes in bad:
        with pytest.raises(FatalError):
            OauthlibEngine().authorization(authorization(**changes))


def test_arguments_that_nobody_knows_are_errors():
    """The engine's own server swallows them."""
    with pytest.raises(TypeError, match="token_lifetime"), World(token_lifetime=3):
        pass
    kinds = {parameter.kind for parameter in inspect.signature(AuthorizationServer).parameters.values()}
    assert kinds == {inspect.Parameter.KEYWORD_ONLY}


def test_nothing_of_the_engines_classes_is_changed():
    """It shares lists and dictionaries between all servers of a process; ours stay ours."""
    before = dict(AuthorizationCodeGrant._code_challenge_methods), list(AuthorizationCodeGrant.response_types)  # noqa: SLF001
    with World() as world:
        Journey(world).connect()
    after = dict(AuthorizationCodeGrant._code_challenge_methods), list(AuthorizationCodeGrant.response_types)  # noqa: SLF001
    assert before == after
    assert "plain" in after[0]


def test_the_bearer_check_sees_a_header_and_nothing_else(connected):
    """The engine's reads tokens in query and body, and crashes on filter[a]=1 in the API's own query."""
    parameters = list(inspect.signature(AuthorizationServer.access).parameters)
    assert parameters == [
        "self",
        "authorization",
        "action",
        "organization",
        "application",
        "resource",
    ]
    assert isinstance(connected.server.access(f"Bearer {connected.access_token}?filter[a]=1"), Refusal)


# Beyond it


@pytest.mark.parametrize("method", ["plain", None, "s256"])
def test_the_engine_has_only_s256(method):
    """Its class offers plain, and takes a missing method for plain."""
    assert (
        refusal_of(OauthlibEngine().authorization, authorization(code_challenge_method=method))
        == "invalid_request"
    )


@pytest.mark.parametrize("challenge", ["abc", "\u00e9" * 43, "a" * 43 + "=", ""])
def test_malformed_challenges_never_reach_it(journey, challenge):
    """It takes a challenge of three characters, and dies of one that is not ASCII at the token endpoint."""
    journey.register()
    assert answered(journey.authorize(code_challenge=challenge))["error"] == "invalid_request"


def test_errors_and_denials_carry_the_issuer(journey):
    """Its answers do so for success only."""
    journey.register()
    assert answered(journey.authorize(scope="x"))["iss"] == "https://acme.example"
    journey.authorize()
    assert answered(journey.decide("deny"))["iss"] == "https://acme.example"


def test_the_metadata_are_ours(world):
    """Its defaults list plain, fragment and no public clients."""
    document = metadata.authorization_server(world.configuration)
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["response_modes_supported"] == ["query"]
    assert "none" in document["token_endpoint_auth_methods_supported"]


def test_without_redirect_uri_the_bound_one_is_meant():
    """It would compare a default of the client with what was bound."""
    request = grant(redirect_uri=None, bound_redirect_uri="http://127.0.0.1:51004/cb")
    OauthlibEngine().code(request)
    assert request.stage is Stage.BOUND


def test_what_does_not_expire_has_no_expires_in(make_world):
    """It would say 3600, or null."""
    world = make_world(profile=Profile(name="endless", endless_access_tokens=True))
    journey = Journey(world, grant_types=["authorization_code"]).connect()
    assert "expires_in" not in json.loads(json.dumps(journey.reply))


def test_a_denial_is_an_answer(journey):
    """It has none."""
    journey.register()
    journey.authorize()
    outcome = journey.decide("deny")
    assert isinstance(outcome, Redirect)
    assert answered(outcome)["error"] == "access_denied"


# Its face


@pytest.mark.parametrize(
    ("changes", "code", "stage"),
    [
        ({"known_client": None}, "invalid_client", Stage.START),
        ({"credential_valid": False}, "invalid_grant", Stage.CLIENT),
        ({"code_verifier": None}, "invalid_request", Stage.CREDENTIAL),
        ({"code_verifier": "w" * 43}, "invalid_grant", Stage.CREDENTIAL),
        ({"redirect_uri": URI + "x"}, "invalid_grant", Stage.VERIFIER),
        ({"challenge": None}, "invalid_grant", Stage.CREDENTIAL),
    ],
)
def test_the_checks_of_a_code_come_in_order(changes, code, stage):
    """The stage says how far a refused request came; only that of the verifier is a guess (CODE-8)."""
    request = grant(**changes)
    assert refusal_of(OauthlibEngine().code, request) == code
    assert request.stage is stage


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"known_client": None}, "invalid_client"),
        ({"credential_valid": False}, "invalid_grant"),
        ({"scope": "c"}, "invalid_scope"),
    ],
)
def test_the_checks_of_a_refresh(changes, code):
    """Client, then credential, then scope."""
    assert refusal_of(OauthlibEngine().refresh, grant(grant_type="refresh_token", **changes)) == code


def test_a_client_without_the_grant_type_is_unauthorized():
    """TOK-4: the engine asks before it looks at the credential."""
    limited = Client(id="c", name="C", redirect_uris=(URI,), grant_types=("authorization_code",))
    assert refusal_of(OauthlibEngine().refresh, grant(grant_type="refresh_token", known_client=limited)) == (
        "unauthorized_client"
    )


def test_good_requests_pass():
    """The tables above fail for what is in them."""
    engine = OauthlibEngine()
    check, redemption, rotation = authorization(), grant(), grant(grant_type="refresh_token", scope="a")
    engine.authorization(check)
    engine.code(redemption)
    engine.refresh(rotation)
    engine.revocation(RevocationCheck(client_id="c", token="token", token_type_hint="x", known_client=CLIENT))
    assert check.scopes == ["a", "b"]
    assert redemption.stage is rotation.stage is Stage.BOUND
    assert rotation.scopes == ["a"]


def test_a_revocation_without_client_is_refused():
    """CA-11: the engine's last method."""
    check = RevocationCheck(client_id="c", token="token", token_type_hint=None, known_client=None)
    assert refusal_of(OauthlibEngine().revocation, check) == "invalid_client"


def test_one_engine_serves_many_threads():
    """It keeps nothing between calls: interleaved good and bad requests do not meet."""
    engine, wrong = OauthlibEngine(), []

    def work(number):
        for _ in range(100):
            request = grant(code_verifier=VERIFIER if number % 2 else "w" * 43)
            try:
                engine.code(request)
            except OAuthError:
                good = number % 2 == 0
            else:
                good = number % 2 == 1
            wrong.extend([] if good else [number])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_every_error_has_a_description_in_clean_ascii(approved):
    """GEN-6: nothing that was sent is repeated in it."""
    evil = 'x"\\\r\n\u00e9<script>'
    for changes in (
        {"code": evil},
        {"client_id": evil},
        {"grant_type": evil},
        {"code_verifier": evil},
        {"redirect_uri": evil},
        {"resource": evil},
        {"scope": [evil, evil]},
    ):
        outcome = approved.redeem(**changes)
        assert isinstance(outcome, OAuthFailure)
        assert outcome.description
        assert "script" not in outcome.description
        assert all(" " <= char <= "~" and char not in '"\\' for char in outcome.description)
    with pytest.raises(InvalidValueError):
        approved.server.add_client("x", [evil])
