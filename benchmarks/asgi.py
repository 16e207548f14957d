"""The smallest driver of an ASGI application: one request in, one answer out, no server and no socket."""

from collections.abc import Awaitable, Callable, MutableMapping
from json import loads
from typing import Any

from attrs import define

from benchmarks.rows import Verdict
from benchmarks.workload import FORM_TYPE, TOKEN_FIELDS

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


@define
class Exchange:
    """One request on its way in and the answer on its way out; made before the clock starts, used once.

    Attributes:
        scope: the ASGI scope.
        body: the whole request body.
        status: of the answer, 0 before there is one.
        answer: the body of the answer.
    """

    scope: Message
    body: bytes
    status: int = 0
    answer: bytes = b""

    async def receive(self) -> Message:
        """Give the whole body as one message."""
        return {"type": "http.request", "body": self.body, "more_body": False}

    async def send(self, message: Message) -> None:
        """Keep the status and the body of the answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self.answer += message.get("body", b"")


def http_scope(method: str, path: str, *headers: tuple[bytes, bytes]) -> Message:
    """Return the ASGI scope of a request as uvicorn would give it."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"acme.example"), (b"user-agent", b"benchmark"), (b"accept", b"*/*"), *headers],
        "client": ("127.0.0.1", 40000),
        "server": ("127.0.0.1", 443),
    }


def form_post(path: str, body: bytes) -> Exchange:
    """Return a request that posts a form."""
    length = b"%d" % len(body)
    return Exchange(
        http_scope("POST", path, (b"content-type", FORM_TYPE.encode()), (b"content-length", length)), body
    )


def get(path: str) -> Exchange:
    """Return a request that gets a document."""
    return Exchange(http_scope("GET", path), b"")


def caller(app: Application) -> Callable[[Exchange], Awaitable[Exchange]]:
    """Return a coroutine function that puts one request through `app` and returns it, answered."""

    async def call(exchange: Exchange) -> Exchange:
        await app(exchange.scope, exchange.receive, exchange.send)
        return exchange

    return call


def read_exchange(exchange: Exchange) -> Verdict:
    """Read a token endpoint's HTTP answer."""
    return read_token_answer(exchange.status, exchange.answer)


def read_token_answer(status: int, body: bytes | str) -> Verdict:
    """Read a token endpoint's status and JSON body: which of the required members are there."""
    if status != 200:  # noqa: PLR2004 - the one status that is a success
        return Verdict(status)
    answer = loads(body)
    found = tuple(name for name in TOKEN_FIELDS if answer.get(name))
    return Verdict(status, found, answer.get("access_token", ""))
