"""Revocation (RFC 7009): a client gives back what it holds; the user's token stays in sight as disconnected."""

from typing import Final

from attrs import frozen

from scopegate.core.changes import AppendEvent, Change, DropCredential, RevokeToken
from scopegate.core.clients import Client
from scopegate.core.credentials import CredentialKind, digest, locate
from scopegate.core.events import Event, EventKind
from scopegate.core.lifecycle import ENDED
from scopegate.core.records import TokenRecord
from scopegate.core.tokens import RevocationReason, status
from scopegate.errors import OAuthError
from scopegate.flows.client_authentication import ClientCredentials, authenticated, credentials
from scopegate.flows.configuration import Configuration
from scopegate.flows.decision import Decision
from scopegate.flows.engine import RevocationCheck
from scopegate.flows.exchange import failure
from scopegate.flows.outcomes import Done, OAuthFailure, RevokeOutcome
from scopegate.flows.requests import ClientRequest

REVOCABLE: Final = frozenset({CredentialKind.ACCESS.value, CredentialKind.REFRESH.value})


@frozen
class Presented:
    """A revocation request made ready; ``digest`` is empty when what was sent does not have the form of a secret."""

    request: ClientRequest
    credentials: ClientCredentials
    token_id: str = ""
    digest: bytes = b""


def read(config: Configuration, request: ClientRequest) -> Presented | OAuthFailure:
    """Take a request apart, before anything is read."""
    try:
        given = credentials(request)
        sent = request.parameters.get("token")
        if sent is None:
            raise OAuthError("invalid_request", "token is missing")
    except OAuthError as error:
        return failure(error)
    found = locate(sent)
    if found is None or found[0] not in REVOCABLE:
        return Presented(request, given)
    return Presented(request, given, found[1], digest(config.realm, found[0], found[2]))


def named_client(presented: Presented, record: TokenRecord | None) -> str | None:
    """The client to read besides the record: the one who asks, where the record is not that client's."""
    if (
        record is not None
        and record.client is not None
        and record.client.id == presented.credentials.client_id
    ):
        return None
    return presented.credentials.client_id


def decide(
    config: Configuration,
    presented: Presented,
    *,
    record: TokenRecord | None,
    client: Client | None,
    now: float,
) -> Decision[RevokeOutcome]:
    """Judge a revocation request; unknown and foreign secrets are answered like revoked ones (REV-1, REV-2)."""
    caller = client or (record.client if record is not None else None)
    check = RevocationCheck(
        client_id=presented.credentials.client_id,
        token="token",
        token_type_hint=None,
        known_client=authenticated(config, caller, presented.credentials, now),
    )
    try:
        config.engine.revocation(check)
    except OAuthError as error:
        return Decision(failure(error))
    if (
        record is None
        or record.credential is None
        or record.token.client_id != presented.credentials.client_id
    ):
        return Decision(Done())
    if status(record.token, now, config.profile.pending_lifetime) in ENDED:
        return Decision(Done())
    return Decision(Done(), _changes(record, record.credential.kind, record.credential.digest, now))


def _changes(
    record: TokenRecord, kind: CredentialKind, secret_digest: bytes, now: float
) -> tuple[Change, ...]:
    token = record.token
    reason = RevocationReason.CLIENT.value
    event = AppendEvent(
        Event(
            kind=EventKind.REVOKED,
            at=now,
            user=token.user,
            token_id=token.id,
            client_id=token.client_id,
            detail={"reason": reason, "what": "access token" if kind is CredentialKind.ACCESS else "token"},
        )
    )
    if kind is CredentialKind.ACCESS and token.refreshable:
        return (DropCredential(token.id, secret_digest), event)
    return (RevokeToken(token.id, now, reason), event)
