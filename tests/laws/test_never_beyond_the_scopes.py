"""Law 2: nothing is allowed that no granted scope covers, and closed actions are allowed to nobody."""

from attrs import evolve
from hypothesis import given
from tests.support.situations import WORLDS, situations, with_token


def covers(situation, action):
    """Whether one of the token's scopes covers an action, by the catalogue's algebra."""
    found = situation.evaluator().catalogue
    rule = found.rule(action)
    today = {situation.world["renamed"].get(name, name) for name in situation.token["scopes"]}
    return any(found.parse(name).covers(rule.action) for name in today & set(found.scopes))


@given(situations())
def test_what_is_allowed_is_covered_and_not_closed(situation):
    """Whatever the roles are."""
    for name in situation.permitted():
        assert covers(situation, name)
        assert not situation.world["actions"][name]["closed"]


@given(situations())
def test_scopes_that_are_not_offered_open_nothing(situation):
    """Names of another catalogue, empty ones, and those of the grammar that are not on offer here."""
    names = (*situation.world["opens"], "all.Gone", "", "*", "all.*")
    strange = [name for name in names if name not in situation.world["offered"]]
    assert with_token(situation, scopes=strange).permitted() == set()


@given(situations())
def test_scopes_open_together_what_each_of_them_opens(situation):
    """One of them is enough, and their order and number mean nothing."""
    together = with_token(situation, scopes=situation.token["scopes"][::-1] * 2)
    each = [with_token(situation, scopes=[name]).permitted() for name in situation.token["scopes"]]
    assert situation.permitted() == together.permitted() == set().union(*each)


def test_closed_actions_stay_closed_under_a_scope_for_everything(everywhere_admin):
    """Six of the seed's: a token never mints, changes or deletes tokens of its kind."""
    everything = with_token(evolve(everywhere_admin, world=WORLDS["wide"], key="wide"), scopes=["all.User"])
    closed = {name for name, found in everything.world["actions"].items() if found["closed"]}
    assert len(closed) == 6
    assert not closed & everything.permitted()
    assert "userOauthToken.get" in everything.permitted()
