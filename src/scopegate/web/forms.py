"""Forms and queries: strict about bytes, tolerant about everything else, and nothing is ever merged silently."""

import json
from typing import Final
from urllib.parse import unquote_to_bytes

from scopegate.errors import OAuthError
from scopegate.flows.requests import ConsentForm, Parameters
from scopegate.web.messages import Request

FORM: Final = "application/x-www-form-urlencoded"
MAXIMUM_FIELDS: Final = 5000
MAXIMUM_DEPTH: Final = 20
ORGANIZATION: Final = "organization:"


def _text(piece: str) -> str:
    if "%" in piece:  # these two are most of all escapes, and neither can make a new one
        piece = piece.replace("%3A", ":").replace("%2F", "/")
    if "+" in piece:
        piece = piece.replace("+", " ")
    return unquote_to_bytes(piece).decode("utf-8") if "%" in piece else piece


def pairs(data: bytes) -> list[tuple[str, str]]:
    """The pairs of a query or form, in order, decoded; a bad percent escape stands for itself.

    Raises:
        OAuthError: ``invalid_request``: it is not UTF-8, or has too many fields.
    """
    if data.count(b"&") >= MAXIMUM_FIELDS:
        raise OAuthError("invalid_request", "too many parameters")
    found: list[tuple[str, str]] = []
    try:
        for piece in data.decode("utf-8").split("&"):
            name, _, value = piece.partition("=")
            if "%" in piece or "+" in piece:
                found.append((_text(name), _text(value)))
            elif piece:
                found.append((name, value))
    except UnicodeDecodeError:
        raise OAuthError("invalid_request", "the parameters are not UTF-8") from None
    return found


def form(request: Request) -> Parameters:
    """The parameters of a form; nothing of a query counts (GEN-7).

    Raises:
        OAuthError: ``invalid_request``: another content type, or not readable.
    """
    content_type = request.headers.get("content-type", "")
    if content_type != FORM and content_type.partition(";")[0].strip().lower() != FORM:
        raise OAuthError("invalid_request", f"send the parameters as {FORM}")
    return Parameters.of(pairs(request.body))


def consent_form(request: Request) -> ConsentForm:
    """The consent page's form.

    Raises:
        OAuthError: as `form`, or a field is repeated: a limit must not get lost.
    """
    values = form(request)
    if values.repeated or values.resources:
        raise OAuthError("invalid_request", "a field is sent more than once")
    organizations = {
        name.removeprefix(ORGANIZATION): value
        for name, value in values.values.items()
        if name.startswith(ORGANIZATION)
    }
    return ConsentForm(
        transaction=values.get("transaction") or "",
        decision=values.get("decision") or "",
        default=values.get("default") or "",
        sandbox=values.get("sandbox") or "",
        organizations=organizations,
        lifetime=values.get("lifetime") or "",
    )


def is_json(request: Request) -> bool:
    """Whether a body says that it is JSON."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


def document(request: Request) -> object:
    """The JSON document of a body; None when it is none, is nested too deeply, or repeats a member."""
    if not is_json(request) or _depth(request.body) > MAXIMUM_DEPTH:
        return None
    try:
        return json.loads(request.body.decode("utf-8"), object_pairs_hook=_members, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None


def _depth(body: bytes) -> int:
    """How deep brackets nest at most, told without parsing; brackets inside text count too, which does no harm."""
    depth = deepest = 0
    for byte in body:
        if byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest


def _members(members: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(members)
    if len(found) < len(members):
        raise ValueError("a member is repeated")
    return found


def _refuse(constant: str) -> object:
    raise ValueError(constant)
