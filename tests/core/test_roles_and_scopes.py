"""Ladders, scopes, catalogues, sentences, caps: what a host describes itself with."""

import pytest

from scopegate import (
    SANDBOX,
    AccessClass,
    Action,
    Application,
    ApplicationCap,
    Catalogue,
    ConfigurationError,
    Level,
    Membership,
    Organization,
    Role,
    RoleCap,
    RoleLadder,
    presets,
)
from scopegate.core.catalogue import MASK_MEMORY
from scopegate.core.permissions import Evaluator
from scopegate.core.sentences import Sentence, describe
from scopegate.errors import InvalidValueError

CATALOGUE = presets.user_tokens()


def test_a_ladder_always_starts_with_none():
    """Given or not, none is the first, and means nothing."""
    for given in (["viewer", "admin"], ["none", "viewer", "admin"], [Role("viewer"), Role("admin")]):
        ladder = RoleLadder.of(given)
        assert [role.name for role in ladder.roles] == ["none", "viewer", "admin"]
        assert [ladder.rank(name) for name in ("none", "viewer", "admin")] == [0, 1, 2]
        assert (ladder.least.name, ladder.top.name) == ("viewer", "admin")


@pytest.mark.parametrize(
    "roles",
    [[], ["none"], ["a", "a"], ["a", ""], ["a", "none"], [Role("a"), "a"], ["none", "a", "none"]],
    ids=repr,
)
def test_a_ladder_that_makes_no_sense_is_refused(roles):
    """Each role above none has a name of its own, and there is one; the message says what was given."""
    with pytest.raises(ConfigurationError, match="give at least one role above 'none'") as caught:
        RoleLadder.of(roles)
    for role in roles:
        assert repr(role if isinstance(role, str) else role.name) in str(caught.value)


def test_names_become_labels():
    """A host that gives only names still has something to show; one that gives labels keeps them."""
    ladder = RoleLadder.of(["read_only", Role("boss", "The Boss", "Can do all.")])
    assert [role.label for role in ladder.roles] == ["No access", "Read only", "The Boss"]
    assert ladder["boss"].description == "Can do all."


def test_names_that_a_ladder_has_not_are_none():
    """Stored names fail closed."""
    ladder = RoleLadder.of(["viewer"])
    assert [ladder.rank(name) for name in ("owner", "", None, "Viewer")] == [0, 0, 0, 0]
    assert ladder["owner"].name == "none"
    assert "owner" not in ladder
    assert "viewer" in ladder


def test_the_preset_has_the_seven_scopes_and_five_roles():
    """Users above organizations and instances, organizations above applications."""
    assert [role.name for role in CATALOGUE.roles.roles] == ["none", "view", "collaborate", "edit", "admin"]
    assert set(CATALOGUE.scopes) == {
        "all.Application.read",
        "all.Application.bounded",
        "only.Organization.read",
        "only.Organization.bounded",
        "all.Organization.read",
        "all.Organization.bounded",
        "only.User.read",
    }
    ranks = {name: CATALOGUE.roles.roles[rule.rank].name for name, rule in CATALOGUE.rules.items()}
    assert ranks["Application.read"] == "view"
    assert ranks["Application.write"] == "collaborate"
    assert ranks["Application.sensitive"] == "admin"


@pytest.mark.parametrize(
    ("roles", "least"),
    [
        (("only",), ("only", "only", "only")),
        (("a", "b"), ("a", "b", "b")),
        (("a", "b", "c"), ("a", "b", "c")),
        (("a", "b", "c", "d"), ("a", "b", "d")),
    ],
)
def test_the_simple_preset_spreads_the_classes_over_the_roles(roles, least):
    """The weakest reads, the second writes, the strongest does what is sensitive."""
    catalogue = presets.simple(roles)
    rules = [catalogue.rule(f"Application.{access}") for access in ("read", "write", "sensitive")]
    found = [catalogue.roles.roles[rule.rank].name for rule in rules]
    assert tuple(found) == least


def test_all_reaches_down_and_only_does_not():
    """The reach of a scope, level by level, and its classes."""
    everything = CATALOGUE.parse("all.User")
    assert everything.levels == {"User", "Organization", "Instance", "Application"}
    assert everything.classes == set(AccessClass)
    assert CATALOGUE.parse("all.Organization.bounded").levels == {"Organization", "Application"}
    assert CATALOGUE.parse("only.Organization.read").levels == {"Organization"}
    assert CATALOGUE.parse("only.Organization.bounded").classes == {AccessClass.READ, AccessClass.WRITE}


def test_a_rule_names_the_least_scope_first():
    """RS-8: what to ask for in a step-up."""
    assert CATALOGUE.rule("Application.read").scopes[0] == "all.Application.read"
    assert CATALOGUE.rule("Application.write").scopes == (
        "all.Application.bounded",
        "all.Organization.bounded",
    )
    assert CATALOGUE.rule("Organization.read").scopes[0] == "only.Organization.read"
    assert CATALOGUE.rule("Instance.read").scopes == ()


def test_masks_forget_names_that_are_no_longer_offered():
    """Stored names fail closed, and a memory of masks stays small."""
    catalogue = presets.simple()
    both = catalogue.mask(("only.User.read", "all.Application.read"))
    assert catalogue.mask(("only.User.read", "gone", "all.Application.read")) == both
    assert catalogue.mask(("gone",)) == catalogue.mask(()) == 0
    for number in range(MASK_MEMORY + 5):
        assert catalogue.mask((f"gone {number}",)) == 0
    assert len(catalogue.masks) <= MASK_MEMORY
    assert catalogue.mask(("only.User.read", "all.Application.read")) == both


def test_unknown_actions_are_not_judged():
    """A misspelt action is the host's mistake, not a denial."""
    with pytest.raises(ConfigurationError, match=r"device\.fly.*not in the catalogue"):
        CATALOGUE.rule("device.fly")


@pytest.mark.parametrize(
    ("scope", "text", "tag"),
    [
        ("all.Application.read", "See your applications (devices, data, dashboards and workflows).", "Read"),
        (
            "all.Application.bounded",
            "See and change your applications (devices, data, dashboards and workflows).",
            "Read and write",
        ),
        (
            "only.Organization.read",
            "See your organizations, but nothing inside their applications.",
            "Read",
        ),
        (
            "all.Organization.bounded",
            "See and change your organizations, and everything in their applications.",
            "Read and write",
        ),
        ("only.User.read", "See your profile (name, e-mail address and usage), and nothing else.", "Read"),
    ],
)
def test_scopes_are_said_in_words(scope, text, tag):
    """Generated from the catalogue, so that they cannot lie."""
    sentence = describe(CATALOGUE, scope)
    assert (sentence.text, sentence.tag) == (text, tag)


def test_a_full_scope_has_no_never():
    """What covers everything excludes nothing; what does not says what it leaves out."""
    catalogue = presets.simple(scopes=("all.User", "all.User.bounded", "all.User.read", "only.Application"))
    found = {name: describe(catalogue, name) for name in catalogue.scopes}
    assert found["all.User"] == Sentence(
        "all.User",
        "See, change and administer your profile (name and e-mail address), and everything in their organizations.",
        "Full access",
        "",
    )
    assert found["all.User.bounded"].never == "Manage members, credentials or other sensitive settings"
    assert found["all.User.read"].never == "Change anything"
    assert found["only.Application"].text == "See, change and administer your applications."


def test_levels_have_plain_names_where_the_host_gave_no_words():
    """Level names become nouns."""
    assert Level("Device").words == "devices"
    assert Level("Device", nouns="machines").words == "machines"


def test_places_belong_to_targets():
    """User-level actions have no place; the others must be told theirs."""
    place = Evaluator(CATALOGUE).place
    assert place("User.read", "acme", "x") is None
    assert place("Organization.read", "acme", "x") == ("acme", None)
    assert place("Organization.read", SANDBOX, None) == (SANDBOX, None)
    assert place("Application.read", None, "x") == (None, "x")
    assert place("Instance.read", None, None) is None
    for action in ("Organization.read", "Application.read"):
        with pytest.raises(InvalidValueError):
            place(action, None, None)


def test_caps_are_values():
    """A cap copies what it is given, counts its overrides and equals what says the same."""
    organizations = {"acme": "view"}
    cap = RoleCap("edit", organizations, "view", {"rocket": ApplicationCap("none", "acme")})
    organizations["acme"] = "admin"
    assert cap.organizations == {"acme": "view"}
    assert cap.overrides == 3
    assert RoleCap("edit").overrides == 0
    assert RoleCap().default == "none"
    assert cap == RoleCap("edit", {"acme": "view"}, "view", {"rocket": ApplicationCap("none", "acme")})


def test_memberships_take_labels_or_applications():
    """The short form and the long one are the same value."""
    short = Membership("acme", "Acme", "admin", {"rocket": "Rocket"})
    assert short == Membership("acme", "Acme", "admin", {"rocket": Application("rocket", "Rocket")})
    assert short.owner == Organization("acme")
    assert Membership(SANDBOX, "Mine").owner is SANDBOX


def test_a_catalogue_of_another_shape_works():
    """Levels, roles and single actions of the host's own."""
    catalogue = Catalogue(
        RoleLadder.of(["guest", "member"]),
        (Level("Account", None, "user"), Level("Team", "Account", "organization"), Level("Board", "Team")),
        {AccessClass.READ: "guest", AccessClass.WRITE: "member", AccessClass.SENSITIVE: "member"},
        ("all.Board.read", "all.Team"),
        (
            Action("board.archive", "Board", AccessClass.WRITE),
            Action("board.peek", "Board", AccessClass.READ, "member"),
        ),
    )
    assert catalogue.rule("board.archive").scopes == ("all.Team",)
    assert catalogue.rule("board.peek").rank == 2
    sentence = describe(catalogue, "all.Team").text
    assert sentence == "See, change and administer your teams, and everything in their boards."


def test_a_fine_grained_scope_is_said_action_by_action():
    """The host's own words where it has them; a closed action is not promised."""
    actions = [
        Action("lamp.switch", "Application", AccessClass.WRITE, description="Switch lamps"),
        Action("lamp.get", "Application", AccessClass.READ),
        Action("lamp.sell", "Application", AccessClass.SENSITIVE, closed=True),
    ]
    catalogue = presets.simple(actions=actions, scopes=["lamp.*", "lamp.get", "lamp.sell"])
    said = {name: describe(catalogue, name) for name in catalogue.scopes}
    assert said["lamp.*"].text == "Switch lamps; lamp.get (read)."
    assert (said["lamp.get"].text, said["lamp.get"].tag) == ("lamp.get (read).", "Read")
    assert said["lamp.sell"].text == "Nothing, for what it names is closed to applications."
    assert {sentence.never for sentence in said.values()} == {"Do anything else"}
