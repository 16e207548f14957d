"""What is our own trouble is never blamed on the client (GEN-11, GEN-12, law 7), and web servers hear of it."""

from io import StringIO
from wsgiref.validate import validator

import pytest
from tests.web.browser import Walk
from tests.web.driver import Sent, Served, ask_wsgi, with_lifespan

from scopegate.errors import ContentionError, DirectoryUnavailableError, StoreUnavailableError
from scopegate.stores import MemoryStore
from scopegate.throttle import Limit, WindowThrottle

READS = ("client", "token", "tokens")


class FailingStore(MemoryStore):
    """Raises what tests put into ``trouble``, by the name of the method."""

    __slots__ = ("trouble",)

    def __init__(self) -> None:
        super().__init__()
        self.trouble = {}

    def asynchronous(self):
        """The same store, awaited."""
        return AsyncFailingStore(self)

    def _fail(self, name):
        if name in self.trouble:
            raise self.trouble[name]

    def open(self):
        """See `Store.open`."""
        self._fail("open")

    def client(self, *args):
        """See `Store.client`."""
        self._fail("client")
        return super().client(*args)

    def token(self, *args):
        """See `Store.token`."""
        self._fail("token")
        return super().token(*args)

    def tokens(self, *args, **kwargs):
        """See `Store.tokens`."""
        self._fail("tokens")
        return super().tokens(*args, **kwargs)

    def commit(self, *args):
        """See `Store.commit`."""
        self._fail("commit")
        super().commit(*args)


class AsyncFailingStore:
    """`FailingStore`, awaited."""

    def __init__(self, store) -> None:
        self.store = store

    def __getattr__(self, name):
        method = getattr(self.store, name)

        async def awaited(*args, **kwargs):
            return method(*args, **kwargs)

        return awaited

    async def open(self):
        """See `Store.open`."""
        self.store.open()

    async def close(self):
        """See `Store.close`."""

    async def client(self, *args):
        """See `Store.client`."""
        return self.store.client(*args)

    async def token(self, *args):
        """See `Store.token`."""
        return self.store.token(*args)

    async def tokens(self, *args, **kwargs):
        """See `Store.tokens`."""
        return self.store.tokens(*args, **kwargs)

    async def events(self, *args, **kwargs):
        """See `Store.events`."""
        return self.store.events(*args, **kwargs)

    async def clients(self, *args, **kwargs):
        """See `Store.clients`."""
        return self.store.clients(*args, **kwargs)

    async def once(self, *args, **kwargs):
        """See `Store.once`."""
        return self.store.once(*args, **kwargs)

    async def commit(self, *args):
        """See `Store.commit`."""
        self.store.commit(*args)

    async def sweep(self, *args, **kwargs):
        """See `Store.sweep`."""
        return self.store.sweep(*args, **kwargs)


@pytest.fixture
def frail(serve):
    """A connected client, whose code is used, at a site whose store can fail."""
    walk = Walk(serve(store=FailingStore())).connect()
    walk.approve()
    return walk


def requests(walk):
    """One request to each endpoint, all of them good."""
    return {
        "authorize": walk.authorize,
        "consent": walk.decide,
        "token": walk.token,
        "refresh": walk.refresh,
        "register": walk.register,
        "revoke": lambda: walk.served.post(
            "/oauth/revoke", {"client_id": walk.client_id, "token": walk.reply["refresh_token"]}
        ),
    }


TOUCHED = [
    ("authorize", "client"),
    ("authorize", "tokens"),
    ("consent", "client"),
    ("consent", "token"),
    ("token", "token"),
    ("token", "commit"),
    ("refresh", "token"),
    ("refresh", "commit"),
    ("register", "commit"),
    ("revoke", "token"),
    ("revoke", "commit"),
]


TROUBLES = [StoreUnavailableError("down"), ContentionError("lost"), DirectoryUnavailableError()]


@pytest.mark.parametrize(("endpoint", "method"), TOUCHED)
@pytest.mark.parametrize(
    "trouble", [StoreUnavailableError("down"), ContentionError("lost"), DirectoryUnavailableError()]
)
def test_trouble_of_ours_is_503_and_says_to_try_again(frail, endpoint, method, trouble):
    """GEN-12, law 7: never an OAuth error that makes clients forget their credentials."""
    request = requests(frail)[endpoint]
    store = frail.served.world.given_store
    store.trouble[method] = trouble
    before = frail.served.rows()
    reply = request()
    assert (reply.status, reply.header("Retry-After")) == (503, "1")
    assert (reply.header("Location"), reply.header("Cache-Control")) == (None, "no-store")
    assert frail.served.rows() == before
    assert str(trouble) == "" or str(trouble) not in reply.text
    if endpoint in {"authorize", "consent"}:
        assert "cannot answer right now" in reply.text
        assert reply.header("X-Frame-Options") == "DENY"
        assert reply.header("Access-Control-Allow-Origin") is None
    else:
        assert reply.json == {
            "error": "temporarily_unavailable",
            "error_description": "nothing was decided; try again",
        }
        assert reply.header("Access-Control-Allow-Origin") == "*"
    store.trouble.clear()
    assert request().status in {200, 201, 303}


@pytest.mark.parametrize("endpoint", ["authorize", "consent", "token", "refresh"])
@pytest.mark.parametrize(
    "trouble", [DirectoryUnavailableError("down"), RuntimeError("any bug of the host's")]
)
def test_trouble_of_the_directory_is_no_decision(frail, endpoint, trouble):
    """GEN-12, law 7: whatever the host's directory raises, nobody is taken for a user without a role."""
    frail.served.world.people.trouble = trouble
    before = frail.served.rows()
    reply = requests(frail)[endpoint]()
    assert (reply.status, reply.header("Retry-After"), frail.served.rows()) == (503, "1", before)
    frail.served.world.people.trouble = None
    assert requests(frail)[endpoint]().status in {200, 303}


def test_discovery_needs_no_store(frail):
    """META-1: documents are there while the store is down."""
    store = frail.served.world.given_store
    store.trouble = dict.fromkeys((*READS, "commit"), StoreUnavailableError("down"))
    assert frail.served.get("/.well-known/oauth-authorization-server").status == 200


def test_guessing_of_secrets_is_slowed_down(serve):
    """GEN-11, CA-6: 429 with whole seconds to wait; who knows the secret is never slowed by others."""
    walk = Walk(
        serve(throttle=WindowThrottle({"secret": Limit(3, 60.0)})),
        token_endpoint_auth_method="client_secret_post",
    )
    walk.register()
    walk.approve()
    statuses = [walk.token(client_secret="x").status for _ in range(3)]
    walk.served.world.clock.forward(0.5)
    reply = walk.token(client_secret="x")
    assert (statuses, reply.status, reply.header("Retry-After")) == ([401] * 3, 429, "60")
    assert reply.json["error"] == "temporarily_unavailable"
    assert reply.header("Access-Control-Allow-Origin") == "*"
    assert walk.token().status == 200
    walk.served.world.clock.forward(60)
    assert walk.token(client_secret="x").status == 401


def test_a_flood_of_registrations_is_slowed_down(serve):
    """GEN-11, DCR-7: 429 with Retry-After, and no row."""
    site = serve(throttle=WindowThrottle({"register": Limit(2, 60.0)}))
    replies = [Walk(site).register() for _ in range(3)]
    assert [reply.status for reply in replies] == [201, 201, 429]
    assert replies[-1].header("Retry-After") == "60"
    assert replies[-1].json["error_description"]
    assert len(site.clients()) == 2


# What web servers expect


@pytest.fixture
def asgi():
    """A site behind the ASGI application."""
    site = Served("asgi", store=FailingStore())
    yield site
    site.close()


def test_an_asgi_server_opens_and_closes_the_store(asgi):
    """ASGI lifespan: both are acknowledged."""
    said = asgi.world.run(with_lifespan(asgi.app, "startup", "shutdown"))
    assert [message["type"] for message in said] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]


def test_an_asgi_server_hears_that_the_store_does_not_open(asgi):
    """ASGI lifespan: failed, with the reason, so that the server stops instead of serving errors."""
    asgi.world.given_store.trouble["open"] = StoreUnavailableError("the disk is full")
    said = asgi.world.run(with_lifespan(asgi.app, "startup", "shutdown"))
    assert said[0]["type"] == "lifespan.startup.failed"
    assert "the disk is full" in said[0]["message"]


def test_a_websocket_is_turned_away(asgi):
    """ASGI: closed before it is accepted, which web servers make a 403."""
    said = []
    messages = [{"type": "websocket.connect"}]

    async def receive():
        return messages.pop(0)

    async def send(message):
        said.append(message)

    asgi.world.run(asgi.app({"type": "websocket", "path": "/oauth/token"}, receive, send))
    assert [message["type"] for message in said] == ["websocket.close"]


def test_a_client_that_went_away_gets_no_answer(asgi):
    """ASGI: nothing is sent after a disconnect."""
    assert asgi.send(Sent("POST", "/oauth/token", cut=True)) is None


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
def test_the_wsgi_application_keeps_to_pep_3333(method):
    """PEP 3333: under the standard library's own checker, for every path."""
    site = Served("wsgi")
    checked = validator(site.app)

    def with_streams(environ, start_response):
        """The checker wants an error stream."""
        return checked(environ | {"wsgi.errors": StringIO()}, start_response)

    for path in (*site.app.site.paths, "/nowhere"):
        assert ask_wsgi(with_streams, Sent(method, path)).status < 500
    site.close()


@pytest.mark.parametrize(
    ("length", "status"), [("", 200), ("x", 400), ("-1", 400), ("9" * 5000, 413), ("1e3", 400)]
)
def test_a_wsgi_length_that_is_none_is_refused(length, status):
    """PEP 3333: an odd CONTENT_LENGTH is no exception; without one, nothing is read unless the stream ends itself."""
    site = Served("wsgi")
    walk = Walk(site)
    walk.register()
    body = f"client_id={walk.client_id}&token=x".encode()

    def app(environ, start_response):
        return site.app(environ | {"CONTENT_LENGTH": length, "wsgi.input_terminated": True}, start_response)

    form = ("Content-Type", "application/x-www-form-urlencoded")
    assert ask_wsgi(app, Sent("POST", "/oauth/revoke", b"", (form,), body)).status == status
    assert ask_wsgi(app, Sent("POST", "/oauth/revoke", b"", (form,), b"x" * 70_000)).status == max(
        status, 400
    ) + (13 if status == 200 else 0)
    site.close()
