"""Which routes of a Starlette app are protected, wherever they are mounted; and pages of any origin may call those."""

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, Final

from attrs import frozen
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scopegate.flows.needs import Need

NEED: Final = "scopegate_need"
PREFLIGHT: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, MCP-Protocol-Version, Mcp-Method, Mcp-Name, *",
    "Access-Control-Max-Age": "86400",
}


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


class OpenToBrowsers:
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
