"""Law 1: an organization that took itself out of a token's reach is not reached, whatever anybody else says."""

from hypothesis import given
from tests.support.situations import ORGANIZATIONS, situations, with_everything, with_token


@given(situations())
def test_nothing_in_there_is_open(situation):
    """With the highest roles everywhere, no override and no ceiling: what is left belongs to the user alone."""
    cut = with_token(with_everything(situation), cuts=ORGANIZATIONS)
    allowed = cut.permitted()
    if situation.owner is not None and situation.owner[0] == "organization":
        kinds = {cut.world["levels"][cut.world["actions"][name]["level"]][1] for name in allowed}
        assert kinds <= {"user"}
    else:
        assert allowed == with_token(cut, cuts=()).permitted()


@given(situations())
def test_a_cut_adds_nothing_and_takes_nothing_elsewhere(situation):
    """It counts where it was made, and nowhere else."""
    free = with_token(situation, cuts=())
    elsewhere = tuple(name for name in ORGANIZATIONS if situation.owner != ("organization", name))
    assert situation.permitted() <= free.permitted()
    assert with_token(situation, cuts=elsewhere).permitted() == free.permitted()
