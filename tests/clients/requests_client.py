"""The client of requests-oauthlib, in a process of its own: it refreshes by itself when the token has expired."""

import os
import sys
import time

import requests
from requests_oauthlib import OAuth2Session
from talking import Callback, orders, tell

os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"  # its own name for plain http on a loopback address
ahead = 0.0
real_time = time.time
time.time = lambda: real_time() + ahead


def main() -> None:
    """Connect once, then call."""
    global ahead  # noqa: PLW0603 - the clock of this process
    address, method = sys.argv[1:]
    callback = Callback()
    server = requests.get(f"{address}/.well-known/oauth-authorization-server", timeout=10).json()
    metadata = {
        "client_name": "Requests client",
        "redirect_uris": [callback.uri],
        "token_endpoint_auth_method": method,
    }
    registered = requests.post(server["registration_endpoint"], json=metadata, timeout=10).json()
    secret = registered.get("client_secret")
    kept = {"client_id": registered["client_id"]} | ({"client_secret": secret} if secret else {})
    session = OAuth2Session(
        registered["client_id"],
        scope=["all.Application.read"],
        redirect_uri=callback.uri,
        pkce="S256",
        auto_refresh_url=server["token_endpoint"],
        auto_refresh_kwargs=kept,
        token_updater=lambda token: tell(event="refreshed", keys=sorted(token)),
    )
    url, _ = session.authorization_url(server["authorization_endpoint"])
    tell(ready=callback.uri)
    tell(event="open", url=url)
    token = session.fetch_token(
        server["token_endpoint"],
        authorization_response=callback.address(),
        client_secret=secret,
        include_client_id=True,
    )
    session.token = dict(token)
    tell(event="connected", scope=" ".join(token["scope"]))
    for order in orders():
        if order["do"] == "forward":
            ahead += order["seconds"]
            tell(event="moved")
        else:
            response = session.get(address + order["path"], timeout=10)
            tell(event="answer", status=response.status_code, body=response.json())


main()
