"""The JSON API of a user's tokens: what a token and a list look like, and where they are."""

from urllib.parse import quote

import pytest
from tests.support import API, ISSUER, REDIRECT_URI, START
from tests.web.driver import JSON, Sent
from tests.web.test_trouble import FailingStore
from tests.web.tokens import LIST, OURS, bearer, delete, patch, put

from scopegate import (
    ApplicationCap,
    Client,
    Resource,
    RoleCap,
    presets,
)
from scopegate.core.changes import PutClient, RevokeToken
from scopegate.errors import DirectoryUnavailableError, StoreUnavailableError

# Shape


def test_a_record_says_all_that_its_user_may_know(site):
    """Every member, in the form that is promised; what is not so is missing."""
    client = Client(
        id="c1",
        name="Weather",
        redirect_uris=(REDIRECT_URI,),
        homepage="https://w.example/",
        logo="https://w.example/l",
    )
    site.world.store.commit(site.world.realm, [PutClient(client, 0)])
    cap = RoleCap(
        "viewer",
        {"acme": "admin", "sandbox": "none"},
        "editor",
        {"toy": ApplicationCap("viewer"), "lamp": ApplicationCap("none", "globex")},
    )
    path = put(
        site,
        "t1",
        "My weather",
        settings={"cap": cap, "description": "for the boat", "updated_at": START + 1.5},
        last_used_at=START + 60,
        expires_at=START + 86_400,
    )
    reply = site.get(path)
    assert (reply.status, reply.header("ETag"), reply.header("Cache-Control")) == (200, '"1"', "no-store")
    assert reply.json == {
        "id": "t1",
        "oauthTokenId": "t1",
        "name": "My weather",
        "description": "for the boat",
        "creationDate": "2027-01-15T08:00:00.000Z",
        "lastUpdated": "2027-01-15T08:00:01.500Z",
        "lastUsedDate": "2027-01-15T08:01:00.000Z",
        "expirationDate": "2027-01-16T08:00:00.000Z",
        "defaultRole": "viewer",
        "orgRoles": [
            {
                "orgId": "sandbox",
                "role": "editor",
                "applicationRoles": [{"resourceId": "toy", "role": "viewer"}],
            },
            {"orgId": "acme", "role": "admin", "applicationRoles": []},
            {"orgId": "globex", "applicationRoles": [{"resourceId": "lamp", "role": "none"}]},
            {"orgId": "organization:sandbox", "role": "none", "applicationRoles": []},
        ],
        "scope": ["all.Application.read"],
        "status": "active",
        "state": "active",
        "oauth": {
            "client_id": "c1",
            "client_name": "Weather",
            "client_uri": "https://w.example/",
            "logo_uri": "https://w.example/l",
            "redirect_uri": REDIRECT_URI,
            "resource": ["https://acme.example/api"],
            "authorizationStatus": "authorized",
        },
        "version": 1,
    }


def test_the_state_is_what_the_token_is_now_and_the_status_is_its_switch(site):
    """Two facts: whether it is switched on, and whether anything can be done with it."""
    put(site, "active", "a")
    put(site, "pending", "b", generation=0)
    put(site, "inactive", "c", settings={"active": False, "paused_at": START})
    put(site, "expired", "d", expires_at=START)
    put(site, "revoked", "e")
    site.world.store.commit(site.world.realm, [RevokeToken("revoked", START, "revoked_by_client")])
    put(site, "gone", "f", generation=0, created_at=START - 10**6)
    items = site.get(LIST).json["items"]
    assert [(each["id"], each["state"], each["status"]) for each in items] == [
        ("active", "active", "active"),
        ("pending", "pending", "active"),
        ("inactive", "inactive", "inactive"),
        ("expired", "expired", "active"),
        ("revoked", "revoked", "active"),
    ]
    assert [each.get("revokedReason") for each in items] == [None] * 4 + ["revoked_by_client"]
    assert [each["oauth"]["authorizationStatus"] for each in items].count("pending") == 1
    assert site.get(f"{LIST}/gone").status == 404


def test_a_removed_client_and_roles_of_last_year_break_nothing(site):
    """What is stored and no longer known: no name, and a role that counts as none, which is how it is judged."""
    cap = RoleCap("boss", {"acme": "boss"}, None, {"rocket": ApplicationCap("boss", "acme")})
    path = put(site, "t1", "old", client="removed", scopes=("all.Things.read",), settings={"cap": cap})
    found = site.get(path).json
    assert (found["oauth"]["client_name"], found["scope"]) == ("", ["all.Things.read"])
    assert found["defaultRole"] == "none"
    assert found["orgRoles"] == [
        {"orgId": "acme", "role": "none", "applicationRoles": [{"resourceId": "rocket", "role": "none"}]}
    ]
    assert patch(site, path, {"defaultRole": "viewer"}).status == 200
    assert site.world.token("t1").settings.cap.organizations == {"acme": "none"}


def test_names_that_changed_are_shown_as_they_are_now(serve):
    """A role and a scope under a new name."""
    changed = presets.from_mapping(
        {
            "roles": ["viewer", "editor"],
            "levels": {"User": {"target": "user"}, "Application": {"parent": "User"}},
            "scopes": ["all.Application.read"],
            "renamed": {"boss": "editor", "all.Things.read": "all.Application.read"},
        }
    )
    site = serve(catalogue=changed, resources=[Resource(API, scopes=["all.Application.read"])])
    found = site.get(
        put(site, "t1", "old", scopes=("all.Things.read",), settings={"cap": RoleCap("boss")})
    ).json
    assert (found["defaultRole"], found["scope"]) == ("editor", ["all.Application.read"])


# Lists


@pytest.fixture
def many(site):
    """A site with seven tokens of ann's, and one of bob's."""
    for number, name in enumerate(["Weather", "weather two", "Clock", "Alarm", "Boat", "Car", "Door"]):
        put(
            site,
            f"t{number}",
            name,
            client="c2" if number == 2 else "c1",
            created_at=START - number,
            last_used_at=START + number,
            settings={"active": number != 3, "paused_at": None},
        )
    put(site, "theirs", "Weather", user="bob")
    return site


def ids(reply):
    """The ids of a list, in its order."""
    assert reply.status == 200, reply.json
    return "".join(each["id"].removeprefix("t") for each in reply.json["items"])


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "3452601"),
        ("sortDirection=desc", "1062543"),
        ("sortField=id", "0123456"),
        ("sortField=creationDate", "6543210"),
        ("sortField=creationDate&sortDirection=desc", "0123456"),
        ("sortField=lastUpdated", "6543210"),
        ("sortField=lastUsed&sortDirection=desc", "6543210"),
        ("sortField=status", "0124563"),
        ("sortField=client", "0134562"),
        ("filter=weather", "01"),
        ("filterField=name&filter=*o*", "4261"),
        ("filter=%3Far", "5"),
        ("filterField=status&filter=inactive", "3"),
        ("filterField=client&filter=c2", "2"),
        ("filter=", "3452601"),
        ("filter=nothing", ""),
        ("perPage=3", "345"),
        ("perPage=3&page=1", "260"),
        ("perPage=3&page=2", "1"),
        ("perPage=3&page=3", ""),
        ("unknown=1&unknown=2", "3452601"),
    ],
)
def test_a_list_is_sorted_filtered_and_cut_as_asked(many, query, expected):
    """L06: the parameters of a list, and what they leave of ann's seven tokens."""
    assert ids(many.get(f"{LIST}?{query}")) == expected


def test_a_list_says_what_it_is(many):
    """The members beside the items: the parameters as they were taken, and how many there are."""
    content = many.get(LIST).json
    del content["items"]
    assert content == {
        "count": 7,
        "totalCount": 7,
        "perPage": 100,
        "page": 0,
        "sortField": "name",
        "sortDirection": "asc",
    }
    content = many.get(f"{LIST}?filter=weather&perPage=1&page=1&sortField=id&sortDirection=desc").json
    del content["items"]
    assert content == {
        "count": 1,
        "totalCount": 2,
        "perPage": 1,
        "page": 1,
        "filter": "weather",
        "filterField": "name",
        "sortField": "id",
        "sortDirection": "desc",
    }


def test_a_cursor_goes_on_where_the_page_ended_whatever_comes_and_goes(many):
    """A token that is deleted meanwhile shifts numbered pages, and no cursor."""
    first = many.get(f"{LIST}?perPage=3")
    many.world.server.delete("ann", "t3")
    cursor = quote(first.json["next"])
    second = many.get(f"{LIST}?perPage=3&cursor={cursor}")
    assert ids(first) + ids(second) == "345260"
    assert "page" not in second.json
    last = many.get(f"{LIST}?perPage=3&cursor={quote(second.json['next'])}")
    assert (ids(last), "next" in last.json) == ("1", False)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("sortField=expirationDate", "sortField"),
        ("sortField=", "sortField"),
        ("sortDirection=up", "sortDirection"),
        ("filterField=description", "filterField"),
        ("filterField=status&filter=gone", "filter"),
        ("filter=" + "a" * 256, "filter"),
        ("page=-1", "page"),
        ("page=1.0", "page"),
        ("page=%D9%A1", "page"),
        ("page=1000001", "page"),
        ("page=" + "9" * 5000, "page"),
        ("perPage=0", "perPage"),
        ("perPage=1001", "perPage"),
        ("perPage=", "perPage"),
        ("cursor=x", "cursor"),
        ("cursor=" + "[" * 15_000, "cursor"),
        ("page=1&cursor=x", "cursor"),
        ("page=0&cursor=x", "cursor"),
        ("sortField=name&sortField=name", "sortField"),
        ("filter=%ff", None),
    ],
)
def test_a_wrong_parameter_is_named(many, query, field):
    """400 with the name of the parameter."""
    reply = many.get(f"{LIST}?{query}")
    assert (reply.status, reply.json["type"], reply.json.get("field")) == (400, "Validation", field)
    assert reply.json["message"]


def test_a_cursor_belongs_to_its_order(many):
    """That of another list is refused, not misread."""
    cursor = quote(many.get(f"{LIST}?perPage=3").json["next"])
    reply = many.get(f"{LIST}?perPage=3&sortField=id&cursor={cursor}")
    assert (reply.status, reply.json["field"]) == (400, "cursor")


# Where


def test_it_is_served_where_the_host_wants_it_or_not_at_all(serve):
    """The prefix is below the issuer's own path."""
    site = serve(issuer=f"{ISSUER}/t1", site={"account_prefix": "/account/v1"})
    assert site.get("/t1/account/v1/oauth-tokens").status == 200
    assert site.get("/account/v1/oauth-tokens").status == 404
    assert serve(site={"account_prefix": ""}).get("/oauth-tokens").status == 200
    without = serve(site={"account_prefix": None})
    assert (without.get(LIST).status, without.get(LIST).json["error"]) == (404, "not_found")
    assert not without.app.site.serves(LIST)


@pytest.mark.parametrize("trouble", ["host", "token", "tokens", "commit"])
def test_trouble_of_ours_is_503(serve, trouble, monkeypatch):
    """Law 7: nothing was decided, so try again; nothing is said about what it was."""
    store = FailingStore()
    site = serve(store=store)
    path, full = put(site, "t1", "x"), StoreUnavailableError("the disk is full")

    def fail(*_):
        raise full

    if trouble == "host":
        monkeypatch.setattr(site.app, "_current_user", fail)
    store.trouble = {trouble: full}
    replies = {
        "token": site.get(path),
        "tokens": site.get(LIST),
        "commit": patch(site, path, {"name": "y"}),
        "host": delete(site, path),
    }
    reply = replies[trouble]
    assert (reply.status, reply.json["type"], reply.header("Retry-After")) == (503, "Unavailable", "1")
    assert "disk" not in reply.text


def test_trouble_of_the_directory_is_503_for_a_token(site, one, journey):
    """Law 7: the account behind a token could not be looked up."""
    site.world.people.trouble = DirectoryUnavailableError("the directory is down")
    for path in (LIST, one):
        reply = site.get(path, bearer(journey))
        assert (reply.status, reply.header("Access-Control-Allow-Origin")) == (503, "*")
        assert "directory" not in reply.text


def test_a_body_that_breaks_off_does_nothing(site, one):
    """GEN-8: half a change is no change."""
    rows = site.rows()
    reply = site.send(Sent("PATCH", one, headers=(JSON, OURS), body=b'{"name": "x"}', cut=True))
    if site.kind == "wsgi":
        assert (reply.status, reply.json["type"]) == (400, "Validation")
    else:
        assert reply is None
    assert site.rows() == rows
