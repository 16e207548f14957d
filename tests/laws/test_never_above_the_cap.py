"""Law 1: a token has at most the role of the most specific limit that its user set for the place."""

from attrs import evolve
from hypothesis import given
from tests.support.situations import situations


def most_specific(situation):
    """The limit that counts: of the application if it still lives there, else of its owner, else the default."""
    cap, owner = situation.token["cap"], situation.owner
    own = cap["applications"].get(situation.place)
    if own is not None and own[1] == owner:
        return own[0]
    kind, name = owner
    entry = cap["sandbox"] if kind == "sandbox" else cap["organizations"].get(name)
    if entry is not None:
        return entry
    is_new = kind == "organization" and cap["known"] is not None and name not in cap["known"]
    return "none" if is_new else cap["default"]


@given(situations())
def test_no_action_is_allowed_that_needs_more_than_the_most_specific_cap(situation):
    """Whatever the user's own role is."""
    for name in situation.permitted():
        asked = evolve(situation, action=name)
        if asked.judged_at != "user":
            assert asked.height(asked.least_role) <= asked.height(most_specific(asked))


@given(situations())
def test_under_lower_only_no_limit_is_exceeded_that_speaks_about_the_place(situation):
    """Switched on later, it also holds for overrides that were stored before."""
    strict = evolve(situation, lower_only=True)
    allowed = strict.permitted()
    assert allowed <= evolve(situation, lower_only=False).permitted()
    for name in allowed:
        asked = evolve(strict, action=name)
        if asked.judged_at != "user":
            assert asked.height(asked.least_role) <= asked.height(asked.token["cap"]["default"])
            assert asked.height(asked.least_role) <= asked.height(most_specific(asked))


@given(situations())
def test_an_explanation_shows_the_cap_and_stays_below_it(situation):
    """The role that it shows is that of the limit that counts."""
    found = situation.explained()
    if situation.judged_at in {"organization", "application"} and situation.owner is not None:
        assert situation.height(found.effective_role) <= situation.height(found.cap_role)
        assert situation.height(found.cap_role) <= situation.height(most_specific(situation))
        if not situation.lower_only:
            assert situation.height(found.cap_role) == situation.height(most_specific(situation))
