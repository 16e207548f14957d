"""The Redis stores keep the contract of stores: on a server, in a cluster, by redis-py and by valkey."""

import socket
import time
from contextlib import ExitStack, closing
from functools import partial
from typing import ClassVar

import pytest
import redis
import redis.asyncio.cluster
import redis.cluster
import valkey
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError  # noqa: A004 - the client's own
from redis.retry import Retry
from tests.stores.feeds import AsyncFeedContract, FeedContract
from tests.support.databases import Redis, running

from scopegate.core.changes import (
    AddCredential,
    AdvanceToken,
    AppendEvent,
    CreateToken,
    DeleteToken,
    PutClient,
    PutOnce,
    RevokeToken,
)
from scopegate.core.records import TokenQuery
from scopegate.errors import ConfigurationError, InvalidValueError, StoreUnavailableError
from scopegate.stores.redis import AsyncRedisStore, RedisStore
from scopegate.testing._store_cases import everything, furnish
from scopegate.testing._store_rules import equal
from scopegate.testing._store_samples import (
    NOW,
    digest_of,
    make_client,
    make_credential,
    make_event,
    make_token,
    snapshot,
)
from scopegate.testing.stores import AsyncStoreContract, Capabilities, OutageContract, StoreContract, awaited


def everything_in(client):
    """All that a server keeps, as raw as it can be had."""
    found = b""
    for key in client.scan_iter():
        match client.type(key):
            case b"hash":
                found += key + b"".join(name + value for name, value in client.hgetall(key).items())
            case b"zset":
                found += key + b"".join(client.zrange(key, 0, -1))
            case b"set":
                found += key + b"".join(client.smembers(key))
            case b"list":
                found += key + b"".join(client.lrange(key, 0, -1))
            case b"string":
                found += key + client.get(key)
    return found


def opened(socket_path):
    """What another process opens."""
    return RedisStore(redis.Redis(unix_socket_path=socket_path))


def opened_in_cluster(port):
    """What another process opens in a cluster."""
    return RedisStore(redis.cluster.RedisCluster(host="127.0.0.1", port=port))


class OnServer(StoreContract):
    """What they have in common."""

    capabilities = Capabilities(durable=False, cross_process=True, change_feed=True)
    declined: ClassVar = {
        "A": "a commit is one script; deaths between the steps around it are tried below, one by one",
        "M": "there is one form of its keys so far",
        # What follows at another token than the first change's is a step of its own, so it is not seen at once with it.
    }

    def recipe(self, _store):
        """The same server."""
        return partial(opened, self.server.socket)

    @pytest.fixture
    def client(self, redis):
        """A client of an empty server."""
        self.server, client = redis, connected(redis)
        client.flushall()
        yield client
        client.close()

    @pytest.fixture
    def store(self, client):
        """Over it."""
        self.client = client
        return RedisStore(client)

    def make_another(self, _store):
        """Another store by the same client."""
        return RedisStore(self.client)

    def reopen(self, store):
        """Another store by the same client."""
        store.close()
        return RedisStore(self.client)

    def dump(self, _store):
        """All keys."""
        return everything_in(self.client)


def connected(server):
    """A client of redis-py."""
    return redis.Redis(unix_socket_path=server.socket)


@pytest.mark.stores
class TestRedis(OnServer):
    """By redis-py."""


@pytest.mark.stores
class TestAsyncRedis(AsyncStoreContract, OnServer):
    """By redis-py's asynchronous client."""

    @pytest.fixture
    def async_store(self, client, redis):
        """Over the same server."""
        self.client = client
        self.asynchronous = asynchronous(redis)
        return AsyncRedisStore(self.asynchronous)

    @pytest.fixture
    def store(self, async_store):
        """Seen by synchronous callers; its client ends with its loop."""
        with awaited(async_store) as store:
            yield store
            store._run(self.asynchronous.aclose())  # noqa: SLF001 - on the loop that it is bound to

    def make_another(self, store):
        """The same: another would need a loop of its own."""
        return store


def asynchronous(server):
    """An asynchronous client of redis-py."""
    return redis.asyncio.Redis(unix_socket_path=server.socket)


@pytest.mark.stores
class TestValkey(OnServer):
    """By valkey's client, which the store takes by what it does."""

    @pytest.fixture
    def client(self, redis):
        """A client of an empty server."""
        self.server = redis
        client = valkey.Valkey(unix_socket_path=redis.socket)
        client.flushall()
        yield client
        client.close()


def free_port():
    """A port on loopback that nobody has; the bus of a cluster has one that is 10,000 higher."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return port if port <= 55_535 else port - 20_000


@pytest.fixture(scope="session")
def cluster():
    """A cluster of one node: every command that touches two slots is refused there."""
    with running(Redis, port=free_port()) as server:
        assert server.says("CLUSTER ADDSLOTSRANGE 0 16383").startswith(b"+OK")
        while b"cluster_state:ok" not in server.says("CLUSTER INFO"):
            time.sleep(0.05)
        yield server


@pytest.mark.stores
class TestCluster(OnServer):
    """In a cluster."""

    def recipe(self, _store):
        """The same cluster."""
        return partial(opened_in_cluster, self.port)

    @pytest.fixture
    def client(self, cluster):
        """A client of the empty cluster."""
        self.port, client = cluster.port, redis.cluster.RedisCluster(host="127.0.0.1", port=cluster.port)
        client.flushall()
        yield client
        client.close()


@pytest.mark.stores
class TestAsyncCluster(TestAsyncRedis):
    """In a cluster, awaited."""

    def recipe(self, _store):
        """The same cluster."""
        return partial(opened_in_cluster, self.port)

    @pytest.fixture
    def client(self, cluster):
        """A client of the empty cluster."""
        self.port, client = cluster.port, redis.cluster.RedisCluster(host="127.0.0.1", port=cluster.port)
        client.flushall()
        yield client
        client.close()

    @pytest.fixture
    def async_store(self, client, cluster):
        """Over the same cluster."""
        self.client = client
        self.asynchronous = redis.asyncio.cluster.RedisCluster(host="127.0.0.1", port=cluster.port)
        return AsyncRedisStore(self.asynchronous)


class TestOutage(OutageContract):
    """While there is no server."""

    @pytest.fixture
    def unreachable(self, tmp_path):
        """Nobody listens there."""
        client = redis.Redis(unix_socket_path=str(tmp_path / "nobody"), retry=Retry(NoBackoff(), 0))
        yield RedisStore(client)
        client.close()


class Disconnecting:
    """Redis ends the connections of all who listen."""

    def disconnect_all(self, other):
        """The clients will connect anew by themselves."""
        assert other._client.execute_command("CLIENT", "KILL", "TYPE", "pubsub") == 1  # noqa: SLF001 - as an operator


@pytest.mark.stores
class TestFeed(Disconnecting, FeedContract):
    """Changes are heard by pub/sub."""

    @pytest.fixture
    def followed(self):
        """A store on a server that may be killed, and another over the same data."""
        with running(Redis) as server:
            clients = connected(server), connected(server)
            yield RedisStore(clients[0]), RedisStore(clients[1]), server.kill
            for client in clients:
                client.close()


@pytest.mark.stores
class TestAsyncFeed(Disconnecting, AsyncFeedContract):
    """The same, awaited."""

    @pytest.fixture
    def followed(self):
        """A store on a server that may be killed, another over the same data, and how both are closed."""
        with running(Redis) as server:
            client, other = asynchronous(server), connected(server)
            yield AsyncRedisStore(client), RedisStore(other), server.kill, client.aclose
            other.close()


def test_what_is_no_cursor_is_refused_and_half_a_character_is_nowhere(redis):
    """The one is a mistake of whoever sent it, the other the name of nothing."""
    client = connected(redis)
    store = RedisStore(client)
    for read in (
        partial(store.tokens, "realm", TokenQuery()),
        partial(store.events, "realm", user=None, token_id=None),
    ):
        with pytest.raises(InvalidValueError, match="no cursor of this list"):
            read(after="nonsense", limit=1)
    half = "half \ud800"
    assert store.token("realm", half, b"x") is None
    assert store.tokens("realm", TokenQuery(user=half), after=None, limit=1).items == ()
    assert store.client("realm", half) is None
    with pytest.raises(InvalidValueError, match="whole characters"):
        store.commit("realm", [CreateToken(make_token(half))])
    client.close()


# What a server must be


def test_a_store_is_durable_only_if_the_server_says_so():
    """Each setting that is missing is named, with what to set; and what it kept is there after kill -9."""
    with running(Redis) as server:
        client = connected(server)
        assert not RedisStore(client).capabilities.durable
        store = RedisStore(client, durable=True)
        with pytest.raises(ConfigurationError, match="set appendonly yes there"):
            store.open()
        with pytest.raises(ConfigurationError, match="set appendonly yes there"):
            store.commit("realm", [CreateToken(make_token())])
        client.config_set("appendonly", "yes")
        client.config_set("appendfsync", "no")
        client.config_set("maxmemory-policy", "allkeys-lru")
        with pytest.raises(ConfigurationError, match=r"appendfsync always .*, maxmemory-policy noeviction"):
            store.open()
        client.close()


def test_a_server_that_keeps_its_settings_to_itself_is_not_believed():
    """As those do that somebody else runs; the error says what to allow."""
    with running(Redis, durable=True) as server:
        client = connected(server)
        client.execute_command("ACL", "SETUSER", "low", "on", ">pass", "~*", "&*", "+@all", "-config")
        low = redis.Redis(unix_socket_path=server.socket, username="low", password="pass")
        with pytest.raises(ConfigurationError, match="let this user call CONFIG GET"):
            RedisStore(low, durable=True).open()
        RedisStore(client, durable=True).open()
        low.close()
        client.close()


@pytest.mark.stores
@pytest.mark.parametrize("last", [True, False])
def test_a_cluster_is_durable_only_if_every_node_says_so(last):
    """Not if most do."""
    slots = ("0 5460", "5461 10922", "10923 16383")
    with ExitStack() as stack:
        nodes = [
            stack.enter_context(running(Redis, port=free_port(), durable=durable))
            for durable in (True, True, last)
        ]
        for node, served in zip(nodes, slots, strict=True):
            assert node.says(f"CLUSTER ADDSLOTSRANGE {served}").startswith(b"+OK")
            assert nodes[0].says(f"CLUSTER MEET 127.0.0.1 {node.port}").startswith(b"+OK")
        for node in nodes:
            while b"cluster_state:ok" not in node.says("CLUSTER INFO"):
                time.sleep(0.05)
        client = stack.enter_context(
            closing(redis.cluster.RedisCluster(host="127.0.0.1", port=nodes[0].port))
        )
        store = RedisStore(client, durable=True)
        if last:
            furnish(store, "realm")
            assert store.token("realm", "one").token.version == 3
        else:
            with pytest.raises(ConfigurationError, match="set appendonly yes there"):
                store.open()


def test_what_a_durable_server_acknowledged_outlives_a_kill():
    """With an append-only file that is written through."""
    with running(Redis, durable=True) as server:
        client = connected(server)
        store = RedisStore(client, durable=True)
        assert store.capabilities.durable
        furnish(store, "realm")
        before = everything(store, "realm")
        server.kill()
        with pytest.raises(StoreUnavailableError):
            store.commit("realm", [RevokeToken("one", NOW, "lost")])
        server.start()
        equal(everything(store, "realm"), before, "a restart loses nothing, and the same store goes on")
        client.close()


def test_a_client_that_decodes_is_refused_when_the_store_is_opened():
    """Not everything that is kept is text."""
    with running(Redis) as server:
        client = redis.Redis(unix_socket_path=server.socket, decode_responses=True)
        with pytest.raises(ConfigurationError, match="decode_responses"):
            RedisStore(client).open()
        client.close()


# What happens between the steps of a commit


class Cut:
    """A client that dies before or after the nth command."""

    def __init__(self, client, place, *, after=False):
        self.client, self.place, self.after, self.count = client, place, after, 0

    def execute_command(self, *words):
        """Until then it works."""
        self.count += 1
        if self.count > self.place:
            raise ConnectionError
        if self.count == self.place and not self.after:
            raise ConnectionError
        found = self.client.execute_command(*words)
        if self.count == self.place:
            raise ConnectionError
        return found

    def pipeline(self, **options):
        """Reads are not cut."""
        return self.client.pipeline(**options)


BATCHES = {
    "create": [
        CreateToken(make_token("new", user="eve")),
        AddCredential(make_credential("x", "new", keep_until=5.0)),
    ],
    "advance": [
        AdvanceToken("one", 2, NOW),
        AddCredential(make_credential("x", generation=3, keep_until=5.0)),
    ],
    "revoke": [RevokeToken("one", NOW, "over")],
    "delete": [DeleteToken("one")],
    "put client": [PutClient(make_client("other", owner="eve"), 0)],
    "put once": [PutOnce("new", b"value", NOW + 9, NOW)],
}


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("case", BATCHES)
def test_whoever_dies_between_the_steps_leaves_all_or_nothing(redis, case, after):
    """At every step: what can be read is the state before or the one after, and another can go on from there."""
    client, place, seen = connected(redis), 1, set()
    changes = [*BATCHES[case], AppendEvent(make_event("told", user="eve", token_id="new"))]
    client.flushall()
    furnish(RedisStore(client), "realm")
    before = look(client)
    RedisStore(client).commit("realm", changes)
    done = look(client)
    assert done != before
    while cut_off(client, changes, place, after=after):
        found = look(client)
        assert found in (before, done), f"cut at command {place}"
        seen.add(found == done)
        if found == before:
            RedisStore(client).commit("realm", changes)
            assert look(client) == done, f"tried again after a cut at command {place}"
        place += 1
    assert seen == {False, True}
    client.close()


def cut_off(client, changes, place, *, after):
    """Whether a commit in a fresh realm was cut at that command."""
    client.flushall()
    furnish(RedisStore(client), "realm")
    store = RedisStore(Cut(client, place, after=after))
    store._is_open = True  # noqa: SLF001 - its first command is one of the commit
    try:
        store.commit("realm", changes)
    except StoreUnavailableError:
        return True
    return False


def look(client):
    """All that can be read."""
    store = RedisStore(client)
    digests = [digest_of(name) for name in ("x", "first", "second")]
    found = snapshot(store, "realm", digests=digests, keys=("new", "kept"))
    lists = [
        store.tokens("realm", TokenQuery(user="eve"), after=None, limit=9).items,
        store.events("realm", user="eve", token_id=None, after=None, limit=9).items,
        store.clients("realm", owner="eve", after=None, limit=9).items,
    ]
    return repr((found, lists))


def test_a_client_that_repeats_a_command_does_not_repeat_a_commit(redis):
    """A client asks again when it had no answer; a commit whose answer was lost is unknown, and never a conflict."""
    client = connected(redis)
    client.flushall()
    furnish(RedisStore(client), "realm")

    class Forgetful:
        def __getattr__(self, name):
            return getattr(client, name)

        def execute_command(self, *words):
            if words[0] == "EVALSHA":
                client.execute_command(*words)
            return client.execute_command(*words)

    store = RedisStore(Forgetful())
    store.commit("realm", [AdvanceToken("one", 2, NOW), AppendEvent(make_event("once"))])
    assert store.token("realm", "one").token.generation == 3
    events = store.events("realm", user="ann", token_id=None, after=None, limit=9).items
    assert [event.detail["what"] for event in events] == ["once", "furnished"]
    client.close()


def test_scripts_are_loaded_again_after_a_restart(redis):
    """The server forgets them; nobody notices."""
    client = connected(redis)
    client.flushall()
    store = RedisStore(client)
    furnish(store, "realm")
    client.script_flush()
    assert store.token("realm", "one", digest_of("first")).credential is not None
    client.close()


def test_a_bearer_look_up_is_one_command(redis):
    """Outside a cluster."""
    client = connected(redis)
    store = RedisStore(client)
    furnish(store, "look")
    counted = Cut(client, 10**9)
    reader = RedisStore(counted)
    reader.token("look", "one", digest_of("first"))
    before = counted.count
    reader.token("look", "one", digest_of("first"))
    assert counted.count - before == 1
    client.close()
