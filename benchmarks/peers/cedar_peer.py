"""Cedar through cedarpy: policies and entities parsed once, one request a call, in the form quickest to read.

One policy for each least role, and one for the user's own actions. The action's entity is a child of the scopes that
cover it; a place's entity carries the live rank and, where there is one, the cap's rank as integers, which the policy
looks for at the application, then its organization, then the token. That is quicker than groups for roles.

A second row has one policy in all, which compares with an attribute of the action. Cedar's schemas do not allow
attributes of actions, so nothing could check such a policy before it is used.

It leaves out, which makes it faster: an override whose application has moved is dropped when the entities are made,
so a moved application means new entities; the entities are those of one token, and a host would keep or make one set
for each.
"""
# pyright: basic
# mypy: disable-error-code="no-untyped-call"

from json import dumps
from typing import Any

from cedarpy import Entities, PolicySet, is_authorized

from benchmarks.decision_model import ROLES, Question, World, covers
from benchmarks.decision_rows import row_of
from benchmarks.rows import Row

OWN = """
permit (principal, action in Action::"User", resource == Place::"user") when { action in principal.scopes };
"""
RANKED = """
permit (principal, action in Action::"least %(rank)d", resource) when {
  action in principal.scopes && resource.live >= %(rank)d &&
  (if resource has cap then resource.cap
   else if resource.owner has cap then resource.owner.cap else principal.cap) >= %(rank)d
};
"""

ONE = """
permit (principal, action, resource) when {
  action in principal.scopes && resource.live >= action.least &&
  (if resource has cap then resource.cap
   else if resource.owner has cap then resource.owner.cap else principal.cap) >= action.least
};
"""

Entity = dict[str, Any]


def decide(made: World) -> Row[Any]:
    """Return Cedar's decision, by a policy for each least role."""
    policies = OWN + "".join(RANKED % {"rank": rank} for rank in range(1, len(ROLES)))
    return row_by("cedarpy, pre-parsed", made, policies)


def by_one_policy(made: World) -> Row[Any]:
    """Return Cedar's decision, by one policy."""
    return row_by("cedarpy, pre-parsed, one policy", made, ONE)


def row_by(name: str, made: World, text: str) -> Row[Any]:
    """Return the row of some policies."""
    policies = PolicySet.from_str(text)
    graph = Entities.from_json_str(dumps(entities(made)))
    return row_of(
        name,
        made,
        [request(asked) for asked in made.questions],
        lambda given: is_authorized(given, policies, graph).allowed,
    )


def request(asked: Question) -> Entity:
    """Return a question as Cedar is asked it."""
    action, organization, application = asked
    return {
        "principal": {"type": "Token", "id": "t"},
        "action": {"type": "Action", "id": action},
        "resource": {"type": "Place", "id": application or organization or "user"},
    }


def entities(made: World) -> list[Entity]:
    """Return the token, the places and the actions."""
    scopes = [{"__entity": {"type": "Action", "id": scope}} for scope in made.scopes]
    found = [entity("Token", "t", {"scopes": scopes, "cap": ROLES.index(made.default)})]
    for one in made.actions.values():
        least = 0 if one.level == "User" else ROLES.index(one.least)
        above = f"least {least}" if least else "User"
        covering = [scope for scope in made.scopes if covers(scope, one)]
        parents = [{"type": "Action", "id": parent} for parent in (above, *covering)]
        found.append({**entity("Action", one.name, {"least": least}), "parents": parents})
    for owner, role in made.roles.items():
        found.append(place(owner, owner, role, made.organization_caps.get(owner)))
    for id_, owner in made.applications.items():
        own, written_in = made.application_caps.get(id_, (None, None))
        live = made.application_roles.get(id_, made.roles[owner])
        found.append(place(id_, owner, live, own if written_in == owner else None))
    return [*found, entity("Place", "user", {"live": 0, "cap": 0})]


def place(id_: str, owner: str, live: str, most: str | None) -> Entity:
    """Return an organization, which owns itself, or an application."""
    known: Entity = {"live": ROLES.index(live), "owner": {"__entity": {"type": "Place", "id": owner}}}
    return entity("Place", id_, known if most is None else {**known, "cap": ROLES.index(most)})


def entity(kind: str, id_: str, attributes: Entity) -> Entity:
    """Return an entity without parents."""
    return {"uid": {"type": kind, "id": id_}, "attrs": attributes, "parents": []}
