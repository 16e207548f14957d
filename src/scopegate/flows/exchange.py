"""The token endpoint: exchange of a code, and refresh with rotation (TOK, CODE and REF rows)."""

from hashlib import sha256
from typing import Final, TypeAlias

from attrs import evolve, field, frozen

from scopegate.core.changes import (
    AddCredential,
    AdvanceToken,
    AppendEvent,
    Change,
    DropCredential,
    ReviseToken,
    RevokeToken,
)
from scopegate.core.clients import Client
from scopegate.core.credentials import Credential, CredentialKind, Entropy, digest, locate, new_secret
from scopegate.core.events import Event, EventKind
from scopegate.core.lifecycle import ENDED
from scopegate.core.records import TokenRecord
from scopegate.core.standing import Account
from scopegate.core.tokens import RevocationReason, Status, Token, active_clock, status
from scopegate.errors import OAuthError
from scopegate.flows.client_authentication import ClientCredentials, authenticated, credentials
from scopegate.flows.configuration import Configuration, canonical
from scopegate.flows.decision import Decision
from scopegate.flows.engine import GrantRequest, Stage
from scopegate.flows.outcomes import OAuthFailure, TokenOutcome, TokenReply
from scopegate.flows.requests import ClientRequest

CODE: Final = "authorization_code"
REFRESH: Final = "refresh_token"
SENT_AS: Final = {CODE: "code", REFRESH: "refresh_token"}
KINDS: Final = {CODE: CredentialKind.CODE, REFRESH: CredentialKind.REFRESH}
WIRE: Final = {CODE: CredentialKind.CODE.value, REFRESH: CredentialKind.REFRESH.value}
ACCESS: Final = CredentialKind.ACCESS.value
REFRESH_WIRE: Final = CredentialKind.REFRESH.value

# Looked up once, for CPython 3.11 takes as long to find a member of an enumeration as to call a function.
_ACCESS_KIND: Final = CredentialKind.ACCESS
_REFRESH_KIND: Final = CredentialKind.REFRESH
_INACTIVE: Final = Status.INACTIVE
_REVOKED: Final = Status.REVOKED
_ACTIVATED: Final = EventKind.ACTIVATED
_REFRESHED: Final = EventKind.REFRESHED


@frozen(slots=False)
class Presented:
    """A token request made ready: who asks, and which record its secret names.

    ``digest`` is empty when what was sent does not have the form of a secret.
    """

    request: ClientRequest
    grant_type: str
    credentials: ClientCredentials
    token_id: str = ""
    digest: bytes = b""
    secret: str = field(default="", repr=False)


def read(config: Configuration, request: ClientRequest) -> Presented | OAuthFailure:
    """Take a request apart, before anything is read."""
    try:
        given = credentials(request)
        values = request.parameters.values
        grant_type = values.get("grant_type")
        if grant_type is None:
            raise OAuthError("invalid_request", "grant_type is missing")
        if grant_type not in SENT_AS:
            raise OAuthError("unsupported_grant_type", "use authorization_code or refresh_token")
        sent = values.get(SENT_AS[grant_type])
        if sent is None:
            raise OAuthError("invalid_request", f"{SENT_AS[grant_type]} is missing")
    except OAuthError as error:
        return failure(error)
    found = locate(sent)
    if found is None or found[0] != WIRE[grant_type]:
        return Presented(request, grant_type, given)
    kind, token_id, secret = found
    return Presented(request, grant_type, given, token_id, digest(config.realm, kind, secret), secret)


def failure(error: OAuthError) -> OAuthFailure:
    """An error as an answer; 401 carries the challenge of the method that was used, or could have been (CA-5)."""
    basic = error.status == 401  # noqa: PLR2004 - an HTTP status
    return OAuthFailure(error.code, error.description, error.status, basic=basic)


def named_client(presented: Presented, record: TokenRecord | None) -> str | None:
    """The client to read besides the record: the one who asks, where the record is not that client's."""
    asked = presented.credentials.client_id
    known = None if record is None else record.client
    return None if known is not None and known.id == asked else asked


def decide(
    config: Configuration,
    presented: Presented,
    record: TokenRecord | None,
    client: Client | None,
    account: Account | None,
    now: float,
    entropy: Entropy,
) -> Decision[TokenOutcome]:
    """Judge a token request.

    Args:
        config: the server's configuration.
        presented: from `read`.
        record: what the secret names, if anything.
        client: the client that `named_client` names; None where that is the record's.
        account: the account of the token's user, if there is a record.
        now: POSIX seconds.
        entropy: gives random bytes.
    """
    caller = client if client is not None or record is None else record.client
    own = _own(record, presented, caller)
    request = _grant_request(presented, own, authenticated(config, caller, presented.credentials, now))
    redeem = presented.grant_type == CODE
    try:
        if own is not None and request.known_client is not None:
            request.credential_valid = not redeem or _is_usable(config, own, now)
        (config.engine.code if redeem else config.engine.refresh)(request)
        if own is None:  # the engine refused already; this only tells the type checker
            raise OAuthError("invalid_grant")
        step = _redeem if redeem else _refresh
        return step(config, presented, request.scopes, own, account, now, entropy)
    except OAuthError as error:
        changes = _wrong_verifier(config, request, own[0], now) if redeem and own is not None else ()
        return Decision(failure(error), changes)


_Own: TypeAlias = tuple[Token, Credential]
"""A token and its credential that was presented by the client to which they belong."""


def _own(record: TokenRecord | None, presented: Presented, caller: Client | None) -> _Own | None:
    if record is None:
        return None
    token, client, credential, _ = record
    if client is None or caller is None or credential is None:
        return None
    if client.id != presented.credentials.client_id or credential.kind != KINDS[presented.grant_type]:
        return None
    return token, credential


def _grant_request(presented: Presented, own: _Own | None, client: Client | None) -> GrantRequest:
    get = presented.request.parameters.values.get
    scope = get("scope")
    token, credential = own or (None, None)
    return GrantRequest(
        presented.grant_type,
        presented.credentials.client_id,
        get("code_verifier"),
        get("redirect_uri"),
        None if scope is None else " ".join(filter(None, scope.split(" "))),
        client,
        None if credential is None else credential.challenge,
        "" if token is None else token.redirect_uri,
        () if token is None else token.scopes,
    )


def _is_usable(config: Configuration, own: _Own, now: float) -> bool:
    """Whether a code may be judged further: it is alive, or it was redeemed and reuse must be told from a retry."""
    token, credential = own
    if token.settings.verifier_failures >= config.profile.verifier_attempts:
        return False
    if credential.generation < token.generation:
        return True
    return credential.expires_at is None or now < credential.expires_at


def _unended(config: Configuration, token: Token, now: float) -> Status:
    """The status of a grant; one that has ended is refused, and cannot end again (CODE-9, REF-6).

    What merely lapsed is judged on: an old secret that turns up then is a theft all the same.
    """
    found = status(token, now, config.profile.pending_lifetime)
    if found in ENDED and not (found is _REVOKED and token.revoked_at is None):
        raise OAuthError("invalid_grant", "the authorization has ended; start a new one")
    return found


def _require_open(config: Configuration, found: Status, account: Account | None) -> None:
    """Refuse a grant that does not stand now. Reuse is judged before: neither a pause nor the account hides it."""
    if found is _INACTIVE and config.profile.paused == "reject":
        raise OAuthError("invalid_grant", "the authorization is switched off")
    if account is None or not account.enabled:
        raise OAuthError("invalid_grant", "the account is not available")


def _asked_resources(presented: Presented, token: Token) -> tuple[str, ...]:
    """The resources of the access token: those asked for, all that were granted when none is (TOK-8)."""
    asked = presented.request.parameters.resources
    if not asked or asked == token.resources:
        return token.resources
    granted = {canonical(uri): uri for uri in token.resources}
    found = dict.fromkeys(granted.get(canonical(uri), "") for uri in asked)
    if "" in found:
        raise OAuthError("invalid_target", "a resource was not granted")
    return tuple(found)


def _wrong_verifier(
    config: Configuration, request: GrantRequest, token: Token, now: float
) -> tuple[Change, ...]:
    """Count a wrong verifier against a live code; a redeemed one, or anything else, changes nothing (CODE-8)."""
    wrong = request.stage is Stage.CREDENTIAL and request.code_verifier is not None
    found = status(token, now, config.profile.pending_lifetime)
    if not wrong or found is not Status.PENDING:
        return ()
    settings = evolve(token.settings, verifier_failures=token.settings.verifier_failures + 1)
    return (ReviseToken(token.id, token.version, settings),)


def _redeem(
    config: Configuration,
    presented: Presented,
    scopes: list[str] | None,
    own: _Own,
    account: Account | None,
    now: float,
    entropy: Entropy,
) -> Decision[TokenOutcome]:
    token, credential = own
    found = _unended(config, token, now)
    if credential.generation < token.generation:
        return _replayed_code(config, token, now)
    _require_open(config, found, account)
    resources = _asked_resources(presented, token)
    reply, added, lapses_at = _issue(config, token, scopes, resources, now, entropy)
    advance = AdvanceToken(token.id, token.generation, now, None, lapses_at)
    return Decision(TokenReply(reply), (advance, *added, AppendEvent(_event(_ACTIVATED, token, now))))


def _replayed_code(config: Configuration, token: Token, now: float) -> Decision[TokenOutcome]:
    """A redeemed code with the right verifier: refused, and after a moment taken for theft (CODE-7)."""
    refused = failure(OAuthError("invalid_grant", "the code was used already"))
    redeemed_at = token.advanced_at if token.generation == 1 else None
    if redeemed_at is not None and now - redeemed_at < config.profile.replay_tolerance:
        return Decision(refused)
    return Decision(refused, _revoked(token, RevocationReason.CODE_REPLAY, now))


def _revoked(token: Token, reason: RevocationReason, now: float) -> tuple[Change, ...]:
    return (
        RevokeToken(token.id, now, reason.value),
        AppendEvent(_event(EventKind.REUSE_DETECTED, token, now, reason=reason.value)),
        AppendEvent(_event(EventKind.REVOKED, token, now, reason=reason.value)),
    )


def _event(kind: EventKind, token: Token, now: float, **detail: str) -> Event:
    return Event(kind, now, token.user, token.id, token.client_id, detail)


def _fingerprint(presented: Presented) -> bytes:
    """What makes two refresh requests the same one, told again."""
    parameters = presented.request.parameters
    parts = [presented.credentials.client_id, parameters.get("scope") or "", *sorted(parameters.resources)]
    return sha256("\0".join(parts).encode()).digest()


def _refresh(
    config: Configuration,
    presented: Presented,
    scopes: list[str] | None,
    own: _Own,
    account: Account | None,
    now: float,
    entropy: Entropy,
) -> Decision[TokenOutcome]:
    token, credential = own
    found = _unended(config, token, now)
    if credential.generation < token.generation:
        return _reused_refresh(config, presented, own, found, account, now)
    _require_open(config, found, account)
    if credential.expires_at is not None and active_clock(token, now) >= credential.expires_at:
        raise OAuthError("invalid_grant", "the refresh token was not used for too long")
    resources = _asked_resources(presented, token)
    reply, added, lapses_at = _issue(config, token, scopes, resources, now, entropy)
    sealed = None
    if config.profile.retry_window:
        sealed = config.sealer.seal_reply(
            presented.secret,
            _reply_name(config, token, token.generation),
            _fingerprint(presented) + reply,
            entropy,
        )
    advance = AdvanceToken(token.id, token.generation, now, sealed, lapses_at)
    forget, remember = _consumed(config, credential, now)
    refreshed = AppendEvent(_event(_REFRESHED, token, now))
    return Decision(TokenReply(reply), (advance, forget, remember, *added, refreshed))


def _consumed(config: Configuration, credential: Credential, now: float) -> tuple[Change, Change]:
    """From now on a refresh token is only remembered; until it was used, no sweep could free it."""
    kept = Credential(
        credential.token_id,
        credential.kind,
        credential.digest,
        credential.generation,
        credential.created_at,
        credential.expires_at,
        now + config.profile.consumed_memory,
    )
    return DropCredential(credential.token_id, credential.digest), AddCredential(kept)


def _reply_name(config: Configuration, token: Token, generation: int) -> str:
    return f"{config.realm} {token.id} {generation}"


def _reused_refresh(
    config: Configuration,
    presented: Presented,
    own: _Own,
    found: Status,
    account: Account | None,
    now: float,
) -> Decision[TokenOutcome]:
    """A rotated refresh token: the same answer to the same request for a moment, then theft (REF-2, REF-8)."""
    token, credential = own
    within = token.advanced_at is not None and now - token.advanced_at < config.profile.retry_window
    if not within or credential.generation != token.generation - 1 or token.reply is None:
        refused = failure(OAuthError("invalid_grant", "the refresh token was used already"))
        return Decision(refused, _revoked(token, RevocationReason.REFRESH_REUSE, now))
    _require_open(config, found, account)
    opened = config.sealer.open_reply(
        presented.secret, _reply_name(config, token, token.generation - 1), token.reply
    )
    if opened is None or opened[:32] != _fingerprint(presented):
        raise OAuthError("invalid_grant", "the refresh token was used a moment ago by another request")
    return Decision(TokenReply(opened[32:]))


def _issue(
    config: Configuration,
    token: Token,
    scopes: list[str] | None,
    resources: tuple[str, ...],
    now: float,
    entropy: Entropy,
) -> tuple[bytes, list[Change], float | None]:
    """New credentials of the next generation, the response that tells them, and when the last of them ends.

    ``scopes`` are those that the engine granted; None: those of the token.
    """
    expires_at = _access_end(config, token, now)
    granted = token.scopes if scopes is None else tuple(dict.fromkeys(scopes))
    secret = new_secret(entropy)
    access = Credential(
        token.id,
        _ACCESS_KIND,
        digest(config.realm, ACCESS, secret),
        token.generation + 1,
        now,
        expires_at,
        expires_at,
        () if granted == token.scopes or set(granted) == set(token.scopes) else granted,
        resources,
    )
    added: list[Change] = [AddCredential(access)]
    # Secrets, ids and scope names are of alphabets that need no escape in JSON.
    body = f'{{"access_token": "{ACCESS}_{token.id}.{secret}", "token_type": "Bearer", "scope": "{" ".join(granted)}"'
    if expires_at is not None:
        body += f', "expires_in": {int(expires_at - now)}'
    lapses_at = None if expires_at == token.expires_at else expires_at
    if token.refreshable:
        lapses_at = _refresh_end(config, token, now)
        secret = new_secret(entropy)
        added.append(
            AddCredential(
                Credential(
                    token.id,
                    _REFRESH_KIND,
                    digest(config.realm, REFRESH_WIRE, secret),
                    token.generation + 1,
                    now,
                    lapses_at,
                )
            )
        )
        body += f', "refresh_token": "{REFRESH_WIRE}_{token.id}.{secret}"'
    return f"{body}}}".encode(), added, lapses_at


def _access_end(config: Configuration, token: Token, now: float) -> float | None:
    """When a new access token ends: with its own lifetime or with the token, whichever is first."""
    if not token.refreshable and config.profile.endless_access_tokens:
        return token.expires_at
    end = now + config.profile.access_token_lifetime
    return end if token.expires_at is None else min(end, token.expires_at)


def _refresh_end(config: Configuration, token: Token, now: float) -> float | None:
    """When a new refresh token ends if it is not used, on the token's own clock."""
    idle = config.profile.refresh_idle_lifetime
    return None if idle is None else active_clock(token, now) + idle
