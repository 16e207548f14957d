"""Discovery documents over HTTP (META and PRM rows)."""

import pytest
from tests.support import ISSUER, KEY
from tests.web.driver import Served

from scopegate import Resource

SERVER = "/.well-known/oauth-authorization-server"
RESOURCE = "/.well-known/oauth-protected-resource"
OPENID = "/.well-known/openid-configuration"
TENANT = "https://acme.example/t1"
METADATA = {
    "issuer": ISSUER,
    "authorization_endpoint": "https://acme.example/oauth/authorize",
    "token_endpoint": "https://acme.example/oauth/token",
    "revocation_endpoint": "https://acme.example/oauth/revoke",
    "registration_endpoint": "https://acme.example/oauth/register",
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


@pytest.fixture
def tenant(serve):
    """A site whose issuer has a path."""
    resource = Resource("https://acme.example/t1/mcp", scopes=["only.User.read"])
    return serve(issuer=TENANT, resources=[resource])


def test_the_metadata_says_exactly_what_is_served(site):
    """META-1, META-4 to META-7, META-10, META-14: every member, and nothing else."""
    reply = site.get(SERVER)
    assert (reply.status, reply.json) == (200, METADATA)
    assert not [member for member, value in reply.json.items() if value in ([], None, "")]


def test_the_metadata_may_be_kept_for_an_hour_by_anybody(site):
    """META-14, GEN-9, section 5.2: headers of a discovery document."""
    reply = site.get(SERVER, ("Origin", "https://inspector.example"))
    assert reply.header("Content-Type") == "application/json"
    assert reply.header("Cache-Control") == "public, max-age=3600"
    assert reply.header("Access-Control-Allow-Origin") == "*"
    assert reply.header("Access-Control-Allow-Credentials") is None
    assert reply.header("X-Content-Type-Options") == "nosniff"
    assert reply.header("Content-Length") == str(len(reply.body))


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
def test_who_has_the_metadata_already_gets_304(site, form):
    """META-14: the entity tag, alone, weak, in a list, and the asterisk; 304 has neither body nor length."""
    tag = site.get(SERVER).header("ETag")
    reply = site.get(SERVER, ("If-None-Match", form.format(tag)))
    assert (reply.status, reply.body, reply.header("ETag")) == (304, b"", tag)
    assert reply.header("Content-Length") is None


def test_another_entity_tag_gets_the_document(site):
    """META-14: a tag that is not the document's."""
    assert site.get(SERVER, ("If-None-Match", '"0"')).json == METADATA


def test_an_issuer_with_a_path_is_found_by_insertion_appended_and_at_the_root(tenant):
    """META-2, META-3, META-13: one document at three paths, the issuer byte for byte."""
    found = [tenant.get(path).json for path in (f"{SERVER}/t1", f"/t1{SERVER}", SERVER)]
    assert found[0]["issuer"] == TENANT
    assert found[0]["token_endpoint"] == "https://acme.example/t1/oauth/token"
    assert found[0] == found[1] == found[2]


def test_every_endpoint_of_an_issuer_with_a_path_is_below_that_path(tenant):
    """META-2: what the metadata says is where it is, and nothing is at the root."""
    content = tenant.get(SERVER).json
    for member in (
        "authorization_endpoint",
        "token_endpoint",
        "revocation_endpoint",
        "registration_endpoint",
    ):
        assert tenant.get(content[member]).status in {400, 405}
    assert tenant.get("/oauth/authorize").status == 404


@pytest.mark.parametrize("path", [OPENID, f"{OPENID}/t1", f"/t1{OPENID}"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
def test_openid_discovery_is_not_found(tenant, path, method):
    """META-12: 404 as JSON, so that probes go on to the next address."""
    reply = tenant.ask(method, path)
    assert reply.status == 404
    assert reply.header("Content-Type") == "application/json"
    assert path in tenant.app.site.paths


def test_without_registration_its_endpoint_is_absent_and_not_found(serve):
    """META-9: the flag and the behaviour agree."""
    site = serve(registration=False)
    assert "registration_endpoint" not in site.get(SERVER).json
    assert site.post_json("/oauth/register", {}).status == 404


def test_nothing_is_claimed_that_is_not_served(site):
    """META-8, META-11, META-15: no client metadata documents, assertions or grant profiles yet."""
    members = set(site.get(SERVER).json)
    assert not members & {
        "client_id_metadata_document_supported",
        "token_endpoint_auth_signing_alg_values_supported",
        "authorization_grant_profiles_supported",
        "introspection_endpoint",
        "jwks_uri",
    }


def test_a_resource_describes_itself(site):
    """PRM-1 to PRM-4: by insertion, byte for byte, the issuer's own string, the least scopes."""
    assert site.get(f"{RESOURCE}/api").json == {
        "resource": "https://acme.example/api",
        "authorization_servers": [site.get(SERVER).json["issuer"]],
        "scopes_supported": ["all.Application.read"],
        "bearer_methods_supported": ["header"],
        "resource_name": "Acme API",
    }


def test_a_resource_is_described_to_any_page_without_credentials(site):
    """PRM-5: JSON, anonymous, CORS."""
    reply = site.get(f"{RESOURCE}/api", ("Origin", "https://inspector.example"))
    assert reply.header("Access-Control-Allow-Origin") == "*"
    assert reply.header("Content-Type") == "application/json"


def test_two_resources_have_two_documents(serve):
    """PRM-6: none is served for the other, and none at the root."""
    uris = [f"{ISSUER}/a", f"{ISSUER}/b/"]
    site = serve(resources=[Resource(uri, scopes=["only.User.read"]) for uri in uris])
    assert [site.get(f"{RESOURCE}/{name}").json["resource"] for name in "ab"] == uris
    assert site.get(RESOURCE).status == 404


def test_a_resource_at_the_origin_is_described_at_the_root(serve):
    """PRM-1: no path to insert."""
    site = serve(resources=[Resource(ISSUER, scopes=["only.User.read"])])
    assert site.get(RESOURCE).json["resource"] == ISSUER


def test_a_resource_of_another_origin_is_described_there_and_not_here(site):
    """PRM-1: only what belongs to this origin."""
    assert site.get(f"{RESOURCE}/mcp").status == 404


def test_the_origin_is_compared_as_browsers_write_it(serve):
    """PRM-1: case and default port do not make another origin."""
    site = serve(resources=[Resource("https://ACME.example:443/api", scopes=["only.User.read"])])
    assert site.get(f"{RESOURCE}/api").json["resource"] == "https://ACME.example:443/api"


def test_nothing_in_a_request_changes_what_is_published(site):
    """GEN-2, OPS-6: forged host and proxy headers change no byte of any answer."""
    forged = (
        ("Host", "evil.example"),
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-For", "10.0.0.1"),
        ("X-Forwarded-Prefix", "/evil"),
        ("X-Original-URL", "/evil"),
        ("Forwarded", "host=evil.example;proto=http"),
    )
    for path in site.app.site.paths:
        assert site.get(path, *forged) == site.get(path)


def test_head_is_get_without_a_body(site):
    """GEN-8: the same status, headers and length."""
    for path in (SERVER, f"{RESOURCE}/api", OPENID, "/oauth/authorize", "/nowhere"):
        get, head = site.get(path), site.ask("HEAD", path)
        assert head.body == b""
        assert (head.status, head.headers) == (get.status, get.headers)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"])
def test_a_document_can_only_be_read(site, method):
    """GEN-8: 405 with what is allowed, in words."""
    reply = site.ask(method, SERVER)
    assert (reply.status, reply.header("Allow")) == (405, "GET, HEAD, OPTIONS")
    assert reply.json == {"error": "invalid_request", "error_description": "this method is not allowed here"}


@pytest.mark.parametrize("kind", ["asgi", "wsgi"])
def test_a_server_on_a_foreign_plain_http_host_cannot_be_built(kind):
    """GEN-1: http only on loopback, at start-up."""
    with pytest.raises(Exception, match="GEN-1"):
        Served(kind, issuer="http://acme.example", sealing_keys=[KEY])
