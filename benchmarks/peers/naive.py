"""A permission decision as an application would write it itself: strings, lists and role names.

`allowed` stands next to the peers that check a bearer token. `decide` is the same in the world of `decision_model`.
"""

from collections.abc import Sequence
from typing import Any

from benchmarks import workload
from benchmarks.decision_model import ROLES as LADDER
from benchmarks.decision_model import Question, World, covers
from benchmarks.decision_rows import row_of
from benchmarks.rows import Row

ROLES = ["none", "viewer", "editor", "admin"]
LIVE = {(workload.USER, workload.APPLICATION): (workload.ORGANIZATION, "editor")}
DEFAULT_CAP = "editor"
ORGANIZATION_CAPS: dict[str, str] = {}
APPLICATION_CAPS: dict[str, str] = {}
ACTIONS = {workload.ACTION: ([workload.SCOPE, "all.Application.bounded"], "viewer")}


def allowed(user: str, scopes: list[str], action: str, application: str) -> bool:
    """Say whether a token of `user` with `scopes` and the one cap may do `action` there."""
    covering, least = ACTIONS[action]
    if not any(scope in covering for scope in scopes):
        return False
    standing = LIVE.get((user, application))
    if standing is None:
        return False
    organization, live = standing
    most = APPLICATION_CAPS.get(application) or ORGANIZATION_CAPS.get(organization) or DEFAULT_CAP
    return min(ROLES.index(live), ROLES.index(most)) >= ROLES.index(least)


def decide(made: World, name: str = "naive Python") -> Row[Any]:
    """Return the decision by names, everything at hand in dicts and lists."""
    actions = {
        one.name: ([scope for scope in made.scopes if covers(scope, one)], one.level, one.least)
        for one in made.actions.values()
    }
    scopes, ladder = list(made.scopes), list(LADDER)

    def may(action: str, organization: str | None, application: str | None) -> bool:
        covering, level, least = actions[action]
        if not any(scope in covering for scope in scopes):
            return False
        if level == "User":
            return True
        live = made.application_roles.get(application or "") or made.roles.get(organization or "", "none")
        own, written_in = made.application_caps.get(application or "", (None, None))
        if own is None or written_in != organization:
            own = made.organization_caps.get(organization or "", made.default)
        return min(ladder.index(live), ladder.index(own)) >= ladder.index(least)

    def loop(given: Sequence[Question]) -> None:
        for action, organization, application in given:
            may(action, organization, application)

    return row_of(name, made, made.questions, lambda one: may(*one), loop)
