"""What tests of the JSON API of a user's tokens share: its path, tokens to look at, and requests that change them."""

import json

from tests.support import ISSUER, REDIRECT_URI, START
from tests.web.driver import JSON

from scopegate import RoleCap
from scopegate.core.changes import CreateToken
from scopegate.core.tokens import Settings, Token

LIST = "/me/oauth-tokens"
OURS = ("Sec-Fetch-Site", "same-origin")
ORIGIN = ("Origin", ISSUER)


def patch(site, path, content, *headers):
    """Change a token from a page of ours."""
    return site.ask("PATCH", path, headers=(JSON, *(headers or (OURS,))), body=json.dumps(content).encode())


def delete(site, path, *headers):
    """Delete a token from a page of ours."""
    return site.ask("DELETE", path, headers=headers or (OURS,))


def bearer(journey):
    """The header of a request with the access token of a journey."""
    return ("Authorization", f"Bearer {journey.access_token}")


def put(site, token_id, name, *, user="ann", client="c1", **more):
    """Keep a token that is there already, redeemed unless said otherwise."""
    settings = {"name": name, "cap": RoleCap("viewer")} | more.pop("settings", {})
    facts = {"created_at": START, "generation": 1, "scopes": ("all.Application.read",)} | more
    token = Token(
        id=token_id,
        user=user,
        client_id=client,
        redirect_uri=REDIRECT_URI,
        resources=("https://acme.example/api",),
        settings=Settings(**settings),
        **facts,
    )
    site.world.store.commit(site.world.realm, [CreateToken(token)])
    return f"{LIST}/{token_id}"
