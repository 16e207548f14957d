"""What an evaluator remembers: of tokens, and of what is open; for speed, and to no other effect."""

from itertools import combinations, islice

import pytest

from scopegate import (
    AccessClass,
    Catalogue,
    ConfigurationError,
    Evaluator,
    Level,
    Organization,
    RoleCap,
    RoleLadder,
    Standing,
)
from scopegate.core.catalogue import MASK_MEMORY
from scopegate.core.permissions import Subject, proposed
from scopegate.errors import InvalidValueError

LEVELS = (Level("User", None, "user"), Level("Team", "User", "organization"), Level("Card", "Team"))
SCOPES = tuple(
    f"{reach}.{level.name}{suffix}"
    for level in LEVELS
    for reach in ("only", "all")
    for suffix in ("", ".bounded", ".read")
)
ACME = Standing(Organization("acme"), "admin")
ADMIN = RoleCap("admin")


def made(scopes=SCOPES, **options):
    """An evaluator of teams and cards."""
    ladder = RoleLadder.of(["viewer", "admin"])
    least = {AccessClass.READ: "viewer", AccessClass.WRITE: "admin", AccessClass.SENSITIVE: "admin"}
    return Evaluator(Catalogue(ladder, LEVELS, least, scopes), **options)


def test_two_evaluators_judge_one_token_each_by_its_own_catalogue():
    """In turns: the same scope stands in another place there, or is not on offer at all."""
    token = proposed(ADMIN, "c1", ("all.Team.read",))
    here, turned, without = made(), made(SCOPES[::-1]), made(("all.Card", "all.User.read"))
    for _ in range(2):
        assert here.allows(token, "Team.read", ACME)
        assert not here.allows(token, "User.read")
        assert turned.allows(token, "Team.read", ACME)
        assert not turned.allows(token, "User.read")
        assert not without.allows(token, "Team.read", ACME)
        assert not without.allows(token, "Card.read", ACME, "c1")


def test_the_scopes_of_a_token_are_worked_out_once():
    """For each evaluator, while this state of the token stands; it is no part of the token's value."""
    evaluator, token = made(), proposed(ADMIN, "c1", ("all.Team.read",))
    assert evaluator.allows(token, "Team.read", ACME)
    remembered = token.memo
    assert remembered is not None
    assert not evaluator.allows(token, "Team.write", ACME)
    assert token.memo is remembered
    assert made().allows(token, "Team.read", ACME)
    assert token.memo is not remembered
    assert token == proposed(ADMIN, "c1", ("all.Team.read",))


def test_a_question_that_makes_no_sense_is_not_answered():
    """An action that is not there, or an application that is not named: the message says which action."""
    evaluator, token = made(), proposed(ADMIN, "c1", SCOPES)
    with pytest.raises(ConfigurationError, match=r"action 'card\.fly' is not in the catalogue"):
        evaluator.allows(token, "card.fly", ACME)
    with pytest.raises(ConfigurationError, match=r"action 'card\.fly' is not in the catalogue"):
        evaluator.place("card.fly", None, None)
    with pytest.raises(InvalidValueError, match=r"Card\.read is judged at an application: name it") as caught:
        evaluator.allows(token, "Card.read", ACME)
    assert caught.value.field == "application"


def test_what_is_open_is_worked_out_once():
    """The same few combinations of scopes and roles come again at every place of a token."""
    evaluator, subject = made(), Subject(proposed(ADMIN, "c1", ("all.Team.read",)))
    first, second = (evaluator.opened(subject, ACME, name) for name in ("one", "other"))
    assert first == ("admin", ("Card.read",))
    assert first[1] is second[1]
    assert evaluator.opened(subject, ACME)[1] == ("Team.read",)
    assert evaluator.opened(subject, None) == ("", ())


def test_a_memory_of_what_is_open_stays_small():
    """It forgets everything once it is full, and then knows it again."""
    evaluator = made()
    subsets = (subset for size in range(len(SCOPES)) for subset in combinations(SCOPES, size))
    first, *others, last = islice(subsets, MASK_MEMORY + 1)

    def opened(scopes):
        return evaluator.opened(Subject(proposed(ADMIN, "c1", scopes or ("gone",))), None)[1]

    opened(first)
    for subset in others[:-1]:
        opened(subset)
    held = opened(others[-1])
    assert held is opened(others[-1])
    opened(last)
    assert held is not opened(others[-1])
    assert held == opened(others[-1])


def test_the_users_own_things_know_no_role():
    """Reading, writing and what is sensitive are open by scope alone; at a place the role decides."""
    evaluator, subject = made(), Subject(proposed(RoleCap("none"), "c1", ("all.User",)))
    assert evaluator.opened(subject, None) == ("", ("User.read", "User.write", "User.sensitive"))
    assert evaluator.opened(subject, ACME) == ("none", ())
    viewer = Subject(proposed(RoleCap("viewer"), "c1", ("all.User",)))
    assert evaluator.opened(viewer, ACME) == ("viewer", ("Team.read",))
    assert evaluator.opened(viewer, ACME, "c1") == ("viewer", ("Card.read",))
