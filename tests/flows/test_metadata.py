"""What clients discover: META and PRM rows."""

import json
from hashlib import sha256

import pytest
from tests.support import API, ISSUER, MCP, World

from scopegate import Resource
from scopegate.flows import metadata
from scopegate.profiles import STRICT


def about(**options):
    """The server's document, as parsed."""
    with World(**options) as world:
        return json.loads(metadata.document(metadata.authorization_server(world.configuration)).body)


def test_the_document_has_what_clients_need():
    """META-1, META-4 to META-7, META-10: all of it explicit, nothing empty."""
    document = about()
    assert document == {
        "issuer": ISSUER,
        "authorization_endpoint": f"{ISSUER}/oauth/authorize",
        "token_endpoint": f"{ISSUER}/oauth/token",
        "revocation_endpoint": f"{ISSUER}/oauth/revoke",
        "registration_endpoint": f"{ISSUER}/oauth/register",
        "scopes_supported": [
            "only.User.read",
            "all.Application.read",
            "all.Application.bounded",
            "only.Organization.read",
            "only.Organization.bounded",
            "all.Organization.read",
            "all.Organization.bounded",
        ],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
        "revocation_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
    }


@pytest.mark.parametrize(
    ("issuer", "paths"),
    [
        ("https://h.example", ["/.well-known/oauth-authorization-server"]),
        (
            "https://h.example/t1",
            [
                "/.well-known/oauth-authorization-server/t1",
                "/t1/.well-known/oauth-authorization-server",
                "/.well-known/oauth-authorization-server",
            ],
        ),
    ],
)
def test_the_document_is_served_by_insertion(issuer, paths):
    """META-2, META-13: and appended, and at the root, where older clients look."""
    with World(issuer=issuer) as world:
        assert list(metadata.authorization_server_paths(world.configuration)) == paths


@pytest.mark.parametrize(
    "issuer", ["https://H.example", "https://h.example:443", "https://h.example/A%2fb", "http://[::1]:8"]
)
def test_the_issuer_is_emitted_byte_for_byte(issuer):
    """META-3, PRM-3: no normalising, and the same string in both documents."""
    with World(issuer=issuer) as world:
        server = metadata.authorization_server(world.configuration)
        resource = metadata.protected_resource(world.configuration, world.configuration.resources[0])
        assert server["issuer"] == issuer
        assert resource["authorization_servers"] == [issuer]


def test_registration_off_is_registration_not_named():
    """META-9: the endpoint is absent."""
    assert "registration_endpoint" not in about(registration=False)


def test_the_profile_does_not_change_what_is_served():
    """META-6: only lifetimes and strictness differ."""
    assert about(profile=STRICT) == about()


@pytest.mark.parametrize(
    ("issuer", "paths"),
    [
        ("https://h.example", {"/.well-known/openid-configuration"}),
        (
            "https://h.example/p",
            {
                "/.well-known/openid-configuration",
                "/.well-known/openid-configuration/p",
                "/p/.well-known/openid-configuration",
            },
        ),
    ],
)
def test_openid_discovery_is_refused_at_every_address_it_is_probed(issuer, paths):
    """META-12: these must be 404, not a page of the host's."""
    with World(issuer=issuer) as world:
        assert set(metadata.refused_paths(world.configuration)) == paths


def test_a_resource_has_its_own_document():
    """PRM-1 to PRM-4: by insertion, its exact URI, and a minimal list of scopes."""
    with World() as world:
        found = [
            (metadata.resource_url(each), metadata.protected_resource(world.configuration, each))
            for each in world.configuration.resources
        ]
    assert found == [
        (
            "https://acme.example/.well-known/oauth-protected-resource/api",
            {
                "resource": API,
                "authorization_servers": [ISSUER],
                "scopes_supported": ["all.Application.read"],
                "bearer_methods_supported": ["header"],
                "resource_name": "Acme API",
            },
        ),
        (
            "https://mcp.acme.example/.well-known/oauth-protected-resource/mcp",
            {
                "resource": MCP,
                "authorization_servers": [ISSUER],
                "scopes_supported": ["only.Organization.read", "only.User.read"],
                "bearer_methods_supported": ["header"],
                "resource_name": "Acme MCP",
            },
        ),
    ]


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("https://h.example", "/.well-known/oauth-protected-resource"),
        ("https://h.example/", "/.well-known/oauth-protected-resource"),
        ("https://h.example/a/b", "/.well-known/oauth-protected-resource/a/b"),
    ],
)
def test_the_path_of_a_resource_is_inserted(uri, path):
    """PRM-1, PRM-6: each resource has another path."""
    resource = Resource(uri, ["only.User.read"])
    assert metadata.resource_path(resource) == path
    with World(resources=[resource]) as world:
        document = metadata.protected_resource(world.configuration, resource)
    assert document["resource"] == uri
    assert "resource_name" not in document


def test_a_document_has_a_tag_that_follows_from_it():
    """META-14: caches can ask whether it changed."""
    one, other = metadata.document({"a": 1}), metadata.document({"a": 2})
    assert one == metadata.document({"a": 1})
    assert one.etag != other.etag
    assert one.etag == f'"{sha256(one.body).hexdigest()[:32]}"'


def test_endpoints_stand_below_the_issuer():
    """META-1: with and without a path; what a web server sees is the path."""
    with World(issuer="https://h.example/t") as world:
        endpoint = world.configuration.endpoint("token")
    assert (endpoint.url, endpoint.path) == ("https://h.example/t/oauth/token", "/t/oauth/token")
