"""Authlib's OAuth 2 client, in a process of its own: public, or with a secret."""

import sys

import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from talking import Callback, orders, tell


def main() -> None:
    """Connect once, then call."""
    address, method = sys.argv[1:]
    callback = Callback()
    server = requests.get(f"{address}/.well-known/oauth-authorization-server", timeout=10).json()
    registered = requests.post(
        server["registration_endpoint"],
        json={
            "client_name": "Authlib client",
            "redirect_uris": [callback.uri],
            "token_endpoint_auth_method": method,
        },
        timeout=10,
    ).json()
    session = OAuth2Session(
        registered["client_id"],
        registered.get("client_secret"),
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
        scope="all.Application.read",
        redirect_uri=callback.uri,
        code_challenge_method="S256",
        token_endpoint=server["token_endpoint"],
    )
    verifier = generate_token(48)
    url, state = session.create_authorization_url(server["authorization_endpoint"], code_verifier=verifier)
    tell(ready=callback.uri)
    tell(event="open", url=url)
    session.fetch_token(authorization_response=callback.address(), state=state, code_verifier=verifier)
    tell(event="connected", scope=session.token["scope"])
    for order in orders():
        if order["do"] == "refresh":
            before = session.token["access_token"]
            session.refresh_token(server["token_endpoint"])
            tell(event="refreshed", changed=session.token["access_token"] != before)
        elif order["do"] == "revoke":
            done = session.revoke_token(server["revocation_endpoint"], token=session.token["refresh_token"])
            tell(event="revoked", status=done.status_code)
        else:
            response = session.request("GET", address + order["path"], timeout=10)
            tell(event="answer", status=response.status_code, body=response.json())


main()
