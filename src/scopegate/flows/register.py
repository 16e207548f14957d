"""Registration of clients: by themselves (RFC 7591, the DCR rows) and by the operator."""

import hmac
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final, cast
from urllib.parse import urlsplit

from attrs import evolve, field, frozen

from scopegate.core.changes import AppendEvent, PutClient
from scopegate.core.clients import AuthMethod, Client, Origin
from scopegate.core.credentials import Entropy, new_id
from scopegate.core.events import Event, EventKind
from scopegate.core.redirects import is_loopback, validate_redirect_uri
from scopegate.errors import InvalidValueError
from scopegate.flows.clients import fresh_secret
from scopegate.flows.configuration import Configuration
from scopegate.flows.decision import Decision
from scopegate.flows.outcomes import OAuthFailure, Registered, RegisterOutcome

GRANT_TYPES: Final = ("authorization_code", "refresh_token")
MAXIMUM_NAME: Final = 255
MAXIMUM_TEXT: Final = 2048
MAXIMUM_REDIRECT_URIS: Final = 25


@frozen
class RegistrationRequest:
    """What a client sends to register.

    Args:
        document: the JSON body, parsed; None when it is not JSON.
        authorization: the ``Authorization`` header, if there was one.
    """

    document: object
    authorization: str | None = field(default=None, repr=False)


class _MetadataError(Exception):
    """A member is not acceptable; becomes an answer."""

    def __init__(self, description: str, code: str = "invalid_client_metadata") -> None:
        super().__init__(description)
        self.code = code
        self.description = description


def decide(
    config: Configuration, request: RegistrationRequest, *, now: float, entropy: Entropy
) -> Decision[RegisterOutcome]:
    """Register a client as it asks, or say what is wrong (DCR-1 to DCR-8)."""
    if not _is_admitted(config, request.authorization):
        return Decision(OAuthFailure("invalid_token", "registration needs an initial access token", 401))
    document = request.document
    if not isinstance(document, dict):
        return Decision(
            OAuthFailure("invalid_client_metadata", "send a JSON object, without repeated members")
        )
    try:
        client = _client(config, cast("dict[str, object]", document), new_id(entropy), now)
    except _MetadataError as error:
        return Decision(OAuthFailure(error.code, error.description))
    return _registration(config, client, now=now, entropy=entropy)


def register(  # noqa: PLR0913 - one argument per thing the operator decides, all named
    config: Configuration,
    *,
    name: str,
    redirect_uris: Sequence[str],
    auth_method: AuthMethod | None,
    scopes: Sequence[str] | None,
    homepage: str,
    owner: str | None,
    now: float,
    entropy: Entropy,
) -> Decision[Registered]:
    """Register a client for the operator, or for the user who will own it: a private client keeps a secret.

    Raises:
        InvalidValueError: names the argument that is not acceptable.
    """
    if owner == "":
        raise InvalidValueError("owner", "name a user, or leave it out: without one it is the operator's")
    method = auth_method or (AuthMethod.NONE if owner is None else AuthMethod.BASIC)
    if owner is not None and method is AuthMethod.NONE:
        raise InvalidValueError(
            "auth_method", "a user's own client keeps a secret: leave it out, or name another"
        )
    document: dict[str, object] = {
        "client_name": name,
        "redirect_uris": list(redirect_uris),
        "token_endpoint_auth_method": method.value,
        "client_uri": homepage,
    }
    limit = None if scopes is None else tuple(_offered(config, scopes))
    try:
        client = evolve(
            _client(config, document, new_id(entropy), now),
            origin=Origin.REGISTERED,
            scopes=limit,
            owner=owner,
        )
    except _MetadataError as error:
        raise InvalidValueError(_argument(error), error.description) from None
    return _registration(config, client, now=now, entropy=entropy)


def _offered(config: Configuration, scopes: Sequence[str]) -> Sequence[str]:
    """The scopes themselves; a limit that names nothing, or something else, would be no limit."""
    unknown = [scope for scope in scopes if scope not in config.catalogue.offered]
    if unknown or not scopes:
        offered = ", ".join(config.catalogue.scopes)
        raise InvalidValueError(
            "scopes", f"{unknown or 'none'}: name some of {offered}; None means any of them"
        )
    return scopes


def _argument(error: _MetadataError) -> str:
    """The operator's name for what is wrong."""
    if error.code == "invalid_redirect_uri":
        return "redirect_uris"
    return "homepage" if error.description.startswith("client_uri") else "name"


def _registration(
    config: Configuration, client: Client, *, now: float, entropy: Entropy
) -> Decision[Registered]:
    answer = _echo(client)
    if client.auth_method is not AuthMethod.NONE:
        secret, kept = fresh_secret(config, now=now, entropy=entropy)
        client = evolve(client, secrets=(kept,))
        answer |= {"client_secret": secret, "client_secret_expires_at": 0}
    told = {"origin": client.origin.value}
    event = Event(EventKind.CLIENT_REGISTERED, now, client.owner or "", client_id=client.id, detail=told)
    return Decision(Registered(client, answer), (PutClient(client, 0), AppendEvent(event)))


def _is_admitted(config: Configuration, authorization: str | None) -> bool:
    if not config.initial_access_tokens:
        return True
    scheme, _, token = (authorization or "").partition(" ")
    presented = token.strip().encode()
    matches = [hmac.compare_digest(presented, known.encode()) for known in config.initial_access_tokens]
    return scheme.lower() == "bearer" and any(matches)


def _client(config: Configuration, document: Mapping[str, object], client_id: str, now: float) -> Client:
    method = _text(document, "token_endpoint_auth_method") or AuthMethod.BASIC.value
    if method not in set(AuthMethod):
        raise _MetadataError(
            "token_endpoint_auth_method must be none, client_secret_basic or client_secret_post"
        )
    if document.get("jwks") is not None and document.get("jwks_uri") is not None:
        raise _MetadataError("send jwks or jwks_uri, not both")
    if document.get("software_statement") is not None:
        raise _MetadataError("software statements are not accepted", "unapproved_software_statement")
    redirect_uris = _redirect_uris(config, document)
    return Client(
        id=client_id,
        name=_name(document, redirect_uris),
        redirect_uris=redirect_uris,
        auth_method=AuthMethod(method),
        grant_types=_grant_types(document),
        # A limit that a client sets itself protects nobody, and SDKs register with the scopes of their first request:
        # held to them, they could never ask for more when a challenge tells them to. RFC 7591 section 3.2.1 allows it.
        scopes=None,
        application_type=_application_type(document, redirect_uris),
        homepage=_address(document, "client_uri"),
        terms=_address(document, "tos_uri"),
        privacy=_address(document, "policy_uri"),
        logo=_address(document, "logo_uri"),
        created_at=now,
    )


def _text(document: Mapping[str, object], member: str) -> str:
    value = document.get(member)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > MAXIMUM_TEXT:
        raise _MetadataError(f"{member} must be text of at most {MAXIMUM_TEXT} characters")
    return value


def _texts(document: Mapping[str, object], member: str) -> tuple[str, ...] | None:
    value = document.get(member)
    if value is None:
        return None
    if not isinstance(value, list):
        raise _MetadataError(f"{member} must be an array of text")
    items = cast("list[object]", value)
    texts = [item for item in items if isinstance(item, str)]
    if len(texts) < len(items):
        raise _MetadataError(f"{member} must be an array of text")
    return tuple(dict.fromkeys(texts))


def clean(text: str) -> str:
    """A client's text on one line, without control, format and bidirectional characters (CLI-4)."""
    kept = (" " if unicodedata.category(char) in {"Zl", "Zp", "Cc"} else char for char in text)
    visible = "".join(char for char in kept if unicodedata.category(char) not in {"Cf", "Cs", "Co", "Cn"})
    return " ".join(unicodedata.normalize("NFC", visible).split())


def _name(document: Mapping[str, object], redirect_uris: tuple[str, ...]) -> str:
    name = clean(_text(document, "client_name"))
    if len(name) > MAXIMUM_NAME:
        raise _MetadataError(f"client_name must be at most {MAXIMUM_NAME} characters")
    return name or urlsplit(redirect_uris[0]).hostname or "Unnamed application"


def _redirect_uris(config: Configuration, document: Mapping[str, object]) -> tuple[str, ...]:
    try:
        uris = _texts(document, "redirect_uris") or ()
    except _MetadataError as error:
        raise _MetadataError(error.description, "invalid_redirect_uri") from None
    if not 1 <= len(uris) <= MAXIMUM_REDIRECT_URIS:
        raise _MetadataError(
            f"redirect_uris must hold 1 to {MAXIMUM_REDIRECT_URIS} URIs", "invalid_redirect_uri"
        )
    try:
        return tuple(validate_redirect_uri(uri, private_schemes=config.private_schemes) for uri in uris)
    except InvalidValueError as error:
        raise _MetadataError(error.problem, "invalid_redirect_uri") from None


def _grant_types(document: Mapping[str, object]) -> tuple[str, ...]:
    """The grants asked for; a registration that names none gets refresh tokens too, and is told so."""
    asked = _texts(document, "grant_types") or GRANT_TYPES
    known = tuple(name for name in GRANT_TYPES if name in asked)
    response_types = _texts(document, "response_types") or ("code",)
    if GRANT_TYPES[0] not in known or set(asked) & {"implicit", "password"}:
        raise _MetadataError("grant_types must hold authorization_code, and may hold refresh_token")
    if set(response_types) != {"code"}:
        raise _MetadataError("response_types must be [code]")
    return known


def _application_type(document: Mapping[str, object], redirect_uris: tuple[str, ...]) -> str:
    asked = _text(document, "application_type")
    if asked not in {"", "native", "web"}:
        raise _MetadataError("application_type must be native or web")
    native = any(is_loopback(uri) or not uri.startswith("https:") for uri in redirect_uris)
    if asked == "web" and native:
        raise _MetadataError("a web application needs https redirect URIs", "invalid_redirect_uri")
    return asked or ("native" if native else "web")


def _address(document: Mapping[str, object], member: str) -> str:
    address = _text(document, member)
    if not address:
        return ""
    try:
        parts = urlsplit(address)
    except ValueError:
        parts = urlsplit("")
    printable = address.isascii() and address.isprintable() and " " not in address
    if parts.scheme not in {"https", "http"} or not parts.hostname or not printable:
        raise _MetadataError(f"{member} must be an absolute http or https address")
    return address


def _echo(client: Client) -> dict[str, object]:
    """The registration as stored (DCR-1)."""
    answer: dict[str, object] = {
        "client_id": client.id,
        "client_id_issued_at": int(client.created_at),
        "client_name": client.name,
        "redirect_uris": list(client.redirect_uris),
        "grant_types": list(client.grant_types),
        "response_types": ["code"],
        "token_endpoint_auth_method": client.auth_method.value,
        "application_type": client.application_type,
    }
    if client.scopes is not None:
        answer["scope"] = " ".join(client.scopes)
    addresses = {
        "client_uri": client.homepage,
        "tos_uri": client.terms,
        "policy_uri": client.privacy,
        "logo_uri": client.logo,
    }
    return answer | {member: value for member, value in addresses.items() if value}
