"""Rows as bytes: small, and nothing that a garbage collector has to look into. They never leave the process."""

import marshal
import pickle
from typing import Any, Final

from scopegate.core.caps import ApplicationCap, RoleCap
from scopegate.core.credentials import Credential, CredentialKind
from scopegate.core.events import Event, EventKind
from scopegate.core.tokens import Settings, Token

_PICKLED: Final = pickle.dumps(None, protocol=5)[:1]


class Row:
    """A token and the credentials of its last generations, by digest."""

    __slots__ = ("recent", "token")

    def __init__(self, token: Token) -> None:
        self.token = token
        self.recent: dict[bytes, Credential] = {}


def packed(row: Row) -> bytes:
    """A row as bytes."""
    credentials = tuple(_credential_cells(credential) for credential in row.recent.values())
    return _dumped((_token_cells(row.token), credentials))


def unpacked(data: bytes) -> Row:
    """The row that `packed` was given."""
    token, credentials = _loaded(data)
    row = Row(_token(token))
    for cells in credentials:
        row.recent[cells[1]] = _credential(row.token.id, cells)
    return row


def packed_credential(credential: Credential) -> bytes:
    """A credential as bytes, without its token."""
    return _dumped(_credential_cells(credential))


def unpacked_credential(token_id: str, data: bytes) -> Credential:
    """The credential that `packed_credential` was given."""
    return _credential(token_id, _loaded(data))


def packed_event(event: Event) -> bytes:
    """An event as bytes."""
    return _dumped(
        (event.kind.value, event.at, event.user, event.token_id, event.client_id, dict(event.detail))
    )


def unpacked_event(data: bytes) -> Event:
    """The event that `packed_event` was given."""
    kind, *rest = _loaded(data)
    return Event(EventKind(kind), *rest)


def _dumped(value: tuple[Any, ...]) -> bytes:
    try:
        return marshal.dumps(value)
    except ValueError:  # A value of a class derived from a plain one.
        return pickle.dumps(value, protocol=5)


def _loaded(data: bytes) -> Any:  # noqa: ANN401 - what was dumped
    return pickle.loads(data) if data[:1] == _PICKLED else marshal.loads(data)  # noqa: S301, S302 - our own bytes


def _token_cells(token: Token) -> tuple[object, ...]:
    return (
        token.id,
        token.user,
        token.client_id,
        token.redirect_uri,
        token.scopes,
        token.resources,
        token.created_at,
        _settings_cells(token.settings),
        token.expires_at,
        token.refreshable,
        token.catalogue,
        token.code_salt,
        token.version,
        token.generation,
        token.advanced_at,
        token.reply,
        token.revoked_at,
        None if token.revoked_reason is None else str(token.revoked_reason),
        token.last_used_at,
        token.last_wrote_at,
        token.lapses_at,
        dict(token.unknown) or None,
    )


def _token(cells: tuple[Any, ...]) -> Token:
    build: Any = Token
    unknown: dict[str, object] = {} if cells[-1] is None else cells[-1]
    token: Token = build(*cells[:7], _settings(cells[7]), *cells[8:-1], unknown)
    return token


def _settings_cells(settings: Settings) -> tuple[object, ...]:
    cap = settings.cap
    applications = tuple((id_, own.role, own.organization) for id_, own in cap.applications.items())
    return (
        settings.name,
        (cap.default, dict(cap.organizations), cap.sandbox, applications, cap.known),
        settings.description,
        settings.active,
        settings.paused_at,
        settings.paused_for,
        settings.verifier_failures,
        settings.updated_at,
        settings.cuts,
    )


def _settings(cells: tuple[Any, ...]) -> Settings:
    name, (default, organizations, sandbox, applications, known), *rest = cells
    own = {id_: ApplicationCap(role, organization) for id_, role, organization in applications}
    description, active, paused_at, paused_for, verifier_failures, updated_at, cuts = rest
    return Settings(
        name=name,
        cap=RoleCap(default, organizations, sandbox, own, known),
        description=description,
        active=active,
        paused_at=paused_at,
        paused_for=paused_for,
        verifier_failures=verifier_failures,
        updated_at=updated_at,
        cuts=cuts,
    )


def _credential_cells(credential: Credential) -> tuple[object, ...]:
    return (
        credential.kind.value,
        credential.digest,
        credential.generation,
        credential.created_at,
        credential.expires_at,
        credential.keep_until,
        credential.scopes,
        credential.resources,
        credential.challenge,
    )


def _credential(token_id: str, cells: tuple[Any, ...]) -> Credential:
    kind, *rest = cells
    return Credential(token_id, CredentialKind(kind), *rest)
