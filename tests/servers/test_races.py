"""REF-7, CODE-1, attacks 19 and 21: many at once redeem one code and refresh one token."""

from functools import partial
from itertools import chain, repeat
from pathlib import Path
from threading import Barrier

import pytest
from tests.servers.races import (
    MANY,
    PATIENCE,
    RACES,
    all_at_once,
    race_of_processes,
    race_of_tasks,
    race_of_threads,
    racing_world,
    rotation,
)
from tests.support import Journey
from tests.support.racing import FAULTS, Alive, alive, in_threads

from scopegate.flows.outcomes import Redirect
from scopegate.flows.requests import ConsentForm

ROOT = Path(__file__).parents[2]
KINDS = ("memory", "sqlite")
SAID = {
    ("advances anyway", "redeem"): "^one is answered",
    ("advances anyway", "refresh"): "^everybody gets the same answer",
    ("keeps what losers made", "redeem"): "^one pair of secrets is alive",
    ("keeps what losers made", "refresh"): "^one family is alive",
}
"""What the judges say of a broken store."""


@pytest.fixture
def path(tmp_path, monkeypatch):
    """The file of a store that has one; other processes find what they are told to run."""
    monkeypatch.syspath_prepend(ROOT)
    return tmp_path / "store.db"


@pytest.fixture(params=KINDS)
def world(request, path):
    """A world over each of the embedded stores, which races."""
    with racing_world(request.param, path) as found:
        yield found


@pytest.mark.parametrize("race", RACES)
@pytest.mark.parametrize("kind", KINDS)
def test_fifty_threads(kind, path, race):
    """CODE-1: one winner of fifty, and forty-nine invalid_grant. REF-7: one answer for all, one family."""
    race_of_threads(kind, path, race)


@pytest.mark.parametrize("race", RACES)
@pytest.mark.parametrize("kind", KINDS)
async def test_fifty_tasks(kind, path, race):
    """CODE-1, REF-7: the asynchronous server, in one event loop."""
    await race_of_tasks(kind, path, race)


@pytest.mark.slow
def test_fifty_in_five_processes(path):
    """CODE-1, REF-7: separate processes and servers over one file, the same sealing keys, several rounds of each."""
    race_of_processes(path, [*RACES] * 3)


@pytest.mark.parametrize("race", RACES)
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_threads_kill_a_broken_store(kind, path, fault, race):
    """A race without a guard, and losers' secrets that live on, are both seen, and named."""
    with pytest.raises(AssertionError, match=SAID[fault, race]):
        race_of_threads(kind, path, race, fault)


@pytest.mark.parametrize("race", RACES)
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", KINDS)
async def test_the_tasks_kill_a_broken_store(kind, path, fault, race):
    """The same of the asynchronous server."""
    with pytest.raises(AssertionError, match=SAID[fault, race]):
        await race_of_tasks(kind, path, race, fault)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "race"), [("advances anyway", "redeem"), ("keeps what losers made", "refresh")]
)
def test_the_processes_kill_a_broken_store(path, fault, race):
    """The same of several processes, whose losers' secrets are tried too."""
    with pytest.raises(AssertionError, match=SAID[fault, race]):
        race_of_processes(path, [race], fault)


def test_fifty_threads_send_one_form(world):
    """CON-4: a page that is sent fifty times gives one token, and the same redirect to all."""
    journey = Journey(world)
    journey.register()
    journey.authorize()
    form = ConsentForm(journey.transaction, "approve", "viewer")
    outcomes = all_at_once(world.store, MANY, lambda _: world.server.consent(form, journey.signed_in))
    assert {type(outcome) for outcome in outcomes} == {Redirect}
    assert len({outcome.location for outcome in outcomes}) == 1
    assert len(world.server.tokens("ann").items) == 1
    assert world.store.conflicts == MANY - 1


def test_after_the_window_a_race_of_thieves_revokes_once(world):
    """REF-2: fifty late uses are refused, and one of them disconnects the token."""
    journey = Journey(world).connect()
    request = rotation(journey)
    journey.refresh()
    world.clock.forward(31)
    outcomes = all_at_once(world.store, MANY, lambda _: world.server.token(request))
    assert {outcome.code for outcome in outcomes} == {"invalid_grant"}
    assert [event.kind for event in world.events(user="ann")].count("token.revoked") == 1
    assert alive(journey) == Alive(access=0, rotating=0, repeated=0, redeeming=0)
    assert world.store.conflicts == MANY - 1


@pytest.mark.parametrize("read_first", [True, False])
def test_a_race_of_refresh_and_deletion_leaves_nothing(world, read_first):
    """Attack 43: whoever wins, after the deletion nothing of the token is accepted."""
    for number in range(10):
        journey = Journey(world, session=f"{number}").connect()
        refresh = partial(world.server.token, rotation(journey))
        steps = [*repeat(refresh, number % 8), partial(world.server.delete, "ann", journey.token_id)]
        steps = [*chain(steps, repeat(refresh, 8 - len(steps)))]
        meeting = Barrier(len(steps))
        world.store.meet(partial(meeting.wait, PATIENCE) if read_first else None)
        outcomes = in_threads(len(steps), lambda at, steps=steps: steps[at]())
        world.store.meet(None)
        assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        assert world.record(journey.token_id) is None
        assert alive(journey) == Alive(access=0, rotating=0, repeated=0, redeeming=0)
