"""Changing a token by the JSON API: what may be changed, what is wrong with a change, and when it is stale."""

import pytest
from attrs import evolve
from tests.support import START
from tests.web.driver import JSON
from tests.web.tokens import LIST, OURS, delete, patch, put

from scopegate import (
    ApplicationCap,
    RoleCap,
    presets,
    profiles,
)
from scopegate.core.changes import RevokeToken
from scopegate.web.token_places import organization_of, place_id

# Changes


def test_everything_that_may_be_changed_is_changed(site, one, journey):
    """In one request; the answer is the record as it stands then."""
    wanted = {
        "name": "Mine",
        "description": "Only at home",
        "defaultRole": "viewer",
        "orgRoles": [
            {
                "orgId": "sandbox",
                "role": "none",
                "applicationRoles": [{"resourceId": "toy", "role": "editor"}],
            },
            {"orgId": "acme", "applicationRoles": [{"resourceId": "rocket", "role": "admin"}]},
        ],
        "status": "inactive",
    }
    reply = patch(site, one, wanted)
    assert reply.status == 200
    assert {name: reply.json[name] for name in wanted} == wanted
    assert (reply.json["state"], reply.json["version"], reply.header("ETag")) == ("inactive", 2, '"2"')
    assert journey.token.settings.cap == RoleCap(
        "viewer", {}, "none", {"toy": ApplicationCap("editor"), "rocket": ApplicationCap("admin", "acme")}
    )
    assert site.get(one).json == reply.json


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [({"defaultRole": "none"}, "orgRoles"), ({"orgRoles": []}, "defaultRole"), ({"name": "x"}, "orgRoles")],
)
def test_what_is_not_named_stays(site, one, wanted, kept):
    """A new default keeps the overrides, and the other way round."""
    before = patch(site, one, {"orgRoles": [{"orgId": "acme", "role": "admin"}]}).json
    after = patch(site, one, wanted)
    assert after.status == 200
    assert after.json[kept] == before[kept]
    assert {name: after.json[name] for name in wanted} == wanted


def test_a_new_default_keeps_later_organizations_closed(serve):
    """What the old cap spoke for, the new one does."""
    site = serve(profile=evolve(profiles.DEFAULT, new_organizations="none"))
    path = put(site, "t1", "x", settings={"cap": RoleCap("viewer", known={"acme"})})
    assert patch(site, path, {"defaultRole": "editor", "orgRoles": []}).status == 200
    assert site.world.token("t1").settings.cap == RoleCap("editor", known={"acme"})


def test_nothing_to_change_changes_nothing(site, one):
    """{} answers the record, of a token that has ended too; and so does what is so already."""
    before, rows = site.get(one).json, site.rows()
    for wanted in ({}, {"name": before["name"], "defaultRole": before["defaultRole"], "status": "active"}):
        reply = patch(site, one, wanted)
        assert (reply.status, reply.json, reply.header("ETag")) == (200, before, '"1"')
    assert site.rows() == rows
    assert patch(site, put(site, "old", "x", expires_at=START), {}).status == 200


ACME, SANDBOX = {"orgId": "acme", "role": "viewer"}, {"orgId": "sandbox", "role": "viewer"}
TOY = {"resourceId": "toy", "role": "viewer"}
WRONG = [
    ([], None),
    ("name", None),
    (None, None),
    ({"scope": []}, "scope"),
    ({"state": "active"}, "state"),
    ({"expirationDate": None}, "expirationDate"),
    ({"": 1}, None),
    ({"name": ""}, "name"),
    ({"name": " "}, "name"),
    ({"name": "a" * 256}, "name"),
    ({"name": None}, "name"),
    ({"name": 1}, "name"),
    ({"name": "\ud800"}, "name"),
    ({"name": "a\0"}, "name"),
    ({"description": 1}, "description"),
    ({"description": "a" * 32_768}, "description"),
    ({"description": "\udfff"}, "description"),
    ({"defaultRole": "boss"}, "defaultRole"),
    ({"defaultRole": ""}, "defaultRole"),
    ({"defaultRole": None}, "defaultRole"),
    ({"status": "pending"}, "status"),
    ({"status": True}, "status"),
    ({"status": ["active"]}, "status"),
    ({"orgRoles": {}}, "orgRoles"),
    ({"orgRoles": None}, "orgRoles"),
    ({"orgRoles": [1]}, "orgRoles[0]"),
    ({"orgRoles": [{}]}, "orgRoles[0].orgId"),
    ({"orgRoles": [{"orgId": "acme"}]}, "orgRoles[0]"),
    ({"orgRoles": [{"orgId": "acme", "applicationRoles": []}]}, "orgRoles[0]"),
    ({"orgRoles": [{"orgId": "", "role": "viewer"}]}, "orgRoles[0].orgId"),
    ({"orgRoles": [{"orgId": "a" * 256, "role": "viewer"}]}, "orgRoles[0].orgId"),
    ({"orgRoles": [{"orgId": None, "role": "viewer"}]}, "orgRoles[0].orgId"),
    ({"orgRoles": [ACME | {"color": 1}]}, "orgRoles[0].color"),
    ({"orgRoles": [ACME | {"dashboardRoles": []}]}, "orgRoles[0].dashboardRoles"),
    ({"orgRoles": [ACME | {"role": None}]}, "orgRoles[0].role"),
    ({"orgRoles": [ACME | {"role": ""}]}, "orgRoles[0].role"),
    ({"orgRoles": [SANDBOX | {"role": ""}]}, "orgRoles[0].role"),
    ({"orgRoles": [ACME, SANDBOX | {"role": "boss"}]}, "orgRoles[1].role"),
    ({"orgRoles": [SANDBOX, ACME | {"role": "boss"}]}, "orgRoles[1].role"),
    ({"orgRoles": [ACME, SANDBOX, ACME]}, "orgRoles[2].orgId"),
    ({"orgRoles": [ACME, ACME | {"orgId": "organization:acme"}]}, "orgRoles[1].orgId"),
    ({"orgRoles": [SANDBOX, SANDBOX]}, "orgRoles[1].orgId"),
    ({"orgRoles": [SANDBOX | {"applicationRoles": {}}]}, "orgRoles[0].applicationRoles"),
    ({"orgRoles": [SANDBOX | {"applicationRoles": [1]}]}, "orgRoles[0].applicationRoles[0]"),
    (
        {"orgRoles": [SANDBOX | {"applicationRoles": [{"role": "viewer"}]}]},
        "orgRoles[0].applicationRoles[0].resourceId",
    ),
    (
        {"orgRoles": [SANDBOX | {"applicationRoles": [{"resourceId": "toy"}]}]},
        "orgRoles[0].applicationRoles[0].role",
    ),
    ({"orgRoles": [SANDBOX | {"applicationRoles": [TOY | {"x": 1}]}]}, "orgRoles[0].applicationRoles[0].x"),
    (
        {"orgRoles": [SANDBOX | {"applicationRoles": [TOY | {"role": "boss"}]}]},
        "orgRoles[0].applicationRoles[0].role",
    ),
    (
        {"orgRoles": [SANDBOX | {"applicationRoles": [TOY, TOY]}]},
        "orgRoles[0].applicationRoles[1].resourceId",
    ),
    ({"orgRoles": [ACME, {"orgId": "elsewhere", "role": "viewer"}]}, "orgRoles[1]"),
    ({"orgRoles": [ACME | {"applicationRoles": [TOY]}]}, "orgRoles[0].applicationRoles[0]"),
    (
        {"orgRoles": [SANDBOX | {"applicationRoles": [TOY]}, ACME | {"applicationRoles": [TOY]}]},
        "orgRoles[1].applicationRoles[0].resourceId",
    ),
    ({"orgRoles": [{"orgId": f"o{number}", "role": "none"} for number in range(2501)]}, "orgRoles"),
]


@pytest.mark.parametrize(("wanted", "field"), WRONG)
def test_what_is_wrong_is_named_by_its_path_and_nothing_is_changed(site, one, wanted, field):
    """400; also beside what is right."""
    rows = site.rows()
    for each in (wanted, {"name": "New", **wanted} if isinstance(wanted, dict) else wanted):
        if isinstance(each, dict) and "name" in wanted and each is not wanted:
            continue
        reply = patch(site, one, each)
        assert (reply.status, reply.json["type"], reply.json.get("field")) == (400, "Validation", field)
        assert reply.json["message"]
    assert site.rows() == rows


def test_a_role_that_is_too_strong_for_an_application_is_named_by_its_path(serve):
    """Where the ladder says that some roles are given to organizations only; and the description says so too."""
    site = serve(catalogue=presets.user_tokens())
    path = put(site, "t1", "x", settings={"cap": RoleCap("view")})
    for role, status in (("collaborate", 200), ("edit", 400)):
        entry = {"orgId": "acme", "applicationRoles": [{"resourceId": "rocket", "role": role}]}
        reply = patch(site, path, {"orgRoles": [entry]})
        assert reply.status == status
    assert reply.json["field"] == "orgRoles[0].applicationRoles[0].role"
    schema = site.get(f"{LIST}/openapi.json").json["components"]["schemas"]["OrgRole"]
    role = schema["properties"]["applicationRoles"]["items"]["properties"]["role"]
    assert "at most collaborate" in role["description"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"nothing", b'{"name": "a", "name": "b"}', b"\xff", b"[" * 100_000, b'{"name": NaN}']
)
def test_what_is_no_json_is_refused(site, one, body):
    """400, for a member that is there twice as well."""
    reply = site.ask("PATCH", one, headers=(OURS, JSON), body=body)
    assert (reply.status, reply.json["type"], "field" in reply.json) == (400, "Validation", False)


@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "application/merge-patch+json", "application/x-www-form-urlencoded"]
)
def test_only_json_is_read(site, one, content_type):
    """415: what a form or a careless page of another origin could send is never read."""
    headers = (OURS, *((("Content-Type", content_type),) if content_type else ()))
    reply = site.ask("PATCH", one, headers=headers, body=b'{"name": "New"}')
    assert (reply.status, reply.json["type"]) == (415, "UnsupportedMediaType")
    assert site.get(one).json["name"] == "Example"


def test_json_may_name_its_charset(site, one):
    """As many programs do."""
    reply = site.ask(
        "PATCH", one, headers=(OURS, ("Content-Type", "Application/JSON; charset=utf-8")), body=b"{}"
    )
    assert reply.status == 200


def test_a_body_may_be_long_but_not_too_long(site, one):
    """The longest description that is allowed fits however it is escaped; more than 1 MiB does not."""
    assert patch(site, one, {"description": "\N{EURO SIGN}" * 32_767}).status == 200
    reply = patch(site, one, {"description": "a" * 2**20})
    assert (reply.status, reply.json["type"]) == (413, "TooLarge")
    reply = site.get(f"{LIST}?filter={'x' * 20_000}")
    assert (reply.status, reply.json["type"]) == (414, "UriTooLong")


# Versions


def test_a_stale_version_is_told_with_both_values_of_what_differs(site, one):
    """412: what stands now and what was wanted, in the words of this API; nothing is changed."""
    patch(site, one, {"name": "Theirs", "defaultRole": "viewer", "status": "inactive"})
    rows = site.rows()
    wanted = {"name": "Mine", "status": "active", "orgRoles": [ACME], "description": ""}
    reply = patch(site, one, wanted, OURS, ("If-Match", '"1"'))
    assert (reply.status, reply.json["type"], reply.json["current"], reply.header("ETag")) == (
        412,
        "Stale",
        2,
        '"2"',
    )
    assert reply.json["differences"] == {
        "name": {"current": "Theirs", "wanted": "Mine"},
        "status": {"current": "inactive", "wanted": "active"},
        "orgRoles": {"current": [], "wanted": [ACME | {"applicationRoles": []}]},
    }
    assert site.rows() == rows
    assert patch(site, one, wanted, OURS, ("If-Match", '"2"')).json["name"] == "Mine"


@pytest.mark.parametrize(
    ("tag", "status"),
    [
        ('"1"', 200),
        ('"7", "1"', 200),
        ("*", 200),
        ('W/"1"', 412),
        ('"2"', 412),
        ('"x"', 412),
        ('""', 412),
        ('"99999999999999999999"', 412),
        ("1", 400),
        ("", 400),
        ('"1" "2"', 400),
    ],
)
@pytest.mark.parametrize("method", ["PATCH", "PATCH of nothing", "DELETE"])
def test_if_match_is_honoured(site, one, tag, status, method):
    """RFC 9110 section 13.1.1: strong comparison; whatever cannot be read is refused."""
    header = ("If-Match", tag)
    if method == "DELETE":
        reply = delete(site, one, OURS, header)
        assert reply.status == (204 if status == 200 else status)
        assert (site.get(one).status == 404) == (status == 200)
    else:
        reply = patch(site, one, {} if "nothing" in method else {"name": "x"}, OURS, header)
        assert reply.status == status
    if status == 400:
        assert reply.json["field"] == "If-Match"


class Meddling:
    """Stands in for a server: somebody else changes the token between reading and writing, so many times."""

    def __init__(self, site, times) -> None:
        self.site, self.times, self.bare = site, times, site.app.server

    def __getattr__(self, name):
        return getattr(self.bare, name)

    def edit(self, *args, **options):
        """Change the description, then do what is asked."""
        again = self.site.world.colour == "sync"
        other = {"description": f"{self.times} more"} if self.times else None
        self.times -= 1 if self.times else 0
        if again:
            if other:
                self.bare.edit(*args, **other)
            return self.bare.edit(*args, **options)

        async def both():
            if other:
                await self.bare.edit(*args, **other)
            return await self.bare.edit(*args, **options)

        return both()


def test_a_change_of_the_cap_that_is_overtaken_is_made_again_on_what_stands(site, one):
    """A new default is put together with the overrides as they are when it is written."""
    site.app.server = Meddling(site, 2)
    reply = patch(site, one, {"defaultRole": "viewer"})
    assert (reply.status, reply.json["defaultRole"], reply.json["description"]) == (200, "viewer", "1 more")


def test_a_change_that_is_always_overtaken_is_not_made(site, one):
    """503, after three attempts."""
    site.app.server = Meddling(site, 100)
    reply = patch(site, one, {"defaultRole": "viewer"})
    assert (reply.status, reply.json["type"], reply.header("Retry-After")) == (503, "Unavailable", "1")
    assert site.get(one).json["defaultRole"] == "editor"


@pytest.mark.parametrize("token_id", ["expired", "revoked", "pending"])
def test_what_the_status_does_not_allow_is_409(site, token_id):
    """An ended token can only be deleted; a pending one can be renamed, not paused."""
    facts = {"expired": {"expires_at": START}, "pending": {"generation": 0}}.get(token_id, {})
    path = put(site, token_id, "x", **facts)
    if token_id == "revoked":
        site.world.store.commit(site.world.realm, [RevokeToken("revoked", START, "revoked_by_client")])
    reply = patch(site, path, {"status": "inactive"})
    assert (reply.status, reply.json["type"]) == (409, "ReadOnly")
    assert patch(site, path, {"name": "y"}).status == (200 if token_id == "pending" else 409)
    assert delete(site, path).status == 204


def test_a_deleted_token_is_gone_with_all_its_credentials(site, one, journey):
    """204 without a body; then 404, and the app has no access."""
    reply = delete(site, one)
    assert (reply.status, reply.body, reply.header("Content-Type")) == (204, b"", None)
    assert (delete(site, one).status, site.get(one).status) == (404, 404)
    assert journey.access().reason == "invalid_token"


# The sandbox


@pytest.mark.parametrize(
    "organization",
    [None, "acme", "sandbox", "organization:", "organization:sandbox", "organization:organization:x"],
)
def test_every_place_has_an_id_of_its_own(organization):
    """An organization that is called sandbox is not the sandbox, whatever it is called besides."""
    assert organization_of(place_id(organization)) == organization
    assert (place_id(organization) == "sandbox") == (organization is None)


def test_an_organization_called_sandbox_is_told_from_the_sandbox(site, one, journey):
    """Both ways: what is written for one never limits, or opens, the other."""
    site.world.people.join("ann", "sandbox", "admin", rocket2="Rocket two")
    wanted = [
        {"orgId": "sandbox", "role": "none", "applicationRoles": []},
        {
            "orgId": "organization:sandbox",
            "role": "admin",
            "applicationRoles": [{"resourceId": "rocket2", "role": "viewer"}],
        },
    ]
    reply = patch(site, one, {"orgRoles": wanted})
    assert (reply.status, reply.json["orgRoles"]) == (200, wanted)
    assert journey.token.settings.cap == RoleCap(
        "editor", {"sandbox": "admin"}, "none", {"rocket2": ApplicationCap("viewer", "sandbox")}
    )
