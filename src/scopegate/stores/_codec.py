"""Values to rows and back, for stores that keep columns and documents. Pure.

A column exists for what a guard, a join, an index or a single kind of change needs; the rest of a value is
one JSON document in ASCII, so that any database can keep it. A key of a document that this release does not
know was written by a newer one and survives when this release writes the document again. A key that is absent
has the value it had when there was no such key; that value is written here and nowhere else.
"""

from collections.abc import ItemsView, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from json import JSONDecodeError, JSONDecoder
from json.encoder import JSONEncoder
from typing import Any, Final, TypeAlias

from scopegate.core.caps import ApplicationCap, RoleCap
from scopegate.core.clients import AuthMethod, Client, ClientSecret, Origin
from scopegate.core.credentials import Credential, CredentialKind
from scopegate.core.events import Event, EventKind
from scopegate.core.tokens import Settings, Token
from scopegate.errors import StoreUnavailableError

Cell: TypeAlias = str | float | bytes | None
Row: TypeAlias = Sequence[Any]
_Document: TypeAlias = dict[str, Any]

TOKEN_CELLS: Final = 15
CLIENT_CELLS: Final = 4
CREDENTIAL_CELLS: Final = 8
_VERSION: Final = "v"
_OLD_SECRETS: Final = "secret_digests"
_TOKEN: Final[_Document] = {
    "redirect_uri": "",
    "scopes": [],
    "resources": [],
    "expires_at": None,
    "refreshable": True,
    "catalogue": "",
    "code_salt": "",
}
_SETTINGS: Final[_Document] = {
    "name": "",
    "description": "",
    "active": True,
    "paused_at": None,
    "paused_for": 0.0,
    "verifier_failures": 0,
    "updated_at": None,
    "cuts": [],
}
_CAP: Final[_Document] = {
    "default": "",
    "organizations": {},
    "sandbox": None,
    "applications": {},
    "known": None,
}
_SECRET: Final[_Document] = {"digest": "", "created_at": 0.0, "expires_at": None}
_APPLICATION: Final[_Document] = {"role": "", "organization": None}
_CREDENTIAL: Final[_Document] = {"scopes": [], "resources": [], "challenge": None}
_CLIENT: Final[_Document] = {
    "name": "",
    "redirect_uris": [],
    "origin": "self_registered",
    "auth_method": "none",
    "secrets": [],
    "grant_types": ["authorization_code", "refresh_token"],
    "scopes": None,
    "application_type": "native",
    "homepage": "",
    "terms": "",
    "privacy": "",
    "logo": "",
    "created_at": 0.0,
    "disabled": False,
}
_DAMAGE: Final = (KeyError, TypeError, ValueError, AttributeError, JSONDecodeError)
_encode: Final = JSONEncoder(separators=(",", ":"), check_circular=False).encode
_decode: Final = JSONDecoder().raw_decode


def token_row(token: Token) -> tuple[Cell, ...]:
    """The cells of a token.

    They are id, user, client_id, created_at, document, settings, version, generation, advanced_at, reply,
    revoked_at, revoked_reason, last_used_at, last_wrote_at and lapses_at.
    """
    document = {
        "redirect_uri": token.redirect_uri,
        "scopes": list(token.scopes),
        "resources": list(token.resources),
        "expires_at": token.expires_at,
        "refreshable": token.refreshable,
        "catalogue": token.catalogue,
        "code_salt": token.code_salt,
    }
    return (
        token.id,
        token.user,
        token.client_id,
        token.created_at,
        _encode(_written(document, _TOKEN, {_VERSION: 1} | _unknown(token.unknown, _TOKEN.keys()))),
        settings_document(token.settings),
        token.version,
        token.generation,
        token.advanced_at,
        token.reply,
        token.revoked_at,
        token.revoked_reason,
        token.last_used_at,
        token.last_wrote_at,
        token.lapses_at,
    )


def token(row: Row) -> Token:
    """The token of such cells as `token_row` gives.

    Raises:
        StoreUnavailableError: the row is damaged.
    """
    try:
        return _token(row)
    except _DAMAGE:
        raise _damaged("token") from None


def listed_token(row: Row) -> Token:
    """`token`, for those that are read again and again: the same row gives the same frozen value.

    Raises:
        StoreUnavailableError: the row is damaged.
    """
    try:
        return _listed(tuple(row))
    except _DAMAGE:
        raise _damaged("token") from None


def settings_document(settings: Settings, before: str | None = None) -> str:
    """The document of settings. ``before``: the document it replaces, whose unknown keys it keeps."""
    old = {} if before is None else _loaded(before)
    values = {
        "name": settings.name,
        "description": settings.description,
        "active": settings.active,
        "paused_at": settings.paused_at,
        "paused_for": settings.paused_for,
        "verifier_failures": settings.verifier_failures,
        "updated_at": settings.updated_at,
        "cuts": sorted(settings.cuts),
    }
    unknown = _unknown(old, _SETTINGS.keys() | {"cap"})
    return _encode(
        {_VERSION: 1} | _written(values, _SETTINGS, unknown) | {"cap": _cap(settings.cap, old.get("cap", {}))}
    )


@lru_cache(maxsize=1024)
def settings(document: str) -> Settings:
    """The settings of a document; the same one gives the same frozen value, which many tokens have in common."""
    known = _SETTINGS | _loaded(document)
    return Settings(
        name=known["name"],
        cap=_read_cap(known["cap"]),
        description=known["description"],
        active=known["active"],
        paused_at=known["paused_at"],
        paused_for=known["paused_for"],
        verifier_failures=known["verifier_failures"],
        updated_at=known["updated_at"],
        cuts=frozenset(known["cuts"]),
    )


def credential_row(credential: Credential) -> tuple[Cell, ...]:
    """The cells of a credential.

    They are token_id, digest, kind, generation, created_at, expires_at, keep_until and document.
    """
    return (
        credential.token_id,
        credential.digest,
        credential.kind.value,
        credential.generation,
        credential.created_at,
        credential.expires_at,
        credential.keep_until,
        _grant(credential.scopes, credential.resources, credential.challenge),
    )


@lru_cache(maxsize=1024)
def _grant(scopes: Sequence[str], resources: Sequence[str], challenge: str | None) -> str | None:
    """The document of a credential, which many have in common."""
    document = {"scopes": list(scopes), "resources": list(resources), "challenge": challenge}
    written = _written(document, _CREDENTIAL, {})
    return _encode({_VERSION: 1} | written) if written else None


def credential(row: Row) -> Credential:
    """The credential of such cells as `credential_row` gives.

    Raises:
        StoreUnavailableError: the row is damaged, or of a kind that only a newer release knows.
    """
    try:
        return _credential(row)
    except _DAMAGE:
        raise _damaged("credential") from None


def client_row(client: Client, before: str | None = None) -> tuple[Cell, ...]:
    """The cells of a client: id, owner, version, document.

    ``before`` is the document it replaces, whose unknown keys it keeps.
    """
    values = {
        "name": client.name,
        "redirect_uris": list(client.redirect_uris),
        "origin": client.origin.value,
        "auth_method": client.auth_method.value,
        "secrets": [
            _written(
                {"digest": kept.digest.hex(), "created_at": kept.created_at, "expires_at": kept.expires_at},
                _SECRET,
                {},
            )
            for kept in client.secrets
        ],
        "grant_types": list(client.grant_types),
        "scopes": None if client.scopes is None else list(client.scopes),
        "application_type": client.application_type,
        "homepage": client.homepage,
        "terms": client.terms,
        "privacy": client.privacy,
        "logo": client.logo,
        "created_at": client.created_at,
        "disabled": client.disabled,
    }
    unknown = {} if before is None else _unknown(_loaded(before), _CLIENT.keys() | {_OLD_SECRETS})
    return (
        client.id,
        client.owner,
        client.version,
        _encode({_VERSION: 1} | _written(values, _CLIENT, unknown)),
    )


def client(row: Row) -> Client:
    """The client of such cells as `client_row` gives.

    Raises:
        StoreUnavailableError: the row is damaged, or uses what only a newer release knows.
    """
    try:
        return _client(*row)
    except _DAMAGE:
        raise _damaged("client") from None


def event_row(event: Event) -> tuple[Cell, ...]:
    """The cells of an event: kind, at, user, token_id, client_id, detail."""
    detail = _encode(dict(event.detail)) if event.detail else None
    return event.kind.value, event.at, event.user, event.token_id, event.client_id, detail


def event(row: Row) -> Event | None:
    """The event of such cells as `event_row` gives; None if only a newer release knows its kind.

    Raises:
        StoreUnavailableError: the row is damaged.
    """
    kind, at, user, token_id, client_id, detail = row
    known = _EVENT_KINDS.get(kind)
    if known is None:
        return None
    try:
        return Event(
            kind=known,
            at=at,
            user=user,
            token_id=token_id,
            client_id=client_id,
            detail={} if detail is None else _loaded(detail),
        )
    except _DAMAGE:
        raise _damaged("event") from None


_EVENT_KINDS: Final = {kind.value: kind for kind in EventKind}


def _token(row: Row) -> Token:
    id_, user, client_id, created_at, document, own, version, generation, advanced_at, reply, *rest = row
    revoked_at, revoked_reason, last_used_at, last_wrote_at, lapses_at = rest
    consented = _TOKEN | _loaded(document)
    return Token(
        id=id_,
        user=user,
        client_id=client_id,
        redirect_uri=consented["redirect_uri"],
        scopes=tuple(consented["scopes"]),
        resources=tuple(consented["resources"]),
        created_at=created_at,
        settings=settings(own),
        expires_at=consented["expires_at"],
        refreshable=consented["refreshable"],
        catalogue=consented["catalogue"],
        code_salt=consented["code_salt"],
        version=version,
        generation=generation,
        advanced_at=advanced_at,
        reply=reply,
        revoked_at=revoked_at,
        revoked_reason=revoked_reason,
        last_used_at=last_used_at,
        last_wrote_at=last_wrote_at,
        lapses_at=lapses_at,
        unknown=_newer(consented),
    )


_listed: Final = lru_cache(maxsize=1024)(_token)


def _newer(consented: _Document) -> _Document:
    """What the document of a token says beyond what this release knows; its version if that is another."""
    if consented.get(_VERSION) != 1:
        return _unknown(consented, _TOKEN.keys())
    if len(consented) == len(_TOKEN) + 1:
        return {}
    return _unknown(consented, _TOKEN.keys() | {_VERSION})


def _credential(row: Row) -> Credential:
    token_id, digest, kind, generation, created_at, expires_at, keep_until, document = row
    scopes, resources, challenge = _granted(document)
    return Credential(
        token_id=token_id,
        kind=_CREDENTIAL_KINDS[kind],
        digest=digest,
        generation=generation,
        created_at=created_at,
        expires_at=expires_at,
        keep_until=keep_until,
        scopes=scopes,
        resources=resources,
        challenge=challenge,
    )


_CREDENTIAL_KINDS: Final = {kind.value: kind for kind in CredentialKind}


@lru_cache(maxsize=1024)
def _granted(document: str | None) -> tuple[tuple[str, ...], tuple[str, ...], str | None]:
    """What the document of a credential says, which many have in common: scopes, resources and challenge."""
    known = _CREDENTIAL if document is None else _CREDENTIAL | _loaded(document)
    return tuple(known["scopes"]), tuple(known["resources"]), known["challenge"]


@lru_cache(maxsize=1024)
def _client(id_: str, owner: str | None, version: int, document: str) -> Client:
    """The same row gives the same frozen value, which the records of its tokens share."""
    known = _CLIENT | _loaded(document)
    scopes = known["scopes"]
    secrets = known["secrets"] or [{"digest": digest} for digest in known.get(_OLD_SECRETS, ())]
    return Client(
        id=id_,
        name=known["name"],
        redirect_uris=tuple(known["redirect_uris"]),
        origin=Origin(known["origin"]),
        auth_method=AuthMethod(known["auth_method"]),
        secrets=tuple(_client_secret(_SECRET | kept) for kept in secrets),
        grant_types=tuple(known["grant_types"]),
        scopes=None if scopes is None else tuple(scopes),
        application_type=known["application_type"],
        homepage=known["homepage"],
        terms=known["terms"],
        privacy=known["privacy"],
        logo=known["logo"],
        owner=owner,
        created_at=known["created_at"],
        disabled=known["disabled"],
        version=version,
    )


def _client_secret(known: _Document) -> ClientSecret:
    return ClientSecret(bytes.fromhex(known["digest"]), known["created_at"], known["expires_at"])


def _cap(cap: RoleCap, before: _Document) -> _Document:
    old = before.get("applications", {})
    applications = {
        id_: _written(
            {"role": own.role, "organization": own.organization},
            _APPLICATION,
            _unknown(old.get(id_, {}), _APPLICATION.keys()),
        )
        for id_, own in cap.applications.items()
    }
    values = {
        "default": cap.default,
        "organizations": dict(cap.organizations),
        "sandbox": cap.sandbox,
        "applications": applications,
        "known": None if cap.known is None else sorted(cap.known),
    }
    return _written(values, _CAP, _unknown(before, _CAP.keys()))


def _read_cap(document: _Document) -> RoleCap:
    known = _CAP | document
    applications = {
        id_: ApplicationCap(own.get("role", ""), own.get("organization"))
        for id_, own in _documents(known["applications"])
    }
    return RoleCap(known["default"], known["organizations"], known["sandbox"], applications, known["known"])


def _written(values: _Document, absent: Mapping[str, object], unknown: _Document) -> _Document:
    """A document: the unknown keys, and the values that differ from what an absent key means."""
    return unknown | {key: value for key, value in values.items() if value != absent[key]}


def _unknown(document: Mapping[str, Any], known: AbstractSet[str]) -> _Document:
    return {key: value for key, value in document.items() if key not in known}


def _documents(values: Mapping[str, _Document]) -> ItemsView[str, _Document]:
    return values.items()


def _loaded(document: str) -> _Document:
    written = document.strip()
    loaded: tuple[_Document, int] = _decode(written)
    if loaded[1] != len(written):
        raise JSONDecodeError("it goes on after its end", written, loaded[1])
    return loaded[0]


def _damaged(what: str) -> StoreUnavailableError:
    return StoreUnavailableError(
        f"a stored {what} cannot be read: it is damaged, or it was written by a newer release than this one"
    )
