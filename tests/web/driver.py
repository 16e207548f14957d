"""Calls ASGI and WSGI applications in process: a request in, a reply out, exactly as a web server would."""

import json
import sqlite3
from contextlib import closing
from io import BytesIO
from urllib.parse import urlencode, urlsplit

from attrs import field, frozen, has
from tests.support import World

from scopegate import SignedIn
from scopegate.core.records import TokenQuery
from scopegate.stores import SQLiteStore
from scopegate.web.asgi import ASGIApplication
from scopegate.web.pages import Pages
from scopegate.web.wsgi import WSGIApplication

FORM = ("Content-Type", "application/x-www-form-urlencoded")
JSON = ("Content-Type", "application/json")
_PAGES = Pages("Acme IoT")  # drawing needs compiled templates, which one compilation gives to all sites


@frozen
class Reply:
    """What came back; header names are in lower case."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def all(self, name):
        """Every value of a header."""
        return [value for known, value in self.headers if known == name.lower()]

    def header(self, name):
        """The value of a header that may come once; None without it."""
        values = self.all(name)
        assert len(values) <= 1, (name, values)
        return values[0] if values else None

    @property
    def json(self):
        """The body, which says that it is JSON."""
        assert self.header("Content-Type") == "application/json"
        return json.loads(self.body)

    @property
    def text(self):
        """The body as text."""
        return self.body.decode("utf-8")


@frozen
class Sent:
    """A request as bytes.

    Args:
        method: the method.
        path: decoded.
        query: raw.
        headers: pairs of text, in latin-1.
        body: the body, or its pieces.
        cut: the connection ends before the body does.
    """

    method: str
    path: str
    query: bytes = b""
    headers: tuple[tuple[str, str], ...] = field(default=(), converter=tuple)
    body: bytes | tuple[bytes, ...] = b""
    cut: bool = False

    @property
    def pieces(self):
        """The body in pieces."""
        return self.body if isinstance(self.body, tuple) else (self.body,)


async def ask_asgi(app, sent):
    """One HTTP request to an ASGI application; None when it answered nothing to a client that had gone."""
    messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in sent.pieces]
    if sent.cut:
        messages.append({"type": "http.disconnect"})
    else:
        messages[-1] = messages[-1] | {"more_body": False}
    answered = []

    async def receive():
        return messages.pop(0)

    async def send(message):
        answered.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": sent.method,
        "scheme": "http",
        "path": sent.path,
        "raw_path": sent.path.encode("utf-8", "replace"),
        "root_path": "",
        "query_string": sent.query,
        "headers": [
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in sent.headers
        ],
        "client": ("192.0.2.1", 1234),
        "server": ("127.0.0.1", 80),
        "state": {},
    }
    await app(scope, receive, send)
    if not answered:
        return None
    start, *parts = answered
    assert start["type"] == "http.response.start"
    assert all(part["type"] == "http.response.body" for part in parts)
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"])
    return Reply(start["status"], headers, b"".join(part.get("body", b"") for part in parts))


async def with_lifespan(app, *events):
    """Play lifespan events to an ASGI application and return what it said."""
    said = []
    messages = [{"type": f"lifespan.{event}"} for event in events]

    async def receive():
        return messages.pop(0)

    async def send(message):
        said.append(message)

    await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)
    return said


def environ_of(sent):
    """The environ of a request (PEP 3333); repeated headers are joined, as servers do."""
    body = b"".join(sent.pieces)
    environ = {
        "REQUEST_METHOD": sent.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": sent.path.encode("utf-8", "replace").decode("latin-1"),
        "QUERY_STRING": sent.query.decode("latin-1"),
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(body) + (7 if sent.cut else 0)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
        "wsgi.errors": None,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in sent.headers:
        key = "HTTP_" + name.upper().replace("-", "_")
        key = key[5:] if key in {"HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"} else key
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    return environ


def ask_wsgi(app, sent):
    """One HTTP request to a WSGI application."""
    started = []

    def start_response(status, headers, exc_info=None):
        assert exc_info is None
        started.append((status, headers))
        return lambda _: None

    parts = app(environ_of(sent), start_response)
    body = b"".join(parts)
    if hasattr(parts, "close"):
        parts.close()
    ((status, headers),) = started
    return Reply(int(status.split()[0]), tuple((name.lower(), value) for name, value in headers), body)


READY = {"changed", "live", "records"}
"""What a store in memory has ready for readers, besides what it keeps."""


def frozen_copy(value):
    """A copy to compare with later: containers and mutable objects are copied, values stay."""
    if isinstance(value, dict):
        return {key: frozen_copy(each) for key, each in value.items()}
    if isinstance(value, list):
        return [frozen_copy(each) for each in value]
    if hasattr(value, "__slots__") and not has(type(value)) and not isinstance(value, tuple | str):
        kept = [name for name in value.__slots__ if name not in READY]
        return {name: frozen_copy(getattr(value, name)) for name in kept}
    return value


class Served:
    """A world behind one of the generic applications.

    ``who`` is what the host's ``current_user`` answers; tests change it. ``cookies`` is what the browser keeps.

    Args:
        kind: ``asgi`` or ``wsgi``.
        file: keeps everything in this SQLite file, instead of in memory.
        login_url: the host's sign-in page.
        site: other arguments of the application.
        options: arguments of the world.
    """

    file = _reader = _version = None

    def __init__(self, kind, *, file=None, login_url="/login", site=None, **options) -> None:
        self.kind = kind
        self.file = file
        if file is not None:
            options["store"] = SQLiteStore(file, synchronous="NORMAL")
        self.world = World("async" if kind == "asgi" else "sync", **options)
        self.who = SignedIn("ann", "session of ann")
        self.cookies = {}
        make = ASGIApplication if kind == "asgi" else WSGIApplication
        arguments = {"current_user": lambda _: self.who, "pages": _PAGES} | (site or {})
        self.app = make(self.world.bare, login_url=login_url, **arguments)

    def send(self, sent):
        """Send a request exactly as it is."""
        if self.kind == "asgi":
            return self.world.run(ask_asgi(self.app, sent))
        return ask_wsgi(self.app, sent)

    def ask(self, method, address, *, headers=(), body=b"", **more):
        """Send a request to an address, with the cookies, and keep those that come back."""
        parts = urlsplit(address)
        if self.cookies:
            headers = (
                *headers,
                ("Cookie", "; ".join(f"{name}={each}" for name, each in self.cookies.items())),
            )
        reply = self.send(Sent(method, parts.path, parts.query.encode(), headers, body, **more))
        for cookie in reply.all("Set-Cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return reply

    def get(self, address, *headers):
        """GET."""
        return self.ask("GET", address, headers=headers)

    def post(self, address, parameters, *headers):
        """POST a form: a mapping, or pairs."""
        return self.ask("POST", address, headers=(FORM, *headers), body=urlencode(parameters).encode())

    def post_json(self, address, content, *headers):
        """POST JSON."""
        return self.ask("POST", address, headers=(JSON, *headers), body=json.dumps(content).encode())

    def rows(self):
        """A copy of everything that the store holds, in memory or in an SQLite file."""
        if self.file is not None:
            return self._dumped()
        return frozen_copy(self.world.given_store._rooms)  # noqa: SLF001 - no contract tells all rows

    def _dumped(self):
        """All rows of the file, read again only after somebody has written."""
        if self._reader is None:
            self._reader = sqlite3.connect(self.file)
        version = self._reader.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            self._version, self._dump = version, list(self._reader.iterdump())
        return self._dump

    def counts(self):
        """How many events and credentials are kept."""
        if self.file is not None:
            with closing(sqlite3.connect(self.file)) as connection:
                both = "SELECT (SELECT count(*) FROM scopegate_events), (SELECT count(*) FROM scopegate_credentials)"
                return connection.execute(both).fetchone()
        room = self.world.given_store._rooms[self.world.realm]  # noqa: SLF001 - likewise
        rows = [room.row(token_id) for token_id in room.tokens]
        return len(room.events), sum(len(row.recent) + len(room.past.get(row.token.id, ())) for row in rows)

    def tokens(self):
        """Every token."""
        page = self.world.store.tokens(self.world.realm, TokenQuery(), after=None, limit=1000)
        return list(page.items)

    def clients(self):
        """Every client."""
        return list(self.world.store.clients(self.world.realm, owner=None, after=None, limit=1000).items)

    def close(self):
        """Close the world."""
        if self._reader is not None:
            self._reader.close()
        self.world.close()
