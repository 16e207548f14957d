"""A request at a protected resource: from the ``Authorization`` header to an allowed action (RS rows, laws 1 and 2).

This is the hot path: it builds no frozen object when it says yes, and calls no engine.
"""

from hashlib import sha256
from typing import ClassVar, Final, TypeAlias, cast

from attrs import define, evolve, frozen

from scopegate.core.credentials import MAXIMUM_PRESENTED, Credential, CredentialKind
from scopegate.core.permissions import Explanation, Layer, Place, denying_layer, explain
from scopegate.core.records import TokenRecord
from scopegate.core.scopes import Rule
from scopegate.core.standing import Account, Standing
from scopegate.core.tokens import Token
from scopegate.flows.configuration import Configuration

ROLE_TARGETS: Final = ("organization", "application")
ACCESS: Final = CredentialKind.ACCESS.value
USUAL: Final = f"Bearer {ACCESS}_"


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
    is_stale: ClassVar[bool] = False

    def at(self, resource: str | None) -> "Refusal":
        """The same refusal, of that resource; None: the first one."""
        return self if resource is None else evolve(self, resource=resource)


@define(eq=False)
class Access:
    """A request that carries a good access token. It lives as long as the request.

    Args:
        record: the token, its client and the access token that was presented.
        is_stale: whether the token's last-used time is old enough to be written again.
        standings: the directory's answers so far, remembered for this request and never longer.
    """

    record: TokenRecord
    is_stale: bool = False
    standings: dict[Place, Standing] | None = None

    def at(self, resource: str | None) -> "Access":
        """Itself, at whatever resource it was judged for; a `Refusal` says which."""
        del resource
        return self

    @property
    def token(self) -> Token:
        """The user's token."""
        return self.record.token

    @property
    def user(self) -> str:
        """Whose token it is."""
        return self.record.token.user

    @property
    def token_id(self) -> str:
        """The id of the token."""
        return self.record.token.id

    @property
    def client_id(self) -> str:
        """The client that uses it."""
        return self.record.token.client_id

    @property
    def client_name(self) -> str:
        """What the client calls itself."""
        return "" if self.record.client is None else self.record.client.name

    @property
    def credential(self) -> Credential:
        """The access token that was presented, as it is stored."""
        return cast("Credential", self.record.credential)

    @property
    def scopes(self) -> tuple[str, ...]:
        """What this access token may do: the token's scopes, or fewer after a narrowing refresh."""
        return self.credential.scopes or self.record.token.scopes

    def recalled(self, place: Place) -> Standing | None:
        """What the directory said about a place earlier in this request."""
        return None if self.standings is None else self.standings.get(place)

    def remember(self, place: Place, standing: Standing) -> None:
        """Keep what the directory said, for this request."""
        if self.standings is None:
            self.standings = {}
        self.standings[place] = standing


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


class BearerCheck:
    """The judgement of access tokens, made ready once for a server: alive, for this resource, of an active token.

    It is split in two, for the record is read between them.
    """

    __slots__ = ("_paused", "_precision", "_prefix")

    def __init__(self, config: Configuration) -> None:
        self._prefix = config.access_prefix
        self._precision = config.profile.last_used_precision
        self._paused = PAUSED if config.profile.paused == "forbid" else PAUSED_STRICTLY

    def locate(self, authorization: str | None) -> tuple[str, bytes] | Refusal:
        """The token that a header names and the digest of its secret (RS-1)."""
        if authorization is None:
            return NO_CREDENTIALS
        head, _, secret = authorization.partition(".")
        token_id = head[11:]
        if head[:11] != USUAL:
            scheme, _, rest = head.partition(" ")
            kind, _, token_id = rest.strip(" ").partition("_")
            if scheme.lower() != "bearer":
                return NO_CREDENTIALS
            if kind != ACCESS:
                return INVALID
        if not secret or len(secret) > MAXIMUM_PRESENTED:
            return INVALID
        return token_id, sha256((self._prefix + secret).encode("utf-8", "replace")).digest()

    def judge(self, record: TokenRecord, account: Account | None, resource: str, now: float) -> Bearer:
        """Judge what was located, in the order of law 2.

        Args:
            record: what the secret names; its digest says that it is an access token's.
            account: the account of the token's user.
            resource: the URI of the resource, as configured.
            now: POSIX seconds.
        """
        token, client, credential = record
        if credential is None or client is None or client.disabled or account is None or not account.enabled:
            return INVALID
        if token.revoked_at is not None or credential.generation < token.generation - 1:
            return INVALID
        ends = credential.expires_at
        if (ends is not None and now >= ends) or ((ends := token.expires_at) is not None and now >= ends):
            return INVALID
        if resource not in credential.resources:
            return WRONG_AUDIENCE
        if not token.settings.active:
            return self._paused
        last = token.last_used_at
        return Access(record, last is None or now - last >= self._precision)


def needs_standing(rule: Rule) -> bool:
    """Whether the directory must be asked about a place; user-level actions have no role layer (law 1)."""
    return rule.target in ROLE_TARGETS


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


def refused(
    config: Configuration,
    access: Access,
    rule: Rule,
    standing: Standing | None,
    *,
    place: Place,
    resource: str | None,
) -> Refusal | None:
    """What a client is told; None where the action is allowed. The judgement of `decide`, without the reasons."""
    denied_by = denying_layer(
        config.catalogue,
        rule,
        access.token.settings.cap,
        access.scopes,
        standing,
        application=place[1],
        lower_only=config.profile.lower_only,
    )
    return None if denied_by is None else _told(denied_by, rule, resource)


def refusal(explanation: Explanation, resource: str | None) -> Refusal | None:
    """What a client is told of an explanation; None where the action is allowed."""
    if explanation.denied_by is None:
        return None
    return _told(explanation.denied_by, explanation.rule, resource)


def _told(denied_by: Layer, rule: Rule, resource: str | None) -> Refusal:
    """A scope shortage names the scope.

    What no scope on offer covers, a cap or a membership does not, since no new token could cure it (RS-9).
    """
    if denied_by is not Layer.SCOPE:
        description = "the token's role is too low for this here"
        return Refusal(Layer.ROLE, "role_too_low", 403, "", description, (), resource)
    if not rule.scopes:
        return Refusal(Layer.SCOPE, "closed_to_tokens", 403, "", "no access token may do this", (), resource)
    code, description = "insufficient_scope", "the access token lacks a scope for this"
    return Refusal(Layer.SCOPE, code, 403, code, description, rule.scopes[:1], resource)
