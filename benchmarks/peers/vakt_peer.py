"""vakt: rules over attributes, the policies in its memory, one inquiry a call.

One policy for each least role: which levels and classes the scopes cover, and which rank the token must have. vakt
compares attributes with constants, not with one another, so the caller works out the token's rank at the place, by
dicts and integers as quick as the ruler's, and looks up the action; both are timed, being part of the decision.
The policies are those of one token.
"""
# pyright: basic
# mypy: disable-error-code="import-untyped,no-untyped-call,no-any-return"

from typing import Any

from vakt import ALLOW_ACCESS, Guard, Inquiry, MemoryStorage, Policy, RulesChecker
from vakt.rules import Eq, GreaterOrEqual, In

from benchmarks.decision_model import CLASSES, LEVELS, ROLES, Question, World
from benchmarks.decision_rows import rank_of, row_of
from benchmarks.rows import Row

Attributes = dict[str, Any]


def decide(made: World) -> Row[Any]:
    """Return vakt's decision."""
    storage = MemoryStorage()
    for rank in range(len(ROLES)):
        storage.add(policy(made, rank))
    guard, rank_at = Guard(storage, RulesChecker()), rank_of(made)
    actions: dict[str, Attributes] = {
        one.name: {
            "least": 0 if one.level == "User" else ROLES.index(one.least),
            "level": one.level,
            "access": one.access,
        }
        for one in made.actions.values()
    }

    def call(asked: Question) -> bool:
        action, organization, application = asked
        rank = rank_at(organization, application)
        return guard.is_allowed(Inquiry(action=actions[action], subject={"rank": rank}, resource="place"))

    return row_of("vakt", made, made.questions, call)


def policy(made: World, rank: int) -> Policy:
    """Return what may be done with that rank or a higher one: by any scope of the token."""
    return Policy(
        str(rank),
        effect=ALLOW_ACCESS,
        subjects=[{"rank": GreaterOrEqual(rank)}],
        resources=[Eq("place")],
        actions=[covered(scope, rank) for scope in made.scopes],
    )


def covered(scope: str, rank: int) -> Attributes:
    """Return the rules for what a scope covers that needs that rank."""
    reach, level, *suffix = scope.split(".")
    levels = LEVELS[LEVELS.index(level) :] if reach == "all" else (level,)
    classes = CLASSES[suffix[0] if suffix else ""]
    return {"least": Eq(rank), "level": In(*levels), "access": In(*classes)}
