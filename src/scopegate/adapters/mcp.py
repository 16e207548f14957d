"""scopegate in front of an MCP server: `Protection` lets only requests with a good access token reach it."""

import json
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import wraps
from inspect import iscoroutinefunction, signature
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver import MCPServer
from mcp.shared.exceptions import MCPError
from mcp.types import INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST, CallToolResult, TextContent
from starlette.applications import Starlette
from starlette.authentication import AuthCredentials
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from scopegate.errors import ConfigurationError, UnavailableError
from scopegate.flows.access import TWO_CREDENTIALS, Access, Refusal, shortage
from scopegate.flows.metadata import document, protected_resource, resource_path
from scopegate.flows.needs import Need, check
from scopegate.server_async import AsyncAuthorizationServer

__all__ = ["Access", "Protection", "current_access"]

F = TypeVar("F", bound=Callable[..., Any])

MAXIMUM_BODY: Final = 2**20
PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "GET, POST, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Accept, Last-Event-ID, Mcp-Session-Id,"
    " MCP-Protocol-Version, Mcp-Method, Mcp-Name, *",
    "Access-Control-Max-Age": "86400",
}
OPEN_TO_BROWSERS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "WWW-Authenticate, Mcp-Session-Id, MCP-Protocol-Version",
}
UNAVAILABLE: Final = {
    "error": "temporarily_unavailable",
    "reason": "temporarily_unavailable",
    "error_description": "nothing was decided; try again",
}

_current: ContextVar[Access] = ContextVar("scopegate_access")


def current_access() -> Access:
    """The access of the request that the running tool belongs to.

    Raises:
        ConfigurationError: no protected request is being served here.
    """
    found = _current.get(None)
    if found is None:
        msg = "there is no access here: call current_access() in a tool that a Protection serves over HTTP"
        raise ConfigurationError(msg)
    return found


class Protection:
    """An ASGI application: the streamable HTTP endpoint of an MCP server, behind a server of ours.

    A request without a good access token never reaches the SDK. A tool that the token's scopes do not cover is refused
    with an HTTP 403 before it is called, so that the client can ask for more; a tool that the user's role or the
    token's cap does not allow at that place answers with a tool error, since no new token could cure it (RS-9).

    Args:
        mcp: the MCP server, made without ``auth`` and ``token_verifier``.
        server: the authorization server.
        resource: the URI of the MCP endpoint, as configured; None: the server's first resource.
        options: for the SDK's ``streamable_http_app``, such as ``json_response`` or ``stateless_http``.

    Raises:
        ConfigurationError: the resource is not one of the server's, or the MCP server has an ``auth`` of its own.
    """

    def __init__(
        self,
        mcp: MCPServer[Any],
        server: AsyncAuthorizationServer,
        *,
        resource: str | None = None,
        **options: Any,  # noqa: ANN401 - the SDK's own
    ) -> None:
        if mcp.settings.auth is not None:
            msg = "the MCP server has an auth of its own: leave out auth= and token_verifier="
            raise ConfigurationError(msg)
        self._mcp = mcp
        self._server = server
        self._resource = server.configuration.resource(resource)
        parts = urlsplit(self._resource.uri)
        self._path, self._origin = parts.path or "/", _origin(self._resource.uri)
        self._needs: dict[str, Need] = {}
        # The SDK checks Host and Origin against loopback names where it listens on one.
        options.setdefault("host", parts.hostname)
        self._inner = mcp.streamable_http_app(streamable_http_path=self._path, **options)
        self._inner.router.lifespan_context = self._checked(self._inner.router.lifespan_context)
        self._accepted = AuthContextMiddleware(self._inner)
        mcp.middleware.append(self._known_only)

    # What tools need

    def tool(
        self,
        action: str | None = None,
        *,
        organization: str | None = None,
        application: str | None = None,
        **options: Any,  # noqa: ANN401 - the SDK's own
    ) -> Callable[[F], F]:
        """Register a tool, like ``mcp.tool()``, and say what it does. The function itself is handed back unguarded.

        Args:
            action: the name of an action, such as ``Application.read``; None: any good access token will do.
            organization: the parameter of the tool that holds the organization.
            application: the parameter of the tool that holds the application.
            options: for the SDK's ``add_tool``, such as ``name`` or ``description``.

        Raises:
            ConfigurationError: the catalogue has no such action, the tool lacks the parameter that says where the
                action happens, or there is a tool of that name already.
        """
        need = Need(() if action is None else (action,), organization, application)

        def register(function: F) -> F:
            name = str(options.get("name") or function.__name__)
            if name in self._needs:
                raise ConfigurationError(f"tool {name!r} is there already: give each tool a name of its own")
            parameters = signature(function).parameters
            check(self._server.configuration, need, what=f"tool {name!r}", parameters=parameters)
            self._needs[name] = need
            self._mcp.add_tool(self._guarded(function, need), **options)
            return function

        return register

    def _guarded(self, function: Callable[..., Any], need: Need) -> Callable[..., Any]:
        """The function behind its need. It is judged by the arguments it will run with, not by what was sent."""

        @wraps(function)
        async def guarded(**arguments: Any) -> Any:  # noqa: ANN401 - as the function
            denied = await self._denied(need, arguments)
            if denied is not None:
                return _tool_error(denied)
            if iscoroutinefunction(function):
                return await function(**arguments)
            return await run_in_threadpool(function, **arguments)

        return guarded

    async def _denied(self, need: Need, arguments: Mapping[str, Any]) -> str | bytes | None:
        granted = current_access()
        if not need.actions:
            return None
        try:
            denied = await self._server.refusal(
                granted,
                *need.actions,
                organization=_argument(arguments, need.organization),
                application=_argument(arguments, need.application),
                resource=self._resource.uri,
            )
        except UnavailableError:
            return json.dumps(UNAVAILABLE)
        return None if denied is None else self._server.challenge(denied).body

    # Serving

    def install(self, app: Starlette) -> None:
        """Serve the endpoint at the resource's path of a Starlette or FastAPI app, and start and stop with the app.

        Where the endpoint is not at the authorization server's origin, its metadata is served here too (RFC 9728).

        Args:
            app: the app whose root the resource's address leads to.
        """
        app.router.routes.insert(0, Route(self._path, endpoint=self))
        if self._origin != _origin(self._server.configuration.issuer):
            app.router.routes.insert(0, Route(resource_path(self._resource), self._metadata))
        outer = app.router.lifespan_context

        @asynccontextmanager
        async def lifespan(running: Any) -> AsyncGenerator[Any]:  # noqa: ANN401 - Starlette's own
            async with outer(running) as state, self._inner.router.lifespan_context(self._inner):
                yield state

        app.router.lifespan_context = lifespan

    async def _metadata(self, request: Request) -> Response:
        del request
        found = document(protected_resource(self._server.configuration, self._resource))
        headers = {"Cache-Control": "public, max-age=3600", "ETag": found.etag} | OPEN_TO_BROWSERS
        return Response(found.body, 200, headers, "application/json")

    def _checked(self, inner: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """The SDK's lifespan, which does not begin while a tool declares nothing."""

        @asynccontextmanager
        async def lifespan(app: Any) -> AsyncGenerator[Any]:  # noqa: ANN401 - Starlette's own
            unknown = sorted({tool.name for tool in await self._mcp.list_tools()} - set(self._needs))
            if unknown:
                raise ConfigurationError(
                    f"tools {unknown} say nothing about what they do: register them with Protection.tool(...)"
                )
            async with inner(app) as state:
                yield state

        return lifespan

    async def _known_only(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Refuse a tool that came past us after the start. The SDK has read the call here, however long it is."""
        name = (ctx.params or {}).get("name")
        if ctx.method == "tools/call" and isinstance(name, str) and name not in self._needs:
            raise MCPError(INVALID_PARAMS, f"Unknown tool: {name}")
        return await call_next(ctx)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection (ASGI 3)."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        sending = _open_to_browsers(send)
        if scope["method"] == "OPTIONS":
            await Response(None, 204, PREFLIGHT)(scope, receive, sending)
            return
        granted = await self._authenticated(scope)
        if isinstance(granted, Response):
            await granted(scope, receive, sending)
            return
        messages, body = await _read(scope, receive)
        shortage = self._shortage(granted, _called(body))
        if shortage is not None:
            await self._refused(shortage)(scope, receive, sending)
            return
        before = _current.set(granted)
        try:
            await self._accepted(self._scope(scope, granted), _again(messages, receive), sending)
        finally:
            _current.reset(before)

    async def _authenticated(self, scope: Scope) -> Access | Response:
        sent = Headers(scope=scope).getlist("authorization")
        if len(sent) > 1:
            return self._refused(TWO_CREDENTIALS.at(self._resource.uri))
        try:
            granted = await self._server.access(sent[0] if sent else None, resource=self._resource.uri)
        except UnavailableError:
            headers = {"Retry-After": "1", "Cache-Control": "no-store"}
            return Response(_rpc_error(INTERNAL_ERROR, UNAVAILABLE), 503, headers, "application/json")
        return self._refused(granted) if isinstance(granted, Refusal) else granted

    def _shortage(self, granted: Access, tool: str) -> Refusal | None:
        """The refusal of a tool that the token's scopes do not cover, wherever it would act."""
        need = self._needs.get(tool)
        if need is None or not need.actions:
            return None
        return shortage(self._server.configuration, granted, need.actions, self._resource.uri)

    def _refused(self, refused: Refusal) -> Response:
        challenge = self._server.challenge(refused)
        headers = {"Cache-Control": "no-store"}
        if challenge.www_authenticate:
            headers["WWW-Authenticate"] = challenge.www_authenticate
        body = _rpc_error(INVALID_REQUEST, json.loads(challenge.body))
        return Response(body, challenge.status, headers, "application/json")

    def _scope(self, scope: Scope, granted: Access) -> Scope:
        """The request as the SDK sees it: who it is from, and no secret that a tool could pass on (RS-11)."""
        expires_at = granted.credential.expires_at
        user = AuthenticatedUser(
            AccessToken(
                token="",
                client_id=granted.client_id,
                scopes=list(granted.scopes),
                expires_at=None if expires_at is None else int(expires_at),
                resource=self._resource.uri,
                subject=granted.user,
                claims={"iss": self._server.configuration.issuer},
            )
        )
        headers = [(name, value) for name, value in scope["headers"] if name.lower() != b"authorization"]
        return {**scope, "headers": headers, "user": user, "auth": AuthCredentials(list(granted.scopes))}


def _origin(address: str) -> tuple[str, str]:
    parts = urlsplit(address)
    return parts.scheme, parts.netloc


def _argument(arguments: Mapping[str, Any], parameter: str | None) -> str | None:
    value = None if parameter is None else arguments[parameter]
    return None if value is None else str(value)


def _rpc_error(code: int, content: dict[str, str]) -> str:
    """A refusal that MCP clients show to people: SDKs read a JSON-RPC error out of a 4xx or 5xx answer."""
    message = content.get("error_description") or content["reason"]
    return json.dumps(
        {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message, "data": content}}
    )


def _tool_error(content: str | bytes) -> CallToolResult:
    text = content if isinstance(content, str) else content.decode()
    return CallToolResult(content=[TextContent(type="text", text=text)], is_error=True)


def _open_to_browsers(send: Send) -> Send:
    """Every answer may be read by a page of any origin: there are no cookies here (RS-12)."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message.setdefault("headers", [])
            MutableHeaders(scope=message).update(OPEN_TO_BROWSERS)
        await send(message)

    return sending


async def _read(scope: Scope, receive: Receive) -> tuple[list[Message], bytes]:
    """The messages of a POST, and its body; empty when it is too long to look into, which is the SDK's to judge."""
    messages: list[Message] = []
    body = bytearray()
    more = scope["method"] == "POST"
    while more and len(body) <= MAXIMUM_BODY:
        messages.append(await receive())
        body += messages[-1].get("body", b"")
        more = messages[-1].get("more_body", False)
    return messages, b"" if more or len(body) > MAXIMUM_BODY else bytes(body)


def _again(messages: Sequence[Message], receive: Receive) -> Receive:
    """Receives what was read already, and then what follows."""
    waiting = deque(messages)

    async def receiving() -> Message:
        return waiting.popleft() if waiting else await receive()

    return receiving


def _called(body: bytes) -> str:
    """The tool that a JSON-RPC message calls; empty where it calls none, or is malformed, which the SDK answers."""
    try:
        message: object = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    match message:
        case {"method": "tools/call", "params": {"name": str(name)}}:
            return name
        case _:
            return ""
