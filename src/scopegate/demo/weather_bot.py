"""Weather Bot, somebody else's web app: it knows Acme's address and OAuth, and nothing of scopegate.

Run it: ``python weather_bot.py --acme http://127.0.0.1:8737``.
"""

import argparse
import json
import socket
from base64 import urlsafe_b64encode
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from html import escape
from pathlib import Path
from secrets import token_urlsafe
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
import uvicorn
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

SCOPE = "all.Application.bounded"
SEE_OTHER, UNAUTHORIZED = 303, 401


class Acme:
    """The connection to Acme: discovery, registration, authorization, calls. It keeps its secrets in one file.

    Args:
        address: of Acme; its API is at /api and its MCP server at /mcp, says its manual.
        callback: where this app is answered.
        memory: the file.
    """

    def __init__(self, address: str, callback: str, memory: Path) -> None:
        self.api, self.mcp = f"{address}/api", f"{address}/mcp"
        self.address = address
        self.callback = callback
        self.http = httpx2.AsyncClient()
        self.said: deque[str] = deque(maxlen=8)
        self._memory = memory
        self._asked: dict[str, str] = {}
        self.known: dict[str, str] = json.loads(memory.read_text()) if memory.exists() else {}
        if self.known.get("callback") != callback or self.known.get("api") != self.api:
            self.known = {"callback": callback, "api": self.api}

    def _remember(self, **known: str) -> None:
        self.known |= known
        self._memory.touch(mode=0o600)
        self._memory.write_text(json.dumps(self.known))

    def forget_tokens(self) -> None:
        """Act as if it had never been connected; the registration stays."""
        self.known = {name: value for name, value in self.known.items() if not name.endswith("_token")}
        self._remember()

    async def _send(
        self,
        method: str,
        url: str,
        *,
        json: object = None,
        data: dict[str, str] | None = None,
        bearer: str = "",
    ) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        response = await self.http.request(method, url, headers=headers, json=json, data=data)
        challenge = response.headers.get("www-authenticate", "")
        self.said.appendleft(f"{method} {urlsplit(url).path} -> {response.status_code} {challenge}".strip())
        return response

    async def authorization_url(self) -> str:
        """Where to send the person: found by asking the API, as RFC 9728, RFC 8414 and RFC 7591 say."""
        refused = await self._send("GET", f"{self.api}/applications")
        where = refused.headers["www-authenticate"].partition('resource_metadata="')[2].partition('"')[0]
        resource = (await self._send("GET", where)).json()
        issuer = resource["authorization_servers"][0]
        server = (await self._send("GET", f"{issuer}/.well-known/oauth-authorization-server")).json()
        if server["issuer"] != issuer:
            raise ValueError("the authorization server is not who it says")
        if "client_id" not in self.known:
            mine = {
                "client_name": "Weather Bot",
                "redirect_uris": [self.callback],
                "token_endpoint_auth_method": "none",
            }
            registered = (await self._send("POST", server["registration_endpoint"], json=mine)).json()
            self._remember(client_id=registered["client_id"])
        self._remember(token_endpoint=server["token_endpoint"], issuer=issuer)
        self._asked = {"state": token_urlsafe(), "verifier": token_urlsafe(48)}
        challenge = urlsafe_b64encode(sha256(self._asked["verifier"].encode()).digest()).rstrip(b"=")
        question = [
            ("response_type", "code"),
            ("client_id", self.known["client_id"]),
            ("redirect_uri", self.callback),
            ("scope", SCOPE),
            ("state", self._asked["state"]),
            ("code_challenge", challenge.decode()),
            ("code_challenge_method", "S256"),
            ("resource", self.api),
            ("resource", self.mcp),
        ]
        return f"{server['authorization_endpoint']}?{urlencode(question)}"

    async def answered(self, answer: dict[str, str]) -> str:
        """Redeem the code of the answer; says what went wrong, or nothing."""
        asked, self._asked = self._asked, {}
        if not asked or answer.get("state") != asked["state"] or answer.get("iss") != self.known["issuer"]:
            return "That answer was not meant for this app."
        if "code" not in answer:
            return f"Acme says no: {answer.get('error', 'nothing')}."
        grant = {"grant_type": "authorization_code", "code": answer["code"], "redirect_uri": self.callback}
        return await self._get_tokens(grant | {"code_verifier": asked["verifier"]})

    async def refresh(self) -> str:
        """Get a new access token; says what went wrong, or nothing."""
        return await self._get_tokens(
            {"grant_type": "refresh_token", "refresh_token": self.known["refresh_token"]}
        )

    async def _get_tokens(self, grant: dict[str, str]) -> str:
        form = grant | {"client_id": self.known["client_id"]}
        response = await self._send("POST", self.known["token_endpoint"], data=form)
        if not response.is_success:
            self.forget_tokens()
            return f"Acme gives no token: {response.json()['error']}."
        given = response.json()
        self._remember(access_token=given["access_token"], refresh_token=given["refresh_token"])
        return ""

    async def call(self, method: str, path: str, json: object = None) -> httpx2.Response:
        """Call the API; refresh once when the access token has died."""
        url = self.api + path
        response = await self._send(method, url, json=json, bearer=self.known["access_token"])
        if response.status_code == UNAUTHORIZED and not await self.refresh():
            response = await self._send(method, url, json=json, bearer=self.known["access_token"])
        return response

    async def tool(self, name: str, arguments: dict[str, Any]) -> str:
        """Call a tool of the MCP server with the SDK's own client."""
        headers = {"Authorization": f"Bearer {self.known['access_token']}"}
        async with httpx2.AsyncClient(headers=headers) as http:
            try:
                async with Client(streamable_http_client(self.mcp, http_client=http)) as client:
                    result = await client.call_tool(name, arguments)
            except (MCPError, ExceptionGroup) as error:
                return f"The MCP server refuses: {error}"
        return " ".join(getattr(piece, "text", "") for piece in result.content)


class WeatherBot:
    """The web app: one page, three buttons."""

    def __init__(self, acme: Acme) -> None:
        self.acme = acme
        self.news = ""

    def app(self) -> Starlette:
        """The app."""
        routes = [
            Route("/", self.page),
            Route("/connect", self.connect, methods=["POST"]),
            Route("/callback", self.callback),
            Route("/do", self.do, methods=["POST"]),
        ]
        return Starlette(routes=routes)

    async def page(self, request: Request) -> Response:
        """Everything there is to see."""
        del request
        body = f"<p role=status>{escape(self.news)}</p>" if self.news else ""
        self.news = ""
        if "access_token" in self.acme.known:
            body += await self._applications()
        else:
            body += "<p>Weather Bot needs your Acme devices.</p>"
        body += "<form method=post action=/connect><button>Connect to Acme IoT</button></form>"
        return HTMLResponse(_page(body, self.acme.said))

    async def _applications(self) -> str:
        response = await self.acme.call("GET", "/applications")
        if not response.is_success:
            return f"<p>Acme IoT says {response.status_code}: {escape(response.json()['reason'])}.</p>"
        found: dict[str, str] = response.json()
        rows = "".join(_row(id_, label) for id_, label in found.items())
        limits = (
            f"<p>At Acme you can <a href='{escape(self.acme.address)}/connected'>see and limit</a> it.</p>"
        )
        return f"<p>Connected to Acme IoT. It shows {len(found)} applications.</p>{rows}{limits}"

    async def connect(self, request: Request) -> Response:
        """Send the person to Acme."""
        del request
        return RedirectResponse(await self.acme.authorization_url(), SEE_OTHER)

    async def callback(self, request: Request) -> Response:
        """The person comes back."""
        problem = await self.acme.answered(dict(request.query_params))
        self.news = problem or "You are connected."
        return RedirectResponse("/", SEE_OTHER)

    async def do(self, request: Request) -> Response:
        """Press one of the buttons of an application."""
        form = dict(parse_qsl((await request.body()).decode()))
        application, what = form["application"], form["what"]
        devices = f"/applications/{application}/devices"
        if what == "tool":
            told = await self.acme.tool("list_devices", {"application_id": application})
            self.news = f"The tool list_devices says: {told}"
        elif what == "add":
            self.news = _told(await self.acme.call("POST", devices, json={"name": "Rain gauge"}))
        else:
            self.news = _told(await self.acme.call("GET", devices))
        return RedirectResponse("/", SEE_OTHER)


def _told(response: httpx2.Response) -> str:
    return f"{response.request.method} {response.url.path} -> {response.status_code} {response.text}"


def _row(application: str, label: str) -> str:
    buttons = (("read", "Look at"), ("add", "Add a rain gauge to"), ("tool", "Ask the MCP tool about"))
    pressed = "".join(
        f"<button name=what value={what}>{text} {escape(label)}</button> " for what, text in buttons
    )
    hidden = f'<input type=hidden name=application value="{escape(application)}">'
    return f"<form method=post action=/do><p>{hidden}{pressed}</p></form>"


def _page(body: str, said: deque[str]) -> str:
    exchanges = "".join(f"<li><code>{escape(line)}</code>" for line in said)
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Weather Bot</title>"
        "<meta name=viewport content='width=device-width'><style>body{font:1rem/1.5 sans-serif;max-width:44rem;"
        "margin:2rem auto;padding:0 1rem;color:#123;background:#eef8ff}"
        "button{font:inherit;padding:.5rem;margin:.125rem}</style>"
        f"<h1>Weather Bot</h1>{body}<details><summary>What was said over HTTP</summary><ol>{exchanges}</ol></details>"
    )


def serve(app: Callable[..., Any], listening: socket.socket) -> None:
    """Serve an app until it is stopped."""
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listening])


def main() -> None:
    """Serve Weather Bot and print its address."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--acme", required=True, help="the address of Acme IoT")
    parser.add_argument("--port", default=0, type=int, help="preferred; a free one if it is taken")
    parser.add_argument("--memory", default="weather-bot.json", type=Path, help="where it keeps its secrets")
    arguments = parser.parse_args()
    try:
        listening = socket.create_server(("127.0.0.1", arguments.port))
    except OSError:
        listening = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    bot = WeatherBot(Acme(arguments.acme, f"{address}/callback", arguments.memory))
    print(address, flush=True)
    serve(bot.app(), listening)


if __name__ == "__main__":
    main()
