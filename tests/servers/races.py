"""Fifty at once, in every way: the races, and how they are judged. Each says by name what does not hold."""

import asyncio
import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from threading import Barrier

from tests.support import Clock, Journey, RecordedEntropy, World, client_request
from tests.support.racing import Alive, RacingStore, alive, in_threads, make_store

from scopegate import Refusal
from scopegate.flows.outcomes import OAuthFailure, TokenReply

MANY = 50
PATIENCE = 60
PROCESSES, THREADS = 5, 10


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


def approved(world, **who):
    """A journey that holds a code."""
    journey = Journey(world, **who)
    journey.register()
    journey.approve()
    return journey


def connected(world, **who):
    """A journey that holds a refresh token."""
    return Journey(world, **who).connect()


def assert_one_redemption(journey, outcomes, drawn=()):
    """One answer, the others invalid_grant, and one pair of secrets that works, out of all that were drawn."""
    replies = [outcome for outcome in outcomes if isinstance(outcome, TokenReply)]
    assert len(replies) == 1, "one is answered"
    refused = [outcome for outcome in outcomes if isinstance(outcome, OAuthFailure)]
    assert len(refused) == len(outcomes) - 1, "everybody else is refused"
    assert {(outcome.code, outcome.status) for outcome in refused} == {("invalid_grant", 400)}
    journey.access_token = json.loads(replies[0].body)["access_token"]
    journey.refresh_token = json.loads(replies[0].body)["refresh_token"]
    found = alive(journey, drawn)
    assert found == Alive(access=1, rotating=1, repeated=0, redeeming=0), "one pair of secrets is alive"
    assert not isinstance(journey.access(), Refusal), "and it is the one that was told"
    assert isinstance(journey.refresh(), TokenReply), "and it is the one that was told"


def assert_one_family(journey, outcomes, drawn=()):
    """Everybody has the same answer, and its successor is the only one alive, out of all that were drawn."""
    assert {type(outcome) for outcome in outcomes} == {TokenReply}, "everybody is answered"
    assert len({outcome.body for outcome in outcomes}) == 1, "everybody gets the same answer"
    # The access tokens of the last two generations count; the used refresh token gets its answer once more.
    found = alive(journey, drawn)
    assert found == Alive(access=2, rotating=1, repeated=1, redeeming=0), "one family is alive"
    reply = json.loads(outcomes[0].body)
    journey.access_token, journey.refresh_token = reply["access_token"], reply["refresh_token"]
    assert not isinstance(journey.access(), Refusal), "and it is the one that was told"
    assert isinstance(journey.refresh(), TokenReply), "and it is the one that was told"
    found = alive(journey, drawn, ahead=31)
    assert found == Alive(access=2, rotating=1, repeated=0, redeeming=0), (
        "one family is alive after the window"
    )


RACES = {
    "redeem": (approved, redemption, assert_one_redemption),
    "refresh": (connected, rotation, assert_one_family),
}


def all_at_once(store, count, step):
    """What that many threads get, each of which has read the token before anybody wrote."""
    store.meet(partial(Barrier(count).wait, PATIENCE))
    found = in_threads(count, step)
    store.meet(None)
    return found


@contextmanager
def racing_world(kind, path, fault=None):
    """A world over a store that races."""
    with World(store=RacingStore(make_store(kind, path, fault))) as world:
        yield world


def race_of_threads(kind, path, race, fault=None):
    """One server object, a thread for each request."""
    prepare, request_of, judge = RACES[race]
    with racing_world(kind, path, fault) as world:
        journey = prepare(world)
        request = request_of(journey)
        outcomes = all_at_once(world.store, MANY, lambda _: world.server.token(request))
        judge(journey, outcomes)
        assert world.store.conflicts == MANY - 1, "all of them raced"


async def race_of_tasks(kind, path, race, fault=None):
    """An asynchronous server, a task for each request; a synchronous one over the same store prepares and judges."""
    prepare, request_of, judge = RACES[race]
    store = RacingStore(make_store(kind, path, fault))
    clock, entropy = Clock(), RecordedEntropy()
    with World(store=store, clock=clock, entropy=entropy) as world:
        journey = prepare(world)
        racing = World("async", store=store, clock=clock, entropy=entropy, people=world.people)
        request = request_of(journey)
        store.meet(asyncio.Barrier(MANY).wait)
        async with asyncio.timeout(PATIENCE):
            outcomes = await asyncio.gather(*(racing.bare.token(request) for _ in range(MANY)))
        store.meet(None)
        judge(journey, outcomes)
        await racing.bare.close()
        racing._runner.close()  # noqa: SLF001 - its server is closed already
        assert store.conflicts == MANY - 1, "all of them raced"


ACROSS = []
"""In a process of a race: where its threads meet those of the others."""


def join_in(across):
    """Tell a process where."""
    ACROSS.append(across)


def run_process(path, number, requests, fault):
    """One process of a host: threads, each with a store and a server of its own over the shared file."""
    here = Barrier(THREADS, action=partial(ACROSS[0].wait, PATIENCE))

    def run(thread):
        store = RacingStore(make_store("sqlite", path, fault))
        with World(store=store, entropy=RecordedEntropy(f"process {number}, thread {thread}")) as world:
            found = []
            for request in requests:
                store.meet(partial(here.wait, PATIENCE))
                before = len(world.entropy.secrets)
                outcome = world.server.token(request)
                found.append((outcome, world.entropy.secrets[before:]))
            return found, store.conflicts

    return in_threads(THREADS, run)


def in_processes(path, requests, fault):
    """What each thread of each process got, drew and lost."""
    context = multiprocessing.get_context("spawn")
    across = context.Barrier(PROCESSES)
    with ProcessPoolExecutor(PROCESSES, context, join_in, (across,)) as pool:
        running = [pool.submit(run_process, path, number, requests, fault) for number in range(PROCESSES)]
        return [each for process in running for each in process.result(PATIENCE)]


def race_of_processes(path, races, fault=None):
    """Processes that share the file and the sealing keys; they meet at each request, which all of them send."""
    with World(store=make_store("sqlite", path, fault)) as world:
        prepared = [(RACES[race], RACES[race][0](world, session=f"{at}")) for at, race in enumerate(races)]
        found = in_processes(path, [request_of(journey) for (_, request_of, _), journey in prepared], fault)
        assert [each for each in found if isinstance(each, Exception)] == []
        for at, ((_, _, judge), journey) in enumerate(prepared):
            outcomes = [mine[at][0] for mine, _ in found]
            drawn = [secret for mine, _ in found for secret in mine[at][1]]
            assert len(set(drawn)) == len(drawn) >= MANY
            judge(journey, outcomes, drawn)
        assert sum(lost for _, lost in found) == (MANY - 1) * len(races), "all of them raced"
