"""Each parser alone under garbage: a value or a named refusal, never anything else."""

import json
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote_plus, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.support import KEY, OTHER_KEY, RecordedEntropy, World
from tests.web.garbage import URIS, WORDS, values
from tests.web.test_transport import CLEAN

from scopegate import AuthMethod, presets
from scopegate.core.clients import Client, ClientSecret
from scopegate.core.credentials import CredentialKind, digest, locate, wire
from scopegate.core.redirects import match, validate_redirect_uri
from scopegate.errors import ConfigurationError, InvalidValueError, OAuthError
from scopegate.flows.client_authentication import authenticated, credentials
from scopegate.flows.configuration import canonical
from scopegate.flows.outcomes import Redirect
from scopegate.flows.requests import ClientRequest, Parameters
from scopegate.flows.sealing import Sealer
from scopegate.web import forms
from scopegate.web.handoff import handoff_view
from scopegate.web.messages import Request

pytestmark = pytest.mark.law

CONFIGURATION = World().configuration
PRIVATE = {"cursor"}
texts = st.text(max_size=40) | values


def outcome(call, *args, **kwargs):
    """What a parser gives, and the named error that it raises; any other exception passes."""
    try:
        return call(*args, **kwargs), None
    except (OAuthError, InvalidValueError, ConfigurationError) as error:
        return None, error


def is_clean(error):
    """Whether an error can be sent as it is (GEN-6)."""
    return set(error.code + error.description) <= CLEAN and 400 <= error.status < 500


@given(
    st.binary(max_size=200)
    | st.lists(st.sampled_from([b"a=", b"&", b"=", b"%", b"%f", b"+", b"\xff", b"\0"])).map(b"".join)
)
@example(b"&" * 6000)
@example(b"%ed%a0%80=x")
def test_pairs_are_text_or_refused(data):
    """GEN-4: every pair is UTF-8; what is not is refused as a whole."""
    found, error = outcome(forms.pairs, data)
    if error is not None:
        assert is_clean(error)
        return
    assert len(found) <= data.count(b"&") + 1
    for name, value in found:
        (name + value).encode("utf-8")


@given(st.lists(st.tuples(texts, texts), max_size=8))
def test_pairs_come_back_as_they_were_written(pairs):
    """GEN-4: what any library encodes is decoded, in order, the repeated and the empty ones too."""
    assert forms.pairs(urlencode(pairs).encode()) == pairs


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", "resource"]), st.sampled_from(["", "x", "y"])), max_size=8)
)
def test_parameters_are_never_merged(pairs):
    """GEN-4: a value that was sent once, or none and the name among the repeated."""
    parameters = Parameters.of(pairs)
    for name in ("a", "b"):
        sent = [value for known, value in pairs if known == name and value]
        assert parameters.get(name) == (sent[0] if len(sent) == 1 else None)
        assert (name in parameters.repeated) == (len(sent) > 1)
    assert list(parameters.resources) == [value for name, value in pairs if name == "resource" and value]


json_texts = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
).map(json.dumps)


@given(
    st.binary(max_size=100)
    | json_texts.map(str.encode)
    | st.integers(1, 60).map(lambda deep: b"[" * deep + b"]" * deep)
)
@example(b"1" * 6000)
@example(b"[" * 100_000)
@example(b"\xef\xbb\xbf{}")
@example(b'{"a":1,"a":1}')
@example(b"[NaN]")
@example(b"[Infinity]")
def test_a_document_is_what_json_says_or_none(data):
    """DCR-3: the same as the standard library's reading, but for what is refused on purpose."""
    found = forms.document(Request("POST", "/", headers={"content-type": "application/json"}, body=data))
    if found is not None:
        assert found == json.loads(data)
        assert data.count(b"[[[[[[[[[[[[[[[[[[[[[") == 0


@given(json_texts)
def test_a_document_of_any_other_type_is_none(text):
    """DCR-3: only application/json is read."""
    for content_type in ("", "text/plain", "application/json-patch+json", "application/jsonx"):
        assert (
            forms.document(Request("POST", "/", headers={"content-type": content_type}, body=text.encode()))
            is None
        )


authorizations = st.one_of(
    st.none(),
    texts,
    texts.map(lambda text: f"Basic {text}"),
    st.binary(max_size=40).map(lambda raw: "Basic " + b64encode(raw).decode()),
    st.tuples(texts, texts).map(lambda pair: "basic " + b64encode(":".join(pair).encode()).decode()),
)
parameters = st.lists(st.tuples(st.sampled_from(["client_id", "client_secret", "x\r\n"]), texts), max_size=4)


@given(parameters, authorizations)
def test_client_credentials_are_one_way_or_refused(pairs, authorization):
    """CA-1 to CA-5: who it says it is, by exactly one method; or a clean error."""
    request = ClientRequest(Parameters.of(pairs), authorization)
    given_credentials, error = outcome(credentials, request)
    if error is not None:
        assert is_clean(error)
        assert error.code in {"invalid_client", "invalid_request"}
        assert not [value for _, value in pairs if len(value) > 8 and value in error.description]
        return
    assert given_credentials.client_id
    assert (given_credentials.method is AuthMethod.BASIC) == (authorization is not None)
    assert (given_credentials.secret is None) == (given_credentials.method is AuthMethod.NONE)
    client = Client(
        id="known",
        name="x",
        redirect_uris=(),
        secrets=(ClientSecret(b"\0" * 32),),
        auth_method=AuthMethod.POST,
    )
    assert authenticated(CONFIGURATION, client, given_credentials, 0.0) is None
    assert authenticated(CONFIGURATION, None, given_credentials, 0.0) is None


@given(texts.filter(bool), texts)
def test_basic_halves_come_back_as_they_were_written(client_id, secret):
    """CA-2: form-encoded halves of any text."""
    raw = f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()
    found = credentials(ClientRequest(Parameters(), "Basic " + b64encode(raw).decode()))
    assert (found.client_id, found.secret) == (client_id, secret)


uris = st.one_of(
    st.sampled_from([*URIS, *WORDS]),
    st.from_regex(r"\A[a-z+.-]{1,9}:[\[\]/?@:a-z0-9.%&=-]{0,30}\Z"),
    st.from_regex(r"\Ahttps?://[\[\]@:a-z0-9.%\\-]{0,20}[/?]?[ -~]{0,10}\Z"),
    st.text(max_size=30),
)


@given(uris)
@example("com.example:/?a[=b")
@example("https://client.example/?code")
@example("https://[::1]:/x")
def test_what_may_be_registered_can_be_answered(uri):
    """DCR-6, RED-5, law 6: a registered URI is matched, gets its parameters, and can be drawn on a page."""
    known, error = outcome(validate_redirect_uri, uri, private_schemes=PRIVATE)
    if error is not None:
        assert (error.field, bool(error.problem)) == ("redirect_uris", True)
        return
    found = match([known], known)
    location = found.with_parameters([("code", "a b"), ("state", "\u20ac&=")])
    assert location.startswith(uri)
    assert location.endswith("code=a+b&state=%E2%82%AC%26%3D")
    assert location.isascii()
    assert location.isprintable()
    scheme = uri.partition(":")[0]
    assert scheme in {"https", "http", "cursor"} or "." in scheme
    if scheme not in {"https", "http"}:
        assert handoff_view(Redirect(found, (("code", "x"),)), "Acme").location


@given(st.lists(uris, min_size=1, max_size=3), uris | st.none())
def test_matching_never_goes_beyond_what_is_registered(registered, requested):
    """RED-1 to RED-4, RED-7: the string itself, or only another port on a loopback host."""
    found = match(registered, requested)
    if found is None:
        assert requested not in registered
    elif requested is None:
        assert registered == [found.uri]
    elif requested not in registered:
        assert found.uri == requested
        assert requested.startswith(("http://127.0.0.1", "http://[::1]", "http://localhost"))


@given(texts)
def test_scopes_are_understood_or_refused_with_a_reason(name):
    """AZ-7: the grammar of scopes knows no other exception."""
    catalogue = presets.simple()
    scope, error = outcome(catalogue.parse, name)
    assert repr(name) in str(error) if scope is None else scope.levels
    assert catalogue.mask((name,)) == 0 or name in catalogue.scopes


@given(texts | st.binary(max_size=300).map(lambda raw: raw.decode("latin-1")))
@example("sga_" + "x" * 400 + ".y")
@example("sga_x.")
@example("_.x")
def test_whatever_is_presented_is_taken_apart_or_none(presented):
    """RS-5: three parts that can be looked up, or nothing."""
    found = locate(presented)
    if found is not None:
        kind, token_id, secret = found
        assert secret
        assert presented == f"{kind}_{token_id}.{secret}"
        assert len(digest("realm", kind, secret)) == 32


@given(
    st.sampled_from(list(CredentialKind)),
    st.from_regex(r"\A[0-9a-f]{32}\Z"),
    st.from_regex(r"\A[\w-]{43}\Z", alphabet=st.characters(codec="ascii")),
)
def test_a_secret_on_the_wire_is_found_again(kind, token_id, secret):
    """The wire form is unambiguous."""
    assert locate(wire(kind, token_id, secret)) == (kind.value, token_id, secret)


SEALER = Sealer([KEY, OTHER_KEY])
ENTROPY = RecordedEntropy("sealing")


@given(texts | st.binary(max_size=200).map(lambda raw: urlsafe_b64encode(raw).decode()))
def test_garbage_opens_nothing(text):
    """AZ-15: not one text that we did not seal."""
    assert SEALER.open("purpose", text) is None
    assert SEALER.open_reply("secret", "info", text.encode("utf-8", "replace")) is None


@given(st.binary(max_size=200), st.data())
def test_what_was_sealed_opens_whole_for_its_purpose_only(payload, data):
    """AZ-15: not for another purpose, by another key, or with one byte changed."""
    sealed = SEALER.seal("purpose", payload, ENTROPY)
    assert SEALER.open("purpose", sealed).payload == payload
    assert SEALER.open("another", sealed) is None
    assert Sealer([OTHER_KEY]).open("purpose", sealed) is None
    at = data.draw(st.integers(0, len(sealed) - 2))
    other = "A" if sealed[at] != "A" else "Q"
    assert SEALER.open("purpose", sealed[:at] + other + sealed[at + 1 :]) is None
    assert SEALER.open("purpose", sealed[:at]) is None


@given(uris | texts)
def test_comparing_resources_never_fails(uri):
    """AZ-10: and doing it twice changes nothing."""
    assert canonical(canonical(uri)) == canonical(uri)
