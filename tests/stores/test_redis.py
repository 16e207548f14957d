"""The Redis stores keep the contract of stores: on a server, in a cluster, by redis-py and by valkey."""

import pytest
import redis.asyncio
from tests.support.databases import Redis, running

import redis
from scopegate.stores.redis import AsyncRedisStore, RedisStore
from scopegate.testing.stores import AsyncStoreContract, DurableStoreContract, awaited


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


class OnServer(DurableStoreContract):
    """What they have in common."""

    @pytest.fixture
    def client(self, redis):
        """A client of an empty server."""
        client = connected(redis)
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


class TestRedis(OnServer):
    """By redis-py."""


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
