"""The preset against the product it reproduces: every endpoint, every scope, every least role.

``endpoints.json`` holds the facts and ``least_roles.txt`` the reviewed least roles; neither is made from the package.
"""

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import Journey, World

from scopegate import AccessClass, Action, ConfigurationError, Membership, Refusal, Resource
from scopegate.presets import user_tokens

ROWS = json.loads(Path(__file__).with_name("endpoints.json").read_text("utf-8"))
ENDPOINTS = {f"{row['resource']}.{row['action']}": row for row in ROWS}
SCOPED = {name: row for name, row in ENDPOINTS.items() if row["level"]}
OPEN = sorted(ENDPOINTS.keys() - SCOPED.keys())
CLOSED = {name for name, row in ENDPOINTS.items() if row.get("deny_oauth_tokens")}
SENSITIVE = {name for name, row in SCOPED.items() if row["access"] == "sensitive"}

BENEATH = {
    "User": {"User", "Organization", "Application", "Instance"},
    "Organization": {"Organization", "Application"},
    "Application": {"Application"},
    "Instance": {"Instance"},
}
CLASSES = {
    "": {"read", "write", "sensitive"},
    ".bounded": {"read", "write"},
    ".read": {"read"},
}
SEVEN = {
    "all.Application.read": 113,
    "all.Application.bounded": 241,
    "only.Organization.read": 11,
    "only.Organization.bounded": 19,
    "all.Organization.read": 124,
    "all.Organization.bounded": 260,
    "only.User.read": 18,
}
GRAMMAR = {
    f"{reach}.{level}{suffix}": (beneath if reach == "all" else {level}, classes)
    for reach in ("all", "only")
    for level, beneath in BENEATH.items()
    for suffix, classes in CLASSES.items()
}
PAIRS = {f"{level}.{access}" for level in BENEATH for access in CLASSES[""]}
ROLES = ["none", "view", "collaborate", "edit", "admin"]
LEAST_ROLES = {
    name: least
    for name, _, least in (
        line.partition(" ")
        for line in Path(__file__).with_name("least_roles.txt").read_text("utf-8").splitlines()
        if not line.startswith("#")
    )
}

SEED = user_tokens()
WIDE = user_tokens(scopes=tuple(GRAMMAR))


def named(scope):
    """The endpoints that a scope stands for, by the algebra and the facts alone."""
    levels, classes = GRAMMAR[scope]
    return {name for name, row in SCOPED.items() if row["level"] in levels and row["access"] in classes}


def opened(catalogue, *scopes):
    """The endpoints that these scopes open, as the evaluator sees it: a bit in common."""
    mask = catalogue.mask(scopes)
    return {name for name in SCOPED if mask & catalogue.rule(name).mask}


def least(catalogue, action):
    """The least role in the words of the golden list."""
    rule = catalogue.rule(action)
    if rule.action.closed:
        return "- closed"
    if rule.target in {"organization", "application"}:
        return catalogue.roles.roles[rule.rank].name
    return f"- {rule.action.level}"


def may(journey):
    """The endpoints that a server lets a token call, at ann's organization and an application of it."""
    place = {"organization": "acme", "application": "rocket"}
    return {name for name in SCOPED if not isinstance(journey.access(name, **place), Refusal)}


@pytest.fixture
def connect():
    """Connects a token of an administrator, over a catalogue, with a scope and a cap."""
    worlds = []

    def connect(catalogue, scope, cap="admin"):
        resources = [Resource("https://acme.example/api", scopes=[scope])]
        worlds.append(World(catalogue=catalogue, resources=resources))
        worlds[-1].people.places["ann"] = (Membership("acme", "Acme", "admin", {"rocket": "Rocket"}),)
        return Journey(worlds[-1], scope=scope).connect(default=cap)

    yield connect
    for world in worlds:
        world.close()


def test_the_facts_are_whole():
    """The counts that the facts came with."""
    assert (len(ROWS), len(ENDPOINTS), len(SCOPED), len(OPEN)) == (375, 375, 366, 9)
    assert (len(CLOSED), len(SENSITIVE)) == (6, 37)
    levels = Counter(row["level"] for row in SCOPED.values())
    assert levels == {"Application": 244, "Organization": 24, "User": 37, "Instance": 61}
    assert Counter(row["access"] for row in SCOPED.values()) == {"read": 177, "write": 152, "sensitive": 37}


def test_the_catalogue_names_every_endpoint_and_nothing_else():
    """Level and class as the facts have them; beside them only the (level, access) pairs."""
    assert SEED.rules.keys() == SCOPED.keys() | PAIRS
    found = {name: (SEED.rule(name).action.level, SEED.rule(name).action.access.value) for name in SCOPED}
    assert found == {name: (row["level"], row["access"]) for name, row in SCOPED.items()}


def test_the_scopes_on_offer_are_the_seven():
    """Nothing unsuffixed, nothing fine-grained."""
    assert sorted(SEED.scopes) == sorted(SEVEN)


@pytest.mark.parametrize(("scope", "count"), SEVEN.items())
def test_a_scope_opens_exactly_its_actions(scope, count):
    """Action by action, whether seven scopes are on offer or all there could be."""
    assert opened(SEED, scope) == opened(WIDE, scope) == named(scope)
    assert len(named(scope)) == count


def test_the_seven_together_open_278():
    """What no scope of the seven opens stays shut whatever is combined."""
    assert opened(SEED, *SEVEN) == set().union(*(named(scope) for scope in SEVEN))
    assert len(opened(SEED, *SEVEN)) == 278


@pytest.mark.parametrize("scope", GRAMMAR)
def test_every_scope_of_the_grammar_opens_what_it_names(scope):
    """All but the closed ones, which nothing opens."""
    assert opened(WIDE, scope) == named(scope) - CLOSED


@pytest.mark.parametrize(("scope", "count"), [*SEVEN.items(), ("all.User", 366), ("all.Instance", 61)])
def test_the_algebra_covers_exactly_its_actions(scope, count):
    """Before anything is closed: what the name of the scope says."""
    parsed = SEED.parse(scope)
    covered = {name for name in SCOPED if parsed.covers(SEED.rule(name).action)}
    assert covered == named(scope)
    assert len(covered) == count


@pytest.mark.parametrize("scope", SEVEN)
def test_a_server_opens_exactly_what_a_scope_does(connect, scope):
    """From consent to bearer: a token of an administrator, capped by nothing but its scope."""
    assert may(connect(SEED, scope)) == named(scope)


def test_what_is_sensitive_is_open_to_none_of_the_seven():
    """37 actions, one by one and for all seven at once."""
    assert not opened(SEED, *SEVEN) & SENSITIVE
    assert all(SEED.rule(name).scopes == () for name in SENSITIVE)


def test_what_is_closed_stays_closed(connect):
    """Whatever is on offer, and for an administrator's token that may do everything else."""
    assert {name for name in SCOPED if SEED.rule(name).action.closed} == CLOSED
    assert {WIDE.rule(name).mask for name in CLOSED} == {0}
    assert {WIDE.rule(name).scopes for name in CLOSED} == {()}
    assert may(connect(user_tokens(scopes=("all.User",)), "all.User")) == {
        name for name, row in SCOPED.items() if row["level"] != "Instance" and name not in CLOSED
    }


@pytest.mark.parametrize("access", AccessClass)
def test_what_is_closed_stays_closed_in_every_class(access):
    """A host may say that removing tokens is a write; no token does it for that."""
    catalogue = user_tokens(access=dict.fromkeys(CLOSED, access), scopes=tuple(GRAMMAR))
    assert {catalogue.rule(name).mask for name in CLOSED} == {0}


@pytest.mark.parametrize("name", OPEN)
def test_what_needs_no_token_is_not_asked_about(name):
    """Nine endpoints; asking is the host's mistake, and the error names the endpoint."""
    assert name not in SEED.rules
    with pytest.raises(ConfigurationError, match=name.replace(".", r"\.")):
        SEED.rule(name)


def test_the_method_says_nothing_about_the_class():
    """Reading with something else than GET, and GET that does more than read."""
    classes = {name: SEED.rule(name).action.access for name in SCOPED}
    get = {name for name, row in SCOPED.items() if row["method"] == "GET"}
    assert {name for name in SCOPED if classes[name] == "read" and name not in get} == {
        "applicationDashboard.sendReport",
        "data.export",
        "data.lastValueQuery",
        "data.timeSeriesQuery",
        "dataTableRows.export",
        "dataTableRows.query",
        "device.export",
        "devices.export",
        "devices.payloadCounts",
        "embeddedDeployments.export",
        "events.delete",
        "events.export",
        "instance.generateReport",
        "notebook.requestInputDataExport",
    }
    assert {name: classes[name] for name in get if classes[name] != "read"} == {
        "application.archiveData": "write",
        "application.backfillArchiveData": "write",
        "application.fullDataTablesArchive": "write",
        "application.fullEventsArchive": "write",
        "instanceNotificationRule.logs": "write",
        "me.refreshToken": "sensitive",
    }


def test_the_golden_list_has_every_endpoint_once():
    """One line each, in order, with a role or a reason for none."""
    lines = Path(__file__).with_name("least_roles.txt").read_text("utf-8").splitlines()
    names = [line.partition(" ")[0] for line in lines if not line.startswith("#")]
    assert names == sorted(ENDPOINTS)


@pytest.mark.parametrize("name", ENDPOINTS)
def test_every_least_role_is_the_reviewed_one(name):
    """All 375; what the catalogue does not name needs no token."""
    assert LEAST_ROLES[name] == (least(SEED, name) if name in SEED.rules else "- open")


@pytest.mark.parametrize("cap", ROLES)
def test_a_capped_token_does_what_its_role_may(connect, cap):
    """An administrator's token, with every scope there is for organizations, limited by its cap alone."""
    found = may(connect(user_tokens(scopes=("all.Organization",)), "all.Organization", cap))
    assert found == {
        name
        for name, least_role in LEAST_ROLES.items()
        if not least_role.startswith("-") and ROLES.index(least_role) <= ROLES.index(cap)
    }


def test_users_and_instances_have_no_role_layer():
    """What is the user's own is judged by scope alone, and nobody's token has a role at an instance."""
    targets = {name: SEED.rule(name).target for name in SCOPED}
    assert {targets[name] for name, row in SCOPED.items() if row["level"] == "User"} == {"user"}
    assert {targets[name] for name, row in SCOPED.items() if row["level"] == "Instance"} == {"unreachable"}
    assert all(
        SEED.rule(name).action.least_role is None
        for name, row in SCOPED.items()
        if row["level"] in {"User", "Instance"}
    )


def test_a_host_changes_what_is_sensitive():
    """Only the named actions move, and they move out of reach; or into it."""
    catalogue = user_tokens(access={"org.delete": "sensitive", "applicationKeys.post": AccessClass.SENSITIVE})
    gone = {"org.delete", "applicationKeys.post"}
    assert opened(catalogue, *SEVEN) == opened(SEED, *SEVEN) - gone
    catalogue = user_tokens(access={"org.inviteMember": "write"})
    assert opened(catalogue, "only.Organization.bounded") == opened(SEED, "only.Organization.bounded") | {
        "org.inviteMember"
    }


@pytest.mark.parametrize(
    ("name", "access", "role"),
    [
        ("applicationKeys.post", "sensitive", "admin"),
        ("application.delete", "sensitive", "admin"),
        ("application.delete", "read", "edit"),
        ("org.inviteMember", "write", "admin"),
        ("devices.post", "read", "collaborate"),
        ("device.get", "write", "collaborate"),
    ],
)
def test_another_class_never_weakens_the_least_role(name, access, role):
    """It stays, or becomes that of the new class if that is stronger; nothing else changes."""
    catalogue = user_tokens(access={name: access})
    assert least(catalogue, name) == role
    assert differences(catalogue) <= {name}


def differences(catalogue):
    """The endpoints whose least role is not the reviewed one."""
    return {name for name in SCOPED if least(catalogue, name) != LEAST_ROLES[name]}


def test_a_host_changes_the_least_role_of_an_action():
    """Up or down, and of no other."""
    catalogue = user_tokens(least_roles={"devices.delete": "admin", "org.patch": "view"})
    assert (least(catalogue, "devices.delete"), least(catalogue, "org.patch")) == ("admin", "view")
    assert differences(catalogue) == {"devices.delete", "org.patch"}


def test_a_host_changes_the_least_role_of_a_class():
    """The actions of that class follow, pairs included, but for those that need more already."""
    catalogue = user_tokens(least_roles={AccessClass.WRITE: "admin", "device.patch": "collaborate"})
    assert least(catalogue, "device.patch") == "collaborate"
    for name in ("device.delete", "application.delete", "dashboard.patch", "Application.write"):
        assert least(catalogue, name) == "admin"
    assert least(catalogue, "device.get") == "view"
    lower = user_tokens(least_roles={"write": "view"})
    assert (least(lower, "device.patch"), least(lower, "application.delete")) == ("view", "edit")


def test_a_host_adds_actions_of_its_own():
    """Beside the preset's; the same name twice is refused."""
    catalogue = user_tokens(actions=[Action("device.reboot", "Application", AccessClass.WRITE, "edit")])
    assert least(catalogue, "device.reboot") == "edit"
    assert catalogue.rules.keys() == SEED.rules.keys() | {"device.reboot"}
    with pytest.raises(ConfigurationError, match=r"device\.patch"):
        user_tokens(actions=[Action("device.patch", "Application", AccessClass.WRITE)])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"access": {"device.fly": "write"}}, ["access", "'device.fly'"]),
        ({"access": {"dashboard.get": "write"}}, ["access", "'dashboard.get'"]),
        ({"access": {"Organization.write": "sensitive"}}, ["access", "'Organization.write'"]),
        ({"access": {"device.patch": "secret"}}, ["'device.patch'", "'secret'", "sensitive"]),
        ({"access": {"device.patch": "Write"}}, ["'device.patch'", "'Write'"]),
        ({"least_roles": {"device.fly": "view"}}, ["least_roles", "'device.fly'"]),
        ({"least_roles": {"Organization.write": "admin"}}, ["least_roles", "'Organization.write'"]),
        ({"least_roles": {"device.patch": "owner"}}, ["'device.patch'", "'owner'", "roles"]),
        ({"least_roles": {"device.patch": "none"}}, ["'device.patch'", "'none'"]),
        ({"least_roles": {"write": "owner"}}, ["'write'", "'owner'"]),
        ({"least_roles": {"orgs.post": "admin"}}, ["'orgs.post'", "User", "no role"]),
        ({"least_roles": {"instance.patch": "admin"}}, ["'instance.patch'", "Instance", "no role"]),
        ({"scopes": ["all.Device"]}, ["all.Device", "Application"]),
    ],
)
def test_nonsense_is_refused_by_name(changes, words):
    """When the catalogue is made, in words that name the entry."""
    with pytest.raises(ConfigurationError) as caught:
        user_tokens(**changes)
    for word in words:
        assert word in str(caught.value)


narrow = st.lists(
    st.sampled_from([name for name in GRAMMAR if name.count(".") == 2]), min_size=1, unique=True
)


@given(narrow, st.dictionaries(st.sampled_from(sorted(SCOPED)), st.sampled_from(AccessClass), max_size=5))
def test_what_is_sensitive_is_out_of_reach_of_read_and_bounded(scopes, access):
    """At every level, for every mix of such scopes, and for whatever a host declares sensitive."""
    catalogue = user_tokens(access=access, scopes=scopes)
    found = {catalogue.rule(name).action.access for name in opened(catalogue, *scopes)}
    assert AccessClass.SENSITIVE not in found
    if all(scope.endswith(".read") for scope in scopes):
        assert found <= {AccessClass.READ}
    assert all(
        not catalogue.mask(tuple(scopes)) & catalogue.rule(f"{level}.sensitive").mask for level in BENEATH
    )
