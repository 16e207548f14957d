"""What a protected resource answers to a refused request (RFC 6750 section 3)."""

import json

from attrs import frozen

from scopegate.flows.access import Refusal
from scopegate.flows.configuration import Configuration
from scopegate.flows.metadata import resource_url


@frozen
class Challenge:
    """An answer as values.

    Args:
        status: the HTTP status.
        www_authenticate: the header; empty where the answer carries none (a cap is no matter of authentication).
        body: JSON with a stable ``reason``.
    """

    status: int
    www_authenticate: str
    body: bytes


def challenge(config: Configuration, refusal: Refusal) -> Challenge:
    """The answer to a refusal; ``scope`` and ``resource_metadata`` stand before the description (RS-4 to RS-10)."""
    content = {"error": refusal.error or "access_denied", "reason": refusal.reason}
    if refusal.reason == "no_credentials":
        content = {"reason": refusal.reason}
    if refusal.description:
        content["error_description"] = refusal.description
    return Challenge(refusal.status, _header(config, refusal), json.dumps(content).encode())


def _header(config: Configuration, refusal: Refusal) -> str:
    if refusal.status == 403 and not refusal.error:  # noqa: PLR2004 - an HTTP status
        return ""
    resource = config.resource(refusal.resource)
    parts = [f'resource_metadata="{resource_url(resource)}"']
    scopes = refusal.scopes or (resource.scopes if refusal.reason == "no_credentials" else ())
    if scopes:
        parts.insert(0, f'scope="{" ".join(scopes)}"')
    if refusal.error:
        parts += [f'error="{refusal.error}"', f'error_description="{refusal.description}"']
    return f"Bearer {', '.join(parts)}"
