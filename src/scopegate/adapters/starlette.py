"""scopegate in a Starlette app: `install` mounts it, `requires` protects a route."""

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from functools import cached_property, wraps
from inspect import iscoroutinefunction
from typing import Any, Concatenate, Final, ParamSpec, TypeAlias, cast

from attrs import frozen
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders, URLPath
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scopegate.errors import ConfigurationError, UnavailableError
from scopegate.flows.access import TWO_CREDENTIALS, Access, Refusal
from scopegate.flows.challenges import Challenge
from scopegate.flows.needs import Need, check
from scopegate.flows.outcomes import SignedIn
from scopegate.server_async import AsyncAuthorizationServer
from scopegate.web.asgi import ASGIApplication
from scopegate.web.pages import Pages

P = ParamSpec("P")
Who: TypeAlias = SignedIn | str | None
Plain: TypeAlias = Callable[Concatenate[Request, P], Response]
Awaited: TypeAlias = Callable[Concatenate[Request, P], Awaitable[Response]]
CurrentUser: TypeAlias = Callable[[Request], Who | Awaitable[Who]]

STATE: Final = "scopegate"
NEED: Final = "scopegate_need"
PREFLIGHT: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, MCP-Protocol-Version, Mcp-Method, Mcp-Name, *",
    "Access-Control-Max-Age": "86400",
}


class RefusedError(HTTPException):
    """A request is refused. It carries the challenge, so that it is answered in mounted apps too.

    Attributes:
        refusal: why.
        challenge: what is answered; the handler that `install` adds sends its body as well.
    """

    def __init__(self, refusal: Refusal, challenge: Challenge) -> None:
        headers = {"Cache-Control": "no-store", "Access-Control-Expose-Headers": "WWW-Authenticate"}
        if challenge.www_authenticate:
            headers["WWW-Authenticate"] = challenge.www_authenticate
        super().__init__(challenge.status, refusal.reason, headers)
        self.refusal = refusal
        self.challenge = challenge


@frozen
class ProtectedRoute:
    """A route that `requires` something, wherever it is mounted.

    Args:
        path: its path, with the names of its parameters.
        methods: its HTTP methods.
        parameters: the names of its path parameters, and of those of the mounts around it.
        needs: what it requires.
        patterns: of the mounts around it and of itself.
    """

    path: str
    methods: frozenset[str]
    parameters: frozenset[str]
    needs: tuple[Need, ...]
    patterns: tuple[re.Pattern[str], ...]

    def serves(self, method: str, path: str) -> bool:
        """Whether a request of that method and path is its own."""
        rest: str | None = path if method in self.methods else None
        for pattern in self.patterns:
            found = None if rest is None else pattern.match(rest)
            rest = None if found is None else "/" + found.groupdict().get("path", "")
        return rest is not None


def protected_routes(
    routes: Iterable[Any],
    path: str = "",
    parameters: frozenset[str] = frozenset(),
    patterns: tuple[re.Pattern[str], ...] = (),
) -> Iterator[ProtectedRoute]:
    """The protected routes among routes and what is mounted there, of Starlette and FastAPI.

    Args:
        routes: the routes of an app.
        path: where the app is mounted.
        parameters: the path parameters of the mounts around it.
        patterns: their patterns.
    """
    for route in routes:
        # FastAPI looks into a router that is included when it is asked to.
        included = getattr(route, "effective_route_contexts", None)
        if included is not None:
            yield from protected_routes(included(), path, parameters, patterns)
            continue
        full = path + (getattr(route, "path", None) or "")
        names = parameters | frozenset(getattr(route, "param_convertors", ()))
        pattern = getattr(route, "path_regex", None)
        trail = patterns if pattern is None else (*patterns, pattern)
        yield from protected_routes(getattr(route, "routes", None) or (), full, names, trail)
        needs = tuple(_needs(route))
        if needs:
            yield ProtectedRoute(full, frozenset(getattr(route, "methods", None) or ()), names, needs, trail)


def _needs(route: object) -> Iterator[Need]:
    """What a route requires: by its endpoint, or by its dependencies in FastAPI."""
    waiting = [getattr(route, "endpoint", None), getattr(route, "dependant", None)]
    while waiting:
        found: Any = waiting.pop()
        need = getattr(found, NEED, None)
        if isinstance(need, Need):
            yield need
        if found is not None:
            waiting += [getattr(found, name, None) for name in ("call", "__wrapped__")]
            waiting += getattr(found, "dependencies", ())


class _OpenToBrowsers:
    """Lets pages of any origin call protected routes: these go by a bearer token, never by a cookie (RS-12).

    Where the app has a `CORSMiddleware` of its own, that alone decides.
    """

    def __init__(self, app: ASGIApp, host: Starlette) -> None:
        self._app = app
        self._host = host

    @cached_property
    def _routes(self) -> tuple[ProtectedRoute, ...]:
        theirs = (each.cls for each in self._host.user_middleware)
        if any(isinstance(each, type) and issubclass(each, CORSMiddleware) for each in theirs):
            return ()
        return tuple(protected_routes(self._host.routes))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection (ASGI 3)."""
        sent = Headers(scope=scope) if scope["type"] == "http" else Headers()
        if "origin" not in sent:
            await self._app(scope, receive, send)
            return
        is_preflight = scope["method"] == "OPTIONS"
        method = sent.get("access-control-request-method", "") if is_preflight else scope["method"]
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if not any(route.serves(method, path) for route in self._routes):
            await self._app(scope, receive, send)
        elif is_preflight:
            await Response(None, 204, PREFLIGHT | {"Access-Control-Allow-Methods": method})(
                scope, receive, send
            )
        else:
            await self._app(scope, receive, _open(send))


def _open(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.setdefault("Access-Control-Allow-Origin", "*")
            headers.setdefault("Access-Control-Expose-Headers", "WWW-Authenticate")
        await send(message)

    return sending


class _SiteRoute(BaseRoute):
    """Matches the paths of the authorization server, before anything else of the app."""

    def __init__(self, application: ASGIApplication) -> None:
        self._application = application
        self._paths = frozenset(application.site.paths)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether the path is one of ours. It is asked first, so it tells the others of the server."""
        scope[STATE] = self._application.server
        ours = scope["type"] == "http" and scope["path"] in self._paths
        return (Match.FULL if ours else Match.NONE), {}

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:  # noqa: ANN401 - Starlette's own types
        """None of our routes has a name, so the app's own routes are looked at."""
        raise NoMatchFound(name, path_params)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer it."""
        await self._application(scope, receive, send)


def install(
    app: Starlette,
    server: AsyncAuthorizationServer,
    *,
    current_user: CurrentUser,
    login_url: str,
    next_parameter: str = "next",
    pages: Pages | None = None,
) -> None:
    """Mount a server into an app: its routes at the root and first, its store opened and closed with the app.

    When the app starts, what its routes require is checked. Pages of any origin may call those routes, since they go by
    a bearer token and never by a cookie; where the app has a ``CORSMiddleware``, that decides instead.

    Args:
        app: the app whose root the issuer's address leads to.
        server: the server.
        current_user: request in; who is signed in out: `SignedIn`, a user id, or None. Plain or awaitable.
        login_url: the app's sign-in page.
        next_parameter: the name of the query parameter in which it gets the address to come back to.
        pages: draws the pages; by default ours.

    Raises:
        ConfigurationError: a server is installed already, or the pages cannot be drawn.
    """
    if hasattr(app.state, STATE):
        msg = "a server is installed in this app already: install each in an app of its own"
        raise ConfigurationError(msg)
    application = ASGIApplication(
        server,
        current_user=lambda scope: current_user(Request(scope)),
        login_url=login_url,
        next_parameter=next_parameter,
        pages=pages,
    )
    setattr(app.state, STATE, server)
    app.router.routes.insert(0, _SiteRoute(application))
    app.router.lifespan_context = _with_server(app, server)
    app.add_middleware(_OpenToBrowsers, host=app)
    app.add_exception_handler(RefusedError, _refused)
    app.add_exception_handler(UnavailableError, _unavailable)


def _with_server(app: Starlette, server: AsyncAuthorizationServer) -> Callable[[Any], Any]:
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(running: ASGIApp) -> AsyncGenerator[Any]:
        for route in protected_routes(app.routes):
            for need in route.needs:
                check(server.configuration, need, what=f"route {route.path!r}", parameters=route.parameters)
        await server.open()
        try:
            async with inner(running) as state:
                yield state
        finally:
            await server.close()

    return lifespan


async def _refused(request: Request, error: Exception) -> Response:
    del request
    assert isinstance(error, RefusedError)  # noqa: S101 - Starlette calls it for this class alone
    return Response(error.challenge.body, error.status_code, error.headers, "application/json")


async def _unavailable(request: Request, error: Exception) -> Response:
    del request, error
    body = b'{"error":"temporarily_unavailable","error_description":"nothing was decided; try again"}'
    return Response(body, 503, {"Retry-After": "1", "Cache-Control": "no-store"}, "application/json")


def installed(request: Request) -> AsyncAuthorizationServer:
    """The server that is installed in the app of a request, or in the app that this one is mounted in.

    Raises:
        ConfigurationError: there is none.
    """
    server = request.scope.get(STATE)
    if not isinstance(server, AsyncAuthorizationServer):
        msg = "no server is installed in this app: call install(app, server, ...) at start-up"
        raise ConfigurationError(msg)
    return server


async def bearer(request: Request, *, resource: str | None = None) -> Access:
    """The access of a request, by its access token alone.

    Args:
        request: the request.
        resource: the URI of the resource as configured; None: the first one.

    Raises:
        RefusedError: it carries no good access token.
        UnavailableError: nothing was decided.
    """
    server, sent = installed(request), request.headers.getlist("authorization")
    if len(sent) > 1:
        refusal = TWO_CREDENTIALS.at(resource)
        raise RefusedError(refusal, server.challenge(refusal))
    granted = await server.access(sent[0] if sent else None, resource=resource)
    if isinstance(granted, Refusal):
        raise RefusedError(granted, server.challenge(granted))
    return granted


async def permit(
    request: Request,
    granted: Access,
    action: str,
    *more: str,
    organization: str | None = None,
    application: str | None = None,
    resource: str | None = None,
) -> Access:
    """The access itself, if it may do an operation.

    Args:
        request: the request.
        granted: from `bearer`.
        action: the name of an action that the operation is, such as ``Application.read``.
        more: further actions that it needs too.
        organization: the path parameter that holds the organization.
        application: the path parameter that holds the application.
        resource: the URI of the resource as configured; None: the first one.

    Raises:
        RefusedError: it may not.
        UnavailableError: nothing was decided.
    """
    server, places = installed(request), request.path_params
    refusal = await server.refusal(
        granted,
        action,
        *more,
        organization=None if organization is None else str(places[organization]),
        application=None if application is None else str(places[application]),
        resource=resource,
    )
    if refusal is not None:
        raise RefusedError(refusal, server.challenge(refusal))
    return granted


def requires(
    action: str | None = None,
    *more: str,
    organization: str | None = None,
    application: str | None = None,
    resource: str | None = None,
) -> Callable[
    [Callable[Concatenate[Request, P], Awaitable[Response] | Response]],
    Callable[Concatenate[Request, P], Awaitable[Response]],
]:
    """Protect a Starlette endpoint, plain or awaitable; it finds the `Access` in ``request.state.access``.

    Args:
        action: what the endpoint does; None: any good access token will do.
        more: further actions that it needs too.
        organization: the path parameter that holds the organization.
        application: the path parameter that holds the application.
        resource: the URI of the resource as configured; None: the first one.
    """
    need = Need(() if action is None else (action, *more), organization, application, resource)

    def protect(
        endpoint: Callable[Concatenate[Request, P], Awaitable[Response] | Response],
    ) -> Callable[Concatenate[Request, P], Awaitable[Response]]:
        @wraps(endpoint)
        async def protected(request: Request, /, *args: P.args, **kwargs: P.kwargs) -> Response:
            granted = await bearer(request, resource=resource)
            if action is not None:
                await permit(
                    request,
                    granted,
                    action,
                    *more,
                    organization=organization,
                    application=application,
                    resource=resource,
                )
            request.state.access = granted
            if not iscoroutinefunction(
                endpoint
            ):  # a plain one may wait for something, as in Starlette itself
                return await run_in_threadpool(cast("Plain[P]", endpoint), request, *args, **kwargs)
            return await cast("Awaited[P]", endpoint)(request, *args, **kwargs)

        setattr(protected, NEED, need)
        return protected

    return protect
