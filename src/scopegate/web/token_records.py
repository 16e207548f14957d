"""A token, and what differs in it, as JSON."""

from collections.abc import Mapping
from datetime import UTC, datetime

from scopegate.core.caps import RoleCap
from scopegate.core.catalogue import Catalogue
from scopegate.core.clients import Client
from scopegate.core.roles import RoleLadder
from scopegate.core.tokens import Token
from scopegate.flows.manage import TokenView
from scopegate.web.token_changes import SWITCH
from scopegate.web.token_places import current_cap, org_roles


def date(seconds: float) -> str:
    """POSIX seconds as ISO 8601, in UTC with milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def record(seen: TokenView, catalogue: Catalogue) -> dict[str, object]:
    """A token of a user, with its roles and scopes as they are called now."""
    token, settings = seen.token, seen.token.settings
    content: dict[str, object] = {
        "id": token.id,
        "oauthTokenId": token.id,
        "name": settings.name,
        "description": settings.description,
        "creationDate": date(token.created_at),
        "lastUpdated": date(token.created_at if settings.updated_at is None else settings.updated_at),
        **_cap(settings.cap, catalogue.roles),
        "scope": list(catalogue.current(token.scopes)),
        "status": _switch(active=settings.active),
        "state": seen.status.value,
        "oauth": _oauth(token, seen.client),
        "version": seen.version,
    }
    if token.last_used_at is not None:
        content["lastUsedDate"] = date(token.last_used_at)
    if token.expires_at is not None:
        content["expirationDate"] = date(token.expires_at)
    if seen.revoked_reason is not None:
        content["revokedReason"] = seen.revoked_reason
    return content


def _oauth(token: Token, client: Client | None) -> dict[str, object]:
    """What was agreed with the client; of one that was removed, no more than its id is known."""
    content: dict[str, object] = {
        "client_id": token.client_id,
        "client_name": "" if client is None else client.name,
        "redirect_uri": token.redirect_uri,
        "resource": list(token.resources),
        "authorizationStatus": "authorized" if token.generation else "pending",
    }
    if client is not None and client.homepage:
        content["client_uri"] = client.homepage
    if client is not None and client.logo:
        content["logo_uri"] = client.logo
    return content


def _switch(*, active: bool) -> str:
    return SWITCH[0] if active else SWITCH[1]


def _cap(cap: RoleCap, roles: RoleLadder) -> dict[str, object]:
    current = current_cap(cap, roles)
    return {"defaultRole": current.default, "orgRoles": org_roles(current)}


def differences(found: Mapping[str, tuple[object, object]], roles: RoleLadder) -> dict[str, object]:
    """By property, what stands now and what was wanted, of those where the two differ."""
    pairs: dict[str, tuple[object, object]] = {}
    for name, (stands, wanted) in found.items():
        if isinstance(stands, RoleCap) and isinstance(wanted, RoleCap):
            caps = _cap(stands, roles), _cap(wanted, roles)
            pairs |= {each: (caps[0][each], caps[1][each]) for each in caps[0]}
        elif name == "active":
            pairs["status"] = _switch(active=bool(stands)), _switch(active=bool(wanted))
        else:
            pairs[name] = stands, wanted
    return {
        name: {"current": stands, "wanted": wanted}
        for name, (stands, wanted) in pairs.items()
        if stands != wanted
    }
