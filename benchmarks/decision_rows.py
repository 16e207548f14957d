"""Rows of single decisions: the rulers and scopegate's evaluator, in the world of `decision_model`."""

from collections.abc import Callable, Sequence
from itertools import cycle, islice
from typing import Any, Final, TypeVar

from benchmarks import workload
from benchmarks.decision_limits import Need, Ranks, Stand, decider, knowing_decider, ranker
from benchmarks.decision_model import ROLES, World, act, covers, live_role
from benchmarks.rows import Row, Verdict
from scopegate import (
    AccessClass,
    Action,
    ApplicationCap,
    Catalogue,
    Evaluator,
    Organization,
    RoleCap,
    Sandbox,
    Standing,
    Token,
)
from scopegate.core.tokens import Settings
from scopegate.presets import simple

Input = TypeVar("Input")
ALLOWED: Final = Verdict(200)
DENIED: Final = Verdict(403)
SLOW: Final = 20
"""Of so many questions a slow row is asked one."""


def read_yes(answer: object) -> Verdict:
    """Read a yes or a no."""
    return ALLOWED if answer else DENIED


def row_of(
    name: str,
    made: World,
    inputs: Sequence[Input],
    call: Callable[[Input], object],
    loop: Callable[[Sequence[Input]], object] | None = None,
) -> Row[Any]:
    """Return the row of one engine; `inputs` are what it is given for the questions of that world, in order.

    One without a loop of its own is slow, and gets fewer of them.
    """
    return Row(
        name=name,
        prepare=lambda count: list(islice(cycle(inputs), count)),
        call=call,
        read=read_yes,
        loop=loop,
        portion=SLOW if loop is None else 1,
        answers=[read_yes(answer) for answer in made.answers],
    )


def ranked(made: World) -> tuple[dict[str, Need], int, Ranks]:
    """Return what a ruler keeps of a world: needs by action, the mask of the token, and its caps."""
    mask = {
        one.name: sum(1 << bit for bit, scope in enumerate(made.scopes) if covers(scope, one))
        for one in made.actions.values()
    }
    needs = {
        one.name: (mask[one.name], 0 if one.level == "User" else ROLES.index(one.least))
        for one in made.actions.values()
    }
    cap = Ranks(
        ROLES.index(made.default),
        {id_: ROLES.index(role) for id_, role in made.organization_caps.items()},
        {id_: (owner, ROLES.index(role)) for id_, (role, owner) in made.application_caps.items()},
    )
    return needs, (1 << len(made.scopes)) - 1, cap


def live_ranks(made: World) -> tuple[dict[str | None, int], dict[str | None, int]]:
    """Return the user's live ranks, by organization and by application."""
    return (
        {owner: ROLES.index(role) for owner, role in made.roles.items()},
        {id_: ROLES.index(role) for id_, role in made.application_roles.items()},
    )


def rank_of(made: World) -> Callable[[str | None, str | None], int]:
    """Return what works out the token's rank at a place, as quickly as the ruler does."""
    return ranker(ranked(made)[2], *live_ranks(made))


def limit(made: World, name: str = "LIMIT") -> Row[Any]:
    """Return the ruler which is given the standing, as scopegate's evaluator is."""
    decide = decider(*ranked(made))
    known: dict[tuple[str | None, str | None], Stand] = {}
    inputs: list[tuple[str, Stand, str | None]] = [
        (asked[0], known.setdefault(asked[1:], (asked[1], ROLES.index(live_role(made, asked)))), asked[2])
        for asked in made.questions
    ]

    def loop(given: Sequence[tuple[str, Stand, str | None]]) -> None:
        for action, standing, application in given:
            decide(action, standing, application)

    return row_of(name, made, inputs, lambda one: decide(*one), loop)


def knowing_limit(made: World, name: str = "LIMIT, live roles looked up") -> Row[Any]:
    """Return the ruler which looks the live roles up itself, in dicts, as the other engines here do."""
    decide = knowing_decider(*ranked(made), *live_ranks(made))

    def loop(given: Sequence[tuple[str, str | None, str | None]]) -> None:
        for action, organization, application in given:
            decide(action, organization, application)

    return row_of(name, made, made.questions, lambda one: decide(*one), loop)


def catalogue(actions: int) -> Catalogue:
    """Return scopegate's catalogue of that many actions; the user's own have no role."""
    own = [
        Action(one.name, one.level, AccessClass(one.access), None if one.level == "User" else one.least)
        for one in map(act, range(actions))
    ]
    return simple(ROLES[1:], actions=own)


def token(made: World) -> Token:
    """Return scopegate's token of a world."""
    cap = RoleCap(
        made.default,
        made.organization_caps,
        applications={
            id_: ApplicationCap(role, owner) for id_, (role, owner) in made.application_caps.items()
        },
    )
    return Token(
        id="t",
        user=workload.USER,
        client_id=workload.CLIENT_ID,
        redirect_uri=workload.REDIRECT_URI,
        scopes=made.scopes,
        resources=(workload.RESOURCE,),
        created_at=0.0,
        settings=Settings(name="Client", cap=cap),
        generation=1,
    )


def standings(made: World) -> list[Standing | None]:
    """Return what a directory says of the place of each question; one value for each place."""
    known: dict[tuple[str, str | None], Standing] = {}
    found: list[Standing | None] = []
    for _, owner, application in made.questions:
        if owner is None:
            found.append(None)
            continue
        own = made.application_roles.get(application or "")
        at: Organization | Sandbox = Organization(owner)
        found.append(known.setdefault((owner, application), Standing(at, made.roles[owner], own)))
    return found


def ours(made: World, name: str = "scopegate") -> Row[Any]:
    """Return scopegate's evaluator, asked about one token again and again."""
    allows, held = Evaluator(catalogue(len(made.actions))).allows, token(made)
    inputs = [
        (asked[0], standing, asked[2])
        for asked, standing in zip(made.questions, standings(made), strict=True)
    ]

    def loop(given: Sequence[tuple[str, Standing | None, str | None]]) -> None:
        for action, standing, application in given:
            allows(held, action, standing, application=application)

    return row_of(name, made, inputs, lambda one: allows(held, one[0], one[1], application=one[2]), loop)


def ours_anew(made: World) -> Row[Any]:
    """Return the same with a token in each question that was never asked about, as one just read from a store."""
    allows = Evaluator(catalogue(len(made.actions))).allows
    places = standings(made)

    def prepare(count: int) -> list[tuple[Token, str, Standing | None, str | None]]:
        asked = islice(cycle(zip(made.questions, places, strict=True)), count)
        return [(token(made), action, standing, place) for (action, _, place), standing in asked]

    return Row(
        name="scopegate, token just read",
        prepare=prepare,
        call=lambda one: allows(one[0], one[1], one[2], application=one[3]),
        read=read_yes,
        portion=SLOW,
        answers=[read_yes(answer) for answer in made.answers],
    )
