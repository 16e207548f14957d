"""The documents that clients discover the server by (META and PRM rows), made once."""

import json
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

from attrs import frozen

from scopegate.core.clients import AuthMethod
from scopegate.flows.configuration import Configuration, Resource
from scopegate.flows.register import GRANT_TYPES

AUTHORIZATION_SERVER: Final = "/.well-known/oauth-authorization-server"
PROTECTED_RESOURCE: Final = "/.well-known/oauth-protected-resource"


@frozen
class Document:
    """A document ready to send, and its entity tag."""

    body: bytes
    etag: str


def document(content: dict[str, object]) -> Document:
    """JSON, and a tag that follows from it."""
    body = json.dumps(content, separators=(",", ":")).encode()
    return Document(body, f'"{sha256(body).hexdigest()[:32]}"')


def authorization_server(config: Configuration) -> dict[str, object]:
    """Authorization server metadata (RFC 8414 section 2)."""
    methods = [method.value for method in AuthMethod]
    content: dict[str, object] = {
        "issuer": config.issuer,
        "authorization_endpoint": config.endpoint("authorize").url,
        "token_endpoint": config.endpoint("token").url,
        "revocation_endpoint": config.endpoint("revoke").url,
        "scopes_supported": list(config.catalogue.scopes),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANT_TYPES),
        "token_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
    }
    if config.registration:
        content["registration_endpoint"] = config.endpoint("register").url
    return content


def protected_resource(config: Configuration, resource: Resource) -> dict[str, object]:
    """Protected resource metadata (RFC 9728 section 2)."""
    content: dict[str, object] = {
        "resource": resource.uri,
        "authorization_servers": [config.issuer],
        "scopes_supported": list(resource.scopes),
        "bearer_methods_supported": ["header"],
    }
    if resource.name:
        content["resource_name"] = resource.name
    return content


def authorization_server_paths(config: Configuration) -> tuple[str, ...]:
    """Where the server's metadata is served: by insertion, appended, and at the root (META-2, META-13)."""
    path = urlsplit(config.issuer).path
    return tuple(
        dict.fromkeys((AUTHORIZATION_SERVER + path, path + AUTHORIZATION_SERVER, AUTHORIZATION_SERVER))
    )


def resource_path(resource: Resource) -> str:
    """Where the metadata of a resource is served, by insertion (PRM-1)."""
    return PROTECTED_RESOURCE + urlsplit(resource.uri).path.rstrip("/")


def resource_url(resource: Resource) -> str:
    """The full address of a resource's metadata."""
    parts = urlsplit(resource.uri)
    return f"{parts.scheme}://{parts.netloc}{resource_path(resource)}"


def refused_paths(config: Configuration) -> tuple[str, ...]:
    """OpenID discovery paths, which must be 404 and not a page of the host's (META-12)."""
    path, name = urlsplit(config.issuer).path, "/.well-known/openid-configuration"
    return tuple(dict.fromkeys((name + path, path + name, name)))
