"""A request at a protected resource: from the ``Authorization`` header to an allowed action (RS rows, laws 1 and 2).

This is the hot path: it builds no frozen object when it says yes, and calls no engine.
"""

from typing import Final, TypeAlias

from attrs import define, field, frozen

from scopegate.core.credentials import Credential, locate
from scopegate.core.permissions import Explanation, Layer, Place, explain
from scopegate.core.records import TokenRecord
from scopegate.core.scopes import Rule
from scopegate.core.standing import Account, Standing
from scopegate.core.tokens import Token
from scopegate.flows.configuration import Configuration

BEARER: Final = "bearer "


@frozen
class Refusal:
    """Why a request is refused, for the client.

    Args:
        layer: the first layer that said no.
        reason: a stable code; it says nothing about what exists.
        status: the HTTP status.
        error: the RFC 6750 error code; empty where none belongs (RS-4, RS-9).
        description: ASCII text for the developer of the client.
        scopes: the least scopes with which it would pass that layer (RS-6, RS-8).
        resource: the resource that refuses.
    """

    layer: Layer
    reason: str
    status: int
    error: str = ""
    description: str = ""
    scopes: tuple[str, ...] = ()
    resource: str | None = None


@define(eq=False)
class Access:
    """A request that carries a good access token. It lives as long as the request.

    Args:
        token: the user's token.
        credential: the access token that was presented.
        scopes: what it may be used for.
        client_name: the name of the client.
        standings: the directory's answers so far, remembered for this request and never longer.
    """

    token: Token
    credential: Credential
    scopes: tuple[str, ...]
    client_name: str
    standings: dict[Place, Standing] = field(factory=dict[Place, Standing])

    @property
    def user(self) -> str:
        """Whose token it is."""
        return self.token.user

    @property
    def token_id(self) -> str:
        """The id of the token."""
        return self.token.id

    @property
    def client_id(self) -> str:
        """The client that uses it."""
        return self.token.client_id


Bearer: TypeAlias = Access | Refusal

NO_CREDENTIALS: Final = Refusal(Layer.CREDENTIAL, "no_credentials", 401)
TWO_CREDENTIALS: Final = Refusal(
    Layer.CREDENTIAL, "two_credentials", 400, "invalid_request", "send one access token, in one header"
)
INVALID: Final = Refusal(
    Layer.CREDENTIAL, "invalid_token", 401, "invalid_token", "the access token is not valid"
)
WRONG_AUDIENCE: Final = Refusal(
    Layer.AUDIENCE, "wrong_audience", 401, "invalid_token", "the access token is for another resource"
)
PAUSED: Final = Refusal(Layer.STATUS, "paused", 403, "", "the user has switched this token off")
PAUSED_STRICTLY: Final = Refusal(
    Layer.STATUS, "paused", 401, "invalid_token", "the access token is not valid"
)


def secret(authorization: str | None) -> tuple[str, str, str] | Refusal:
    """The bearer secret of a header, taken apart (RS-1)."""
    if authorization is None or authorization[:7].lower() != BEARER:
        return NO_CREDENTIALS
    return locate(authorization[7:].strip(" ")) or INVALID


def bearer(
    config: Configuration, record: TokenRecord | None, account: Account | None, resource: str, now: float
) -> Bearer:
    """Judge an access token: alive, for this resource, and of an active token; in that order (law 2).

    Args:
        config: the server's configuration.
        record: what the secret names.
        account: the account of the token's user.
        resource: the URI of the resource, as configured.
        now: POSIX seconds.
    """
    if record is None:
        return INVALID
    token, client, credential = record
    if credential is None or client is None or client.disabled or account is None or not account.enabled:
        return INVALID
    generation, expires_at = token.generation, credential.expires_at
    if (
        credential.kind != "sga"
        or not generation - 1 <= credential.generation <= generation
        or not generation
    ):
        return INVALID
    if token.revoked_at is not None or (expires_at is not None and now >= expires_at):
        return INVALID
    if token.expires_at is not None and now >= token.expires_at:
        return INVALID
    if resource not in credential.resources:
        return WRONG_AUDIENCE
    if not token.settings.active:
        return PAUSED if config.profile.paused == "forbid" else PAUSED_STRICTLY
    return Access(token, credential, credential.scopes or token.scopes, client.name)


def is_stale(config: Configuration, outcome: Bearer, now: float) -> bool:
    """Whether a good request's last-used time is old enough to be written again."""
    if not isinstance(outcome, Access):
        return False
    last = outcome.token.last_used_at
    return last is None or now - last >= config.profile.last_used_precision


def needs_standing(rule: Rule) -> bool:
    """Whether the directory must be asked about a place; user-level actions have no role layer (law 1)."""
    return rule.target in {"organization", "application"}


def decide(
    config: Configuration,
    access: Access,
    rule: Rule,
    standing: Standing | None,
    *,
    place: Place,
) -> Explanation:
    """Judge an action of a good access token: scope, then role."""
    return explain(
        config.catalogue,
        rule,
        access.token.settings.cap,
        access.scopes,
        standing,
        place=place,
        lower_only=config.profile.lower_only,
    )


def refusal(explanation: Explanation, resource: str | None) -> Refusal | None:
    """What a client is told; None where the action is allowed.

    A scope shortage names the scopes; a cap or a membership does not, since no new token could cure it (RS-9).
    """
    if explanation.denied_by is None:
        return None
    if explanation.denied_by is Layer.SCOPE:
        return Refusal(
            Layer.SCOPE,
            explanation.reason,
            403,
            "insufficient_scope",
            "the access token lacks a scope for this",
            explanation.rule.scopes[:1],
            resource,
        )
    return Refusal(
        Layer.ROLE, "role_too_low", 403, "", "the token's role is too low for this here", (), resource
    )
