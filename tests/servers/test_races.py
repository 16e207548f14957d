"""REF-7, CODE-1, attacks 19 and 21: many at once redeem one code and refresh one token."""

import asyncio
import json
import multiprocessing
from functools import partial
from threading import Barrier, Thread

import pytest
from tests.support import Clock, Journey, RecordedEntropy, WatchedStore, World, client_request

from scopegate import Refusal
from scopegate.core.credentials import encode
from scopegate.flows.outcomes import OAuthFailure, Redirect, TokenReply
from scopegate.flows.requests import ConsentForm
from scopegate.stores import MemoryStore, SQLiteStore

MANY = 50


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    """Both embedded stores."""
    found = MemoryStore() if request.param == "memory" else SQLiteStore(tmp_path / "store.db", timeout=60)
    yield found
    found.close()


def at_once(count, step):
    """What that many threads get that start together; an exception counts as what it is."""
    barrier, found = Barrier(count), [None] * count

    def run(number):
        barrier.wait()
        try:
            found[number] = step()
        except Exception as error:  # noqa: BLE001 - the test says which are allowed
            found[number] = error

    threads = [Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def redemption(journey):
    """The request that redeems a journey's code."""
    return client_request(
        {
            "grant_type": "authorization_code",
            "client_id": journey.client_id,
            "code": journey.code,
            "code_verifier": journey.verifier,
        }
    )


def rotation(journey):
    """The request that uses a journey's refresh token."""
    return client_request(
        {
            "grant_type": "refresh_token",
            "client_id": journey.client_id,
            "refresh_token": journey.refresh_token,
        }
    )


def approved(world):
    """A journey that holds a code."""
    journey = Journey(world)
    journey.register()
    journey.approve()
    return journey


def assert_one_redemption(journey, outcomes):
    """One answer, the others invalid_grant, and one pair of secrets that works."""
    replies = [outcome for outcome in outcomes if isinstance(outcome, TokenReply)]
    refused = [outcome for outcome in outcomes if isinstance(outcome, OAuthFailure)]
    assert len(replies) == 1
    assert {(outcome.code, outcome.status) for outcome in refused} == {("invalid_grant", 400)}
    assert len(refused) == len(outcomes) - 1
    journey.access_token = json.loads(replies[0].body)["access_token"]
    journey.refresh_token = json.loads(replies[0].body)["refresh_token"]
    assert not isinstance(journey.access(), Refusal)
    assert living_pairs(journey) == 1
    assert journey.token.generation == 1


def assert_one_family(journey, outcomes):
    """Everybody has the same answer, and its successor is the only one alive."""
    assert {type(outcome) for outcome in outcomes} == {TokenReply}
    assert len({outcome.body for outcome in outcomes}) == 1
    reply = json.loads(outcomes[0].body)
    assert journey.token.generation == 2
    journey.access_token, journey.refresh_token = reply["access_token"], reply["refresh_token"]
    assert not isinstance(journey.access(), Refusal)
    assert isinstance(journey.refresh(), TokenReply)


def living_pairs(journey):
    """How many of all secrets ever drawn are accepted as an access token of this journey."""
    headers = [f"Bearer sga_{journey.token_id}.{encode(drawn)}" for drawn in journey.world.entropy.secrets]
    assert headers
    return sum(not isinstance(journey.server.access(header), Refusal) for header in headers)


def test_fifty_threads_redeem_one_code(store):
    """CODE-1: one winner of fifty, and forty-nine invalid_grant; nobody gets a 5xx."""
    with World(store=store) as world:
        journey = approved(world)
        assert_one_redemption(journey, at_once(MANY, lambda: world.server.token(redemption(journey))))


def test_fifty_threads_refresh_one_token(store):
    """REF-7: within the window all get one answer; there is one family."""
    with World(store=store) as world:
        journey = Journey(world).connect()
        request = rotation(journey)
        assert_one_family(journey, at_once(MANY, lambda: world.server.token(request)))


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_fifty_tasks_redeem_one_code(tmp_path, kind):
    """CODE-1: the asynchronous server, in one event loop."""
    await over(kind, tmp_path, approved, redemption, assert_one_redemption)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_fifty_tasks_refresh_one_token(tmp_path, kind):
    """REF-7: the asynchronous server, in one event loop."""
    await over(kind, tmp_path, lambda world: Journey(world).connect(), rotation, assert_one_family)


async def over(kind, tmp_path, prepare, request_of, judge):
    """Prepare and judge with a synchronous server, race with an asynchronous one over the same store."""
    store = WatchedStore() if kind == "memory" else SQLiteStore(tmp_path / "store.db", timeout=60)
    clock, entropy = Clock(), RecordedEntropy()
    with World(store=store, clock=clock, entropy=entropy) as world:
        journey = prepare(world)
        racing = World("async", store=store, clock=clock, entropy=entropy, people=world.people)
        request = request_of(journey)
        outcomes = await asyncio.gather(*(racing.bare.token(request) for _ in range(MANY)))
        judge(journey, outcomes)
        await racing.bare.close()
        racing._runner.close()  # noqa: SLF001 - its server is closed already


def test_fifty_threads_send_one_form(store):
    """CON-4: a page that is sent fifty times gives one token, and the same redirect to all."""
    with World(store=store) as world:
        journey = Journey(world)
        journey.register()
        journey.authorize()
        form = ConsentForm(journey.transaction, "approve", "viewer")
        outcomes = at_once(MANY, lambda: world.server.consent(form, journey.signed_in))
        assert {type(outcome) for outcome in outcomes} == {Redirect}
        assert len({outcome.location for outcome in outcomes}) == 1
        assert len(world.server.tokens("ann").items) == 1


def test_after_the_window_a_race_of_thieves_revokes_once(store):
    """REF-2: fifty late uses are refused, and one of them disconnects the token."""
    with World(store=store) as world:
        journey = Journey(world).connect()
        request = rotation(journey)
        journey.refresh()
        world.clock.forward(31)
        outcomes = at_once(MANY, lambda: world.server.token(request))
        assert {outcome.code for outcome in outcomes} == {"invalid_grant"}
        assert [event.kind for event in world.events(user="ann")].count("token.revoked") == 1
        assert living_pairs(journey) == 0


def test_a_race_of_refresh_and_deletion_leaves_nothing(store):
    """Attack 43: whoever wins, after the deletion nothing of the token is accepted."""
    with World(store=store) as world:
        for number in range(10):
            journey = Journey(world, session=f"{number}").connect()
            request = rotation(journey)
            deletion = partial(world.server.delete, "ann", journey.token_id)
            steps = iter([deletion] + [partial(world.server.token, request)] * 7)
            outcomes = at_once(8, lambda s=steps: next(s)())
            assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
            assert world.record(journey.token_id) is None
            assert living_pairs(journey) == 0


def test_a_race_of_an_eleventh_approval_and_a_redemption_deletes_nothing_active(store):
    """AZ-14: the oldest that waits goes, or is redeemed and stays; never both."""
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
            steps = iter([last.decide, partial(world.server.token, redemption(waiting[0]))])
            outcomes = at_once(2, lambda s=steps: next(s)())
            assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
            redeemed = any(isinstance(outcome, TokenReply) for outcome in outcomes)
            record = world.record(waiting[0].token_id)
            assert (record is not None and record.token.generation == 1) is redeemed


def run_process(path, seed, request, barrier, answers):
    """One process of a host, with a server of its own over the shared file."""
    with World(store=SQLiteStore(path, timeout=60), entropy=RecordedEntropy(seed)) as world:
        world.server.open()
        barrier.wait(100)
        for each in request:
            outcome = world.server.token(each)
            answers.put(outcome.body if isinstance(outcome, TokenReply) else (outcome.code, outcome.status))


@pytest.mark.slow
def test_four_processes_race_over_one_file(tmp_path):
    """CODE-1, REF-7: separate processes, the same sealing keys: one redemption, one family, and one answer for all."""
    path, count, rounds = tmp_path / "store.db", 4, 3
    context = multiprocessing.get_context("spawn")
    with World(store=SQLiteStore(path)) as world:
        fresh = [approved(world) for _ in range(rounds)]
        connected = [Journey(world, user="bob").connect() for _ in range(rounds)]
        requests = [redemption(each) for each in fresh] + [rotation(each) for each in connected]
        barrier, answers = context.Barrier(count), context.Queue()
        processes = [
            context.Process(target=run_process, args=(path, f"process {number}", requests, barrier, answers))
            for number in range(count)
        ]
        for process in processes:
            process.start()
        found = [answers.get(timeout=100) for _ in range(count * len(requests))]
        for process in processes:
            process.join(60)
            assert process.exitcode == 0
        bodies = [answer for answer in found if isinstance(answer, bytes)]
        assert found.count(("invalid_grant", 400)) == rounds * (count - 1)
        assert len(bodies) == rounds + rounds * count
        assert len(set(bodies)) == 2 * rounds
        assert [each.token.generation for each in fresh] == [1] * rounds
        assert [each.token.generation for each in connected] == [2] * rounds
