"""Law 1: a token has at most the role that the organization allows to its client."""

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.support.situations import CLIENTS, situations, with_standing


def allowed_by(situation):
    """What the organization allows to the client; None: it sets no ceiling."""
    ceiling = situation.standing["ceiling"] or {"role": None, "clients": {}}
    return ceiling["clients"].get(situation.token["client"], ceiling["role"])


@given(situations())
def test_no_action_is_allowed_that_needs_more_than_the_ceiling(situation):
    """Whatever the user chose, and whoever the user is."""
    ceiling = allowed_by(situation)
    for name in situation.permitted():
        asked = evolve(situation, action=name)
        if ceiling is not None and asked.judged_at != "user":
            assert asked.height(asked.least_role) <= asked.height(ceiling)


@given(situations())
def test_a_ceiling_adds_nothing(situation):
    """With any ceiling, what is allowed is allowed without one."""
    assert situation.permitted() <= with_standing(situation, ceiling=None).permitted()


@given(situations(), st.data())
def test_an_allow_list_shuts_out_every_other_client(situation, data):
    """None for all, and a role for one: the one has what the role gives, the others have nothing here."""
    listed, top = data.draw(st.sampled_from(CLIENTS)), situation.world["ladder"][-1]
    closed = with_standing(situation, ceiling={"role": "none", "clients": {listed: top}})
    if situation.token["client"] == listed:
        assert closed.permitted() == with_standing(situation, ceiling=None).permitted()
    else:
        assert {evolve(situation, action=name).judged_at for name in closed.permitted()} <= {"user"}


@given(situations())
def test_an_explanation_shows_the_ceiling_and_stays_below_it(situation):
    """The ceiling of the token's own client."""
    found, ceiling = situation.explained(), allowed_by(situation)
    if situation.judged_at in {"organization", "application"} and situation.owner and ceiling is not None:
        assert situation.height(found.ceiling_role) == situation.height(ceiling)
        assert situation.height(found.effective_role) <= situation.height(ceiling)
