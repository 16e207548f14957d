"""Who is signed in, in which browser, and where a form may come from (AZ-11, CON-2, CON-3, RED-6)."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from tests.support import ISSUER, REDIRECT_URI
from tests.web.browser import OURS, Walk, location_of
from tests.web.driver import Sent

from scopegate import SignedIn

LOCAL = "http://127.0.0.1:8000"


def without_session(site):
    """The host knows the user and has no session of its own."""
    site.who = "ann"
    return site


# Sign-in comes first


def test_nobody_signed_in_is_sent_to_the_host_and_back_here(walk):
    """AZ-11, law 6: the login page gets the whole address to come back to, and the client nothing."""
    walk.served.who = None
    reply = walk.authorize(state="a+b&c=%20\N{GREEK SMALL LETTER ALPHA}/?")
    assert reply.status == 302
    location = urlsplit(reply.header("Location"))
    assert (location.scheme, location.netloc, location.path) == ("", "", "/login")
    ((name, back),) = parse_qsl(location.query, strict_parsing=True)
    assert name == "next"
    path, _, query = back.partition("?")
    assert path == "/oauth/authorize"
    assert query == walk.query(state="a+b&c=%20\N{GREEK SMALL LETTER ALPHA}/?")
    assert reply.header("Referrer-Policy") == "no-referrer"


def test_raw_bytes_of_a_query_survive_the_way_through_the_login_page(walk):
    """AZ-5: a client that does not escape gets its state back all the same."""
    walk.served.who = None
    raw = f"{walk.query(state=None)}&state=".encode() + "\N{GREEK SMALL LETTER ALPHA}".encode()
    reply = walk.served.send(Sent("GET", "/oauth/authorize", raw))
    ((_, back),) = parse_qsl(urlsplit(reply.header("Location")).query)
    assert dict(parse_qsl(urlsplit(back).query))["state"] == "\N{GREEK SMALL LETTER ALPHA}"


@pytest.mark.parametrize(
    ("login_url", "start"),
    [
        ("/login", "/login?come_back="),
        ("/login?from=oauth", "/login?from=oauth&come_back="),
        ("https://id.example/in", "https://id.example/in?come_back="),
    ],
)
def test_the_login_page_and_its_parameter_are_the_hosts(serve, login_url, start):
    """AZ-11: another parameter name, a query of its own, another origin."""
    site = serve(login_url=login_url, site={"next_parameter": "come_back"})
    walk = Walk(site)
    walk.register()
    site.who = None
    assert walk.authorize().header("Location").startswith(f"{start}%2Foauth%2Fauthorize%3Fclient_id%3D")


def test_the_way_back_keeps_the_path_of_the_issuer(serve):
    """META-2: below the path of the issuer."""
    walk = Walk(serve(issuer=f"{ISSUER}/t1"), prefix="/t1/oauth")
    walk.register()
    walk.served.who = None
    assert "next=%2Ft1%2Foauth%2Fauthorize%3F" in walk.authorize().header("Location")


@pytest.mark.parametrize(
    "changes", [{"scope": "no.such"}, {"response_type": "token"}, {"code_challenge": None}]
)
def test_an_error_is_not_told_to_the_client_before_somebody_is_signed_in(walk, changes):
    """AZ-11, law 6: no Location to the client while nobody is there."""
    walk.served.who = None
    assert location_of(walk.authorize(**changes))[0] == "/login"
    walk.served.who = "ann"
    assert location_of(walk.authorize(**changes))[0] == REDIRECT_URI


@pytest.mark.parametrize("signed_in", [True, False])
@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "unknown"},
        {"client_id": None},
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": f"{REDIRECT_URI}/"},
        {"redirect_uri": f"{REDIRECT_URI}?x"},
        {"redirect_uri": REDIRECT_URI.upper()},
        {"redirect_uri": "https://client.example/%63allback"},
        {"redirect_uri": "https://client.example/x/../callback"},
        {"redirect_uri": "https://user@client.example/callback"},
        {"redirect_uri": "https://client.example.evil.example/callback"},
        {"redirect_uri": "javascript:alert(1)"},
        {"redirect_uri": "//client.example/callback"},
    ],
)
def test_a_bad_client_or_redirect_uri_gets_a_page(walk, changes, signed_in):
    """RED-1, RED-6, AZ-1: 400 and never a Location, signed in or not, even with other errors beside it."""
    if not signed_in:
        walk.served.who = None
    for more in ({}, {"scope": "no.such", "response_type": "token"}):
        reply = walk.authorize(**(changes | more))
        assert (reply.status, reply.header("Location")) == (400, None)
        assert "<h1" in reply.text
        assert "evil.example" not in reply.text


# Sessions


def test_our_own_cookie_stands_in_for_a_session_of_the_host(serve):
    """CON-2, section 6: __Host-, Secure, HttpOnly, Lax, path / and no domain; set once."""
    site = without_session(serve())
    walk = Walk(site)
    walk.register()
    reply = walk.authorize()
    name, _, rest = reply.header("Set-Cookie").partition("=")
    assert name == "__Host-scopegate"
    assert rest.split("; ")[1:] == ["Path=/", "HttpOnly", "SameSite=Lax", "Secure"]
    assert walk.authorize().header("Set-Cookie") is None
    assert walk.decide().status == 303


def test_on_a_loopback_http_issuer_the_cookie_has_a_plain_name(serve):
    """CON-2: browsers refuse __Host- and Secure over http."""
    walk = Walk(without_session(serve(issuer=LOCAL)))
    walk.register()
    name, _, rest = walk.authorize().header("Set-Cookie").partition("=")
    assert (name, "Secure" in rest) == ("scopegate-session", False)
    assert walk.decide().status == 303


def test_a_page_of_another_browser_approves_nothing(serve):
    """CON-2: the same user, but no cookie, or another browser's."""
    site = without_session(serve())
    walk = Walk(site)
    walk.register()
    walk.authorize()
    for cookies in (
        {},
        {"__Host-scopegate": "another"},
        {"scopegate-session": site.cookies["__Host-scopegate"]},
    ):
        site.cookies, kept = cookies, site.cookies
        reply = walk.decide()
        assert (reply.status, reply.header("Set-Cookie")) == (403, None)
        site.cookies = kept
    assert walk.decide().status == 303


def test_cookies_may_come_in_several_headers(serve):
    """CON-2: as HTTP/2 sends them; another cookie of the host does not hide ours."""
    site = without_session(serve())
    walk = Walk(site)
    walk.register()
    walk.authorize()
    ours = ("Cookie", f"__Host-scopegate={site.cookies.pop('__Host-scopegate')}")
    if site.kind == "wsgi":
        reply = walk.decide("approve", OURS, ("Cookie", f"host=1; {ours[1]}; theme=dark"))
    else:
        reply = walk.decide("approve", OURS, ours, ("Cookie", "theme=dark"))
    assert reply.status == 303


def test_a_host_with_sessions_gets_no_cookie_of_ours(walk):
    """CON-2: the host's session is enough."""
    assert walk.authorize().header("Set-Cookie") is None


@pytest.mark.parametrize(
    "who", [SignedIn("bob", "session of ann"), SignedIn("ann", "another session"), "ann"]
)
def test_a_form_belongs_to_the_user_and_session_that_opened_it(walk, who):
    """CON-2, CON-3: 403 and no code."""
    walk.authorize()
    walk.served.who = who
    before = walk.served.rows()
    reply = walk.decide()
    assert (reply.status, reply.header("Location"), walk.served.rows()) == (403, None, before)


def test_a_form_without_anybody_signed_in_approves_nothing(walk):
    """CON-1: 403, and no redirect anywhere."""
    walk.authorize()
    walk.served.who = None
    reply = walk.decide()
    assert (reply.status, reply.header("Location")) == (403, None)
    assert "sign in" in reply.text


# Where a form may come from


@pytest.mark.parametrize(
    "headers",
    [
        [("Sec-Fetch-Site", "cross-site")],
        [("Sec-Fetch-Site", "same-site")],
        [("Sec-Fetch-Site", "none")],
        [("Sec-Fetch-Site", "")],
        [("Origin", "null")],
        [("Origin", "https://evil.example")],
        [("Origin", "http://acme.example")],
        [("Origin", "https://acme.example.evil.example")],
        [("Sec-Fetch-Site", "cross-site"), ("Origin", ISSUER)],
    ],
)
def test_a_form_of_another_site_approves_nothing(walk, headers):
    """CON-2: 403 and no row, even with the right transaction."""
    walk.authorize()
    before = walk.served.rows()
    reply = walk.decide("approve", *headers)
    assert (reply.status, reply.header("Location"), walk.served.rows()) == (403, None, before)
    assert "did not come from a page" in reply.text


@pytest.mark.parametrize("header", [OURS, ("Origin", ISSUER), ("X-Nothing", "1")])
def test_our_own_page_is_accepted_whatever_the_browser_tells(walk, header):
    """CON-2: by Sec-Fetch-Site, by Origin, and by the sealed transaction alone in old browsers."""
    walk.authorize()
    assert walk.decide("approve", header).status == 303


def test_the_origin_is_the_issuers_however_that_is_written(serve):
    """CON-2: browsers write lower case and no default port."""
    walk = Walk(serve(issuer="https://ACME.example:443"))
    walk.register()
    walk.authorize()
    assert walk.decide("approve", ("Origin", "https://acme.example")).status == 303
