"""A browser and a client that walk through the endpoints over HTTP, in process."""

import re
from html import unescape
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.support import REDIRECT_URI, challenge_of

VERIFIER = "a-verifier-of-the-tests-that-is-43-long-0.-_~"
OURS = ("Sec-Fetch-Site", "same-origin")
PREFIX = "/oauth"


def location_of(reply):
    """Where a reply sends the browser, and the parameters, each once."""
    location = reply.header("Location")
    pairs = parse_qsl(urlsplit(location).query, keep_blank_values=True, strict_parsing=True)
    assert len({name for name, _ in pairs}) == len(pairs), pairs
    return location.partition("?")[0], dict(pairs)


def transaction_in(reply):
    """The sealed transaction in a consent page's form."""
    return unescape(re.search(r'name="transaction"[^>]*value="([^"]+)"', reply.text)[1])


class Walk:
    """One client and one browser at a `Served` site.

    Args:
        served: the site.
        prefix: the path of the endpoints.
        metadata: members of the registration.
    """

    def __init__(self, served, *, prefix=PREFIX, **metadata) -> None:
        self.served = served
        self.prefix = prefix
        self.metadata = {
            "client_name": "Example",
            "redirect_uris": [REDIRECT_URI],
            "token_endpoint_auth_method": "none",
        } | metadata
        self.client_id = self.client_secret = self.transaction = self.code = None
        self.reply = {}

    def register(self, **changes):
        """Register the client."""
        reply = self.served.post_json(f"{self.prefix}/register", self.metadata | changes)
        if reply.status == 201:
            self.client_id, self.client_secret = reply.json["client_id"], reply.json.get("client_secret")
        return reply

    def query(self, **changes):
        """The query of an authorization request; None leaves a parameter out, a list repeats it."""
        parameters = {
            "client_id": self.client_id,
            "response_type": "code",
            "redirect_uri": self.metadata["redirect_uris"][0],
            "scope": "all.Application.bounded",
            "state": "state of the client",
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
        } | changes
        return urlencode({name: each for name, each in parameters.items() if each is not None}, doseq=True)

    def authorize(self, *headers, **changes):
        """Open the consent page."""
        reply = self.served.get(f"{self.prefix}/authorize?{self.query(**changes)}", *headers)
        if reply.status == 200 and b'name="transaction"' in reply.body:
            self.transaction = transaction_in(reply)
        return reply

    def form(self, decision="approve", **changes):
        """The consent form."""
        return {"transaction": self.transaction, "decision": decision, "default": "editor"} | changes

    def decide(self, decision="approve", *headers, **changes):
        """Send the consent form, from our own page."""
        reply = self.served.post(
            f"{self.prefix}/consent", self.form(decision, **changes), *(headers or (OURS,))
        )
        if reply.header("Location"):
            self.code = location_of(reply)[1].get("code", self.code)
        return reply

    def approve(self):
        """From the authorization endpoint to a code."""
        self.authorize()
        return self.decide()

    def token(self, *headers, **changes):
        """Ask the token endpoint: redeem the code, unless changed."""
        parameters = {
            "grant_type": "authorization_code",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "code": self.code,
            "redirect_uri": self.metadata["redirect_uris"][0],
            "code_verifier": VERIFIER,
        } | changes
        parameters = {name: each for name, each in parameters.items() if each is not None}
        reply = self.served.post(f"{self.prefix}/token", parameters, *headers)
        if reply.status == 200:
            self.reply = reply.json
        return reply

    def refresh(self, *headers, **changes):
        """Refresh."""
        parameters = {"grant_type": "refresh_token", "refresh_token": self.reply["refresh_token"]}
        left_out = dict.fromkeys(("code", "redirect_uri", "code_verifier"))
        return self.token(*headers, **(parameters | left_out | changes))

    def connect(self):
        """All the way to an access token."""
        assert self.register().status == 201
        assert self.approve().status == 303
        assert self.token().status == 200
        return self
