"""Laws 1 and 2: the oracle notices every mistake of this list, so its agreement with the evaluator means something."""

import pytest
from attrs import evolve
from hypothesis import Phase, given, settings
from tests.support import oracle
from tests.support.situations import situations, with_cap, with_everything, with_standing, with_token

EXAMPLES = 3000
"""Within so many situations each mistake is found."""


def answer(s):
    """What the library says about a situation: None, or the layer that denies."""
    return s.explained().denied_by


def either(*situations):
    """The library, made to allow what it allows in any of these situations."""
    answers = [answer(each) for each in situations]
    return None if None in answers else answers[0]


def both(*situations):
    """The library, made to deny what it denies in any of these situations."""
    return next((found for found in map(answer, situations) if found is not None), None)


def top(s):
    """The highest role."""
    return s.world["ladder"][-1]


def at_home(s):
    """The place as a key of the cap's organizations; another one for the sandbox."""
    return "" if s.owner in {None, oracle.SANDBOX} else s.owner[1]


def ceiling(s):
    """The ceiling, or one that lets everything through."""
    return s.standing["ceiling"] or {"role": None, "clients": {}}


def every_role(s, change):
    """Every role of cap, standing and ceiling changed."""
    cap, at, most = s.token["cap"], s.standing, ceiling(s)

    def each(role):
        return None if role is None else change(role)

    clients = {name: change(role) for name, role in most["clients"].items()}
    changed = {name: each(at[name]) for name in ("role", "application_role")}
    s = with_standing(s, **changed, ceiling={"role": each(most["role"]), "clients": clients})
    return with_cap(
        s,
        default=change(cap["default"]),
        sandbox=each(cap["sandbox"]),
        organizations={name: change(role) for name, role in cap["organizations"].items()},
        applications={name: (change(role), home) for name, (role, home) in cap["applications"].items()},
    )


def elsewhere(s, **parts):
    """The same question in a world that is made otherwise."""
    world = s.world | parts
    return evolve(s, world=world | {"opens": oracle.openings(world)}, key=None)


def reworked(s, change):
    """The same question in a world whose actions are others."""
    actions = s.world["actions"]
    own = {name: actions[name] | change(actions[name]) for name in actions if name not in s.pairs}
    return elsewhere(s, actions=actions | own)


def widened(s, change):
    """The same question with scopes that say something else, all of them on offer."""
    scopes = [change(oracle.today(s.world, name)) for name in s.token["scopes"] if name in known_to(s)]
    offered = dict.fromkeys([*s.world["offered"], *scopes])
    return with_token(elsewhere(s, offered=[*offered]), scopes=scopes)


def overridden(s):
    """The overrides of the owner, with the application's in their place if there is one."""
    role, home = s.token["cap"]["applications"].get(s.application, (None, None))
    if home is None or home != s.owner:
        return {}
    return {"sandbox": role} if home == oracle.SANDBOX else {"organizations": {home[1]: role}}


def known_to(s):
    """The scopes that are on offer, by every name that they have or had."""
    return {*s.world["offered"], *(old for old in s.world["renamed"] if "." in old)}


MISTAKES = {
    # The role at a place.
    "takes the higher of live role and cap": lambda s: either(
        s,
        with_standing(s, role=top(s), application_role=None),
        with_cap(s, **with_everything(s).token["cap"]),
    ),
    "ignores the cap": lambda s: answer(with_cap(s, **with_everything(s).token["cap"])),
    "ignores the live role": lambda s: answer(with_standing(s, role=top(s), application_role=None)),
    "ignores the user's role on an application": lambda s: answer(with_standing(s, application_role=None)),
    "lets the role on an application only lower": lambda s: both(s, with_standing(s, application_role=None)),
    "lets the role on an application only raise": lambda s: either(
        s, with_standing(s, application_role=None)
    ),
    # The levels of a cap.
    "ignores the override of an application": lambda s: answer(with_cap(s, applications={})),
    "ignores the override of an organization": lambda s: answer(with_cap(s, organizations={})),
    "ignores the override of the sandbox": lambda s: answer(with_cap(s, sandbox=None)),
    "honours the override of an application that moved": lambda s: answer(
        with_cap(
            s,
            applications={
                name: (role, s.owner) for name, (role, _) in s.token["cap"]["applications"].items()
            },
        )
        if s.owner
        else s
    ),
    "takes an absent override for none": lambda s: answer(with_cap(s, default="none")),
    "takes an override of none for an absent one": lambda s: answer(
        with_cap(
            s,
            organizations={
                name: role for name, role in s.token["cap"]["organizations"].items() if s.height(role)
            },
        )
    ),
    "lets an override only lower, though the host did not say so": lambda s: answer(
        evolve(s, lower_only=True)
    ),
    "lets an override raise, though the host said no": lambda s: answer(evolve(s, lower_only=False)),
    "lets the default speak for every organization": lambda s: answer(with_cap(s, known=None)),
    "closes an organization joined later in spite of its entry": lambda s: answer(
        with_cap(s, organizations={at_home(s): "none"})
        if at_home(s) and s.token["cap"]["known"] is not None and at_home(s) not in s.token["cap"]["known"]
        else s
    ),
    "closes the sandbox where the default does not speak for new organizations": lambda s: answer(
        with_cap(s, sandbox=s.token["cap"]["sandbox"] or "none") if s.token["cap"]["known"] is not None else s
    ),
    # Owners.
    "takes somebody else's sandbox for one's own": lambda s: answer(
        evolve(s, owner=s.owner or oracle.SANDBOX)
    ),
    "takes an organization called sandbox for the sandbox": lambda s: answer(
        evolve(s, owner=oracle.SANDBOX) if s.owner == ("organization", "sandbox") else s
    ),
    "takes the sandbox for an organization called so": lambda s: answer(
        evolve(s, owner=("organization", "sandbox")) if s.owner == oracle.SANDBOX else s
    ),
    # Ceilings.
    "ignores the ceiling": lambda s: answer(with_standing(s, ceiling=None)),
    "lets a client's ceiling lower that for all, not replace it": lambda s: both(
        s, with_standing(s, ceiling=ceiling(s) | {"clients": {}})
    ),
    "ignores the ceilings of single clients": lambda s: answer(
        with_standing(s, ceiling=ceiling(s) | {"clients": {}})
    ),
    "applies the ceiling of another client": lambda s: answer(
        with_token(s, client="c2" if s.token["client"] == "c1" else "c1")
    ),
    "takes a ceiling of none for no ceiling": lambda s: answer(
        with_standing(s, ceiling=ceiling(s) | {"role": None}) if not s.height(ceiling(s)["role"]) else s
    ),
    # Cuts.
    "ignores the cuts": lambda s: answer(with_token(s, cuts=())),
    "takes an organization called sandbox for the sandbox when it cuts itself out": lambda s: (
        "role"
        if s.owner == oracle.SANDBOX
        and "sandbox" in s.token["cuts"]
        and answer(s) is None
        and s.judged_at != "user"
        else answer(s)
    ),
    "lets the override of an application survive a cut": lambda s: answer(
        with_token(s, cuts=())
        if s.judged_at == "application" and s.application in s.token["cap"]["applications"]
        else s
    ),
    # Names.
    "takes an unknown role for the weakest real one": lambda s: answer(
        every_role(s, lambda role: role if role == "none" or s.height(role) else s.world["ladder"][1])
    ),
    "takes an unknown role for the strongest": lambda s: answer(
        every_role(s, lambda role: role if role == "none" or s.height(role) else top(s))
    ),
    "forgets what roles were called before": lambda s: answer(
        every_role(s, lambda role: "none" if role in s.world["renamed"] else role)
    ),
    "forgets what scopes were called before": lambda s: answer(
        with_token(s, scopes=[name for name in s.token["scopes"] if name not in s.world["renamed"]])
    ),
    # Layers.
    "wants every scope to cover the action": lambda s: both(
        s, *(with_token(s, scopes=[name]) for name in s.token["scopes"])
    ),
    "judges the scope after the role": lambda s: (
        answer(with_token(elsewhere(s, offered=sorted(s.world["opens"])), scopes=sorted(s.world["opens"])))
        or answer(s)
    ),
    "wants a role for what belongs to the user alone": lambda s: (
        answer(s) or ("role" if s.judged_at == "user" and not s.height(s.token["cap"]["default"]) else None)
    ),
    "judges an organization's actions by the override of an application": lambda s: answer(
        s if s.judged_at != "organization" else with_cap(s, **overridden(s))
    ),
    "opens what is out of every token's reach": lambda s: (
        None if answer(s) == "role" and s.judged_at == "unreachable" else answer(s)
    ),
}
OF_THE_CATALOGUE = {
    "counts a sensitive action as one that writes": lambda s: answer(
        reworked(s, lambda found: {"access": "write"} if found["access"] == "sensitive" else {})
    ),
    "asks for the role of the class, not of the action": lambda s: answer(
        reworked(s, lambda found: {"least": s.world["classes"][found["access"]]})
    ),
    "opens closed actions to whoever has the scope": lambda s: answer(
        reworked(s, lambda _: {"closed": False})
    ),
    "lets only.X cover what is beneath": lambda s: answer(
        widened(s, lambda name: name.replace("only.", "all.", 1))
    ),
    "lets all.X cover X alone": lambda s: answer(widened(s, lambda name: name.replace("all.", "only.", 1))),
    "takes .bounded for everything": lambda s: answer(widened(s, lambda name: name.removesuffix(".bounded"))),
    "takes .read for .bounded": lambda s: answer(
        widened(s, lambda name: f"{name.removesuffix('.read')}.bounded" if name.endswith(".read") else name)
    ),
}


@pytest.fixture(scope="module")
def drawn():
    """The situations in which every mistake is looked for, always the same ones."""
    found = []

    @settings(max_examples=EXAMPLES, derandomize=True, database=None, phases=[Phase.generate])
    @given(situations())
    def keep(situation):
        found.append(situation)

    keep()
    return found


def first_found(mistaken, drawn):
    """The first situation in which an evaluator that makes a mistake does not say what the oracle says."""
    return next((s for s in drawn if mistaken(s) != s.expected()), None)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda name: name.replace(" ", "-"))
def test_each_mistake_is_found_by_comparing_with_the_oracle(mistake, drawn):
    """An evaluator that makes it is told from the right one."""
    assert first_found(MISTAKES[mistake], drawn), f"an evaluator that {mistake} agrees with the oracle"


@pytest.mark.parametrize("mistake", OF_THE_CATALOGUE, ids=lambda name: name.replace(" ", "-"))
def test_each_mistake_about_the_catalogue_is_found_in_small_worlds(mistake, drawn):
    """These make another catalogue for each situation, which is quick for small ones."""
    small = [s for s in drawn if s.key is None]
    assert first_found(OF_THE_CATALOGUE[mistake], small), (
        f"an evaluator that {mistake} agrees with the oracle"
    )


def test_without_a_mistake_nothing_is_found(drawn):
    """What is found are mistakes, and not ways to look for them."""
    assert first_found(answer, drawn) is None
