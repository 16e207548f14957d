"""How the client processes talk to the tests: a JSON object a line, orders in, events out."""

import json
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import SimpleQueue
from threading import Thread
from urllib.parse import parse_qsl, urlsplit

DONE = b"<!doctype html><html lang=en><title>Connected</title><p>You may close this window."


def tell(**event) -> None:
    """Say something to the tests."""
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def orders() -> Iterator[dict]:
    """The orders of the tests, until they end."""
    for line in sys.stdin:
        yield json.loads(line)


class Callback:
    """The redirection endpoint of a native client: an HTTP server on a loopback port. ``uri`` is its address."""

    def __init__(self) -> None:
        self._answers = answers = SimpleQueue()

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if urlsplit(self.path).path == "/callback":
                    answers.put(self.path)
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(DONE)))
                self.end_headers()
                self.wfile.write(DONE)

            def log_message(self, *_) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Answer)
        self.uri = f"http://127.0.0.1:{server.server_port}/callback"
        Thread(target=server.serve_forever, daemon=True).start()

    def address(self) -> str:
        """The full address of the next answer."""
        return f"{self.uri}?{urlsplit(self._answers.get()).query}"

    def answer(self) -> dict[str, str]:
        """The parameters of the next answer."""
        return dict(parse_qsl(urlsplit(self.address()).query))
