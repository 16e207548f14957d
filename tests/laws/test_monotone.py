"""Law 1: lowering any input never adds a permission; the inputs are raised here, one after the other."""

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.support.situations import (
    ORGANIZATIONS,
    entry,
    situations,
    with_cap,
    with_standing,
    with_token,
)


def higher(draw, situation, role):
    """A role of the ladder that stands higher, or the highest; what the ladder has not stands lowest."""
    ladder = situation.world["ladder"]
    return draw(
        st.sampled_from(
            [name for name in ladder if situation.height(name) > situation.height(role)] or ladder[-1:]
        )
    )


def raised_roles(situation, rise):
    """The situation with its live roles raised, one at a time."""
    found = situation.standing
    yield with_standing(situation, role=rise(found["role"]))
    if found["application_role"] is not None:
        yield with_standing(situation, application_role=rise(found["application_role"]))


def raised_ceilings(situation, rise):
    """The situation with its ceiling raised, for all or for one client, or taken away."""
    yield with_standing(situation, ceiling=None)
    if found := situation.standing["ceiling"]:
        if found["role"] is not None:
            yield with_standing(situation, ceiling=found | {"role": rise(found["role"])})
            yield with_standing(situation, ceiling=found | {"role": None})
        for client, role in found["clients"].items():
            yield with_standing(situation, ceiling=entry(found, "clients", client, rise(role)))


def raised_caps(situation, rise):
    """The situation with each entry of its cap raised, and with more organizations that the default speaks for."""
    cap = situation.token["cap"]
    yield with_cap(situation, default=rise(cap["default"]))
    if cap["sandbox"] is not None:
        yield with_cap(situation, sandbox=rise(cap["sandbox"]))
    for name, role in cap["organizations"].items():
        yield with_cap(situation, **entry(cap, "organizations", name, rise(role)))
    for name, (role, home) in cap["applications"].items():
        yield with_cap(situation, **entry(cap, "applications", name, (rise(role), home)))
    yield with_cap(situation, known=None)
    if cap["known"] is not None:
        yield from (with_cap(situation, known=[*cap["known"], name]) for name in ORGANIZATIONS)


def widened(situation):
    """The situation with one more scope, or without the strict reading of overrides."""
    for name in situation.world["offered"]:
        yield with_token(situation, scopes=[*situation.token["scopes"], name])
    yield evolve(situation, lower_only=False)


def every_rise(situation, rise):
    """Every neighbour that is higher in one input."""
    yield from raised_roles(situation, rise)
    yield from raised_ceilings(situation, rise)
    yield from raised_caps(situation, rise)
    yield from widened(situation)


@given(situations(), st.data())
def test_raising_an_input_removes_nothing_and_lowering_it_adds_nothing(situation, data):
    """Live role, application role, each entry of the cap, known organizations, ceiling, scopes, strictness."""
    before = situation.permitted()
    for neighbour in every_rise(situation, lambda role: higher(data.draw, situation, role)):
        assert before <= neighbour.permitted()


@given(situations(keys=(None,)), st.data())
def test_raising_a_least_role_adds_nothing(situation, data):
    """A host that asks more for one action takes that action away from some, and changes nothing else."""
    asked = evolve(situation, action=data.draw(st.sampled_from(sorted(situation.world["actions"]))))
    if asked.judged_at == "user" or "." + asked.world["actions"][asked.action]["access"] in asked.action:
        return
    least = higher(data.draw, asked, asked.least_role)
    world = entry(
        asked.world, "actions", asked.action, asked.world["actions"][asked.action] | {"least": least}
    )
    before, after = asked.permitted(), evolve(asked, world=world).permitted()
    assert before - {asked.action} == after - {asked.action}
    assert after <= before
