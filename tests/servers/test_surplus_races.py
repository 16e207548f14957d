"""AZ-14: an eleventh approval drops the oldest that waits, unless its client is just redeeming it."""

from functools import partial

import pytest
from tests.servers.races import redemption
from tests.support import Journey, World
from tests.support.racing import in_threads

from scopegate.flows.outcomes import TokenReply
from scopegate.stores import MemoryStore, SQLiteStore


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    """Both embedded stores."""
    found = MemoryStore() if request.param == "memory" else SQLiteStore(tmp_path / "store.db", timeout=60)
    yield found
    found.close()


def test_a_race_of_an_eleventh_approval_and_a_redemption_deletes_nothing_active(store):
    """The oldest that waits goes, or is redeemed and stays; never both."""
    with World(store=store) as world:
        for number in range(10):
            user = f"user {number}"
            world.people.places[user] = world.people.places["ann"]
            waiting = []
            for _ in range(10):
                waiting.append(Journey(world, user=user))
                waiting[-1].register()
                waiting[-1].approve()
                world.clock.forward(1)
            last = Journey(world, user=user)
            last.register()
            last.authorize()
            steps = [last.decide, partial(world.server.token, redemption(waiting[0]))]
            outcomes = in_threads(2, lambda which, steps=steps: steps[which]())
            assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
            redeemed = any(isinstance(outcome, TokenReply) for outcome in outcomes)
            record = world.record(waiting[0].token_id)
            assert (record is not None and record.token.generation == 1) is redeemed
