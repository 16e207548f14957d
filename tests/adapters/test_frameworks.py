"""What Starlette and FastAPI hosts meet besides the contract."""

import threading
from contextlib import asynccontextmanager
from typing import Annotated

import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Mount, Route
from tests.adapters.hosts import seen
from tests.support import MCP, Journey, World
from tests.web.driver import Sent, ask_asgi, with_lifespan

from scopegate import Access, ConfigurationError
from scopegate.adapters import fastapi, starlette
from scopegate.errors import StoreUnavailableError
from scopegate.stores import MemoryStore


@pytest.fixture
def world():
    """An asynchronous world."""
    with World("async") as found:
        yield found


@pytest.fixture
def secret(world):
    """An access token of ann's."""
    return Journey(world).connect().access_token


def installed(app, world, **options):
    """The app with the world's server in it."""
    starlette.install(app, world.bare, current_user=lambda _: "ann", login_url="/login", **options)
    return app


def ask(world, app, path, secret=None, method="GET"):
    """One request."""
    headers = (("Authorization", f"Bearer {secret}"),) if secret else ()
    return world.run(ask_asgi(app, Sent(method, path, headers=headers)))


@starlette.requires("Application.read", application="application")
async def devices(request):
    """A Starlette endpoint."""
    return JSONResponse(seen(request.state.access))


async def fastapi_devices(
    application: str,
    access: Annotated[Access, fastapi.requires("Application.read", application="application")],
):
    """A FastAPI endpoint."""
    assert application
    return seen(access)


def sub_app(kind):
    """An app to mount in another, with one protected route."""
    if kind == "starlette":
        return Starlette(routes=[Route("/{application}", devices)])
    app = FastAPI()
    app.add_api_route("/{application}", fastapi_devices)
    return app


@pytest.mark.parametrize("outer", [Starlette, FastAPI])
@pytest.mark.parametrize("inner", ["starlette", "fastapi"])
def test_a_mounted_app_is_protected_by_the_server_of_the_app_around_it(world, secret, outer, inner):
    """RS-4, RS-6: status and challenge, although the mounted app has handlers of its own."""
    app = installed(outer(routes=[Mount("/devices", sub_app(inner))]), world)
    assert ask(world, app, "/devices/rocket", secret).json["user"] == "ann"
    without = ask(world, app, "/devices/rocket")
    assert (without.status, without.header("WWW-Authenticate")[:13]) == (401, "Bearer scope=")
    elsewhere = ask(world, app, "/devices/nothing", secret)
    assert (elsewhere.status, elsewhere.header("WWW-Authenticate")) == (403, None)


def test_names_of_routes_are_still_found(world):
    """A host's own url_for passes our routes by."""
    app = Starlette(routes=[Route("/named/{x}", lambda _: PlainTextResponse(""), name="named")])
    assert installed(app, world).url_path_for("named", x="1") == "/named/1"


def test_the_description_of_a_fastapi_app_still_works(world):
    """OpenAPI is made of the host's routes; the dependency adds no parameter to them."""
    app = FastAPI()
    app.add_api_route("/{application}", fastapi_devices)
    content = ask(world, installed(app, world), "/openapi.json").json
    (parameter,) = content["paths"]["/{application}"]["get"]["parameters"]
    assert parameter["name"] == "application"


def test_a_server_cannot_be_installed_twice(world):
    """ConfigurationError at start-up."""
    app = installed(Starlette(), world)
    with pytest.raises(ConfigurationError, match="installed in this app already"):
        installed(app, world)


@pytest.mark.parametrize("kind", ["starlette", "fastapi"])
def test_a_protected_route_without_a_server_says_what_to_do(world, kind):
    """ConfigurationError at the first request, which names `install`."""
    with pytest.raises(ConfigurationError, match="call install"):
        ask(world, sub_app(kind), "/rocket", "x")


class Spied(MemoryStore):
    """Says when it is opened and closed."""

    __slots__ = ("said",)

    def __init__(self) -> None:
        super().__init__()
        self.said = []

    def open(self):
        """See `Store.open`."""
        self.said.append("open")

    def close(self):
        """See `Store.close`."""
        self.said.append("close")

    def asynchronous(self):
        """The same store, awaited."""
        spied, twin = self, super().asynchronous()

        class Twin(type(twin)):
            """Tells the spy."""

            __slots__ = ()

            async def open(self):
                """See `AsyncStore.open`."""
                spied.open()

            async def close(self):
                """See `AsyncStore.close`."""
                spied.close()

        return Twin(self)


def test_the_store_opens_and_closes_with_the_app_around_the_hosts_own_lifespan():
    """The host's own lifespan keeps its state, and may use the server."""
    store = Spied()

    @asynccontextmanager
    async def lifespan(_app):
        store.said.append("host starts")
        yield {"known": 1}
        store.said.append("host stops")

    with World("async", store=store) as world:
        app = installed(Starlette(lifespan=lifespan), world)
        said = world.run(with_lifespan(app, "startup", "shutdown"))
    assert [message["type"] for message in said] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]
    assert store.said[:4] == ["open", "host starts", "host stops", "close"]


@pytest.mark.parametrize("endpoint", [None, "me"])
def test_one_dependency_can_be_overridden_in_a_fastapi_test(world, secret, endpoint):
    """`bearer` is one stable function: a test puts any access in its place, and rules still hold."""
    granted = world.server.access(f"Bearer {secret}")
    app = FastAPI()
    app.add_api_route("/{application}", fastapi_devices)

    @app.get("/who/me")
    async def me(access: Annotated[Access, fastapi.requires()]):
        return seen(access)

    installed(app, world)
    app.dependency_overrides[fastapi.bearer] = lambda: granted
    if endpoint:
        assert ask(world, app, "/who/me").json["user"] == "ann"
    else:
        assert ask(world, app, "/rocket").json["user"] == "ann"
        assert ask(world, app, "/nothing").status == 403


def test_two_protected_parts_of_one_request_ask_for_the_token_once(world, secret):
    """FastAPI remembers the one `bearer` for a request: the directory is asked for the account once."""
    app = FastAPI()

    @app.get("/{application}")
    async def both(
        application: str,
        read: Annotated[Access, fastapi.requires("Application.read", application="application")],
        profile: Annotated[Access, fastapi.requires("User.read")],
    ):
        return {"application": application, "same": read is profile}

    installed(app, world)
    world.people.asked.clear()
    assert ask(world, app, "/rocket", secret).json == {"application": "rocket", "same": True}
    assert world.people.asked == ["account", "standing"]


def test_a_starlette_endpoint_keeps_its_name_and_words():
    """The decorated function is still the host's."""
    assert (devices.__name__, devices.__doc__) == ("devices", "A Starlette endpoint.")


@pytest.mark.parametrize("kind", ["starlette", "fastapi"])
def test_trouble_of_the_store_is_503_in_a_route(world, kind):
    """Law 7: the handler that `install` adds."""
    app = Starlette() if kind == "starlette" else FastAPI()
    installed(app, world)

    async def broken(request):
        del request
        raise StoreUnavailableError("the disk is full")

    app.add_route("/broken", broken)
    reply = ask(world, app, "/broken")
    assert (reply.status, reply.header("Retry-After")) == (503, "1")
    assert "disk" not in reply.text


INSPECTOR = ("Origin", "https://inspector.example")


def preflight(world, app, path, method="GET"):
    """What a browser asks before it sends a request with a token."""
    headers = (
        INSPECTOR,
        ("Access-Control-Request-Method", method),
        ("Access-Control-Request-Headers", "authorization, mcp-protocol-version"),
    )
    return world.run(ask_asgi(app, Sent("OPTIONS", path, headers=headers)))


def from_a_page(world, app, path, secret=None):
    """A request that a page of another origin sends."""
    headers = (INSPECTOR, *((("Authorization", f"Bearer {secret}"),) if secret else ()))
    return world.run(ask_asgi(app, Sent("GET", path, headers=headers)))


def browsed(kind):
    """An app with protected routes at its top and in a mounted app, and one that is not protected."""

    def open_page(request):
        return PlainTextResponse(str(request.method))

    routes = [Mount("/devices", sub_app(kind)), Route("/open/{application}", open_page)]
    if kind == "starlette":
        return Starlette(routes=[*routes, Route("/mine/{application}", devices, methods=["PUT", "GET"])])
    app, router = FastAPI(routes=routes), APIRouter(prefix="/mine")
    router.add_api_route("/{application}", fastapi_devices, methods=["PUT", "GET"])
    app.include_router(router)
    return app


@pytest.mark.parametrize("kind", ["starlette", "fastapi"])
@pytest.mark.parametrize("path", ["/mine/rocket", "/devices/rocket"])
def test_a_page_of_any_origin_may_call_a_protected_route(world, secret, kind, path):
    """RS-12: the preflight needs no token, and every answer can be read: 200, 401 with its challenge, 403."""
    app = installed(browsed(kind), world)
    asked = preflight(world, app, path)
    assert asked.status == 204
    assert asked.header("Access-Control-Allow-Origin") == "*"
    assert asked.header("Access-Control-Allow-Methods") == "GET"
    allowed = asked.header("Access-Control-Allow-Headers").split(", ")
    assert {"Authorization", "MCP-Protocol-Version", "Mcp-Method", "Mcp-Name"} <= set(allowed)
    nowhere = path.replace("rocket", "nowhere")
    replies = [from_a_page(world, app, *each) for each in ((path, secret), (path,), (nowhere, secret))]
    assert [reply.status for reply in replies] == [200, 401, 403]
    assert {reply.header("Access-Control-Allow-Origin") for reply in replies} == {"*"}
    assert {reply.header("Access-Control-Expose-Headers") for reply in replies} == {"WWW-Authenticate"}
    assert {reply.header("Access-Control-Allow-Credentials") for reply in replies} == {None}
    assert "resource_metadata" in replies[1].header("WWW-Authenticate")


@pytest.mark.parametrize("kind", ["starlette", "fastapi"])
def test_what_is_not_protected_is_not_opened_to_other_origins(world, secret, kind):
    """RS-12: a host's pages go by cookies; neither they, nor methods that are not there, are ours to open."""
    app = installed(browsed(kind), world)
    for path, method in (
        ("/open/rocket", "GET"),
        ("/mine/rocket", "DELETE"),
        ("/mine", "GET"),
        ("/x", "GET"),
    ):
        asked = preflight(world, app, path, method)
        assert asked.status >= 400
        assert asked.header("Access-Control-Allow-Origin") is None
    assert from_a_page(world, app, "/open/rocket", secret).header("Access-Control-Allow-Origin") is None
    assert ask(world, app, "/mine/rocket", secret).header("Access-Control-Allow-Origin") is None
    assert ask(world, app, "/mine/rocket", method="OPTIONS").status == 405


def test_a_host_that_has_a_rule_for_origins_keeps_it(world, secret):
    """RS-12: its own middleware is the only one to decide, whichever comes first."""
    app = installed(browsed("starlette"), world)
    app.add_middleware(
        CORSMiddleware, allow_origins=["https://ours.example"], allow_headers=["Authorization"]
    )
    assert preflight(world, app, "/mine/rocket").status == 400
    reply = from_a_page(world, app, "/mine/rocket", secret)
    assert (reply.status, reply.header("Access-Control-Allow-Origin")) == (200, None)


@pytest.mark.parametrize("kind", ["starlette", "fastapi"])
def test_the_tokens_of_a_user_are_served_where_the_host_wants_or_not_at_all(world, secret, kind):
    """Under a prefix of its own, before a catch-all; without a prefix the host's pages have the path."""
    page = Route("/{path:path}", lambda _: PlainTextResponse("host page"))

    def served(**options):
        app = Starlette(routes=[page]) if kind == "starlette" else FastAPI(routes=[page])
        return installed(app, world, **options)

    app = served(account_prefix="/account", account_action="User.sensitive")
    assert ask(world, app, "/account/oauth-tokens").json["count"] == 1
    assert ask(world, app, "/account/oauth-tokens", secret).status == 403
    assert ask(world, app, "/me/oauth-tokens").text == "host page"
    assert ask(world, served(account_prefix=None), "/me/oauth-tokens").text == "host page"


def test_pages_of_other_origins_read_tokens_by_a_token_alone(world, secret):
    """RS-12: as with a protected route; what goes by the host's cookie is closed to them."""
    app = installed(browsed("starlette"), world)
    path = "/me/oauth-tokens"
    assert preflight(world, app, path).header("Access-Control-Allow-Methods") == "GET, HEAD"
    assert from_a_page(world, app, path, secret).header("Access-Control-Allow-Origin") == "*"
    assert from_a_page(world, app, path).header("Access-Control-Allow-Origin") is None


def started(world, app):
    """What the app says when it starts, or why it does not."""
    try:
        said = world.run(with_lifespan(app, "startup", "shutdown"))
    except ConfigurationError as error:
        return str(error)
    return said[0]["type"]


def wrong_app(kind, path, needs):
    """An app with a route that requires what makes no sense, deep in what it is made of."""
    if kind == "starlette":

        async def endpoint(request):
            return PlainTextResponse(str(request))

        for need in needs:
            endpoint = starlette.requires(*need[0], **need[1])(endpoint)
        return Starlette(routes=[Mount("/at/{place}", routes=[Route(path, endpoint)])])
    last, *others = needs
    inner, outer, app = APIRouter(), APIRouter(prefix="/{place}"), FastAPI()
    outer.dependencies = [fastapi.requires(*need[0], **need[1]) for need in others]

    @inner.put(path)
    async def put(access: Annotated[Access, fastapi.requires(*last[0], **last[1])]):
        return seen(access)

    outer.include_router(inner)
    app.include_router(outer, prefix="/at")
    return app


@pytest.mark.parametrize("kind", ["starlette", "fastapi", "mounted"])
@pytest.mark.parametrize(
    ("needs", "problem"),
    [
        ([(("Nothing.read",), {})], "Nothing.read"),
        ([(("Application.read",), {})], "judged at an application"),
        ([(("Organization.read",), {"application": "place"})], "judged at an organization"),
        ([(("Application.read",), {"application": "app"})], "no parameter 'app'"),
        ([((), {"organization": "app"})], "no parameter 'app'"),
        ([((), {"resource": "https://acme.example/apl"})], "resource 'https://acme.example/apl'"),
        ([((), {"resource": "https://ACME.example/api"})], "resource 'https://ACME.example/api'"),
        ([(("User.read", "Nothing.read"), {})], "Nothing.read"),
        ([(("User.read",), {}), (("Nothing.read",), {})], "Nothing.read"),
        ([(("Nothing.read",), {}), (("User.read",), {})], "Nothing.read"),
    ],
)
def test_a_need_that_makes_no_sense_stops_the_start(world, kind, needs, problem):
    """Not a 500 at the first request: the app does not start, and says which route it is."""
    app = wrong_app("fastapi" if kind == "mounted" else kind, "/{thing}", needs)
    if kind == "mounted":
        app = Starlette(routes=[Mount("/deep", app)])
    message = started(world, installed(app, world))
    assert problem in message
    assert "/at/{place}/{thing}" in message


@pytest.mark.parametrize("kind", ["starlette", "fastapi"])
def test_needs_that_make_sense_start(world, kind):
    """Parameters of mounts and of routers around a route are its own, too."""
    needs = [
        (("Application.read",), {"application": "place"}),
        (("Organization.read",), {"organization": "thing", "resource": MCP}),
        ((), {}),
    ]
    app = installed(wrong_app(kind, "/{thing}", needs), world)
    (route,) = starlette.protected_routes(app.routes)
    assert len(set(route.needs)) == 3
    assert started(world, app) == "lifespan.startup.complete"


def test_an_action_that_is_not_in_the_catalogue_is_the_hosts_mistake(world, secret):
    """Nothing is decided about unknown names; a host without a lifespan hears of it at the first request."""

    @starlette.requires("Nothing.read")
    async def endpoint(request):
        return PlainTextResponse(str(request))

    app = installed(Starlette(routes=[Route("/", endpoint)]), world)
    with pytest.raises(ConfigurationError, match=r"Nothing\.read"):
        ask(world, app, "/", secret)


def test_a_plain_starlette_endpoint_runs_where_it_may_wait(world, secret):
    """As in Starlette itself: a plain function runs in a thread, so that it does not hold up the others."""

    @starlette.requires("User.read")
    def endpoint(request):
        return JSONResponse(seen(request.state.access) | {"thread": threading.current_thread().name})

    content = ask(world, installed(Starlette(routes=[Route("/", endpoint)]), world), "/", secret).json
    assert content["user"] == "ann"
    assert content["thread"] != threading.main_thread().name
