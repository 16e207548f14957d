"""The generic ASGI application over the table of operations."""

import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from inspect import isawaitable
from typing import Any, Final, TypeAlias

from scopegate.core.credentials import Entropy
from scopegate.errors import UnavailableError
from scopegate.flows.outcomes import SignedIn
from scopegate.server_async import AsyncAuthorizationServer
from scopegate.web.messages import BODILESS, HEADERS_READ, REPLY_HEADERS, Headers, Request, Response
from scopegate.web.operations import Method, Operation, Outcome, unavailable
from scopegate.web.pages import Pages
from scopegate.web.site import MAXIMUM_QUERY, Site, identify, site
from scopegate.web.steps import REFUSING, Answer, Step

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Who: TypeAlias = SignedIn | str | None
CurrentUser: TypeAlias = Callable[[Scope], Who | Awaitable[Who]]


class ASGIApplication:
    """Serves an authorization server: discovery, authorization, consent, token, revocation and registration.

    Args:
        server: the server.
        current_user: scope in; who is signed in out: `SignedIn`, a user id, or None. Plain or awaitable.
        login_url: the host's sign-in page.
        next_parameter: the name of the query parameter in which it gets the address to come back to.
        pages: draws the pages; by default ours, with the server's product name.
        account_prefix: the path above the JSON API of a user's tokens, as in ``/me/oauth-tokens``; None: there is none.
        account_action: what an access token must cover to read there; None: what the catalogue has for it, or to read
            what is the user's own.
        entropy: gives random bytes, for our session cookie.
    """

    def __init__(
        self,
        server: AsyncAuthorizationServer,
        *,
        current_user: CurrentUser,
        login_url: str,
        next_parameter: str = "next",
        pages: Pages | None = None,
        account_prefix: str | None = "/me",
        account_action: str | None = None,
        entropy: Entropy = secrets.token_bytes,
    ) -> None:
        self.server = server
        self.site: Site = site(
            server.configuration,
            login_url=login_url,
            next_parameter=next_parameter,
            pages=pages,
            account_prefix=account_prefix,
            account_action=account_action,
        )
        self._current_user = current_user
        self._entropy = entropy
        self._methods: dict[Method, Callable[..., Awaitable[Outcome]]] = {
            operation.call: getattr(server, operation.call) for operation in self.site.operations.values()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection (ASGI 3)."""
        if scope["type"] == "http":
            response = await self._answer(scope, receive)
            if response is not None:
                body = response.body if scope["method"] != "HEAD" else b""
                headers = _sent_headers(response)
                await send({"type": "http.response.start", "status": response.status, "headers": headers})
                await send({"type": "http.response.body", "body": body})
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close"})

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send(await self._opened())
            else:
                await self.server.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _opened(self) -> Message:
        try:
            await self.server.open()
        except Exception as error:  # noqa: BLE001 - whatever it is, the web server must hear of it and stop
            return {"type": "lifespan.startup.failed", "message": f"the store does not open: {error}"}
        return {"type": "lifespan.startup.complete"}

    async def _answer(self, scope: Scope, receive: Receive) -> Response | None:
        """The response; None when the client went away, so that half a request does nothing."""
        path: str = scope["path"]
        if len(scope["query_string"]) > MAXIMUM_QUERY:
            return self.site.refuse(path, 414)
        found = self.site.find(scope["method"], path)
        maximum = found.maximum_body if isinstance(found, Operation) else self.site.maximum_body(path)
        message = await receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            body: bytes | None = message.get("body", b"")
        else:
            body = await _collected(message, receive, maximum)
        if body is None:
            return None
        if len(body) > maximum:
            return self.site.refuse(path, 413)
        request = _request(scope, body)
        if not isinstance(found, Operation):
            return await self._walk(found(request), scope)
        return await self._operate(found, request, scope)

    async def _walk(self, answer: Answer, scope: Scope) -> Response:
        """The response at the end of all steps."""
        while isinstance(answer, Step):
            step = answer
            try:
                answer = step.then(await self._called(step, scope))
            except REFUSING as error:
                answer = step.failed(error)
        return answer

    async def _called(self, step: Step, scope: Scope) -> object:
        if step.call == "current_user":
            answer = self._current_user(scope)
            return await answer if isawaitable(answer) else answer
        call = getattr(self.server, step.call)
        return await call(*step.arguments, **step.options)

    async def _operate(self, operation: Operation, request: Request, scope: Scope) -> Response:
        parsed = operation.parse(self.site.surface, request)
        if isinstance(parsed, Response):
            return parsed
        headers: Headers = ()
        try:
            if operation.signs_in:
                answer = self._current_user(scope)
                known = await answer if isawaitable(answer) else answer
                signed_in, headers = identify(self.site, request, known, self._entropy)
                parsed = (*parsed, signed_in)
            outcome = await self._methods[operation.call](*parsed)
        except UnavailableError:
            return unavailable(operation, self.site.surface)
        response = operation.render(self.site.surface, request, outcome)
        return Response(response.status, response.headers + headers, response.body) if headers else response


async def _collected(message: Message, receive: Receive, maximum: int) -> bytes | None:
    """A body in pieces, or just more than is allowed; None when the client went away before its end."""
    body = bytearray()
    while message["type"] == "http.request":
        body += message.get("body", b"")
        if len(body) > maximum or not message.get("more_body", False):
            return bytes(body)
        message = await receive()
    return None


def _request(scope: Scope, body: bytes) -> Request:
    headers: dict[str, str] = {}
    repeated: set[str] = set()
    for raw_name, raw_value in scope["headers"]:
        name = _WANTED.get(raw_name.lower())
        if name is None:
            continue
        value = raw_value.decode("latin-1")
        if name in headers:
            repeated.add(name)
            value = f"{headers[name]}; {value}" if name == "cookie" else value
        headers[name] = value
    return Request(scope["method"], scope["path"], scope["query_string"], headers, repeated, body)


_WANTED: Final = {name.encode(): name for name in HEADERS_READ}


def _encoded(headers: Headers) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]


_REPLY_HEADERS: Final = _encoded(REPLY_HEADERS)
"""Headers that never change, encoded once."""


def _sent_headers(response: Response) -> list[tuple[bytes, bytes]]:
    headers = _REPLY_HEADERS.copy() if response.headers is REPLY_HEADERS else _encoded(response.headers)
    if response.status not in BODILESS:
        headers.append((b"content-length", b"%d" % len(response.body)))
    return headers
