"""One host, written four times: with the generic applications, with Starlette and with FastAPI.

Each has a sign-in of its own, a catch-all page, and the same protected routes.
"""

import json
import re
from typing import Annotated

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route
from tests.support import MCP, World
from tests.web.driver import Reply, Served, ask_asgi

from scopegate import Access, Refusal, SignedIn
from scopegate.adapters import fastapi, starlette
from scopegate.errors import UnavailableError
from scopegate.web.asgi import ASGIApplication
from scopegate.web.wsgi import WSGIApplication

KINDS = ("asgi", "wsgi", "starlette", "fastapi")
FRAMEWORKS = ("starlette", "fastapi")
ROUTES = (
    ("GET", "/me", None, {}),
    ("GET", "/profile", "User.read", {}),
    ("GET", "/organizations/{organization}", "Organization.read", {"organization": "organization"}),
    ("GET", "/applications/{application}", "Application.read", {"application": "application"}),
    ("PUT", "/applications/{application}", "Application.write", {"application": "application"}),
    ("DELETE", "/applications/{application}", "Application.sensitive", {"application": "application"}),
    ("GET", "/tools", "User.read", {"resource": MCP}),
)


def seen(granted):
    """What a protected route tells of the access it got."""
    return {"user": granted.user, "client": granted.client_name, "token": granted.token_id}


class Host(Served):
    """A host of one kind around a world. The person at the browser signs in with ``sign_in``.

    Args:
        kind: one of `KINDS`.
        awaited: whether ``current_user`` is a coroutine function, where the kind allows it.
        options: arguments of the world.
    """

    def __init__(self, kind, *, awaited=False, **options) -> None:
        self.kind = kind
        self.world = World("sync" if kind == "wsgi" else "async", **options)
        self.cookies = {}
        self.app = {
            "asgi": generic_asgi,
            "wsgi": generic_wsgi,
            "starlette": on_starlette,
            "fastapi": on_fastapi,
        }[kind](self.world.bare, awaited=awaited)

    def send(self, sent):
        """Send a request to the whole host."""
        return super().send(sent) if self.kind == "wsgi" else self.world.run(ask_asgi(self.app, sent))

    def sign_in(self, user, session="1"):
        """Sign in at the host's own page."""
        assert self.get(f"/login?user={user}&session={session}").status == 200

    def api(self, method, path, secret=None, *headers):
        """Call a protected route."""
        mine = (("Authorization", f"Bearer {secret}"),) if secret else ()
        return self.ask(method, path, headers=(*mine, *headers))


def _matching(method, path):
    for known, template, action, places in ROUTES:
        found = re.fullmatch(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", template), path)
        if known == method and found:
            names = found.groupdict()
            return action, {name: names.get(value, value) for name, value in places.items()}
    return None


def _from_cookie(header):
    found = re.search(r"(?:^|; )host=(\w+)\.(\w+)", header)
    return SignedIn(*found.groups()) if found else None


def _host_page(path, query):
    """What the generic hosts serve besides: sign-in, and a page for everything."""
    if path == "/login":
        user, session = re.fullmatch(r"user=(\w+)&session=(\w+)", query).groups()
        return Reply(200, (("set-cookie", f"host={user}.{session}; Path=/"),), b"signed in")
    return Reply(200, (("content-type", "text/plain"),), b"host page")


def _answer(server, outcome):
    if isinstance(outcome, Access):
        return Reply(200, (("content-type", "application/json"),), json.dumps(seen(outcome)).encode())
    assert isinstance(outcome, Refusal)
    challenge = server.challenge(outcome)
    headers = [("content-type", "application/json"), ("cache-control", "no-store")]
    if challenge.www_authenticate:
        headers += [("www-authenticate", challenge.www_authenticate)]
    return Reply(challenge.status, tuple(headers), challenge.body)


UNAVAILABLE = Reply(
    503,
    (("content-type", "application/json"), ("cache-control", "no-store"), ("retry-after", "1")),
    b'{"error":"temporarily_unavailable","error_description":"nothing was decided; try again"}',
)


def generic_asgi(server, *, awaited):
    """A bare ASGI host: ours first, then its own routes through ``server.access``."""

    def plain(scope):
        return _from_cookie(dict(scope["headers"]).get(b"cookie", b"").decode())

    async def waiting(scope):
        return plain(scope)

    ours = ASGIApplication(server, current_user=waiting if awaited else plain, login_url="/login")

    async def respond(scope):
        route = _matching(scope["method"], scope["path"])
        if route is None:
            return _host_page(scope["path"], scope["query_string"].decode())
        sent = [value.decode("latin-1") for name, value in scope["headers"] if name == b"authorization"]
        try:
            return _answer(server, await server.access(", ".join(sent) or None, route[0], **route[1]))
        except UnavailableError:
            return UNAVAILABLE

    async def app(scope, receive, send):
        if scope["type"] == "lifespan" or ours.site.serves(scope["path"]):
            await ours(scope, receive, send)
            return
        reply = await respond(scope)
        headers = [(name.encode(), value.encode()) for name, value in reply.headers]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})

    return app


def generic_wsgi(server, *, awaited):
    """A bare WSGI host: ours first, then its own routes through ``server.access``."""
    assert not awaited

    def current_user(environ):
        return _from_cookie(environ.get("HTTP_COOKIE", ""))

    ours = WSGIApplication(server, current_user=current_user, login_url="/login")

    def respond(environ):
        route = _matching(environ["REQUEST_METHOD"], environ["PATH_INFO"])
        if route is None:
            return _host_page(environ["PATH_INFO"], environ["QUERY_STRING"])
        try:
            return _answer(server, server.access(environ.get("HTTP_AUTHORIZATION"), route[0], **route[1]))
        except UnavailableError:
            return UNAVAILABLE

    def app(environ, start_response):
        if ours.site.serves(environ["PATH_INFO"]):
            return ours(environ, start_response)
        reply = respond(environ)
        start_response(f"{reply.status} X", list(reply.headers))
        return [reply.body]

    return app


async def _login(request):
    request.session.update(request.query_params)
    return PlainTextResponse("signed in")


async def _page(request):
    del request
    return PlainTextResponse("host page")


def _from_session(request):
    found = request.session
    return SignedIn(found["user"], found["session"]) if "user" in found else None


async def _awaited_from_session(request):
    return _from_session(request)


SESSIONS = {"secret_key": "a key for the host's own cookie"}


def on_starlette(server, *, awaited):
    """A Starlette host: `install` after its routes, `requires` on each of them."""

    def route(method, path, action, places):
        @starlette.requires(action, **places)
        async def endpoint(request):
            return JSONResponse(seen(request.state.access))

        return Route(path, endpoint, methods=[method])

    routes = [Route("/login", _login), *(route(*each) for each in ROUTES), Route("/{path:path}", _page)]
    app = Starlette(routes=routes, middleware=[Middleware(SessionMiddleware, **SESSIONS)])
    current_user = _awaited_from_session if awaited else _from_session
    starlette.install(app, server, current_user=current_user, login_url="/login")
    return app


def on_fastapi(server, *, awaited):
    """A FastAPI host: plain and coroutine endpoints, with `requires` as a dependency."""
    app = FastAPI(middleware=[Middleware(SessionMiddleware, **SESSIONS)])
    app.add_route("/login", _login)
    for position, (method, path, action, places) in enumerate(ROUTES):
        dependency = Annotated[Access, fastapi.requires(action, **places)]

        def plain(access: dependency):
            return seen(access)

        async def waiting(access: dependency):
            return seen(access)

        app.add_api_route(path, waiting if position % 2 else plain, methods=[method])
    app.add_route("/{path:path}", _page)
    current_user = _awaited_from_session if awaited else _from_session
    fastapi.install(app, server, current_user=current_user, login_url="/login")
    return app
