"""The one world in which every engine decides, questions about it, and the right answers by slow and plain rules.

Nothing here is timed. The rules are written as one would tell them, over names and lists, and share no code
with any contender.
"""

from collections.abc import Iterator
from functools import cache
from itertools import islice
from random import Random
from typing import Final, TypeAlias

from attrs import evolve, frozen

ROLES: Final = ("none", "view", "collaborate", "edit", "admin")
"""From the weakest to the strongest."""
LEVELS: Final = ("User", "Organization", "Application")
"""Each beneath the one before it."""
CLASSES: Final = {"": ("read", "write", "sensitive"), "bounded": ("read", "write"), "read": ("read",)}
LEAST: Final = {"read": "view", "write": "collaborate", "sensitive": "admin"}
TOKEN_SCOPES: Final = ("only.User.read", "all.Organization.bounded")
VERBS: Final = (
    ("get", "read", None),
    ("list", "read", None),
    ("patch", "write", None),
    ("create", "write", "edit"),
    ("delete", "sensitive", None),
)
"""Name, access class, and least role where it is not that of the class."""
OF_RESOURCES: Final = ("Application", "Organization", "Application", "Application")
OF_USERS: Final = (0, 7)
"""Which of each twenty actions, four resources' worth, are the user's own."""
CYCLE: Final = len(VERBS) * len(OF_RESOURCES)
USUAL_ACTIONS: Final = 400
USUAL_ORGANIZATIONS: Final = 10
APPLICATIONS: Final = 2
"""In each organization."""
QUESTIONS: Final = 4_000
HOT_QUESTIONS: Final = 100
"""As many as there are tokens in the hot sets of other suites."""

Question: TypeAlias = tuple[str, str | None, str | None]
"""Action, organization and application; an action of a level above names no place beneath it."""


@frozen
class Act:
    """An action; the least role is a name."""

    name: str
    level: str
    access: str
    least: str


@frozen
class World:
    """One user, one token of theirs, and what is asked.

    Attributes:
        actions: by name.
        scopes: of the token.
        roles: the user's live role by organization.
        application_roles: where the user's role in an application is not that in its organization.
        default: the token's cap where nothing more specific is set.
        organization_caps: by organization.
        application_caps: by application, with the organization in which it stood when that was written.
        applications: which organization owns each, now.
        questions: in the order in which they are asked.
        answers: to each question, by `right`.
    """

    actions: dict[str, Act]
    scopes: tuple[str, ...]
    roles: dict[str, str]
    application_roles: dict[str, str]
    default: str
    organization_caps: dict[str, str]
    application_caps: dict[str, tuple[str, str]]
    applications: dict[str, str]
    questions: tuple[Question, ...] = ()
    answers: tuple[bool, ...] = ()


def act(number: int) -> Act:
    """Return the action of that number: five verbs on one resource after the other, alike in each twenty."""
    resource, (verb, access, least) = number // len(VERBS), VERBS[number % len(VERBS)]
    level = "User" if number % CYCLE in OF_USERS else OF_RESOURCES[resource % len(OF_RESOURCES)]
    return Act(f"{level.lower()}_part_{resource}.{verb}", level, access, least or LEAST[access])


@cache
def world(
    organizations: int = USUAL_ORGANIZATIONS, actions: int = USUAL_ACTIONS, different: int = QUESTIONS
) -> World:
    """Return a world of that size, the same at each call, with questions about all of it.

    Args:
        organizations: how many the user has a role in.
        actions: how many the catalogue has.
        different: how many questions are drawn; fewer are asked again and again, in any order.
    """
    random = Random(11)  # noqa: S311 - test data protects nothing
    owners = [f"organization-{random.getrandbits(48):012x}" for _ in range(organizations)]
    owned = {f"application-{random.getrandbits(48):012x}": owner for owner in owners * APPLICATIONS}
    ids = list(owned)
    made = World(
        actions={one.name: one for one in map(act, range(actions))},
        scopes=TOKEN_SCOPES,
        roles={owner: random.choice(ROLES[2:]) for owner in owners},
        application_roles={id_: random.choice(ROLES) for id_ in ids[::4]},
        default="collaborate",
        organization_caps={owner: random.choice(ROLES[1:]) for owner in owners[::2]},
        application_caps={
            id_: (random.choice(ROLES[1:]), random.choice(owners) if place % 5 == 0 else owned[id_])
            for place, id_ in enumerate(ids[1::2])
        },
        applications=owned,
    )
    drawn = list(islice(questions(made, ids), different))
    asked = tuple(Random(4).choices(drawn, k=QUESTIONS) if different < QUESTIONS else drawn)  # noqa: S311 - likewise
    return evolve(made, questions=asked, answers=tuple(right(made, one) for one in asked))


def questions(made: World, ids: list[str]) -> Iterator[Question]:
    """Yield questions about any action at any place that suits it, the same mixture in worlds of all sizes."""
    kinds, blocks, places = Random(1), Random(2), Random(3)  # noqa: S311 - likewise
    while True:
        number = kinds.randrange(CYCLE) + CYCLE * blocks.randrange(len(made.actions) // CYCLE)
        action, application = act(number), places.choice(ids)
        owner = None if action.level == "User" else made.applications[application]
        yield action.name, owner, application if action.level == "Application" else None


def right(made: World, asked: Question) -> bool:
    """Return the right answer: a scope covers the action, and the role that the token has there reaches it."""
    action = made.actions[asked[0]]
    if not any(covers(scope, action) for scope in made.scopes):
        return False
    if action.level == "User":
        return True
    least = ROLES.index(action.least)
    return ROLES.index(live_role(made, asked)) >= least and ROLES.index(cap_role(made, asked)) >= least


def covers(scope: str, action: Act) -> bool:
    """Say whether a scope `<all|only>.<Level>[.<suffix>]` covers an action."""
    reach, level, *suffix = scope.split(".")
    levels = LEVELS[LEVELS.index(level) :] if reach == "all" else (level,)
    return action.level in levels and action.access in CLASSES[suffix[0] if suffix else ""]


def live_role(made: World, asked: Question) -> str:
    """Return the user's role at a place: the application's own, else that in its organization."""
    _, organization, application = asked
    if application is not None and application in made.application_roles:
        return made.application_roles[application]
    return "none" if organization is None else made.roles.get(organization, "none")


def cap_role(made: World, asked: Question) -> str:
    """Return the maximum of the most specific level; an application's is void once the application has moved."""
    _, organization, application = asked
    if application is not None and application in made.application_caps:
        role, written_in = made.application_caps[application]
        if written_in == organization:
            return role
    if organization is not None and organization in made.organization_caps:
        return made.organization_caps[organization]
    return made.default
