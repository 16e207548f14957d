"""Requests that are wrong in some way, and partly right: garbage is more telling beside what is good."""

import json
from base64 import b64encode
from itertools import product
from urllib.parse import quote_from_bytes

from hypothesis import strategies as st
from tests.support import ISSUER, REDIRECT_URI, challenge_of
from tests.web.browser import OURS, VERIFIER, Walk
from tests.web.driver import FORM, JSON, Sent, Served

from scopegate import SignedIn

METHODS = ["GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "BREW", "get", ""]
NAMES = [
    *(
        "client_id",
        "client_secret",
        "redirect_uri",
        "response_type",
        "response_mode",
        "scope",
        "state",
        "prompt",
    ),
    *("code_challenge", "code_challenge_method", "resource", "request", "request_uri", "audience", "foo", ""),
    *("grant_type", "code", "code_verifier", "refresh_token", "token", "token_type_hint"),
    *("transaction", "decision", "default", "sandbox", "organization:acme", "organization:"),
]
HEADERS = [
    *(
        "Authorization",
        "Content-Type",
        "Cookie",
        "Origin",
        "Sec-Fetch-Site",
        "If-None-Match",
        "Host",
        "Accept",
    ),
    *("X-Forwarded-Host", "X-Forwarded-Proto", "Transfer-Encoding", "Expect", "X-Thing", "Accept-Language"),
]
CONTENT_TYPES = ["", "text/plain", f"{FORM[1]}; charset=latin-1", "multipart/form-data", ";", "\xff"]
WORDS = [
    *(
        "",
        "a",
        "approve",
        "deny",
        "preview",
        "editor",
        "viewer",
        "code",
        "S256",
        "plain",
        "authorization_code",
    ),
    *("refresh_token", "all.Application.read", "no.such", "%", "%zz", "%00", "%ff", "%ed%a0%80", "\x00", "+"),
    *(
        ISSUER,
        REDIRECT_URI,
        "https://evil.example/",
        "javascript:alert(1)",
        "sgc_a.b",
        "sgr_a.b",
        "sga_.",
        "_.",
    ),
    *("\N{PILE OF POO}", "\u202e", "\x7f", "\r\nSet-Cookie: a=b", "'", '"', "\\", "<script>", "a" * 3000),
]
MEMBERS = [
    *("redirect_uris", "client_name", "token_endpoint_auth_method", "grant_types", "response_types", "scope"),
    *("logo_uri", "client_uri", "jwks", "jwks_uri", "software_statement", "application_type", "client_id"),
]
URIS = [
    *(
        REDIRECT_URI,
        "http://127.0.0.1:1/",
        "http://localhost",
        "cursor://x",
        "com.example:/x",
        "https://[::1]/x",
    ),
    *(
        "https://[",
        "com.example://[",
        "https://a:b/",
        "http://[::1]:99999/",
        "//x",
        "https://\N{PILE OF POO}/",
    ),
]
latin = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=60)
values = st.sampled_from(WORDS) | st.text(max_size=30)


class Known:
    """A site with what garbage stands beside: a client, an open page, codes and refresh tokens, live and used ones.

    Attributes:
        right: by parameter, the values that are right somewhere.
        whole: requests to the token, revocation and consent endpoints that are right as they are.
        moved: seconds by which the clock was set forward since the last renewal.
    """

    def __init__(self, kind, file=None) -> None:
        self.site = Served(kind, file=file)
        self.walk = Walk(self.site, redirect_uris=[REDIRECT_URI, "cursor://x/cb"])
        assert self.walk.register().status == 201
        self.renew()

    def renew(self):
        """Everything anew: what an earlier request used up, or time, is worth nothing."""
        self.moved = 0
        self.site.who = SignedIn("ann", "session of ann")
        for token in self.site.tokens():
            self.site.world.server.delete("ann", token.id)
        walk = self.walk
        walk.approve()
        assert walk.token().status == 200
        self.used = walk.reply["refresh_token"]
        assert walk.refresh().status == 200
        current = walk.reply
        walk.approve()
        self.spent = walk.code
        assert walk.token().status == 200
        walk.approve()
        self.live = walk.code
        assert walk.authorize().status == 200
        self._list(current)

    def wait(self, seconds):
        """Set the clock forward."""
        self.moved = seconds
        self.site.world.clock.forward(seconds)

    def _list(self, current):
        self.right = {
            "client_id": [self.walk.client_id],
            "redirect_uri": [REDIRECT_URI],
            "response_type": ["code"],
            "code_challenge": [challenge_of(VERIFIER)],
            "code_challenge_method": ["S256"],
            "grant_type": ["authorization_code", "refresh_token"],
            "code": [self.live, self.spent],
            "code_verifier": [VERIFIER, VERIFIER[::-1]],
            "refresh_token": [current["refresh_token"], self.used],
            "token": ["sga_unknown.secret", current["access_token"]],
            "transaction": [self.walk.transaction],
            "decision": ["preview", "approve"],
            "default": ["editor"],
        }
        parts = {
            "token": (
                ("grant_type", "client_id", "code", "code_verifier"),
                ("grant_type", "client_id", "refresh_token"),
            ),
            "revoke": (("client_id", "token"),),
            "consent": (("transaction", "decision", "default"),),
        }
        self.whole = {
            endpoint: [
                dict(zip(names, values, strict=True))
                for names in kinds
                for values in product(*(self.right[name] for name in names))
                if "grant_type" not in names or (values[0] == "refresh_token") == ("refresh_token" in names)
            ]
            for endpoint, kinds in parts.items()
        }


def _pair(name, value, *, escape):
    raw = value.encode("utf-8", "replace")
    shown = quote_from_bytes(raw).encode() if escape else raw
    return quote_from_bytes(name.encode("utf-8", "replace")).encode() + b"=" + shown


@st.composite
def encoded_pairs(draw, known, endpoint=None):
    """A query or form: right and wrong parameters, repeated and damaged ones; or a right request, almost."""
    if endpoint in known.whole and draw(st.booleans()):
        almost = dict(draw(st.sampled_from(known.whole[endpoint])))
        name = draw(st.sampled_from([*almost, ""]))
        almost |= {name: draw(values)} if draw(st.booleans()) else {}
        return b"&".join(_pair(name, value, escape=True) for name, value in almost.items())
    right = known.right
    chosen = draw(st.sets(st.sampled_from(sorted(right)), max_size=len(right)))
    pieces = [_pair(name, draw(st.sampled_from(right[name])), escape=True) for name in sorted(chosen)]
    wrong = st.tuples(st.sampled_from(NAMES) | st.text(max_size=8), values, st.booleans())
    pieces += [_pair(name, value, escape=escape) for name, value, escape in draw(st.lists(wrong, max_size=5))]
    pieces += draw(st.lists(st.binary(max_size=20), max_size=1))
    return b"&".join(pieces * draw(st.sampled_from([1, 1, 1, 1, 2])))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | values,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def registrations(draw):
    """A JSON body for the registration endpoint: almost right, wrong, or broken."""
    content = draw(st.dictionaries(st.sampled_from(MEMBERS), json_values, max_size=4))
    if draw(st.booleans()):
        content["redirect_uris"] = draw(st.lists(st.sampled_from(URIS) | values, max_size=3))
    body = json.dumps(content).encode()
    match draw(st.sampled_from(["whole", "whole", "whole", "cut", "bytes", "deep", "twice", "listed"])):
        case "cut":
            return body[: draw(st.integers(0, len(body)))]
        case "bytes":
            return body[:5] + draw(st.binary(max_size=8)) + body[5:]
        case "deep":
            return b'{"a":' * 3000 + body + b"}" * 3000
        case "twice":
            return body[:-1] + b"," + body[1:]
        case "listed":
            return b"[" + body + b"]"
        case _:
            return body


@st.composite
def headers(draw, content_type):
    """Headers: the right content type or another, and odd ones, also repeated."""
    found = [("Content-Type", draw(st.sampled_from([content_type] * 8 + CONTENT_TYPES)))]
    odd = latin | st.sampled_from(["x" * 9000, "Basic " + b64encode(b"a:b").decode()])
    found += draw(st.lists(st.tuples(st.sampled_from(HEADERS), odd), max_size=3))
    return (*found, OURS) if draw(st.booleans()) else tuple(found)


@st.composite
def requests(draw, known, endpoint):
    """A request to an endpoint, mostly by its method; to any path where the endpoint is None."""
    site = known.site.app.site
    odd = ["/", "//", "/oauth/\x00", "/oauth/\N{EURO SIGN}"]
    path = f"/oauth/{endpoint}" if endpoint else draw(st.sampled_from([*site.paths, *odd]))
    operation = site.operations.get(path)
    method = operation.http_method if operation else "GET"
    register = path.endswith("/register")
    body = b""
    if method == "POST":
        body = draw(registrations() if register else encoded_pairs(known, endpoint))
    if draw(st.integers(0, 19)) == 19:
        body = draw(st.binary(min_size=1, max_size=50)) * draw(st.sampled_from([1, 3000, 30_000]))
    query = draw(encoded_pairs(known)) if method == "GET" or draw(st.booleans()) else b""
    cut = draw(st.integers(0, len(body)))
    return Sent(
        draw(st.sampled_from([method] * 20 + METHODS)),
        path,
        query,
        draw(headers(JSON[1] if register else FORM[1])),
        (body[:cut], body[cut:]),
        cut=draw(st.integers(0, 9)) == 9,
    )
