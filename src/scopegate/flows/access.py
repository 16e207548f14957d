"""A request at a protected resource: from the ``Authorization`` header to an allowed action (RS rows, laws 1 and 2).

This is the hot path: it builds no frozen object when it says yes, and calls no engine.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import ClassVar, Final, cast

from attrs import evolve, frozen

from scopegate.core.credentials import MAXIMUM_PRESENTED, Credential, CredentialKind
from scopegate.core.permissions import Layer, Place
from scopegate.core.records import TokenRecord
from scopegate.core.scopes import AccessClass
from scopegate.core.standing import Account, Standing
from scopegate.core.tokens import Token
from scopegate.flows.configuration import Configuration

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
        return evolve(self, resource=resource)


class Access:
    """A request that carries a good access token. It lives as long as the request.

    It is made without a constructor, for every request makes one; see `of`.

    Attributes:
        record: the token, its client and the access token that was presented.
        is_stale: whether the token's last-used time is old enough to be written again.
        narrowed: what the access token may do, where that is less than the token.
        asked: the directory's answers so far, remembered for this request and never longer.
    """

    __slots__ = ("asked", "is_stale", "narrowed", "record")

    record: TokenRecord
    is_stale: bool
    narrowed: tuple[str, ...]
    asked: tuple[tuple[Place, Standing], ...]

    @classmethod
    def of(cls, record: TokenRecord) -> "Access":
        """The access that a record with an access token gives."""
        access = cls()
        access.record = record
        access.is_stale = False
        access.narrowed = () if record.credential is None else record.credential.scopes
        access.asked = ()
        return access

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
        return self.narrowed or self.record.token.scopes

    def recalled(self, place: Place) -> Standing | None:
        """What the directory said about a place earlier in this request."""
        return next((standing for known, standing in self.asked if known == place), None)

    def remember(self, place: Place, standing: Standing) -> None:
        """Keep what the directory said, for this request."""
        self.asked = (*self.asked, (place, standing))


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
    Layer.STATUS, "invalid_token", 401, "invalid_token", "the access token is not valid"
)


class Gate:
    """The judgement of requests at a protected resource, made ready once for a server.

    `locate` comes before the record is read, `judge` after it. What the request wants to do is then for the evaluator,
    and `refused` says what the client is told.

    Args:
        config: the server's configuration.
        resource: the URI of the resource, as configured.

    Attributes:
        changes: whether the action of a name changes something.
        invalid: the refusal of what is no good access token.
    """

    __slots__ = (
        "_config",
        "_elsewhere",
        "_nothing",
        "_paused",
        "_precision",
        "_prefix",
        "changes",
        "invalid",
        "resource",
    )

    def __init__(self, config: Configuration, resource: str) -> None:
        self._config = config
        self.resource = resource
        self._prefix = config.access_prefix
        self._precision = config.profile.last_used_precision
        self._nothing = NO_CREDENTIALS.at(resource)
        self._elsewhere = WRONG_AUDIENCE.at(resource)
        self._paused = (PAUSED if config.profile.paused == "forbid" else PAUSED_STRICTLY).at(resource)
        self.invalid: Final = INVALID.at(resource)
        rules = config.catalogue.rules
        changing = frozenset(name for name in rules if rules[name].action.access is not AccessClass.READ)
        self.changes: Final[Callable[[object], bool]] = changing.__contains__

    def locate(self, authorization: str | None) -> tuple[str, bytes] | None:
        """The token that a header names and the digest of its secret (RS-1); None: see `unlocated`."""
        if authorization is None:
            return None
        presented = authorization.removeprefix(USUAL)
        if presented == authorization:
            scheme, _, rest = authorization.partition(" ")
            kind, _, presented = rest.strip(" ").partition("_")
            if scheme.lower() != "bearer" or kind != ACCESS:
                return None
        token_id, _, secret = presented.partition(".")
        if not 0 < len(secret) <= MAXIMUM_PRESENTED:
            return None
        try:
            return token_id, sha256((self._prefix + secret).encode()).digest()
        except UnicodeEncodeError:  # a lone surrogate is no secret of ours
            return None

    def unlocated(self, authorization: str | None) -> Refusal:
        """The refusal of a header that names no access token of ours; without a bearer there is no error (RS-4)."""
        is_bearer = authorization is not None and authorization.partition(" ")[0].lower() == "bearer"
        return self.invalid if is_bearer else self._nothing

    def is_news(self, granted: Access, now: float) -> bool:
        """Whether a change through a token is worth noting: none was for a while (POSIX seconds)."""
        last = granted.record[0].last_wrote_at
        return last is None or now - last >= self._precision

    def judge(self, record: TokenRecord, account: Account | None, now: float) -> Access | Refusal:
        """Judge what was located, in the order of law 2.

        Args:
            record: what the secret names; its digest says that it is an access token's.
            account: the account of the token's user.
            now: POSIX seconds.
        """
        token, _, credential, good_until = record
        if now >= good_until or credential is None or account is None or not account.enabled:
            return self.invalid
        if self.resource not in credential.resources:
            return self._elsewhere
        if not token.settings.active:
            return self._paused
        access = Access()
        access.record = record
        access.narrowed = credential.scopes
        last = token.last_used_at
        access.is_stale = last is None or now - last >= self._precision
        access.asked = ()
        return access

    def refused(self, access: Access, actions: Sequence[str]) -> Refusal:
        """What a client is told of an operation of these actions that is not allowed; see `refused`."""
        return refused(self._config, access, actions, self.resource)


def gates(config: Configuration) -> dict[str | None, Gate]:
    """The gate of each resource, by its URI; the first one also for None."""
    made: dict[str | None, Gate] = {known.uri: Gate(config, known.uri) for known in config.resources}
    made[None] = made[config.resources[0].uri]
    return made


def shortage(config: Configuration, access: Access, actions: Sequence[str], resource: str) -> Refusal | None:
    """What a client is told if its scopes do not cover an operation of these actions, wherever it would happen.

    It names every scope that the operation needs (RS-6). If there is none that the client could get, it names none,
    since no new token could cure it.
    """
    rules = [config.catalogue.rule(action) for action in actions]
    mask = config.catalogue.mask(access.scopes)
    if all(mask & rule.mask for rule in rules):
        return None
    client = access.record.client
    own = None if client is None or client.scopes is None else config.catalogue.current(client.scopes)
    needed = config.catalogue.needed(rules, own)
    if needed is None:
        return Refusal(Layer.SCOPE, "closed_to_tokens", 403, "", "no access token may do this", (), resource)
    code, description = "insufficient_scope", "the access token lacks a scope for this"
    return Refusal(Layer.SCOPE, code, 403, code, description, needed, resource)


def refused(config: Configuration, access: Access, actions: Sequence[str], resource: str) -> Refusal:
    """What a client is told of an operation that is not allowed.

    A cap, a ceiling and a membership name no scope, since no new token could cure them (RS-9), and are not told apart:
    a place that the token cannot see must look like one that is not there.
    """
    description = "the token's role is too low for this here"
    return shortage(config, access, actions, resource) or Refusal(
        Layer.ROLE, "role_too_low", 403, "", description, (), resource
    )
