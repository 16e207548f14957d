"""The client of the MCP Python SDK, in a process of its own. It gets the address of the MCP server and nothing else."""

import asyncio
import hashlib
import sys
import time

import httpx2
from mcp import Client, MCPError
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata
from talking import Callback, orders, tell

ahead = 0.0
real_time = time.time
time.time = lambda: real_time() + ahead


class Storage:
    """Keeps what the SDK wants kept."""

    tokens = client_info = None

    async def get_tokens(self):
        """The tokens."""
        return self.tokens

    async def set_tokens(self, tokens) -> None:
        """Keep the tokens, and tell a digest of each so that the tests see them change."""
        self.tokens = tokens
        tell(
            event="tokens",
            access=hashlib.sha256(tokens.access_token.encode()).hexdigest(),
            refresh=hashlib.sha256(tokens.refresh_token.encode()).hexdigest(),
            scope=tokens.scope,
        )

    async def get_client_info(self):
        """The registration."""
        return self.client_info

    async def set_client_info(self, client_info) -> None:
        """Keep the registration."""
        self.client_info = client_info
        tell(event="registered", client_id=client_info.client_id)


async def call(address, provider, mode, order) -> None:
    """Connect and call a tool."""
    try:
        async with (
            httpx2.AsyncClient(auth=provider) as http,
            Client(streamable_http_client(address, http_client=http), mode=mode) as client,
        ):
            result = await client.call_tool(order["tool"], order["arguments"])
    except (MCPError, BaseExceptionGroup) as error:
        tell(event="failed", message=first_message(error))
    else:
        text = " ".join(piece.text for piece in result.content)
        tell(event="result", text=text, is_error=bool(result.is_error))


def first_message(error) -> str:
    """What went wrong first, out of nested groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


async def main() -> None:
    """Do what the tests say."""
    global ahead  # noqa: PLW0603 - the clock of this process
    address, mode = sys.argv[1:]
    callback = Callback()

    async def opened(url: str) -> None:
        tell(event="open", url=url)

    async def answered() -> AuthorizationCodeResult:
        answer = await asyncio.to_thread(callback.answer)
        return AuthorizationCodeResult(
            code=answer.get("code", ""), state=answer.get("state"), iss=answer.get("iss")
        )

    metadata = OAuthClientMetadata(
        client_name="SDK client",
        redirect_uris=[callback.uri],
        grant_types=["authorization_code", "refresh_token"],
        response_types=["code"],
        token_endpoint_auth_method="none",
    )
    provider = OAuthClientProvider(address, metadata, Storage(), opened, answered)
    tell(ready=callback.uri)
    waiting = orders()
    while order := await asyncio.to_thread(next, waiting, None):
        if order["do"] == "forward":
            ahead += order["seconds"]
            tell(event="moved")
        else:
            await call(address, provider, mode, order)


asyncio.run(main())
