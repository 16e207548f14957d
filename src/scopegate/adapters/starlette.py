"""scopegate in a Starlette app: `install` mounts it, `requires` protects a route."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, Concatenate, Final, ParamSpec, TypeAlias, cast

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import URLPath
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import ASGIApp, Receive, Scope, Send

from scopegate.adapters._starlette_routes import NEED, OpenToBrowsers, ProtectedRoute, protected_routes
from scopegate.errors import ConfigurationError, UnavailableError
from scopegate.flows.access import TWO_CREDENTIALS, Access, Refusal
from scopegate.flows.challenges import Challenge
from scopegate.flows.needs import Need, check
from scopegate.flows.outcomes import SignedIn
from scopegate.server_async import AsyncAuthorizationServer
from scopegate.web.asgi import ASGIApplication
from scopegate.web.pages import Pages

__all__ = [
    "NEED",
    "ProtectedRoute",
    "RefusedError",
    "bearer",
    "install",
    "installed",
    "permit",
    "protected_routes",
    "requires",
]

P = ParamSpec("P")
Who: TypeAlias = SignedIn | str | None
Plain: TypeAlias = Callable[Concatenate[Request, P], Response]
Awaited: TypeAlias = Callable[Concatenate[Request, P], Awaitable[Response]]
CurrentUser: TypeAlias = Callable[[Request], Who | Awaitable[Who]]

STATE: Final = "scopegate"


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


class _SiteRoute(BaseRoute):
    """Matches the paths of the authorization server, before anything else of the app."""

    def __init__(self, application: ASGIApplication) -> None:
        self._application = application
        self._serves = application.site.serves

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether the path is one of ours. It is asked first, so it tells the others of the server."""
        scope[STATE] = self._application.server
        ours = scope["type"] == "http" and self._serves(scope["path"])
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
    account_prefix: str | None = "/me",
    account_action: str | None = None,
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
        account_prefix: the path above the JSON API of a user's tokens, as in ``/me/oauth-tokens``; None: there is none.
        account_action: what an access token must cover to read there; None: what the catalogue has for it, or to read
            what is the user's own.

    Raises:
        ConfigurationError: a server is installed already, the pages cannot be drawn, or an argument makes no sense.
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
        account_prefix=account_prefix,
        account_action=account_action,
    )
    setattr(app.state, STATE, server)
    app.router.routes.insert(0, _SiteRoute(application))
    app.router.lifespan_context = _with_server(app, server)
    app.add_middleware(OpenToBrowsers, host=app)
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
