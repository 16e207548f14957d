"""The smallest driver of a WSGI application: one form in, one answer out, no server and no socket."""

from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

from attrs import define

from benchmarks.asgi import read_token_answer
from benchmarks.rows import Verdict
from benchmarks.workload import FORM_TYPE

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@define
class Answer:
    """What the application said."""

    status: int = 0
    body: bytes = b""


def caller(app: Application, path: str) -> Callable[[bytes], Answer]:
    """Return a function that posts a form to a path of ``app`` and returns the answer."""

    def call(body: bytes) -> Answer:
        answer = Answer()

        def start(status: str, *_: object) -> None:
            answer.status = int(status[:3])

        reply = app(environ(path, body), start)
        answer.body = b"".join(reply)
        close = getattr(reply, "close", None)
        if close is not None:
            close()
        return answer

    return call


def environ(path: str, body: bytes) -> dict[str, Any]:
    """Return the environment of a posted form as a server would give it."""
    return {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "CONTENT_TYPE": FORM_TYPE,
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_HOST": "acme.example",
        "HTTP_USER_AGENT": "benchmark",
        "HTTP_ACCEPT": "*/*",
        "SERVER_NAME": "acme.example",
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "https",
        "wsgi.input": BytesIO(body),
        "wsgi.errors": BytesIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.version": (1, 0),
    }


def read(answer: Answer) -> Verdict:
    """Read a token endpoint's answer."""
    return read_token_answer(answer.status, answer.body)
