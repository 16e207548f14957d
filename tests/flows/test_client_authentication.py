"""How clients prove who they are: CA and CLI rows."""

from base64 import b64encode

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.support import REDIRECT_URI, Journey, World, client_request

from scopegate import AuthMethod, Refusal
from scopegate.core.changes import PutClient
from scopegate.core.clients import Client, ClientSecret
from scopegate.core.credentials import digest
from scopegate.errors import InvalidValueError, OAuthError
from scopegate.flows.client_authentication import SECRET_WORD, authenticated, credentials
from scopegate.flows.outcomes import Done, OAuthFailure, TokenReply


def basic(client_id, secret, scheme="Basic"):
    """An Authorization header, its halves form-encoded by the caller where that matters."""
    return f"{scheme} " + b64encode(f"{client_id}:{secret}".encode()).decode()


def failed(outcome, code, status):
    """Whether an outcome is that error with that status."""
    return isinstance(outcome, OAuthFailure) and (outcome.code, outcome.status) == (code, status)


def approved(world, method):
    """A client of that method with a code."""
    journey = Journey(world, method=method)
    journey.register()
    journey.approve()
    return journey


def test_a_public_client_names_itself_in_the_body(world):
    """CA-1: method none."""
    assert isinstance(approved(world, "none").redeem(), TokenReply)


def test_client_secret_post(world):
    """CA-1: id and secret in the body."""
    journey = approved(world, "client_secret_post")
    assert isinstance(journey.redeem(), TokenReply)
    assert isinstance(journey.refresh(), TokenReply)


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
def test_client_secret_basic(world, scheme):
    """CA-2: the scheme in any case; the body need not name the client."""
    journey = approved(world, "client_secret_basic")
    header = basic(journey.client_id, journey.client_secret, scheme)
    outcome = journey.redeem(client_id=None, client_secret=None, authorization=header)
    assert isinstance(outcome, TokenReply)
    assert isinstance(journey.refresh(client_secret=None, authorization=header), TokenReply)


@pytest.mark.parametrize(
    ("raw", "sent"), [("a:b%c+d", "a%3Ab%25c%2Bd"), ("\u00e9 x", "%C3%A9+x"), ("plain", "plain")]
)
def test_the_halves_of_basic_are_form_decoded(raw, sent):
    """CA-2: RFC 6749 appendix B, as strict clients send it."""
    found = credentials(client_request({}, basic("my+id", sent)))
    assert (found.client_id, found.secret, found.method) == ("my id", raw, AuthMethod.BASIC)


def test_a_secret_with_special_characters_authenticates(world):
    """CA-2: end to end, for secrets that an operator brought along."""
    journey = approved(world, "client_secret_basic")
    client = world.store.client(world.realm, journey.client_id)
    brought = evolve(
        client,
        secrets=(ClientSecret(digest(world.realm, SECRET_WORD, "a:b%c+d")),),
        version=client.version + 1,
    )
    world.store.commit(world.realm, [PutClient(brought, client.version)])
    header = basic(journey.client_id, "a%3Ab%25c%2Bd")
    assert isinstance(journey.redeem(client_secret=None, authorization=header), TokenReply)


def test_two_ways_at_once_are_refused(world):
    """CA-3: Basic and a secret in the body, or two different ids."""
    journey = approved(world, "client_secret_basic")
    header = basic(journey.client_id, journey.client_secret)
    assert failed(journey.redeem(authorization=header), "invalid_request", 400)
    assert failed(
        journey.redeem(client_id="other", client_secret=None, authorization=header), "invalid_request", 400
    )


@pytest.mark.parametrize(
    ("method", "sent"),
    [
        ("client_secret_basic", {"client_secret": None}),
        ("client_secret_basic", {}),
        ("client_secret_post", {"client_secret": None}),
        ("client_secret_post", {"client_secret": "wrong"}),
        ("client_secret_post", {"client_secret": ""}),
    ],
    ids=["basic without", "basic by post", "post without", "post wrong", "post empty"],
)
def test_the_registered_method_is_enforced(world, method, sent):
    """CA-4: a confidential client without its proof is invalid_client, and its code is not used up."""
    journey = approved(world, method)
    assert failed(journey.redeem(**sent), "invalid_client", 401)
    assert journey.token.generation == 0


def test_a_post_client_may_not_use_basic(world):
    """CA-4: also with the right secret."""
    journey = approved(world, "client_secret_post")
    header = basic(journey.client_id, journey.client_secret)
    outcome = journey.redeem(client_id=None, client_secret=None, authorization=header)
    assert failed(outcome, "invalid_client", 401)


def test_a_public_client_does_not_authenticate_by_basic(world):
    """CA-4: it has nothing to prove itself by."""
    journey = approved(world, "none")
    outcome = journey.redeem(client_id=None, authorization=basic(journey.client_id, ""))
    assert failed(outcome, "invalid_client", 401)


def test_a_secret_shipped_in_a_native_client_is_never_proof(world):
    """CLI-1: what a public client sends as a secret changes nothing."""
    journey = approved(world, "none")
    assert isinstance(journey.redeem(client_secret="in the binary"), TokenReply)


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic bm8=",
        "Bearer abc",
        "",
        "Basic " + "A" * 7,
        basic("", "x"),
        "\u00e9",
    ],
)
def test_a_malformed_header_is_invalid_client(world, header):
    """CA-5: 401, and the answer carries the challenge of the method."""
    journey = approved(world, "client_secret_basic")
    outcome = journey.redeem(client_id=None, client_secret=None, authorization=header)
    assert failed(outcome, "invalid_client", 401)
    assert outcome.basic


def test_invalid_client_is_401_with_a_challenge(world):
    """CA-5: for a wrong secret by either method; other errors are 400 without."""
    journey = approved(world, "client_secret_basic")
    wrong = journey.redeem(client_secret=None, authorization=basic(journey.client_id, "wrong"))
    assert failed(wrong, "invalid_client", 401)
    assert wrong.basic
    header = basic(journey.client_id, journey.client_secret)
    other = journey.redeem(client_secret=None, authorization=header, code="sgc_x.y")
    assert failed(other, "invalid_grant", 400)
    assert not other.basic


def test_an_unknown_client_looks_like_a_wrong_secret(world):
    """CA-6: the same answer, word for word, in the same number of reads."""
    journey = approved(world, "client_secret_basic")
    known = journey.redeem(client_secret=None, authorization=basic(journey.client_id, "wrong"))
    unknown = journey.redeem(client_id=None, client_secret=None, authorization=basic("nobody", "wrong"))
    assert known == unknown


@pytest.mark.parametrize("method", list(AuthMethod))
def test_revocation_authenticates_alike(world, method):
    """CA-11: the rules of the token endpoint hold at the revocation endpoint."""
    journey = approved(world, method.value)
    header = basic(journey.client_id, journey.client_secret) if method is AuthMethod.BASIC else None
    secret = {"client_secret": None} if header else {}
    assert isinstance(journey.redeem(authorization=header, **secret), TokenReply)
    if method is not AuthMethod.NONE:
        assert failed(journey.revoke(journey.access_token, client_secret=None), "invalid_client", 401)
        assert failed(journey.revoke(journey.access_token, client_secret="wrong"), "invalid_client", 401)
    assert failed(
        journey.revoke(journey.access_token, client_id="nobody", client_secret=None), "invalid_client", 401
    )
    assert not isinstance(journey.access(), Refusal)
    assert journey.revoke(journey.access_token, authorization=header, **secret) == Done()
    assert isinstance(journey.access(), Refusal)


def test_a_request_without_any_client_is_invalid_client(world):
    """CA-4: nobody asks."""
    assert failed(approved(world, "none").redeem(client_id=None), "invalid_client", 401)


def test_a_removed_client_is_invalid_client(world):
    """DCR-9: its libraries then forget it and register anew."""
    journey = Journey(world).connect()
    assert failed(journey.refresh(client_id="6c" * 16), "invalid_client", 401)


def test_a_disabled_client_fails_everywhere_at_once(world):
    """CLI-6: its tokens at resources, and itself at every endpoint."""
    journey = Journey(world).connect()
    client = world.store.client(world.realm, journey.client_id)
    disabled = evolve(client, disabled=True, version=client.version + 1)
    world.store.commit(world.realm, [PutClient(disabled, client.version)])
    assert journey.access().reason == "invalid_token"
    assert failed(journey.refresh(), "invalid_client", 401)
    assert failed(journey.revoke(journey.access_token), "invalid_client", 401)
    assert journey.authorize().problem == "unknown_client"


def test_an_operator_adds_clients(world):
    """CLI-7: pre-registered clients work with either kind of secret, which is told once."""
    for method in (AuthMethod.BASIC, AuthMethod.POST):
        registered = world.server.add_client("Partner", [REDIRECT_URI], auth_method=method)
        journey = Journey(world, scope="only.User.read")
        journey.client_id = registered.client.id
        secret = registered.document["client_secret"]
        journey.approve()
        if method is AuthMethod.BASIC:
            outcome = journey.redeem(authorization=basic(journey.client_id, secret))
        else:
            outcome = journey.redeem(client_secret=secret)
        assert isinstance(outcome, TokenReply)
        assert secret not in repr(world.store.client(world.realm, journey.client_id))
        assert registered.client.origin == "registered"


@pytest.mark.parametrize(
    ("field", "arguments"),
    [
        ("redirect_uris", {"redirect_uris": ["http://evil.example/"]}),
        ("redirect_uris", {"redirect_uris": []}),
        ("name", {"name": "x" * 256}),
        ("homepage", {"homepage": "javascript:alert(1)"}),
        ("scopes", {"scopes": []}),
        ("scopes", {"scopes": ["only.User.read", "everything"]}),
    ],
)
def test_the_operators_mistakes_name_the_argument(world, field, arguments):
    """CLI-3: above all, a limit of scopes that is misspelt is never no limit."""
    arguments = {"name": "Partner", "redirect_uris": [REDIRECT_URI]} | arguments
    with pytest.raises(InvalidValueError) as caught:
        world.server.add_client(arguments.pop("name"), arguments.pop("redirect_uris"), **arguments)
    assert caught.value.field == field
    assert list(world.store.clients(world.realm, owner=None, after=None, limit=9).items) == []


def test_a_limited_client_is_held_to_its_scopes(world):
    """CLI-3: invalid_scope for what is not on its list; without a scope it gets what the list leaves."""
    registered = world.server.add_client("Partner", [REDIRECT_URI], scopes=["all.Application.read"])
    journey = Journey(world)
    journey.client_id = registered.client.id
    assert ("error", "invalid_scope") in journey.authorize(scope="only.User.read").parameters
    prompt = journey.authorize(scope=None)
    assert [sentence.scope for sentence in prompt.sentences] == ["all.Application.read"]


@given(st.text(max_size=60) | st.binary(max_size=40).map(lambda raw: "Basic " + b64encode(raw).decode()))
def test_no_header_breaks_the_parser(header):
    """CA-5: whatever is sent, it is credentials or an OAuth error."""
    code = ""
    try:
        found = credentials(client_request({}, header))
    except OAuthError as error:
        code, found = error.code, None
    assert code in {"invalid_client", "invalid_request"} or found.method is AuthMethod.BASIC


def test_every_secret_of_a_client_is_compared_and_any_may_match():
    """CLI-5: secrets rotate with an overlap; only their digests are kept."""
    with World() as world:
        config = world.configuration
        digests = tuple(digest(config.realm, SECRET_WORD, secret) for secret in ("old", "new"))
        client = Client(
            id="c",
            name="C",
            redirect_uris=(REDIRECT_URI,),
            auth_method=AuthMethod.POST,
            secrets=tuple(map(ClientSecret, digests)),
        )
        for secret, good in (("old", True), ("new", True), ("older", False), ("", False)):
            given = credentials(client_request({"client_id": "c", "client_secret": secret or "x"}))
            assert (authenticated(config, client, given, 0.0) is client) is good
        assert authenticated(config, evolve(client, secrets=()), given, 0.0) is None
