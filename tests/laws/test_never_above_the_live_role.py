"""Law 1: a token has at most the role that its user has at the place, now."""

from attrs import evolve
from hypothesis import given
from tests.support.situations import situations, with_standing


def live_role(situation):
    """The user's own role where an action is judged."""
    own = situation.standing["application_role"]
    return situation.standing["role"] if situation.place is None or own is None else own


@given(situations())
def test_no_action_is_allowed_that_needs_more_than_the_live_role(situation):
    """Whatever the cap, the scopes and the ceiling say."""
    for name in situation.permitted():
        asked = evolve(situation, action=name)
        if asked.judged_at != "user":
            assert asked.height(asked.least_role) <= asked.height(live_role(asked))


@given(situations())
def test_nothing_is_allowed_to_nobody(situation):
    """Not a member, no such place, somebody else's sandbox: only what needs no place is left."""
    for nobody in (
        evolve(situation, owner=None),
        with_standing(situation, role="none", application_role=None),
    ):
        assert {evolve(situation, action=name).judged_at for name in nobody.permitted()} <= {"user"}


@given(situations())
def test_an_explanation_shows_the_live_role_and_stays_below_it(situation):
    """The role of the application, where the user has one, else that of its owner."""
    found = situation.explained()
    if situation.judged_at in {"organization", "application"} and situation.owner is not None:
        assert situation.height(found.live_role) == situation.height(live_role(situation))
        assert situation.height(found.effective_role) <= situation.height(live_role(situation))
