"""Law 2: what an evaluator remembers of a token outlives neither this state of it nor the evaluator."""

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.support.situations import role_cap, situations, standing_of, token_of, with_token


def decided(situation, token):
    """What the library says about this very token."""
    at = standing_of(situation.owner, situation.standing)
    return situation.evaluator().allows(token, situation.action, at, application=situation.place)


@given(situations(), situations(), st.booleans())
def test_a_token_that_was_judged_is_judged_afresh_once_it_is_changed(situation, other, rescoped):
    """Another cap, other scopes: each new state is judged by what it is."""
    token = token_of(situation.token)
    assert decided(situation, token) is (situation.expected() is None)
    settings = evolve(token.settings, cap=role_cap(other.token["cap"]))
    scopes = tuple(other.token["scopes"]) if rescoped else token.scopes
    changed = with_token(situation, cap=other.token["cap"], scopes=scopes)
    assert decided(changed, evolve(token, settings=settings, scopes=scopes)) is (changed.expected() is None)
    assert decided(situation, token) is (situation.expected() is None)


@given(situations(), situations())
def test_two_evaluators_do_not_disturb_one_another(situation, other):
    """One token, judged by turns in two worlds, and with and without the strict reading of overrides."""
    token = token_of(situation.token)
    elsewhere = evolve(other, token=situation.token)
    strict = evolve(situation, lower_only=not situation.lower_only)
    for asked in (situation, elsewhere, situation, strict, situation):
        assert decided(asked, token) is (asked.expected() is None)
