"""The catalogue: levels as a tree, scopes by algebra, old names, and what is refused when it is made."""

import re

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.support import oracle
from tests.support.situations import SMALL, WIDE, catalogue

from scopegate import AccessClass, Action, Catalogue, ConfigurationError, Level, RoleLadder
from scopegate.core.catalogue import MASK_MEMORY, level_actions, usual_least_roles
from scopegate.core.scopes import ActionScope, LevelScope

READ, WRITE, SENSITIVE = AccessClass
LADDER = RoleLadder.of(["viewer", "editor", "admin"])
LEVELS = (
    Level("User", None, "user"),
    Level("Team", "User", "organization"),
    Level("Board", "Team"),
    Level("Card", "Board"),
    Level("Reseller", "User", "unreachable"),
)
ACTIONS = (
    Action("card.flip", "Card", WRITE),
    Action("card.look", "Card", READ),
    Action("card.burn", "Card", SENSITIVE, closed=True),
    Action("team.merge", "Team", SENSITIVE, "editor"),
)
LEAST = {READ: "viewer", WRITE: "editor", SENSITIVE: "admin"}
SCOPES = ("only.Team.read", "all.Board.read", "all.Board.bounded", "all.Team.bounded", "all.Team", "card.*")


def made(**changes):
    """A catalogue of teams, boards and cards, with changes."""
    values = {"roles": LADDER, "levels": LEVELS, "least_roles": LEAST, "scopes": SCOPES, "actions": ACTIONS}
    return Catalogue(**values | changes)


def opened(found, *scopes):
    """The names of the actions that scopes open together."""
    mask = found.mask(scopes)
    return {name for name, rule in found.rules.items() if rule.mask & mask}


# Levels, classes and scopes


@pytest.mark.parametrize(
    ("name", "levels"),
    [
        ("all.User", {"User", "Team", "Board", "Card", "Reseller"}),
        ("all.Team", {"Team", "Board", "Card"}),
        ("all.Board", {"Board", "Card"}),
        ("all.Card", {"Card"}),
        ("all.Reseller", {"Reseller"}),
        ("only.User", {"User"}),
        ("only.Team", {"Team"}),
    ],
)
@pytest.mark.parametrize(
    ("suffix", "classes"),
    [("", {READ, WRITE, SENSITIVE}), (".bounded", {READ, WRITE}), (".read", {READ})],
)
def test_a_scope_by_level_covers_levels_and_classes(name, levels, suffix, classes):
    """``all`` reaches all that is beneath, however deep, and nothing beside or above; ``only`` stays."""
    reach, _, level = name.partition(".")
    assert made().parse(name + suffix) == LevelScope(name + suffix, level, reach, levels, classes)


def test_levels_may_be_given_in_any_order():
    """A tree is what it is, children first or last."""
    assert made(levels=LEVELS[::-1]).parse("all.User").levels == {level.name for level in LEVELS}


def test_every_level_and_class_is_an_action_of_its_own():
    """``Card.write`` and the like: what a host without finer actions asks about."""
    pairs = {f"{level.name}.{access}" for level in LEVELS for access in ("read", "write", "sensitive")}
    assert {action.name for action in level_actions(LEVELS)} == pairs
    rules = made().rules
    assert rules.keys() == pairs | {action.name for action in ACTIONS}
    assert [rules[f"Board.{access}"].rank for access in AccessClass] == [1, 2, 3]
    assert [
        (rules[f"{level.name}.read"].target, rules[f"{level.name}.read"].has_place) for level in LEVELS
    ] == [
        ("user", False),
        ("organization", True),
        ("application", True),
        ("application", True),
        ("unreachable", False),
    ]


def test_a_fine_grained_scope_covers_what_it_names():
    """One action, or all of a resource; the closed ones are named too, and stay closed."""
    flip, look, burn, merge = ACTIONS
    found = made(scopes=("card.flip", "card.*", "team.*", "card.burn"))
    assert found.parse("card.flip") == ActionScope("card.flip", (flip,))
    assert found.parse("card.*") == ActionScope("card.*", (flip, look, burn))
    assert found.parse("card.*").classes == {READ, WRITE, SENSITIVE}
    assert found.parse("team.*").actions == (merge,)
    assert opened(found, "card.flip") == {"card.flip"}
    assert opened(found, "card.*") == {"card.flip", "card.look"}
    assert opened(found, "card.burn") == set()
    assert (found.rule("card.burn").mask, found.rule("card.burn").scopes) == (0, ())


def test_an_action_of_another_resource_is_not_covered_by_a_name_that_begins_alike():
    """``card.*`` is no wildcard for ``cardinal.ask``, and ``card.flip`` none for ``card.flipBack``."""
    others = (Action("cardinal.ask", "Card", READ), Action("card.flipBack", "Card", READ))
    found = made(actions=(*ACTIONS, *others), scopes=("card.*", "card.flip"))
    assert not opened(found, "card.*", "card.flip") & {"cardinal.ask"}
    assert opened(found, "card.flip") == {"card.flip"}


@pytest.mark.parametrize(
    "name",
    [
        *("", "all", "all.", "only.", "all.Team.", "all.Team.read.", "all.Team.write", "all.Team.sensitive"),
        *(
            "some.Team",
            "All.Team",
            "all.team",
            "all.Team.Board",
            "all.Teams",
            "all..read",
            "Team.read",
            "Team",
        ),
        *("card", "card.", "card.*.read", "card.fly", "*", "*.flip", "all.*", "only.*", "deck.*", "all.card"),
        *("all.Team read", " all.Team", "all.Team.bounded.read", "Card.*"),
    ],
)
def test_what_is_no_scope_is_refused(name):
    """The message says the name, and what can be written; a (level, class) pair is no scope."""
    with pytest.raises(ConfigurationError) as caught:
        made().parse(name)
    for word in (
        f"scope {name!r}",
        "all.<Level>",
        "<resource>.*",
        "['Board', 'Card', 'Reseller', 'Team', 'User']",
    ):
        assert word in str(caught.value)


@given(SMALL, st.lists(st.integers(0, 99), max_size=4))
def test_a_catalogue_opens_what_the_algebra_says(world, drawn):
    """Scope by scope and all together, for any tree, with closed actions."""
    found = catalogue(world)
    scopes = tuple(world["offered"][each % len(world["offered"])] for each in drawn)
    closed = {name for name, action in world["actions"].items() if action["closed"]}
    assert opened(found, *scopes) & world["actions"].keys() == oracle.opened(world, scopes) - closed


# What is refused


BAD_NAMES = [
    *(
        "",
        ".",
        "flip",
        "card.",
        ".flip",
        "card.flip.twice",
        "card flip",
        "card.fl ip",
        "card.*",
        "card.flip\n",
    ),
    *("1card.flip", "card.1", "c\u00e4rd.flip", "card.fl\u00efp", "all.flip", "only.flip"),
]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"levels": (*LEVELS, Level("Deck", "Pile"))}, ["level 'Deck'", "unknown parent 'Pile'"]),
        ({"levels": (*LEVELS, Level("Deck", ""))}, ["level 'Deck'", "unknown parent ''"]),
        (
            {"levels": (*LEVELS, Level("A", "B"), Level("B", "C"), Level("C", "A"))},
            ["level 'A'", "above itself"],
        ),
        ({"levels": (*LEVELS, Level("A", "B"), Level("B", "B"))}, ["level 'A' is above itself"]),
        ({"levels": (*LEVELS, Level("D\u00e9ck"))}, ["level 'D\u00e9ck'", "plain name of ASCII"]),
        ({"levels": (*LEVELS, Level(""))}, ["level ''", "plain name"]),
        ({"levels": (*LEVELS, Level("Deck.Card"))}, ["level 'Deck.Card'", "plain name"]),
        ({"levels": (*LEVELS, Level("Card", "Team"))}, ["level 'Card'", "one plain name"]),
        ({"levels": (*LEVELS, Level("Deck", None, "deck"))}, ["'Deck'", "target 'deck'", "'unreachable'"]),
        (
            {"actions": (Action("card.flip", "Deck", READ),)},
            ["'card.flip'", "level 'Deck'", "'Board', 'Card'"],
        ),
        ({"actions": (*ACTIONS, Action("card.flip", "Card", READ))}, ["'card.flip'", "twice"]),
        ({"actions": (Action("Card.read", "Card", READ),)}, ["'Card.read'", "twice", "pairs are actions"]),
        ({"actions": (Action("Card.flip", "Card", READ),)}, ["'Card.flip'", "may not be a level"]),
        *(
            ({"actions": (Action(name, "Card", READ),)}, [f"action {name!r}", "<resource>.<action>"])
            for name in BAD_NAMES
        ),
        (
            {"actions": (Action("card.flip", "Card", READ, "boss"),)},
            ["'card.flip'", "role 'boss'", "viewer, editor"],
        ),
        ({"actions": (Action("card.flip", "Card", READ, "none"),)}, ["'card.flip'", "role 'none'", "viewer"]),
        ({"actions": (Action("me.look", "User", READ, "viewer"),)}, ["'me.look'", "no role", "level 'User'"]),
        ({"least_roles": {READ: "viewer", WRITE: "editor"}}, ["least_roles: 'sensitive'", "None", "viewer"]),
        (
            {"least_roles": LEAST | {WRITE: "boss"}},
            ["least_roles: 'write'", "'boss'", "viewer, editor, admin"],
        ),
        ({"least_roles": LEAST | {READ: "none"}}, ["least_roles: 'read'", "'none'", "above 'none'"]),
        ({"least_roles": LEAST | {"delete": "admin"}}, ["'delete'", "no class", "read, write, sensitive"]),
        ({"scopes": ()}, ["scopes []", "at least one"]),
        ({"scopes": ("all.Team", "card.*", "all.Team")}, ["'all.Team'", "each once"]),
        ({"scopes": ("all.Team", "all.Deck")}, ["scope 'all.Deck'", "'Board', 'Card'"]),
        ({"scopes": ("card.fly",)}, ["scope 'card.fly'"]),
        ({"scopes": ("deck.*",)}, ["scope 'deck.*'"]),
    ],
)
def test_nonsense_is_refused_by_name(changes, words):
    """When the catalogue is made, in words that name the entry and what would be right."""
    with pytest.raises(ConfigurationError) as caught:
        made(**{"scopes": ("all.Team",)} | changes)
    for word in words:
        assert word in str(caught.value)


def test_an_unknown_class_of_access_is_refused():
    """Where the action is made, which is the first place where it can be seen."""
    with pytest.raises(ConfigurationError, match=r"'delete' is not one of: read, write, sensitive"):
        Action("card.flip", "Card", "delete")
    assert Action("card.flip", "Card", "write").access is WRITE


def test_a_role_on_a_level_that_nobody_reaches_does_no_harm():
    """The preset of a host with resellers may name one."""
    assert (
        made(actions=(*ACTIONS, Action("reseller.bill", "Reseller", READ, "admin")))
        .rule("reseller.bill")
        .rank
        == 3
    )


@pytest.mark.parametrize(
    "name", ["card.flip_2", "c.f", "myCard.flip-back", "C_1.X", "allow.all", "call.only", "alls.x"]
)
def test_plain_names_are_names_of_actions(name):
    """Letters, digits, underscores and hyphens; only the very words ``all`` and ``only`` are taken."""
    assert opened(made(actions=(*ACTIONS, Action(name, "Card", READ))), "all.Team") >= {name}


@pytest.mark.parametrize(
    ("roles", "least"),
    [(["x"], "xxx"), (["x", "y"], "xyy"), (["x", "y", "z"], "xyz"), (["x", "y", "w", "z"], "xyz")],
)
def test_the_usual_least_roles(roles, least):
    """The weakest reads, the second writes, the strongest does what is sensitive."""
    assert usual_least_roles(RoleLadder.of(roles)) == dict(zip(AccessClass, least, strict=True))


# Old names


RENAMED = {
    "guest": "viewer",
    "boss": "admin",
    "all.Pile": "all.Team",
    "card.turn": "card.flip",
    "Pile.read": "Team.read",
}


def test_old_names_mean_what_they_are_called_now():
    """Roles, scopes and actions, pairs of a level and a class among them."""
    found = made(renamed=RENAMED)
    assert [found.roles.rank(name) for name in ("guest", "boss", "viewer", "admin")] == [1, 3, 1, 3]
    assert found.roles["boss"].name == "admin"
    assert found.mask(("all.Pile",)) == found.mask(("all.Team",)) != 0
    assert found.rule("card.turn") is found.rule("card.flip")
    assert found.rule("Pile.read") is found.rule("Team.read")


def test_an_old_name_cannot_be_given_any_more():
    """It is read from a store; a new cap, a new request and the ladder know today's names only."""
    found = made(renamed=RENAMED)
    assert "boss" not in found.roles
    assert "admin" in found.roles
    assert tuple(role.name for role in found.roles.roles) == ("none", "viewer", "editor", "admin")
    assert tuple(found.offered) == SCOPES


def test_a_scope_of_one_action_and_the_action_are_renamed_together():
    """They have one name, and so one old name."""
    found = made(scopes=("card.flip", "card.*"), renamed={"card.turn": "card.flip"})
    assert opened(found, "card.turn") == {"card.flip", "card.turn"}


@pytest.mark.parametrize("name", ["viewer", "none", "all.Team", "card.*", "card.flip", "Card.read"])
def test_an_old_name_that_is_still_there_is_refused(name):
    """It would mean two things."""
    with pytest.raises(
        ConfigurationError, match=rf"renamed '{re.escape(name)}': it is empty, or still in the catalogue"
    ):
        made(renamed={name: "editor"})


def test_nothing_at_all_is_no_old_name():
    """A role that was left out of a store must not become one."""
    with pytest.raises(ConfigurationError, match=r"renamed '': it is empty"):
        made(renamed={"": "admin"})


@pytest.mark.parametrize("name", ["owner", "all.Card", "card.fly", "Deck.read", "", "boss"])
def test_a_new_name_that_is_not_there_is_refused(name):
    """A role, a scope on offer, an action; another old name is none of them, in whatever order they are written."""
    for renamed in ({"boss": "admin", "x": name}, {"x": name, "boss": "admin"}):
        with pytest.raises(
            ConfigurationError, match=rf"renamed 'x': its new name '{re.escape(name)}' is no role"
        ):
            made(renamed=renamed)


@pytest.mark.parametrize("new", ["all.Team", "card.flip"])
def test_an_old_name_leads_nowhere_but_to_a_name_of_today(new):
    """Not through another old name, whichever stands first."""
    for renamed in ({"y": new, "x": "y"}, {"x": "y", "y": new}):
        with pytest.raises(ConfigurationError, match=r"renamed 'x': its new name 'y'"):
            made(renamed=renamed)


def test_names_that_vanish_fail_closed():
    """A role is none, a scope covers nothing, an action is the host's mistake."""
    found = made(scopes=("all.Board.read",), actions=())
    assert found.roles.rank("owner") == 0
    assert found.mask(("all.Team", "card.*")) == 0
    for name in ("card.flip", "card.*", "all.Board.read"):
        with pytest.raises(ConfigurationError, match=rf"action '{re.escape(name)}' is not in the catalogue"):
            found.rule(name)


def test_what_was_renamed_is_kept_as_it_was_given():
    """A catalogue is a value: what the host does with its dictionary later is nothing to it."""
    given = {"boss": "admin"}
    found = made(renamed=given)
    given["guest"] = "viewer"
    assert found.renamed == {"boss": "admin"}
    assert found == made(renamed={"boss": "admin"}) != made()


# Which scopes imply which, and which are needed


def test_a_scope_implies_those_that_it_covers():
    """RS-7: by what they open here, level scopes and fine-grained ones alike."""
    assert made().implied == {
        "only.Team.read": (),
        "all.Board.read": (),
        "all.Board.bounded": ("all.Board.read",),
        "all.Team.bounded": ("only.Team.read", "all.Board.read", "all.Board.bounded"),
        "all.Team": ("only.Team.read", "all.Board.read", "all.Board.bounded", "all.Team.bounded", "card.*"),
        "card.*": (),
    }


def test_of_scopes_that_cover_the_same_the_first_implies_the_others():
    """So that one of them is left in a challenge, and not none."""
    found = made(scopes=("all.Card", "only.Card", "all.Reseller", "only.Reseller", "only.Card.read"))
    assert found.implied == {
        "all.Card": ("only.Card", "only.Card.read"),
        "only.Card": ("only.Card.read",),
        "all.Reseller": ("only.Reseller",),
        "only.Reseller": (),
        "only.Card.read": (),
    }


WIDEST = catalogue(WIDE)


@given(st.just((WIDE, WIDEST)) | SMALL.map(lambda world: (world, catalogue(world))))
def test_what_is_implied_is_what_is_covered(pair):
    """Whatever the catalogue: the table is that of the algebra, and of two that are equal one implies the other."""
    world, found = pair
    covered = {name: world["opens"][name] for name in world["offered"]}
    for one, others in found.implied.items():
        assert all(covered[other] <= covered[one] for other in others)
        assert one not in others
        for other in covered.keys() - {one}:
            assert (other in others) or not covered[other] < covered[one]
            if covered[other] == covered[one]:
                assert (other in others) is not (one in found.implied[other])


@pytest.mark.parametrize(
    ("actions", "needed"),
    [
        (["Card.read"], ("all.Board.read",)),
        (["card.flip"], ("card.*",)),
        (["card.flip", "card.look"], ("card.*",)),
        (["card.look", "card.flip"], ("card.*",)),
        (["Card.read", "Card.read"], ("all.Board.read",)),
        (["Card.read", "Card.write"], ("all.Board.bounded",)),
        (["Card.write", "Card.read"], ("all.Board.bounded",)),
        (["Team.read", "Board.read"], ("only.Team.read", "all.Board.read")),
        (["Board.read", "Team.read"], ("all.Board.read", "only.Team.read")),
        (["Team.read", "Board.write", "Team.write"], ("all.Team.bounded",)),
        (["Team.read", "card.flip", "Team.sensitive"], ("all.Team",)),
        (["Team.read", "User.read"], None),
        (["card.burn"], None),
        (["card.look", "card.burn"], None),
        ([], ()),
    ],
)
def test_an_operation_needs_the_least_scopes_for_all_its_actions(actions, needed):
    """RS-6, RS-8: each the one that opens least, none that another covers; nothing if one is open to none."""
    found = made()
    assert found.needed(map(found.rule, actions)) == needed


@pytest.mark.parametrize(
    ("allowed", "needed"),
    [
        (["all.Board.read", "all.Team"], ("all.Board.read",)),
        (["all.Team", "all.Team.bounded"], ("all.Team.bounded",)),
        (["all.Team"], ("all.Team",)),
        (["only.Team.read", "card.*"], None),
        ([], None),
    ],
)
def test_only_scopes_that_may_be_asked_for_are_needed(allowed, needed):
    """The least of them, if any of them would do."""
    found = made()
    assert found.needed([found.rule("Board.read")], allowed) == needed


@given(SMALL, st.data())
def test_what_is_needed_opens_all_and_nothing_of_it_is_too_much(world, data):
    """For any operation: together they open it, and less would not."""
    found = catalogue(world)
    actions = data.draw(st.lists(st.sampled_from(sorted(world["actions"])), max_size=4))
    allowed = data.draw(st.none() | st.sets(st.sampled_from(world["offered"])))
    needed = found.needed([found.rule(name) for name in actions], allowed)
    may = set(world["offered"] if allowed is None else allowed)
    if needed is None:
        assert not opened(found, *may) >= set(actions)
        return
    assert set(needed) <= may
    assert opened(found, *needed) >= set(actions)
    for name in needed:
        assert not opened(found, *(set(needed) - {name})) >= set(actions)


# Masks


def test_each_scope_has_a_bit_of_its_own():
    """In whatever order they stand and however often, together they are what they are one by one."""
    found = made()
    bits = [found.mask((name,)) for name in SCOPES]
    assert len(set(bits)) == len(SCOPES)
    assert all(bit.bit_count() == 1 for bit in bits)
    assert found.mask(SCOPES) == found.mask(SCOPES[::-1] + SCOPES) == sum(bits)
    assert found.mask(()) == 0


def test_a_memory_of_masks_stays_small():
    """Many combinations of stored scopes: never more are remembered at once than there is room for."""
    found = made()
    for number in range(2 * MASK_MEMORY + 2):
        assert found.mask((f"gone {number}", "all.Team")) == found.mask(("all.Team",))
        assert len(found.masks) <= MASK_MEMORY
    assert found.mask(SCOPES) == 2 ** len(SCOPES) - 1


def test_two_catalogues_are_equal_if_they_say_the_same():
    """Whatever has been asked of one of them."""
    one, other = made(), made()
    one.mask(("all.Team",))
    assert one == other
    assert one != evolve(other, version="2")
