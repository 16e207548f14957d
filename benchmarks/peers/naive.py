"""A permission decision as an application would write it next to a peer: strings, lists and role names."""

from benchmarks import workload

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
