"""The suites of single decisions: one world for every engine, then worlds that grow."""

from typing import Final

from benchmarks import decision_rows
from benchmarks.decision_model import (
    HOT_QUESTIONS,
    QUESTIONS,
    USUAL_ACTIONS,
    USUAL_ORGANIZATIONS,
    World,
    world,
)
from benchmarks.peers import casbin_peer, cedar_peer, naive, vakt_peer
from benchmarks.rows import Suite, Target, Verdict

LOOKED_UP: Final = "LIMIT, live roles looked up"
ORGANIZATIONS: Final = (USUAL_ORGANIZATIONS, 1_000, 100_000)
ACTIONS: Final = (20, USUAL_ACTIONS, 5_000)
ANSWERED: Final = Verdict(200)


def decide() -> Suite:
    """Return one decision by every engine."""
    made = world()
    return Suite(
        name="decide",
        title=f"One decision: {USUAL_ACTIONS} actions, {USUAL_ORGANIZATIONS} organizations, three levels of caps",
        rows=[
            decision_rows.limit(made),
            decision_rows.knowing_limit(made),
            naive.decide(made),
            vakt_peer.decide(made),
            cedar_peer.decide(made),
            cedar_peer.by_one_policy(made),
            casbin_peer.decide(made),
            casbin_peer.ranked(made),
            decision_rows.ours(made),
            decision_rows.ours_anew(made),
        ],
        expected=ANSWERED,
        size=20 * QUESTIONS,
        targets=[
            Target("scopegate", "LIMIT", at_most=2.0),
            Target("scopegate", LOOKED_UP),
            Target("cedarpy, pre-parsed", "scopegate", at_least=100),
            Target("cedarpy, pre-parsed, one policy", "scopegate"),
            Target("pycasbin FastEnforcer", "scopegate", at_least=150),
            Target("pycasbin FastEnforcer, rank given", "scopegate"),
            Target("vakt", "scopegate", at_least=25),
            Target("naive Python", "scopegate"),
            Target("scopegate, token just read", "LIMIT"),
        ],
    )


def by_organizations() -> Suite:
    """Return decisions of a user in more and more organizations."""
    worlds = {
        f"{count:,} organizations": world(organizations=count, different=HOT_QUESTIONS)
        for count in ORGANIZATIONS
    }
    scattered = world(organizations=ORGANIZATIONS[-1])
    return growing(
        "decide-organizations", "One decision, by organizations of the user", worlds, scattered, 1.35
    )


def by_actions() -> Suite:
    """Return decisions with a larger and larger catalogue."""
    worlds = {f"{count:,} actions": world(actions=count, different=HOT_QUESTIONS) for count in ACTIONS}
    scattered = world(actions=ACTIONS[-1])
    return growing("decide-actions", "One decision, by actions of the catalogue", worlds, scattered, 1.15)


def growing(name: str, title: str, worlds: dict[str, World], scattered: World, at_most: float) -> Suite:
    """Return ruler and scopegate in each world; from the smallest to the largest it may cost that much more."""
    small, *_, large = worlds
    everywhere = f"{large}, all over"
    shown = {**worlds, everywhere: scattered}
    return Suite(
        name=name,
        title=title,
        rows=[
            *(decision_rows.limit(made, f"LIMIT, {size}") for size, made in shown.items()),
            *(decision_rows.ours(made, f"scopegate, {size}") for size, made in shown.items()),
        ],
        expected=ANSWERED,
        size=20 * QUESTIONS,
        targets=[
            Target(f"scopegate, {large}", f"scopegate, {small}", at_most=at_most),
            Target(f"LIMIT, {large}", f"LIMIT, {small}"),
            Target(f"scopegate, {everywhere}", f"scopegate, {small}"),
            Target(f"LIMIT, {everywhere}", f"LIMIT, {small}"),
            *(Target(f"scopegate, {size}", f"LIMIT, {size}") for size in shown),
        ],
    )
