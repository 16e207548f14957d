"""pycasbin's FastEnforcer, its index over token and action, so that one rule is looked at in each decision.

A rule says which least role an action needs that the token's scopes cover. One role section, as the index allows no
more, tells which roles user and token have at each place; a role has all weaker ones, each as a link of its own.

It leaves out, which makes it faster: the most specific cap at each place is worked out when the links are made, since
links cannot say that one replaces another, so a moved application or a new cap means new links; and scopes are
worked out per token when the rules are made.

A second row leaves roles to the caller too, who is timed: casbin then finds the rule and compares two ranks.
"""
# pyright: basic
# mypy: disable-error-code="import-untyped,no-untyped-call,no-any-return"

import logging
from collections.abc import Iterator
from typing import Any

from casbin import FastEnforcer
from casbin.model import FastModel

from benchmarks.decision_model import ROLES, Question, World, cap_role, covers, live_role
from benchmarks.decision_rows import rank_of, row_of
from benchmarks.rows import Row

MODEL = """
[request_definition]
r = token, act, user, place

[policy_definition]
p = token, act, role

[role_definition]
g = _, _, _

[policy_effect]
e = some(where (p.eft == allow))

[matchers]
m = g(r.user, p.role, r.place) && g(r.token, p.role, r.place)
"""
RANKED_MODEL = """
[request_definition]
r = token, act, rank

[policy_definition]
p = token, act, least

[policy_effect]
e = some(where (p.eft == allow))

[matchers]
m = p.token == r.token && r.rank >= p.least
"""
INDEX = [0, 1]
"""Token and action, in requests and in rules alike."""


def decide(made: World) -> Row[Any]:
    """Return casbin's decision."""
    enforcer = empty(MODEL)
    enforcer.add_policies([["token", action, least] for action, least in rules(made)])
    enforcer.add_grouping_policies(list(links(made)))
    enforce = enforcer.enforce
    inputs = [("token", asked[0], "user", asked[2] or asked[1] or "self") for asked in made.questions]
    return row_of("pycasbin FastEnforcer", made, inputs, lambda given: enforce(*given))


def ranked(made: World) -> Row[Any]:
    """Return the same where the caller works out the token's rank."""
    enforcer = empty(RANKED_MODEL)
    enforcer.add_policies([["token", action, str(ROLES.index(least))] for action, least in rules(made)])
    enforce, rank_at = enforcer.enforce, rank_of(made)

    def call(asked: Question) -> bool:
        return enforce("token", asked[0], str(rank_at(asked[1], asked[2])))

    return row_of("pycasbin FastEnforcer, rank given", made, made.questions, call)


def empty(text: str) -> FastEnforcer:
    """Return an enforcer of that model, with its index and without a rule."""
    logging.getLogger("casbin").setLevel(logging.ERROR)
    made = FastModel(INDEX)
    made.load_model_from_text(text)
    return FastEnforcer(made, cache_key_order=INDEX)


def rules(made: World) -> Iterator[tuple[str, str]]:
    """Yield the actions that the token's scopes cover, with the least role; the user's own need none."""
    for one in made.actions.values():
        if any(covers(scope, one) for scope in made.scopes):
            yield one.name, "none" if one.level == "User" else one.least


def links(made: World) -> Iterator[list[str]]:
    """Yield the roles of user and token at each place."""
    places: list[Question] = [("", owner, None) for owner in made.roles]
    places += [("", owner, id_) for id_, owner in made.applications.items()]
    yield from (["user", "none", "self"], ["token", "none", "self"])
    for place in places:
        at = place[2] or place[1] or ""
        for who, role in (("user", live_role(made, place)), ("token", cap_role(made, place))):
            yield from ([who, weaker, at] for weaker in ROLES[: ROLES.index(role) + 1])
