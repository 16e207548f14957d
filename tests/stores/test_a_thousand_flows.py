"""kill -9 of the host, of PostgreSQL and of Redis, again and again in the middle of a thousand flows.

Four clients at once go from consent to a refreshed token, and try again whenever they got no answer, or 503. Nothing
that they were told is lost afterwards, no code is worth two answers, and no outage looks like their own fault.
"""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from attrs import Factory, define
from tests.crash.processes import DiedError, Process, Visitor
from tests.support.databases import PostgreSQL, Redis, running
from tests.web.browser import Walk

FLOWS = 1000
CLIENTS = 4
REDIRECT = "http://127.0.0.1:7/callback"
UNKNOWN = {None, 503}
"""What leaves open whether something was done: no answer, or that the store is away."""
PATIENCE = 60.0

KINDS = {
    "host on PostgreSQL": ("sync", "postgresql+psycopg", "host"),
    "PostgreSQL": ("async", "postgresql+asyncpg", "database"),
    "Redis": ("sync", "redis", "database"),
    "host on a SQLite file": ("async", None, "host"),
}


@define
class Flow:
    """What one client was told.

    Attributes:
        code: what it redeemed.
        redeemed: what the attempts came to, in order: a status, or None for no answer.
        replies: the token answers.
    """

    code: str
    redeemed: list = Factory(list)
    replies: list = Factory(list)


def judge(flow):
    """The answers to one code: at most one is a success, and without an outage exactly one is."""
    wins = flow.redeemed.count(200)
    assert set(flow.redeemed) <= UNKNOWN | {200, 400}, flow.redeemed
    assert wins <= 1, "a code was worth two answers"
    if not wins:
        assert UNKNOWN & set(flow.redeemed), "a code was refused that nobody had used"


@pytest.mark.parametrize("redeemed", [[200, 200], [400, 400], [200, None, 200], [500], [401, 200]])
def test_the_judge_is_awake(redeemed):
    """Each of these would be a mistake."""
    with pytest.raises(AssertionError):
        judge(Flow("code", redeemed))


@pytest.mark.parametrize("redeemed", [[200, 400], [503, 200, 400], [None, 400, 400], [400, 200]])
def test_the_judge_is_fair(redeemed):
    """None of these is."""
    judge(Flow("code", redeemed))


def answered(call):
    """The status of an answer; None: there was none."""
    try:
        reply = call()
    except DiedError:
        return None
    return reply if isinstance(reply, int) else reply.status


def until(call, wanted):
    """Try again until there is an answer; nothing but that one, or none, may come."""
    deadline = time.monotonic() + PATIENCE
    while (status := answered(call)) in UNKNOWN and time.monotonic() < deadline:
        time.sleep(0.05)
    assert status == wanted, (call, status)


class Client:
    """One client, with a browser of its own and a hand that presses everything twice."""

    def __init__(self, port, twice, begun) -> None:
        self.walk = Walk(Visitor(port), redirect_uris=[REDIRECT])
        self.twice = twice
        self.begun = begun
        until(self.walk.register, 201)

    def flow(self):
        """From consent to a refreshed token."""
        self.begun.append(self)
        until(self.walk.authorize, 200)
        until(self.walk.decide, 303)
        flow = Flow(self.walk.code)
        while not {200, 400} & set(flow.redeemed):
            both = [self.twice.submit(answered, self.walk.token) for _ in range(2)]
            flow.redeemed += [each.result() for each in both]
        if 200 in flow.redeemed:
            flow.replies.append(self.walk.reply)
            until(self.walk.refresh, 200)
            flow.replies.append(self.walk.reply)
            until(lambda: self.walk.served.me(self.walk.reply["access_token"]), 200)
        return flow


def killing(process, server, what, begun, ended):
    """Kill and start again after every few dozen flows, until they are over; how often.

    Counted in flows and not in seconds: a fast machine is not to see fewer kills.
    """
    moments, kills, due = random.Random(11), 0, 30
    while not ended.wait(moments.uniform(0.001, 0.01)):
        if len(begun) < due:
            continue
        if what == "host":
            process.restart()
        else:
            server.kill()
            time.sleep(moments.uniform(0.0, 0.5))
            server.start()
        kills += 1
        due = len(begun) + moments.randint(30, 90)
    return kills


@pytest.fixture(params=KINDS)
def scene(request, tmp_path):
    """A host over a store, the server of the store, and what is killed."""
    colour, address, what = KINDS[request.param]
    with ExitStack() as stack:
        server, store = None, None
        if address == "redis":
            server = stack.enter_context(running(Redis, durable=True))
            store = f"redis:{server.socket}"
        elif address is not None:
            server = stack.enter_context(running(PostgreSQL, durable=True))
            store = f"{address}://scopegate@/postgres?host={server.folder}"
        process = Process(tmp_path, colour, store)
        stack.callback(process.close)
        yield process, server, what


@pytest.mark.stores
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_killed_in_the_middle_of_a_thousand_flows(scene):
    """Every acknowledged answer is still worth what it was, and the host recovered by itself."""
    process, server, what = scene
    begun, ended = [], threading.Event()
    pid = process.running.pid
    with ThreadPoolExecutor(2 * CLIENTS) as twice, ThreadPoolExecutor(CLIENTS + 1) as pool:
        clients = [Client(process.port, twice, begun) for _ in range(CLIENTS)]
        kills = pool.submit(killing, process, server, what, begun, ended)
        try:
            work = [
                pool.submit(lambda c: [c.flow() for _ in range(FLOWS // CLIENTS)], each) for each in clients
            ]
            flows = [
                (client, flow) for client, done in zip(clients, work, strict=True) for flow in done.result()
            ]
        finally:
            ended.set()
        assert kills.result() >= 9
    assert len(flows) == FLOWS
    assert (process.running.pid == pid) is (what == "database"), "the host was to go on, or to be killed"
    for _, flow in flows:
        judge(flow)
    acknowledged = [(client, flow) for client, flow in flows if flow.replies]
    assert len(acknowledged) > FLOWS * 0.9
    for client, flow in acknowledged:
        assert [client.walk.served.me(reply["access_token"]) for reply in flow.replies] == [200, 200]
        refreshed = client.walk.refresh(refresh_token=flow.replies[-1]["refresh_token"])
        assert refreshed.status == 200
    for client, flow in flows:
        assert client.walk.token(code=flow.code).json["error"] == "invalid_grant"
    fresh = Walk(Visitor(process.port), redirect_uris=[REDIRECT]).connect()
    assert process.me(fresh.reply["access_token"]) == 200
