"""Registration over HTTP (DCR rows)."""

import pytest
from attrs import evolve
from tests.support import REDIRECT_URI
from tests.web.browser import Walk
from tests.web.driver import FORM, JSON

from scopegate.core.changes import PutClient

REGISTER = "/oauth/register"
MINIMAL = {"redirect_uris": [REDIRECT_URI]}


def refused(reply, code="invalid_client_metadata", status=400):
    """Whether a registration was refused with this code, and says why."""
    return (reply.status, reply.json["error"]) == (status, code) and bool(reply.json["error_description"])


def test_a_public_client_is_told_everything_that_is_stored_and_no_secret(site):
    """DCR-1: 201 and the echo of all metadata."""
    reply = site.post_json(
        REGISTER, MINIMAL | {"token_endpoint_auth_method": "none", "client_name": "Example"}
    )
    (client,) = site.clients()
    assert reply.status == 201
    assert reply.json == {
        "client_id": client.id,
        "client_id_issued_at": 1_800_000_000,
        "client_name": "Example",
        "redirect_uris": [REDIRECT_URI],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "application_type": "web",
    }


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_confidential_client_gets_a_secret_that_does_not_expire(site, method):
    """DCR-1: secret and its expiry, 0 for never."""
    content = site.post_json(REGISTER, MINIMAL | {"token_endpoint_auth_method": method}).json
    assert content["client_secret_expires_at"] == 0
    assert len(content["client_secret"]) >= 43


def test_defaults_are_applied_and_echoed(site):
    """DCR-2: client_secret_basic, the code grant and code; a name from the address."""
    content = site.post_json(REGISTER, MINIMAL).json
    assert content["token_endpoint_auth_method"] == "client_secret_basic"
    assert content["grant_types"] == ["authorization_code", "refresh_token"]
    assert content["response_types"] == ["code"]
    assert content["client_name"] == "client.example"


def test_unknown_members_and_empty_addresses_are_ignored(site):
    """DCR-2: as clients send them."""
    more = {
        "logo_uri": "",
        "client_uri": "",
        "tos_uri": None,
        "foo": {"bar": [1]},
        "contacts": ["a@b.example"],
    }
    reply = site.post_json(REGISTER, MINIMAL | more)
    assert reply.status == 201
    assert not set(reply.json) & set(more)


def test_a_client_chooses_neither_its_id_nor_its_secret(site):
    """CLI-2: both are ignored."""
    content = site.post_json(REGISTER, MINIMAL | {"client_id": "mine", "client_secret": "mine"}).json
    assert "mine" not in {content["client_id"], content["client_secret"]}
    assert not content["client_id"].startswith("https:")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ({}, "invalid_redirect_uri"),
        ({"redirect_uris": []}, "invalid_redirect_uri"),
        ({"redirect_uris": "https://client.example/"}, "invalid_redirect_uri"),
        ({"redirect_uris": [1]}, "invalid_redirect_uri"),
        ([], "invalid_client_metadata"),
        ("text", "invalid_client_metadata"),
        (None, "invalid_client_metadata"),
        (MINIMAL | {"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata"),
        (MINIMAL | {"token_endpoint_auth_method": 1}, "invalid_client_metadata"),
        (MINIMAL | {"grant_types": ["implicit"]}, "invalid_client_metadata"),
        (MINIMAL | {"grant_types": ["authorization_code", "password"]}, "invalid_client_metadata"),
        (MINIMAL | {"grant_types": ["refresh_token"]}, "invalid_client_metadata"),
        (MINIMAL | {"response_types": ["token"]}, "invalid_client_metadata"),
        (MINIMAL | {"response_types": ["code", "token"]}, "invalid_client_metadata"),
        (MINIMAL | {"jwks": {}, "jwks_uri": "https://client.example/jwks"}, "invalid_client_metadata"),
        (MINIMAL | {"logo_uri": "javascript:alert(1)"}, "invalid_client_metadata"),
        (MINIMAL | {"client_uri": "https://[x"}, "invalid_client_metadata"),
        (MINIMAL | {"client_name": "x" * 256}, "invalid_client_metadata"),
        (MINIMAL | {"software_statement": "x"}, "unapproved_software_statement"),
        ({"redirect_uris": ["http://client.example/"], "application_type": "web"}, "invalid_redirect_uri"),
    ],
)
def test_what_is_wrong_is_said(site, content, code):
    """DCR-3, DCR-4, DCR-8, CLI-4: one code per cause, and no row."""
    assert refused(site.post_json(REGISTER, content), code)
    assert not site.clients()


@pytest.mark.parametrize("grant_types", [["authorization_code"], ["refresh_token", "authorization_code"]])
def test_the_grants_asked_for_are_kept(site, grant_types):
    """DCR-4: with and without refresh tokens."""
    content = site.post_json(REGISTER, MINIMAL | {"grant_types": grant_types}).json
    assert sorted(content["grant_types"]) == sorted(grant_types)


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:1/cb",
        "http://localhost/cb",
        "http://[::1]:8/cb",
        "cursor://x/cb",
        "com.example.app:/cb",
    ],
)
@pytest.mark.parametrize("application_type", [{}, {"application_type": "native"}])
def test_native_applications_register_with_or_without_saying_so(site, uri, application_type):
    """DCR-5, DCR-6: loopback and private schemes."""
    reply = site.post_json(REGISTER, {"redirect_uris": [uri]} | application_type)
    assert (reply.status, reply.json["application_type"]) == (201, "native")


@pytest.mark.parametrize(
    "uri",
    [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "vbscript:x",
        "blob:https://client.example/x",
        "about:blank",
        "https://client.example/#x",
        "https://client.example/cb#",
        "/callback",
        "callback",
        "//client.example/cb",
        "https:///cb",
        "https:cb",
        "http://client.example/cb",
        "http://127.0.0.1.evil.example/cb",
        "http://localhost.evil.example/cb",
        "http://localhost:1@evil.example/cb",
        "http://127.0.0.2/cb",
        "http://localhost:99999999/cb",
        "https://client.example:0/cb",
        "https://user@client.example/cb",
        "https://client.example\\@evil.example/cb",
        "https://client.example/cb?code=x",
        "https://*.example/cb",
        "https://client.example/ cb",
        "https://cl\N{CYRILLIC SMALL LETTER I}ent.example/cb",
        "unknownscheme://cb",
        "https://[::1/cb",
        "com.example.app://[x",
        "com.example.app://[x]y/cb",
        "",
        "https://client.example/" + "x" * 2048,
    ],
)
@pytest.mark.parametrize("name", [{"client_name": "Example"}, {}])
def test_redirect_uris_that_lead_elsewhere_are_refused(site, uri, name):
    """DCR-6: each is invalid_redirect_uri, alone or beside a good one, with and without a name."""
    assert refused(site.post_json(REGISTER, {"redirect_uris": [uri]} | name), "invalid_redirect_uri")
    assert refused(
        site.post_json(REGISTER, {"redirect_uris": [REDIRECT_URI, uri]} | name), "invalid_redirect_uri"
    )
    assert not site.clients()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b'{"redirect_uris": ["https://client.example/"], "redirect_uris": []}',
        b'{"redirect_uris": NaN}',
        b"[" * 30_000,
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
        b"1" * 10_000,
        b'"' + b"\\ud800" * 100 + b'"',
    ],
)
def test_what_is_no_readable_json_is_refused(site, body):
    """DCR-3: no JSON, bad UTF-8, repeated members, endless nesting and digits."""
    assert refused(site.ask("POST", REGISTER, headers=(JSON,), body=body))
    assert not site.clients()


@pytest.mark.parametrize("content_type", ["text/plain", FORM[1], ""])
def test_only_json_is_read(site, content_type):
    """DCR-3: another content type, whatever the body says."""
    body = b'{"redirect_uris": ["https://client.example/"]}'
    assert refused(site.ask("POST", REGISTER, headers=(("Content-Type", content_type),), body=body))


def test_registration_may_need_an_initial_access_token(serve):
    """DCR-7: 401 with a Bearer challenge without it; 201 with it, whatever the case of the scheme."""
    site = serve(initial_access_tokens=["first", "second"])
    for headers in ((), (("Authorization", "Bearer third"),), (("Authorization", "Basic second"),)):
        reply = site.post_json(REGISTER, MINIMAL, *headers)
        assert refused(reply, "invalid_token", 401)
        assert reply.header("WWW-Authenticate").startswith("Bearer ")
    assert site.post_json(REGISTER, MINIMAL, ("Authorization", "bearer second")).status == 201


def test_a_client_that_was_switched_off_is_told_to_register_again(site):
    """DCR-9: invalid_client at the token endpoint."""
    walk = Walk(site).connect()
    (client,) = site.clients()
    site.world.store.commit(site.world.realm, [PutClient(evolve(client, disabled=True), client.version)])
    reply = walk.refresh()
    assert (reply.status, reply.json["error"]) == (401, "invalid_client")
