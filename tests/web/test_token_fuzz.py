"""Garbage at the JSON API of a user's tokens: never an exception or a 5xx, and what is refused changes no row."""

import json
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from tests.support import ISSUER, Journey
from tests.web.driver import JSON, Sent, Served
from tests.web.garbage import CONTENT_TYPES, METHODS, json_values, latin, values
from tests.web.tokens import LIST, OURS, put

from scopegate import SignedIn
from scopegate.web.token_answers import TYPES
from scopegate.web.token_lists import DIRECTIONS, FILTERS, PARAMETERS, SORTS, STATES

PEOPLE = [SignedIn("ann", "1")] * 4 + [SignedIn("bob", "1"), "nobody", None]
EXAMPLES = min(settings().max_examples, 1000)
CURSORS = ['["name", "a", "t1"]', '["status", 1.0, "t1"]', '["name", 1, 2]', "[[", "{}", "NaN", "[" * 3000]
PLACES = ["acme", "globex", "sandbox", "organization:sandbox", "organization:", "", "\ud800", 1, None]
ROLES = ["viewer", "editor", "admin", "none", "boss", "", None, {}]


class Known:
    """A site with a token of ann's and one of bob's, and an access token of hers that was used a moment ago."""

    def __init__(self, kind, file=None) -> None:
        self.site = Served(kind, file=file)
        self.journey = Journey(self.site.world).connect()
        self.journey.access()
        put(self.site, "theirs", "Theirs", user="bob")

    @property
    def token_id(self):
        """The id of ann's token, which is there."""
        if self.site.world.record(self.journey.token_id) is None:
            self.journey.approve()
            self.journey.redeem()
            self.journey.access()
        return self.journey.token_id


@pytest.fixture(scope="module", params=["asgi", "wsgi", "wsgi over sqlite"])
def known(request, tmp_path_factory):
    """One site for all examples."""
    kind, _, store = request.param.partition(" over ")
    found = Known(kind, tmp_path_factory.mktemp("fuzz") / "store.db" if store else None)
    yield found
    found.site.close()


@st.composite
def queries(draw):
    """A query: parameters that are right or wrong, repeated, or no parameters at all."""
    right = [
        *SORTS,
        *DIRECTIONS,
        *FILTERS,
        *STATES,
        *CURSORS,
        "0",
        "1",
        "-1",
        "1000",
        "9" * 30,
        "*",
        "[!a",
        "*?" * 90,
    ]
    pair = st.tuples(st.sampled_from([*PARAMETERS, *PARAMETERS, "x", ""]), st.sampled_from(right) | values)
    given = draw(st.lists(pair, max_size=4))
    query = "&".join(f"{name}={quote(value.encode('utf-8', 'replace'))}" for name, value in given).encode()
    return query + draw(st.binary(max_size=8) if draw(st.integers(0, 9)) == 9 else st.just(b""))


application = st.fixed_dictionaries(
    {}, optional={"resourceId": st.sampled_from(PLACES), "role": st.sampled_from(ROLES), "x": st.none()}
)
entry = st.fixed_dictionaries(
    {},
    optional={
        "orgId": st.sampled_from(PLACES),
        "role": st.sampled_from(ROLES),
        "applicationRoles": st.lists(application, max_size=3) | json_values,
        "x": json_values,
    },
)
changes = st.fixed_dictionaries(
    {},
    optional={
        "name": st.text(max_size=9) | json_values,
        "description": st.text(max_size=9) | json_values,
        "defaultRole": st.sampled_from(ROLES),
        "orgRoles": st.lists(entry | json_values, max_size=3) | json_values,
        "status": st.sampled_from(["active", "inactive", "pending", 1]),
        "x": json_values,
    },
)


@st.composite
def bodies(draw):
    """A body: changes that are almost right, other JSON, or broken."""
    body = json.dumps(draw(changes | json_values)).encode()
    match draw(st.sampled_from(["whole"] * 6 + ["cut", "bytes", "deep", "twice", "long"])):
        case "cut":
            return body[: draw(st.integers(0, len(body)))]
        case "bytes":
            return body[:5] + draw(st.binary(max_size=8)) + body[5:]
        case "deep":
            return b'{"orgRoles":' * 3000 + body
        case "twice":
            return body[:-1] + b"," + body[1:]
        case "long":
            return body + b" " * 2**20
        case _:
            return body


@st.composite
def requests(draw, known):
    """A request to the API, mostly one that could be right."""
    names = [known.token_id] * 6 + [
        "theirs",
        "nothing",
        "",
        "a/b",
        "openapi.json",
        "\x00",
        "\N{EURO SIGN}",
        "a" * 999,
    ]
    path = draw(st.sampled_from([LIST, *(f"{LIST}/{name}" for name in names)]))
    tags = ['"1"', '"2"', "*", 'W/"1"', "1", '"', '"x", "1"', '"' + "9" * 5000 + '"']
    odd = [
        *(("If-Match", tag) for tag in tags),
        ("Authorization", f"Bearer {known.journey.access_token}"),
        ("Authorization", "Bearer sga_x.y"),
        ("Authorization", "Bearer"),
        ("Authorization", "Basic YTpi"),
        ("Origin", ISSUER),
        ("Origin", "https://evil.example"),
        ("Sec-Fetch-Site", "cross-site"),
        *(("Content-Type", kind) for kind in CONTENT_TYPES),
    ]
    name = st.sampled_from(
        ["Authorization", "If-Match", "Content-Type", "Origin", "Sec-Fetch-Site", "Cookie"]
    )
    headers = draw(st.lists(st.sampled_from(odd) | st.tuples(name, latin), max_size=2))
    if draw(st.integers(0, 9)):
        headers = [JSON, OURS, *headers]
    usual = ["GET", "PATCH", "PATCH", "PATCH", "DELETE", "HEAD"]
    body = draw(bodies())
    cut = draw(st.integers(0, len(body)))
    return Sent(
        draw(st.sampled_from(usual * 4 + METHODS)),
        path,
        draw(queries()),
        headers,
        (body[:cut], body[cut:]),
        cut=draw(st.integers(0, 19)) == 19,
    )


def judge(sent, reply):
    """What holds for every answer."""
    assert 200 <= reply.status < 500
    assert not [name for name, value in reply.headers if set(name + value) & set("\r\n\0")]
    assert reply.header("Access-Control-Allow-Credentials") is None
    assert reply.header("Location") is None
    if reply.status == 204 or sent.method == "HEAD":
        assert reply.body == b""
    elif reply.status >= 400:
        assert (reply.json["type"], bool(reply.json["message"])) == (TYPES[reply.status], True)
    by_token = any("bearer" in value.lower() for name, value in sent.headers if name == "Authorization")
    is_open = sent.path.endswith("openapi.json") or sent.method == "OPTIONS"
    if not by_token and not is_open:
        assert reply.header("Access-Control-Allow-Origin") is None
    if by_token:
        assert (sent.method, reply.status) not in {("PATCH", 200), ("DELETE", 204)}


@pytest.mark.law
@settings(max_examples=EXAMPLES * 2, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_no_garbage_breaks_the_api_or_changes_a_row(known, data):
    """GEN-8, law 7: every path and method, any bytes; a refusal and a read write nothing."""
    known.site.who = data.draw(st.sampled_from(PEOPLE))
    sent = data.draw(requests(known))
    rows = known.site.rows()
    theirs = known.site.world.record("theirs")
    reply = known.site.send(sent)
    if reply is None:
        assert sent.cut
    else:
        event(f"{sent.method} {sent.path == LIST}: {reply.status}")
        judge(sent, reply)
    done = reply is not None and (sent.method, reply.status) in {("PATCH", 200), ("DELETE", 204)}
    if not done:
        assert known.site.rows() == rows
    if known.site.who != SignedIn("bob", "1"):
        assert known.site.world.record("theirs") == theirs
    elif theirs is not None and known.site.world.record("theirs") is None:
        put(known.site, "theirs", "Theirs", user="bob")
