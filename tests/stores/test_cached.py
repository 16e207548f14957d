"""The cache shows what the store would, and never what it may have missed a change of."""
# ruff: noqa: SLF001 - whether something is remembered cannot be seen from outside

import asyncio
import os
import threading
import time
from contextlib import contextmanager

import pytest
import redis
from attrs import evolve
from sqlalchemy import create_engine
from tests.support.databases import PostgreSQL, Redis, running
from tests.support.followed import FollowedMemoryStore

from scopegate.core.changes import (
    AddCredential,
    AdvanceToken,
    CreateToken,
    DropCredential,
    PutClient,
    ReviseToken,
    RevokeToken,
    Touch,
)
from scopegate.core.records import Cutoffs
from scopegate.errors import ConfigurationError, ConflictError, StoreUnavailableError
from scopegate.stores import AsyncCachedStore, CachedStore, MemoryStore, RedisStore, SQLAlchemyStore
from scopegate.stores._cache import Cache
from scopegate.testing._store_samples import (
    NOW,
    digest_of,
    make_client,
    make_credential,
    make_settings,
    make_token,
)
from scopegate.testing.stores import AsyncStoreContract, Capabilities, StoreContract

FIRST = digest_of("first")
BEAT = 0.02


class Clock:
    """Seconds that are moved."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        """Now."""
        return self.now


def until(true):
    """Wait for what another thread does; not for time."""
    for _ in range(15_000):
        if true():
            return
        time.sleep(0.001)
    raise AssertionError("it never came to be")


@contextmanager
def caching(inner, **options):
    """A cache that listens."""
    cached = CachedStore(inner, beat=BEAT, **({"stale_for": 60.0} | options))
    cached.open()
    until(lambda: cached.is_listening)
    try:
        yield cached
    finally:
        cached.close()


def listeners():
    """The threads that listen for some cache."""
    return {thread for thread in threading.enumerate() if thread.name == "scopegate-cache"}


def furnished():
    """A store with a client, and a token with a credential."""
    inner = FollowedMemoryStore()
    inner.commit("realm", [PutClient(make_client(), 0)])
    inner.commit("realm", [CreateToken(make_token()), AddCredential(make_credential("first"))])
    inner.commit(
        "realm", [CreateToken(make_token("other")), AddCredential(make_credential("of another", "other"))]
    )
    return inner


def is_remembered(cached, token_id="one", digest=FIRST):
    """Whether a look-up does not reach the store."""
    before = cached._store.reads
    cached.token("realm", token_id, digest)
    return cached._store.reads == before


def warm(cached):
    """Let both credentials be remembered."""
    for token_id, digest in (("one", FIRST), ("other", digest_of("of another"))):
        cached.token("realm", token_id, digest)
        assert is_remembered(cached, token_id, digest)


WITHOUT = {
    "A": "the store beneath is one in memory, whose commits are one step",
    "M": "nothing of a cache outlives its process",
}


class TestCachedStore(StoreContract):
    """All callers share one cache."""

    capabilities = Capabilities(durable=False, cross_process=False, change_feed=True, stale_for=60.0)
    declined = WITHOUT

    @pytest.fixture
    def store(self):
        """Over a store in memory."""
        with caching(FollowedMemoryStore()) as cached:
            yield cached

    def dump(self, store):
        """What it remembers."""
        return (
            repr(vars(store._cache)).encode()
            + b"".join(key[2] for key in store._cache.records)
            + dumped(store)
        )


def dumped(store):
    """The digests that the store in memory holds."""
    return b"".join(data for room in store._store._rooms.values() for data in room.tokens.values())


class TestAsyncCachedStore(AsyncStoreContract):
    """The same, awaited."""

    capabilities = TestCachedStore.capabilities
    declined = WITHOUT

    @pytest.fixture
    def async_store(self):
        """Over the twin of a store in memory."""
        self.inner = FollowedMemoryStore()
        return AsyncCachedStore(self.inner.asynchronous(), beat=BEAT, stale_for=60.0)

    def dump(self, _store):
        """The digests that the store in memory holds."""
        return b"".join(data for room in self.inner._rooms.values() for data in room.tokens.values())


# What is shown


def test_a_credential_is_read_once():
    """And what has none is read each time."""
    with caching(furnished()) as cached:
        warm(cached)
        assert cached.token("realm", "one", FIRST) is cached.token("realm", "one", FIRST)
        assert not is_remembered(cached, digest=digest_of("nobody's"))
        assert not is_remembered(cached, digest=digest_of("nobody's"))
        assert not is_remembered(cached, "absent")


CHANGES = {
    "revise": [ReviseToken("one", 1, make_settings("Desk"))],
    "advance": [AdvanceToken("one", 0, NOW)],
    "revoke": [RevokeToken("one", NOW, "over")],
    "drop": [DropCredential("one", FIRST)],
}


@pytest.mark.parametrize("case", CHANGES)
def test_an_own_change_is_seen_at_once_and_others_stay(case):
    """Without waiting for the feed."""
    inner = furnished()
    with caching(inner) as cached:
        warm(cached)
        inner.told.is_silent = True
        cached.commit("realm", CHANGES[case])
        assert cached.token("realm", "one", FIRST) == inner.token("realm", "one", FIRST)
        assert is_remembered(cached, "other", digest_of("of another"))


@pytest.mark.parametrize("case", CHANGES)
def test_a_change_of_somebody_else_is_heard(case):
    """And others stay."""
    inner = furnished()
    with caching(inner) as cached:
        warm(cached)
        inner.commit("realm", CHANGES[case])
        until(lambda: ("realm", "one", FIRST) not in cached._cache.records)
        assert cached.token("realm", "one", FIRST) == inner.token("realm", "one", FIRST)
        assert is_remembered(cached, "other", digest_of("of another"))


def test_a_change_of_a_client_drops_its_tokens():
    """All of them, and nobody else's."""
    inner = furnished()
    inner.commit(
        "realm", [CreateToken(make_token("bot", client_id="bot")), AddCredential(make_credential("b", "bot"))]
    )
    with caching(inner) as cached:
        warm(cached)
        cached.token("realm", "bot", digest_of("b"))
        cached.commit("realm", [PutClient(make_client(version=2, disabled=True), 1)])
        assert cached.token("realm", "one", FIRST).client.disabled
        assert is_remembered(cached, "bot", digest_of("b"))


def test_a_commit_that_fails_or_is_unknown_drops_what_it_may_have_changed():
    """Who knows."""
    inner = furnished()
    with caching(inner) as cached:
        warm(cached)
        with pytest.raises(ConflictError):
            cached.commit("realm", [ReviseToken("one", 9, make_settings())])
        assert not is_remembered(cached)

        def unknown(realm, changes, /):
            MemoryStore.commit(inner, realm, changes)
            raise StoreUnavailableError("nobody knows")

        warm(cached)
        inner.commit = unknown
        with pytest.raises(StoreUnavailableError):
            cached.commit("realm", [RevokeToken("one", NOW, "over")])
        assert cached.token("realm", "one", FIRST).token.revoked_at == NOW


def test_a_sweep_drops_everything():
    """It may free what is remembered."""
    with caching(furnished()) as cached:
        warm(cached)
        cached.sweep("realm", Cutoffs(pending_before=NOW * 2), limit=99)
        assert cached.token("realm", "one", FIRST) is None


def test_a_touch_is_shown_and_nothing_is_read_anew():
    """Else each request would find the last use too old, and write."""
    inner = furnished()
    with caching(inner) as cached:
        warm(cached)
        inner.told.is_silent = True
        cached.commit("realm", [Touch("one", NOW + 5, wrote=True)])
        cached.commit("realm", [Touch("one", NOW + 1, wrote=True)])
        assert is_remembered(cached)
        token = cached.token("realm", "one", FIRST).token
        assert (token.last_used_at, token.last_wrote_at) == (NOW + 5, NOW + 5)
        cached.commit("realm", [Touch("absent", NOW)])


def test_a_slow_reader_does_not_bring_the_past_back():
    """It began before a change was heard, so what it read is not kept."""
    inner = furnished()
    began, go_on = threading.Event(), threading.Event()
    real = inner.token

    def slow(*key):
        found = real(*key)
        began.set()
        go_on.wait(10)
        return found

    with caching(inner) as cached:
        inner.token = slow
        reader = threading.Thread(target=cached.token, args=("realm", "one", FIRST))
        reader.start()
        began.wait(10)
        inner.commit("realm", [RevokeToken("one", NOW, "over")])
        inner.told.tell(None)
        until(
            lambda: all(ticket.spoiled for tickets in cached._cache._tickets.values() for ticket in tickets)
        )
        go_on.set()
        reader.join()
        inner.token = real
        assert cached.token("realm", "one", FIRST).token.revoked_at == NOW


# When the feed is not there


def test_a_lost_feed_goes_to_the_store_and_begins_anew_from_nothing(caplog):
    """At once, with one line in the log, and by itself."""
    inner = furnished()
    with caching(inner) as cached:
        warm(cached)
        inner.told.cut()
        until(lambda: not cached.is_listening)
        MemoryStore.commit(inner, "realm", [RevokeToken("one", NOW, "over")])
        assert cached.token("realm", "one", FIRST).token.revoked_at == NOW
        assert not is_remembered(cached, "other", digest_of("of another"))
        assert not is_remembered(cached, "other", digest_of("of another"))
        inner.told.is_down = False
        until(lambda: cached.is_listening)
        assert not cached._cache.records
        warm(cached)
    assert [record.name for record in caplog.records] == ["scopegate.stores"]
    assert "one" not in caplog.text.replace("anyone", "")


@pytest.mark.parametrize("raises", [False, True], ids=["ends", "raises"])
def test_a_feed_that_goes_after_closing_is_not_missed(caplog, raises):
    """Nobody is warned of what was asked for."""
    inner, closed, earlier = furnished(), threading.Event(), set(threading.enumerate())

    def changes(*, beat):  # noqa: ARG001 - it is silent
        yield None
        closed.wait(10)
        if raises:
            raise StoreUnavailableError("it is closed")

    inner.changes = changes
    with caching(inner):
        pass
    closed.set()
    until(lambda: set(threading.enumerate()) <= earlier)
    assert not caplog.records


def test_a_feed_that_falls_silent_is_believed_no_longer_than_promised():
    """The bound: a proof of life lasts for ``stale_for`` seconds, to the last moment."""
    inner, clock = furnished(), Clock()
    with caching(inner, stale_for=3.0, clock=clock) as cached:
        warm(cached)
        inner.told.is_silent = True
        time.sleep(4 * BEAT)  # proofs that were on their way have come
        until(lambda: cached._cache.good_until == 3.0)
        MemoryStore.commit(inner, "realm", [RevokeToken("one", NOW, "over")])
        clock.now = 2.999
        assert cached.token("realm", "one", FIRST).token.revoked_at is None, (
            "this is the staleness that is stated"
        )
        clock.now = 3.0
        assert cached.token("realm", "one", FIRST).token.revoked_at == NOW
        assert not is_remembered(cached)
        assert cached.capabilities.stale_for == 3.0


def test_nothing_is_remembered_before_listening_has_begun():
    """What is read before may have been changed unheard."""
    inner = furnished()
    inner.told.is_down = True
    cached = CachedStore(inner, beat=BEAT)
    cached.token("realm", "one", FIRST)
    assert not is_remembered(cached)
    cached.close()


def test_it_listens_from_the_first_use_until_it_is_closed():
    """Not from when it is built; and again after it was closed."""
    inner, earlier = furnished(), set(threading.enumerate())
    cached = CachedStore(inner, beat=BEAT)
    assert not inner.told._queues
    for _ in range(2):
        cached.token("realm", "one", FIRST)
        until(lambda: cached.is_listening)
        warm(cached)
        cached.close()
        cached.close()
        assert not cached.is_listening
    until(lambda: set(threading.enumerate()) <= earlier)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_process_begins_anew():
    """A thread is not carried over a fork, so what the parent has remembered is not shown there, not even once."""
    inner = furnished()
    with caching(inner) as cached:
        warm(cached)
        child = os.fork()
        if not child:
            try:
                anew = not is_remembered(cached) and not is_remembered(
                    cached, "other", digest_of("of another")
                )
                until(lambda: cached.is_listening)
                warm(cached)
                os._exit(0 if anew else 1)
            finally:
                os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert is_remembered(cached)


# Configuration


def test_a_store_without_a_feed_is_refused_when_the_cache_is_built():
    """It could not know what was revoked."""
    with pytest.raises(ConfigurationError, match="does not tell of its changes"):
        CachedStore(MemoryStore())
    with pytest.raises(ConfigurationError, match="notify=True"):
        CachedStore(SQLAlchemyStore(create_engine("sqlite:///app.db")))
    with pytest.raises(ConfigurationError, match="does not tell of its changes"):
        AsyncCachedStore(MemoryStore().asynchronous())


@pytest.mark.parametrize("wrong", [{"size": 0}, {"beat": 0.0}, {"stale_for": 1.0}])
def test_numbers_that_make_no_sense_are_refused(wrong):
    """By name."""
    for kind, inner in (
        (CachedStore, FollowedMemoryStore()),
        (AsyncCachedStore, FollowedMemoryStore().asynchronous()),
    ):
        with pytest.raises(ConfigurationError, match=next(iter(wrong))):
            kind(inner, **wrong)


def test_it_remembers_no_more_than_twice_its_size():
    """The oldest go first, and leave nothing behind."""
    cache = Cache(3, 60.0, Clock())
    cache.hear(None)
    inner = furnished()
    record = inner.token("realm", "one", FIRST)
    for number in range(50):
        token_id = f"t{number}"
        ticket = cache.begin("realm", token_id, FIRST)
        cache.end(ticket, record._replace(token=evolve(record.token, id=token_id)))
        assert len(cache.records) <= 6
    assert len(cache._tokens) <= 6
    assert list(cache.records)[-1] == ("realm", "t49", FIRST)
    cache.drop("realm", set(), {"app"})
    assert (cache.records, cache._tokens, cache._clients, cache._tickets) == ({}, {}, {}, {})


# Awaited


async def listening(cached, *, wanted=True):
    """Wait until it listens, or does so no longer."""
    for _ in range(2000):
        if cached.is_listening is wanted:
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it never came to be")


def test_the_twin_hears_loses_and_goes_on():
    """In the same ways."""

    async def story():
        inner = furnished()
        cached = CachedStore(inner, beat=BEAT, stale_for=60.0).asynchronous()

        await cached.token("realm", "one", FIRST)
        await listening(cached)
        await cached.token("realm", "one", FIRST)
        before = inner.reads
        await cached.token("realm", "one", FIRST)
        assert inner.reads == before
        inner.told.cut()
        await listening(cached, wanted=False)
        MemoryStore.commit(inner, "realm", [RevokeToken("one", NOW, "over")])
        assert (await cached.token("realm", "one", FIRST)).token.revoked_at == NOW
        inner.told.is_down = False
        await listening(cached)
        await cached.close()
        assert not cached.is_listening

    asyncio.run(story())


def test_the_twin_begins_anew_on_another_event_loop():
    """The loop that listened stands still, so what was remembered there is not shown, not even once."""
    inner = furnished()
    cached = CachedStore(inner, beat=BEAT, stale_for=60.0).asynchronous()

    async def first():
        await cached.token("realm", "one", FIRST)
        await listening(cached)
        await cached.token("realm", "one", FIRST)
        assert cached._cache.records

    async def second():
        token = (await cached.token("realm", "one", FIRST)).token
        await cached.close()
        return token

    with asyncio.Runner() as stands_still:
        stands_still.run(first())
        MemoryStore.commit(inner, "realm", [RevokeToken("one", NOW, "over")])
        assert asyncio.run(second()).revoked_at == NOW


@pytest.mark.parametrize("answer", ["is cancelled", "ends", "raises"])
def test_the_twin_does_not_miss_a_feed_that_it_cancelled(caplog, answer):
    """Whatever its driver makes of that, nobody is warned, and nothing listens anew."""
    began = []

    async def changes(*, beat):
        began.append(beat)
        if len(began) > 1:
            raise asyncio.CancelledError  # so that a cache that does listen anew ends, too
        yield None
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if answer == "is cancelled":
                raise
            if answer == "raises":
                raise StoreUnavailableError("it is closed") from None

    async def story():
        twin = furnished().asynchronous()
        twin.changes = changes
        cached = AsyncCachedStore(twin, beat=BEAT, stale_for=60.0)
        await cached.open()
        await listening(cached)
        await cached.close()

    asyncio.run(story())
    assert "scopegate.stores" not in {record.name for record in caplog.records}
    assert began == [BEAT]


def test_the_twin_is_closed_for_another_event_loop_too(caplog):
    """Who listens there ends with what comes next, and hears no more of it."""
    inner = furnished()
    cached = CachedStore(inner, beat=BEAT, stale_for=60.0).asynchronous()

    async def first():
        await cached.open()
        await listening(cached)

    async def afterwards():
        inner.told.tell(None)
        async with asyncio.timeout(10):
            await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()})

    with asyncio.Runner() as listens:
        listens.run(first())
        asyncio.run(cached.close())
        listens.run(afterwards())
    assert not cached.is_listening
    assert "scopegate.stores" not in {record.name for record in caplog.records}


def test_the_twin_goes_by_the_same_clock():
    """One that is moved in tests moves both."""
    clock = Clock()
    assert CachedStore(furnished(), clock=clock).asynchronous()._clock is clock


# Over real feeds


@contextmanager
def over_redis():
    """Two stores on one Redis."""
    with running(Redis) as server:
        clients = [redis.Redis(unix_socket_path=server.socket) for _ in range(2)]
        yield *map(RedisStore, clients), server
        for client in clients:
            client.close()


@contextmanager
def over_postgresql():
    """Two stores on one PostgreSQL."""
    with running(PostgreSQL) as server:
        engines = [create_engine(server.url("psycopg")) for _ in range(2)]
        yield *(SQLAlchemyStore(engine, notify=True) for engine in engines), server
        for engine in engines:
            engine.dispose()


@pytest.mark.parametrize("over", [over_redis, over_postgresql])
def test_a_revocation_reaches_a_cache_over_a_real_feed(over):
    """And a server that dies is no reason to show what is remembered."""
    with over() as (store, other, server):
        other.commit("realm", [PutClient(make_client(), 0)])
        other.commit("realm", [CreateToken(make_token()), AddCredential(make_credential("first"))])
        before = listeners()
        with caching(store, stale_for=3.0) as cached:
            cached.token("realm", "one", FIRST)
            assert ("realm", "one", FIRST) in cached._cache.records
            other.commit("realm", [RevokeToken("one", NOW, "over")])
            until(lambda: cached.token("realm", "one", FIRST).token.revoked_at == NOW)
            server.kill()
            until(lambda: not cached.is_listening)
            with pytest.raises(StoreUnavailableError):
                cached.token("realm", "one", FIRST)
            server.start()
            until(lambda: cached.is_listening)
        # One that outlives its server looks for it, at random intervals, beside the tests that follow.
        until(lambda: listeners() <= before)
        other.close()
