"""One client and one user on their way from registration to a refreshed access token, in process."""

import json
from base64 import urlsafe_b64encode
from hashlib import sha256
from urllib.parse import parse_qsl, urlsplit

from scopegate import SignedIn
from scopegate.flows.outcomes import ConsentPrompt, Redirect, Registered, TokenReply
from scopegate.flows.register import RegistrationRequest
from scopegate.flows.requests import ClientRequest, ConsentForm, Parameters

REDIRECT_URI = "https://client.example/callback"
SCOPE = "all.Application.bounded only.User.read"
VERIFIER = "a-verifier-of-the-tests-that-is-43-long-0.-_~"


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636 section 4.2)."""
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def form(parameters) -> Parameters:
    """Parameters from a mapping; None leaves one out, a list sends one several times."""
    pairs = []
    for name, value in parameters.items():
        values = value if isinstance(value, list | tuple) else [value]
        pairs += [(name, each) for each in values if each is not None]
    return Parameters.of(pairs)


def client_request(parameters, authorization=None) -> ClientRequest:
    """A request to the token or revocation endpoint."""
    return ClientRequest(form(parameters), authorization)


class Journey:
    """Walks through the endpoints. Every step takes changes of its parameters by name; None leaves one out.

    Each step returns the outcome. A step that succeeds keeps what the client would keep: ``client_id``,
    ``client_secret``, ``code``, ``access_token``, ``refresh_token``. ``wire`` collects every secret that travelled.

    Args:
        world: the server and its host.
        user: who is at the browser; ``session`` is their sign-in.
        method: how the client authenticates.
        metadata: more members of the registration.
    """

    def __init__(self, world, *, user="ann", session=None, method="none", scope=SCOPE, **metadata) -> None:
        self.world = world
        self.server = world.server
        self.signed_in = SignedIn(user, session or f"session of {user}")
        self.user = user
        self.scope = scope
        self.metadata = {
            "client_name": "Example",
            "redirect_uris": [REDIRECT_URI],
            "token_endpoint_auth_method": method,
        } | metadata
        self.verifier = VERIFIER
        self.state = "state of the client"
        self.client_id = self.client_secret = self.transaction = None
        self.code = self.access_token = self.refresh_token = None
        self.reply = {}
        self.wire = []

    @property
    def redirect_uri(self):
        """The first redirection URI."""
        return self.metadata["redirect_uris"][0]

    @property
    def token_id(self):
        """The id of the token, from whatever secret there is."""
        return (self.access_token or self.code).partition("_")[2].partition(".")[0]

    @property
    def token(self):
        """The token as stored."""
        return self.world.token(self.token_id)

    def register(self, **changes):
        """Register the client (RFC 7591)."""
        outcome = self.server.register(RegistrationRequest(self.metadata | changes))
        if isinstance(outcome, Registered):
            self.client_id = outcome.client.id
            self.client_secret = outcome.document.get("client_secret")
            self._saw(self.client_secret)
        return outcome

    def query(self, **changes):
        """The parameters of an authorization request."""
        return {
            "client_id": self.client_id,
            "response_type": "code",
            "redirect_uri": self.redirect_uri,
            "scope": self.scope,
            "state": self.state,
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
        } | changes

    def authorize(self, *, signed_in=..., **changes):
        """Send the browser to the authorization endpoint."""
        who = self.signed_in if signed_in is ... else signed_in
        outcome = self.server.authorize(form(self.query(**changes)), who)
        if isinstance(outcome, ConsentPrompt):
            self.transaction = outcome.transaction
            self._saw(self.transaction)
        return outcome

    def decide(self, decision="approve", *, default="editor", signed_in=..., transaction=None, **changes):
        """Send the consent form."""
        sent = ConsentForm(transaction or self.transaction, decision, default, **changes)
        outcome = self.server.consent(sent, self.signed_in if signed_in is ... else signed_in)
        if isinstance(outcome, Redirect) and decision == "approve":
            self.code = answered(outcome).get("code", self.code)
            self._saw(self.code)
        return outcome

    def approve(self, **changes):
        """From the authorization endpoint to a code."""
        self.authorize()
        return self.decide(**changes)

    def _ask(self, parameters, authorization):
        outcome = self.server.token(client_request(parameters, authorization))
        if isinstance(outcome, TokenReply):
            self.reply = json.loads(outcome.body)
            self.access_token = self.reply["access_token"]
            self.refresh_token = self.reply.get("refresh_token")
            self._saw(self.access_token, self.refresh_token)
        return outcome

    def redeem(self, *, authorization=None, **changes):
        """Exchange the code."""
        parameters = {
            "grant_type": "authorization_code",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "code": self.code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
        }
        return self._ask(parameters | changes, authorization)

    def refresh(self, *, authorization=None, **changes):
        """Refresh."""
        parameters = {
            "grant_type": "refresh_token",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "refresh_token": self.refresh_token,
        }
        return self._ask(parameters | changes, authorization)

    def revoke(self, secret, *, authorization=None, **changes):
        """Give a secret back (RFC 7009)."""
        parameters = {"client_id": self.client_id, "client_secret": self.client_secret, "token": secret}
        return self.server.revoke(client_request(parameters | changes, authorization))

    def access(self, action=None, *, secret=None, **places):
        """Call a protected resource."""
        return self.server.access(f"Bearer {secret or self.access_token}", action, **places)

    def connect(self, **choices) -> "Journey":
        """All the way to an access token."""
        self.register()
        self.approve(**choices)
        outcome = self.redeem()
        assert isinstance(outcome, TokenReply), outcome
        return self

    def _saw(self, *secrets) -> None:
        self.wire += [secret for secret in secrets if secret]


def answered(redirect: Redirect) -> dict[str, str]:
    """The parameters that a redirect carries to the client, each once."""
    pairs = parse_qsl(urlsplit(redirect.location).query, keep_blank_values=True, strict_parsing=True)
    assert len({name for name, _ in pairs}) == len(pairs)
    return dict(pairs)
