"""A catalogue from plain data: the same as from Python, and whatever else is written is refused by name."""

import tomllib
from contextlib import suppress
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scopegate import AccessClass, Action, Catalogue, ConfigurationError, Level, Role, RoleLadder
from scopegate.presets import from_mapping, simple

TEN_LINES = """
roles = ["viewer", "editor", "admin"]
scopes = ["only.Organization.read", "all.Organization.bounded", "device.reboot"]
[levels]
User = { target = "user" }
Organization = { parent = "User", target = "organization" }
Application = { parent = "Organization" }
[actions]
"device.reboot" = { level = "Application", access = "write" }
"org.close" = { level = "Organization", access = "sensitive", least_role = "editor", closed = true }
"""
PLAIN = tomllib.loads(TEN_LINES)
LEVELS = (
    Level("User", None, "user"),
    Level("Organization", "User", "organization"),
    Level("Application", "Organization"),
)
ACTIONS = (
    Action("device.reboot", "Application", AccessClass.WRITE),
    Action("org.close", "Organization", AccessClass.SENSITIVE, "editor", closed=True),
)
LEAST = {AccessClass.READ: "viewer", AccessClass.WRITE: "editor", AccessClass.SENSITIVE: "admin"}


def test_ten_lines_say_what_python_would():
    """Roles, levels, actions and scopes; the weakest reads, the second writes, the strongest does the rest."""
    assert len(TEN_LINES.strip().splitlines()) <= 10
    ladder = RoleLadder.of(["viewer", "editor", "admin"])
    assert from_mapping(PLAIN) == Catalogue(ladder, LEVELS, LEAST, tuple(PLAIN["scopes"]), ACTIONS)


def test_everything_can_be_said():
    """Roles in words, least roles of classes, a version, old names, and the words of levels and actions."""
    reboot = {"level": "Application", "access": "write", "description": "restart devices"}
    plain = PLAIN | {
        "roles": [{"name": "viewer", "label": "Viewer", "description": "Sees."}, "boss"],
        "levels": PLAIN["levels"]
        | {"Application": {"parent": "Organization", "nouns": "apps", "includes": "x"}},
        "least_roles": {"write": "viewer"},
        "version": "2026-02",
        "renamed": {"device.restart": "device.reboot"},
        "actions": {"device.reboot": reboot},
    }
    found = from_mapping(plain)
    assert found.roles.roles[1:] == (Role("viewer", "Viewer", "Sees."), Role("boss", "Boss"))
    assert found.level("Application") == Level("Application", "Organization", "application", "apps", "x")
    assert found.least_roles == {"read": "viewer", "write": "viewer", "sensitive": "boss"}
    assert (found.version, found.rule("device.restart")) == ("2026-02", found.rule("device.reboot"))
    assert found.rule("device.reboot").action.description == "restart devices"


def test_what_is_left_out_is_as_in_python():
    """Version 1, no names of old, no single actions; a number is a version too."""
    plain = {key: PLAIN[key] for key in ("roles", "levels")} | {"scopes": ["all.User"]}
    found = from_mapping(plain)
    assert (found.version, found.renamed, found.actions) == ("1", {}, ())
    assert from_mapping(plain | {"version": 2}).version == "2"


def test_any_mapping_and_any_list_will_do():
    """A settings object is as good as a dictionary, and a tuple as a list; None is as good as nothing said."""
    levels = {"User": MappingProxyType({"parent": None, "target": "user"})}
    plain = {"roles": ("viewer",), "levels": MappingProxyType(levels), "scopes": ("all.User",)}
    assert from_mapping(MappingProxyType(plain)).levels == (Level("User", None, "user"),)


def test_the_simple_preset_can_be_written_down():
    """It is nothing that a host could not say for itself."""
    made = simple()
    levels = {
        each.name: {
            "parent": each.parent,
            "target": each.target,
            "nouns": each.nouns,
            "includes": each.includes,
        }
        for each in made.levels
    }
    plain = {"roles": ["viewer", "editor", "admin"], "levels": levels, "scopes": list(made.scopes)}
    assert from_mapping(plain) == made


def changed(**changes):
    """The ten lines with other entries; None takes one out."""
    return {key: value for key, value in (PLAIN | changes).items() if value is not None}


def level(**table):
    """The ten lines with one more level."""
    return changed(levels=PLAIN["levels"] | {"Team": table})


def action(**table):
    """The ten lines with one more action."""
    return changed(actions=PLAIN["actions"] | {"team.merge": table})


NONSENSE = {
    "no table at all": ([], ["a catalogue", "not a table"]),
    "an unknown entry": (changed(role=[]), ["'role'", "roles, levels"]),
    "a key that is no string": (PLAIN | {3: "x"}, ["a catalogue", "3 is not a string"]),
    "no roles": (changed(roles=None), ["'roles'", "missing"]),
    "roles that are no list": (changed(roles="viewer"), ["'roles'", "not a list"]),
    "a role that is a number": (changed(roles=["viewer", 7]), ["'roles'", "7 is not a table"]),
    "a role without a name": (changed(roles=[{"label": "Boss"}]), ["'roles'", "has no 'name'"]),
    "a role with an unknown key": (
        changed(roles=[{"name": "x", "rank": 1}]),
        ["'roles'", "'rank'", "name, label, description"],
    ),
    "a role twice": (changed(roles=["viewer", "viewer"]), ["roles", "viewer"]),
    "a label that is a number": (changed(roles=[{"name": "x", "label": 1}]), ["'label' is 1, not a string"]),
    "no scopes": (changed(scopes=None), ["'scopes'", "missing"]),
    "scopes that are no list": (changed(scopes="all.User"), ["'scopes'", "not a list"]),
    "a scope that is a list": (changed(scopes=[["all.User"]]), ["'scopes'", "['all.User'] is not a string"]),
    "an unknown scope": (changed(scopes=["all.Team"]), ["'all.Team'", "'Organization'"]),
    "no levels": (changed(levels=None), ["action 'device.reboot'", "levels are []"]),
    "levels in a list": (changed(levels=["User"]), ["'levels'", "not a table"]),
    "a level that is a string": (changed(levels={"User": "user"}), ["level 'User'", "'user' is not a table"]),
    "a level with a number for a name": (changed(levels={5: {}}), ["'levels'", "5 is not a string"]),
    "a level that is named again": (level(name="Teams"), ["level 'Team'", "'name'"]),
    "a level with an unknown key": (
        level(above="User"),
        ["level 'Team'", "'above'", "parent, target, nouns"],
    ),
    "a parent that is a list": (
        level(parent=["User"]),
        ["level 'Team'", "'parent' is ['User'], not a string"],
    ),
    "an unknown parent": (level(parent="Users"), ["level 'Team'", "parent 'Users'"]),
    "an unknown target": (level(target="team"), ["level 'Team'", "target 'team'", "'unreachable'"]),
    "nouns that are nothing": (level(nouns=None), ["level 'Team'", "'nouns' is None, not a string"]),
    "actions in a list": (changed(actions=["x.y"]), ["'actions'", "not a table"]),
    "an action without a level": (action(access="read"), ["action 'team.merge' has no 'level'"]),
    "an action without a class": (action(level="User"), ["action 'team.merge' has no 'access'"]),
    "an action with an unknown key": (
        action(level="User", access="read", role="admin"),
        ["action 'team.merge'", "'role'", "least_role"],
    ),
    "an unknown class": (
        action(level="User", access="patch"),
        ["action 'team.merge'", "'patch'", "sensitive"],
    ),
    "a class that is a list": (action(level="User", access=[]), ["action 'team.merge'", "'access' is []"]),
    "an unknown level": (action(level="Users", access="read"), ["action 'team.merge'", "'Users'"]),
    "a least role that is unknown": (
        action(level="Application", access="read", least_role="boss"),
        ["action 'team.merge'", "'boss'", "viewer, editor, admin"],
    ),
    "a switch that is a string": (
        action(level="User", access="read", closed="no"),
        ["action 'team.merge'", "'closed' is 'no', not true or false"],
    ),
    "a switch that is a number": (
        action(level="User", access="read", closed=0),
        ["action 'team.merge'", "'closed' is 0"],
    ),
    "least roles in a list": (changed(least_roles=["viewer"]), ["'least_roles'", "not a table"]),
    "a least role that is a list": (
        changed(least_roles={"read": []}),
        ["'least_roles'", "[] is not a string"],
    ),
    "a least role of no class": (changed(least_roles={"patch": "viewer"}), ["least_roles", "'patch'"]),
    "an unknown least role": (changed(least_roles={"read": "boss"}), ["least_roles", "'read'", "'boss'"]),
    "a version that is a list": (changed(version=[1]), ["'version' is [1]"]),
    "a version that is a switch": (changed(version=True), ["'version' is True"]),
    "renamed in a list": (changed(renamed=["x"]), ["'renamed'", "not a table"]),
    "a new name that is a number": (changed(renamed={"x": 1}), ["'renamed'", "1 is not a string"]),
    "a new name that is unknown": (changed(renamed={"x": "y"}), ["renamed 'x'", "'y'"]),
}


@pytest.mark.parametrize(("plain", "words"), NONSENSE.values(), ids=list(NONSENSE))
def test_nonsense_is_refused_by_name(plain, words):
    """When the catalogue is made, in words that name the entry."""
    with pytest.raises(ConfigurationError) as caught:
        from_mapping(plain)
    for word in words:
        assert word in str(caught.value)


names = st.sampled_from(
    ["User", "Organization", "viewer", "admin", "device.reboot", "all.User", "read", "none", ""]
)
plain_data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names | st.integers(), inner, max_size=3),
    max_leaves=8,
)


def sometimes(key, usual):
    """Plain data for an entry: mostly what makes sense there."""
    return st.just(PLAIN.get(key)) | usual | plain_data


def tables(*keys):
    """Tables by name whose keys mostly exist."""
    return st.dictionaries(
        names, st.dictionaries(st.sampled_from(keys), names | plain_data, max_size=4), max_size=3
    )


ENTRIES = {
    "roles": sometimes("roles", st.lists(names, max_size=4)),
    "scopes": sometimes("scopes", st.lists(names, max_size=3)),
    "levels": sometimes("levels", tables("parent", "target", "nouns", "includes")),
    "actions": sometimes("actions", tables("level", "access", "least_role", "closed", "description")),
    "least_roles": sometimes("least_roles", st.dictionaries(st.sampled_from(AccessClass), names)),
    "renamed": sometimes("renamed", st.dictionaries(names, names, max_size=2)),
    "version": sometimes("version", st.text()),
}


def made(plain):
    """The catalogue, or None if it is refused; any other exception is a failure."""
    with suppress(ConfigurationError):
        return from_mapping(plain)


@given(plain_data | st.fixed_dictionaries({}, optional=ENTRIES))
def test_whatever_is_written_is_a_catalogue_or_refused(plain):
    """A host's typing mistake is never an exception of another kind."""
    found = made(plain)
    assert found is None or found.scopes == tuple(plain["scopes"])


@given(st.sampled_from(sorted(ENTRIES)), st.data())
def test_one_other_entry_in_a_good_catalogue_is_taken_or_refused(entry, data):
    """Whatever is put in its place."""
    plain = PLAIN | {entry: data.draw(ENTRIES[entry])}
    found = made(plain)
    assert found is None or found.scopes == tuple(plain["scopes"])
