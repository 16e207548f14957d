"""Law 6: nothing redirects to a URI that was not validated, nor to a client before sign-in. RED rows and attack 5."""

import pickle
from copy import copy, deepcopy
from urllib.parse import quote, urlsplit

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.support import Journey, answered

from scopegate.core.redirects import RedirectUri, is_loopback, match, validate_redirect_uri
from scopegate.errors import InvalidValueError
from scopegate.flows.outcomes import ConsentPrompt, ErrorPage
from scopegate.flows.register import RegistrationRequest

WEB = "https://client.example/cb?tenant=1"
LOOPBACK = "http://127.0.0.1/cb"
LOCALHOST = "http://localhost:8080/cb"
IPV6 = "http://[::1]:3000/cb"
PRIVATE = "com.example.app:/cb"
REGISTERED = (WEB, LOOPBACK, LOCALHOST, IPV6, PRIVATE)

HOSTILE_HOSTS = (
    "evil.example",
    "client.example.evil.example",
    "client.example@evil.example",
    "client.example:443@evil.example",
    "evil.example#client.example",
    "evil.example/client.example",
    "evilclient.example",
    "sub.client.example",
    "client.example.",
    "CLIENT.example",
    "client.example:443",
    "client.example:8443",
    "client%2Eexample",
    "clie\u0430nt.example",
    "client\u3002example",
    "xn--clent-nza.example",
    "client.example\\.evil.example",
    "client.example%00.evil.example",
    "client.example%2f.evil.example",
    "client.example\t.evil.example",
)
HOSTILE_PATHS = (
    "/cb",
    "/cb/",
    "/cb?tenant=1/",
    "/cb?tenant=1&x=2",
    "/cb?tenant=2",
    "/cb?tenant=1#",
    "/cb?tenant=1#code",
    "/CB?tenant=1",
    "/%63b?tenant=1",
    "/cb%2F?tenant=1",
    "/cb/..?tenant=1",
    "/./cb?tenant=1",
    "/x/../cb?tenant=1",
    "//cb?tenant=1",
    "/cb;x?tenant=1",
    "/cb?tenant=1 ",
    " /cb?tenant=1",
    "/cb?tenant=1\n",
    "/cb?tenant=1%0d%0aX:y",
    "/cb\\?tenant=1",
    "/cb?TENANT=1",
    "/*",
    "/cb?tenant=1&tenant=1",
    "",
    "/",
)
HOSTILE_LOOPBACKS = (
    "http://127.0.0.1.evil.example/cb",
    "http://127.0.0.1@evil.example/cb",
    "http://127.0.0.1:80@evil.example/cb",
    "http://localhost:1@evil.example/cb",
    "http://127.0.0.2/cb",
    "http://127.1/cb",
    "http://127.0.1/cb",
    "http://0x7f.0.0.1/cb",
    "http://0177.0.0.1/cb",
    "http://2130706433/cb",
    "http://0.0.0.0/cb",
    "http://[::]/cb",
    "http://[::ffff:127.0.0.1]/cb",
    "http://[0:0:0:0:0:0:0:1]/cb",
    "http://[::1%25lo]/cb",
    "http://localhost./cb",
    "http://localhost.evil.example/cb",
    "http://LOCALHOST/cb",
    "http://localhost/cb/",
    "http://localhost:99999/cb",
    "http://localhost:0/cb",
    "http://localhost:/cb",
    "http://localhost:80:81/cb",
    "http://localhost:-1/cb",
    "http://localhost:8o/cb",
    "http://localhost:\u0661/cb",
    "http://localhost:+80/cb",
    "http://localhost: 80/cb",
    "http://user@127.0.0.1/cb",
    "http://user:pw@127.0.0.1:1/cb",
    "http://127.0.0.1/cb/x",
    "http://127.0.0.1/CB",
    "http://127.0.0.1/cb?x=1",
    "http://127.0.0.1/cb#x",
    "http://127.0.0.1//cb",
    "http://127.0.0.1/../cb",
    "http://127.0.0.1:80",
    "http://127.0.0.1:80\\@evil.example/cb",
    "http:/127.0.0.1/cb",
    "http:127.0.0.1/cb",
    "http:///127.0.0.1/cb",
    "HTTP://127.0.0.1/cb",
    "https://127.0.0.1/cb",
    "https://localhost:8080/cb",
    "ftp://127.0.0.1/cb",
    "//127.0.0.1/cb",
    "127.0.0.1/cb",
)
HOSTILE_SCHEMES = (
    "javascript:alert(1)",
    "JavaScript:alert(1)//https://client.example/cb?tenant=1",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "blob:https://client.example/x",
    "about:blank",
    "view-source:https://client.example/cb?tenant=1",
    "http://client.example/cb?tenant=1",
    "wss://client.example/cb?tenant=1",
    "com.example.app:/cb/",
    "com.example.app://cb",
    "com.example.app:/cb?x=1",
    "com.example.app:cb",
    "COM.example.app:/cb",
    "com.example.app.evil:/cb",
    "com.example.app",
    "/cb?tenant=1",
    "?tenant=1",
    "*",
    "https://*.example/cb?tenant=1",
    "null",
    "urn:ietf:wg:oauth:2.0:oob",
    "\u202ehttps://client.example/cb?tenant=1",
    "x" * 5000,
)
HOSTILE = tuple(
    dict.fromkeys(
        (
            *(f"https://{host}/cb?tenant=1" for host in HOSTILE_HOSTS),
            *(f"https://client.example{path}" for path in HOSTILE_PATHS),
            *HOSTILE_LOOPBACKS,
            *HOSTILE_SCHEMES,
            *(quote(uri, safe="") for uri in REGISTERED),
            *(f" {uri}" for uri in REGISTERED),
            *(f"{uri}\x00" for uri in REGISTERED),
        )
    )
)


@pytest.fixture
def registered(world):
    """A client with a redirection URI of every kind."""
    journey = Journey(world, redirect_uris=list(REGISTERED))
    journey.register()
    return journey


def test_there_are_enough_hostile_uris():
    """RED-1: a corpus of at least a hundred, none of them registered."""
    assert len(HOSTILE) >= 100
    assert not set(HOSTILE) & set(REGISTERED)


def test_no_hostile_uri_is_redirected_to(registered):
    """RED-1, RED-4, RED-6: signed in or not, asked well or badly, the answer is a page of ours."""
    redirected = [
        uri
        for uri in HOSTILE
        for signed_in in (None, registered.signed_in)
        for changes in ({}, {"scope": "nonsense"}, {"response_type": "token"})
        if registered.authorize(redirect_uri=uri, signed_in=signed_in, **changes)
        != ErrorPage("bad_redirect_uri")
    ]
    assert redirected == []


def test_what_is_registered_is_redirected_to(registered):
    """RED-1: the corpus fails for what is in it, not because nothing passes."""
    for uri in REGISTERED:
        shown = registered.authorize(redirect_uri=uri)
        assert isinstance(shown, ConsentPrompt)
        assert shown.redirect.uri == uri


@pytest.mark.parametrize("port", ["", ":1", ":51004", ":65535"])
def test_loopback_ports_are_free(registered, port):
    """RED-2, RED-3: at request time, whether or not a port was registered."""
    for host in ("127.0.0.1", "localhost", "[::1]"):
        outcome = registered.authorize(redirect_uri=f"http://{host}{port}/cb")
        assert outcome.redirect.uri == f"http://{host}{port}/cb"


def test_the_loopback_hosts_do_not_match_each_other():
    """RED-3: localhost is a name that somebody may answer."""
    hosts = ("127.0.0.1", "localhost", "[::1]")
    for known in hosts:
        for asked in hosts:
            found = match([f"http://{known}/cb"], f"http://{asked}:5000/cb")
            assert (found is not None) is (known == asked)


def test_ports_are_not_free_elsewhere():
    """RED-4: neither for https nor for other hosts."""
    for known in ("https://client.example/cb", "https://127.0.0.1/cb", "https://localhost:8443/cb"):
        parts = urlsplit(known)
        assert match([known], f"https://{parts.hostname}:9000{parts.path}") is None


def test_a_registered_query_is_kept(registered):
    """RED-5: and the parameters of the answer join it."""
    registered.authorize(redirect_uri=WEB)
    location = registered.decide().location
    assert location.startswith(WEB + "&code=sgc_")
    assert answered(registered.decide())["tenant"] == "1"


@pytest.mark.parametrize(
    ("uri", "start"),
    [
        ("https://a.example/cb", "https://a.example/cb?"),
        ("https://a.example/cb?", "https://a.example/cb?"),
        ("https://a.example/cb?x&", "https://a.example/cb?x&"),
        ("https://a.example/cb?x", "https://a.example/cb?x&"),
        ("com.example.app:/cb", "com.example.app:/cb?"),
    ],
)
def test_parameters_are_joined_properly(uri, start):
    """RED-5: whatever the URI ends in."""
    joined = match([uri], uri).with_parameters([("state", "a b&c"), ("iss", "https://x")])
    assert joined == start + "state=a+b%26c&iss=https%3A%2F%2Fx"


def test_the_uri_may_be_left_out_only_where_there_is_one(world, registered):
    """RED-7: with several, nobody knows which."""
    assert registered.authorize(redirect_uri=None) == ErrorPage("bad_redirect_uri")
    single = Journey(world)
    single.register()
    assert single.authorize(redirect_uri=None).redirect.uri == single.redirect_uri
    single.decide()
    assert single.code
    single.redeem(redirect_uri=None)
    assert single.access().user == "ann"


def test_a_redirect_uri_comes_from_match_only():
    """Law 6: the type cannot be built from a string, nor changed into another."""
    with pytest.raises(TypeError, match="match"):
        RedirectUri("https://evil.example/", object())
    with pytest.raises(TypeError):
        RedirectUri("https://evil.example/")
    found = match([WEB], WEB)
    with pytest.raises(TypeError):
        evolve(found, uri="https://evil.example/")
    with pytest.raises(AttributeError):
        found.uri = "https://evil.example/"
    for twin in (copy(found), deepcopy(found), pickle.loads(pickle.dumps(found))):  # noqa: S301 - our own bytes
        assert twin == found


@given(st.lists(st.text(max_size=30), max_size=4), st.none() | st.text(max_size=30))
def test_match_gives_only_what_is_registered(known, requested):
    """Law 6: over any strings, what comes out was registered or differs from it in a loopback port."""
    found = match(known, requested)
    if found is not None:
        assert found.uri in known or (is_loopback(found.uri) and any(map(is_loopback, known)))
        assert requested is None or found.uri == requested


@given(st.text(st.characters(codec="ascii"), max_size=40))
def test_whatever_may_be_registered_is_harmless(uri):
    """DCR-6: printable ASCII, no fragment, no content scheme, and http only to the person's own device."""
    try:
        found = validate_redirect_uri(uri, private_schemes=())
    except InvalidValueError:
        return
    assert found == uri
    assert uri.isprintable()
    assert not set('#\\ "<>^`{|}') & set(uri)
    scheme = uri.partition(":")[0]
    assert scheme == "https" or "." in scheme or (scheme == "http" and is_loopback(uri))


@pytest.mark.parametrize(
    "uri",
    [
        *HOSTILE_SCHEMES[:10],
        "https://client.example/cb#x",
        "https://client.example/cb#",
        "https://user@client.example/cb",
        "https://user:pw@client.example/cb",
        "https://@client.example/cb",
        "https://client.example:0/cb",
        "https://client.example:99999/cb",
        "https://client.example:x/cb",
        "https:///cb",
        "https://",
        "https:client.example",
        "https://.client.example/",
        "https://client..example/",
        "https://-client.example/",
        "https://cli_ent.example/",
        "https://[::1/cb",
        "https://[zz]/cb",
        "https://*/cb",
        "http://client.example/",
        "http://127.0.0.2/",
        "http://localhost.evil.example/",
        "/cb",
        "cb",
        "",
        "cursorx://cb",
        "myapp:/cb",
        "https://client.example/cb?code=evil",
        "https://client.example/cb?a=1&state=x",
        "https://client.example/cb?iss=x",
        "https://client.example/cb?error",
        "https://client.example/c b",
        "https://client.example/\u00e9",
        "https://client.example/" + "x" * 2048,
    ],
)  # fmt: skip
def test_what_may_not_be_registered_is_refused(world, uri):
    """DCR-6: by the client itself and by the operator; the error is invalid_redirect_uri."""
    outcome = world.server.register(RegistrationRequest({"redirect_uris": ["https://ok.example/", uri]}))
    assert (outcome.code, outcome.status) == ("invalid_redirect_uri", 400)
    with pytest.raises(InvalidValueError):
        world.server.add_client("X", [uri])


@pytest.mark.parametrize(
    "uri",
    [
        WEB,
        LOOPBACK,
        LOCALHOST,
        IPV6,
        PRIVATE,
        "cursor://anysphere.cursor-mcp/oauth/callback",
        "https://[2001:db8::1]:8443/cb",
        "https://xn--bcher-kva.example/",
        "http://localhost",
        "http://localhost?x=1",
        "com.example.app://host/path?x=y",
    ],
)
def test_what_clients_really_register_is_taken(world, uri):
    """DCR-5, DCR-6: web, loopback in every spelling, private-use schemes, and those the operator allows."""
    outcome = world.server.register(RegistrationRequest({"redirect_uris": [uri]}))
    assert outcome.client.redirect_uris == (uri,)
