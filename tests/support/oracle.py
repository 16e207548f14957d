"""What a token may do, worked out a second time, slowly, from the seed's page and the decisions of the design.

Nothing of the library is imported here, and everything is a plain dict, list, set or string:

    world     {"ladder": [role, ...], "levels": {name: (parent, judged at)}, "classes": {access: least role},
              "actions": {name: {"level", "access", "least", "closed"}}, "offered": [scope, ...],
              "renamed": {old: new}, "opens": {scope: {action, ...}}}
    token     {"status", "client", "scopes": [...], "cap": {"default", "sandbox", "organizations": {id: role},
              "applications": {id: (role, owner)}, "known": None or [id, ...]}}
    owner     ("organization", id), ("sandbox", "") for one's own, or None: not a member, nothing there, not one's own
    standing  {"role", "application_role": None or role, "ceiling": None or {"role", "clients": {id: role}}}

A role is the set of the rungs of the ladder that it stands on, so of two roles the lower is what they have in common,
and a role that the ladder has not is the empty set. A scope is the set of the actions that it opens.
"""

import json
from pathlib import Path

PRESETS = Path(__file__).parents[1] / "presets"
SANDBOX = ("sandbox", "")
LADDER = ("none", "view", "collaborate", "edit", "admin")
CLASSES = {"read": "view", "write": "collaborate", "sensitive": "admin"}
SUFFIXES = {"": {"read", "write", "sensitive"}, ".bounded": {"read", "write"}, ".read": {"read"}}
SEVEN = (
    "all.Application.read",
    "all.Application.bounded",
    "only.Organization.read",
    "only.Organization.bounded",
    "all.Organization.read",
    "all.Organization.bounded",
    "only.User.read",
)


# --- The seed's world -------------------------------------------------------------------------------------------------


def endpoints():
    """The matrix of the seed's product, row by row, by the name of the action."""
    rows = json.loads((PRESETS / "endpoints.json").read_text("utf-8"))
    return {f"{row['resource']}.{row['action']}": row for row in rows}


def least_roles():
    """The reviewed list of least roles, where the name of a role stands in it."""
    lines = (PRESETS / "least_roles.txt").read_text("utf-8").splitlines()
    listed = dict(line.split(maxsplit=1) for line in lines if not line.startswith("#"))
    return {name: role for name, role in listed.items() if role in LADDER}


def seed(offered=SEVEN):
    """The seed's world: five roles, four levels, the 366 actions that need a scope."""
    levels = {
        "User": (None, "user"),
        "Organization": ("User", "organization"),
        "Instance": ("User", "unreachable"),
        "Application": ("Organization", "application"),
    }
    listed = least_roles()
    actions = {
        name: {
            "level": row["level"],
            "access": row["access"],
            "least": listed.get(name, CLASSES[row["access"]]),
            "closed": bool(row.get("deny_oauth_tokens")),
        }
        for name, row in endpoints().items()
        if row["level"] is not None
    }
    return world(LADDER, levels, CLASSES, actions, offered)


def world(ladder, levels, classes, actions, offered, renamed=()):
    """A world, in which every pair of a level and a class of access is an action too."""
    pairs = {
        f"{level}.{access}": {"level": level, "access": access, "least": least, "closed": False}
        for level in levels
        for access, least in classes.items()
    }
    made = {
        "ladder": list(ladder),
        "levels": dict(levels),
        "classes": dict(classes),
        "actions": pairs | dict(actions),
        "offered": list(offered),
        "renamed": dict(renamed),
    }
    return made | {"opens": openings(made)}


# --- Scopes -----------------------------------------------------------------------------------------------------------


def beneath(world, level):
    """A level and all levels under it, by asking every level for its line of ancestors."""

    def line(name):
        return [] if name is None else [name, *line(world["levels"][name][0])]

    return {name for name in world["levels"] if level in line(name)}


def openings(world):
    """Every scope that can be said in a world, with the names of the actions that it opens."""
    found = {}
    for level in world["levels"]:
        for suffix, classes in SUFFIXES.items():
            for reach, levels in (("all", beneath(world, level)), ("only", {level})):
                found[f"{reach}.{level}{suffix}"] = {
                    name
                    for name, action in world["actions"].items()
                    if action["level"] in levels and action["access"] in classes
                }
    for name, action in world["actions"].items():
        if name == f"{action['level']}.{action['access']}":
            continue
        found[name] = {name}
        found.setdefault(f"{name.partition('.')[0]}.*", set()).add(name)
    return found


def today(world, name):
    """What a stored name is called now."""
    return world["renamed"].get(name, name)


def opened(world, scopes):
    """The names of the actions that scopes open together; a scope that is not offered opens nothing."""
    names = {today(world, scope) for scope in scopes} & set(world["offered"])
    return set().union(*(world["opens"].get(name, set()) for name in names))


# --- Roles ------------------------------------------------------------------------------------------------------------


def rungs(world, role):
    """The rungs on which a role stands: its own and those under it, without none."""
    ladder, name = world["ladder"][1:], today(world, role)
    return set(ladder[: ladder.index(name) + 1]) if name in ladder else set()


def places_from(owner, application):
    """The places that a limit can be written for, from this one outwards."""
    inner = [] if application is None else [("application", application)]
    return [*inner, owner, ("everywhere", "")]


def written(cap, place, owner):
    """The role that a cap names for exactly this place; None: it says nothing about it.

    An organization that the default does not speak for is one that is closed until it gets an entry.
    """
    kind, name = place
    if kind == "everywhere":
        return cap["default"]
    if kind == "application":
        role, lived_at = cap["applications"].get(name, (None, owner))
        return role if lived_at == owner else None
    if kind == "sandbox":
        return cap["sandbox"]
    return cap["organizations"].get(name, None if cap["known"] is None or name in cap["known"] else "none")


def limit(world, cap, owner, places, *, lower_only):
    """The rungs that a cap leaves at the first of these places: its own limit, or else that of the next place."""
    here, outwards = places[0], places[1:]
    own = written(cap, here, owner)
    if own is None:
        return limit(world, cap, owner, outwards, lower_only=lower_only)
    if lower_only and outwards:
        return rungs(world, own) & limit(world, cap, owner, outwards, lower_only=True)
    return rungs(world, own)


def allowance(world, ceiling, client):
    """The rungs that an organization leaves to a client."""
    if ceiling is not None and client in ceiling["clients"]:
        return rungs(world, ceiling["clients"][client])
    if ceiling is None or ceiling["role"] is None:
        return set(world["ladder"])
    return rungs(world, ceiling["role"])


def held(world, token, owner, application, standing, *, lower_only=False):
    """The rungs on which a token stands at a place."""
    if owner is None or (owner[0] == "organization" and owner[1] in token["cuts"]):
        return set()
    granular = standing["application_role"] if application is not None else None
    live = standing["role"] if granular is None else granular
    capped = limit(world, token["cap"], owner, places_from(owner, application), lower_only=lower_only)
    return rungs(world, live) & capped & allowance(world, standing["ceiling"], token["client"])


def highest(world, found):
    """The name of the highest of these rungs."""
    return [role for role in world["ladder"] if role == world["ladder"][0] or role in found][-1]


# --- Decisions --------------------------------------------------------------------------------------------------------


def effective(world, token, action, owner, application, standing, *, lower_only=False):
    """The role that a token has where an action is judged; None where roles play no part."""
    judged = world["levels"][world["actions"][action]["level"]][1]
    if judged == "user":
        return None
    at = application if judged == "application" else None
    return highest(world, held(world, token, owner, at, standing, lower_only=lower_only))


def verdict(world, token, action, owner, application, standing, *, lower_only=False):
    """The first layer that says no: status, scope or role; None: the action may be done."""
    wanted = world["actions"][action]
    judged = world["levels"][wanted["level"]][1]
    if token["status"] != "active":
        return "status"
    if wanted["closed"] or action not in opened(world, token["scopes"]):
        return "scope"
    if judged == "user":
        return None
    role = effective(world, token, action, owner, application, standing, lower_only=lower_only)
    return None if judged != "unreachable" and wanted["least"] in rungs(world, role) else "role"
