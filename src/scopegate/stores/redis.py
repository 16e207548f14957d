"""The store on Redis or Valkey. Needs the extra ``redis``, or any client that has the methods of redis-py's.

A commit is one script, which runs alone over the keys of one token, so a cluster will do. What lists and frees is
written around it in such an order that whoever dies in between leaves nothing that authenticates.
"""

from collections.abc import Generator, Sequence
from secrets import token_hex
from typing import Any, TypeVar

from scopegate.core.changes import Change
from scopegate.core.clients import Client
from scopegate.core.events import Event
from scopegate.core.records import Cutoffs, OnceRow, Page, TokenQuery, TokenRecord
from scopegate.core.tokens import Token
from scopegate.errors import InvalidValueError, UnavailableError
from scopegate.protocols import Capabilities, Heard
from scopegate.stores import _redis_server, _redis_talks
from scopegate.stores._batch import only_touches, parts
from scopegate.stores._redis_async import AsyncRedisStore
from scopegate.stores._redis_server import NoTextError
from scopegate.stores._redis_sweep import sweep
from scopegate.stores._redis_talks import Ask, Place, Run, Talk, Together

__all__ = ["AsyncRedisStore", "RedisStore"]

T = TypeVar("T")


class RedisStore:
    """Keeps everything in Redis or Valkey.

    The client stays the app's: the store never closes it. Threads and processes may share the data, and threads the
    store. Whoever deletes keys under the prefix, or lets the server evict them, undoes revocations.

    Args:
        client: of redis-py, valkey, or one that has their methods, for a server or a cluster. It must give bytes, as it
            does unless it was built with ``decode_responses=True``.
        prefix: what each key and the channel begin with.
        durable: whether the store shall call itself so; opening sees to it that the server does, too.
    """

    def __init__(self, client: Any, *, prefix: str = "scopegate", durable: bool = False) -> None:  # noqa: ANN401 - by what it does
        self._client = client
        self._prefix = prefix
        self._durable = durable
        self._is_open = False

    @property
    def capabilities(self) -> Capabilities:
        """As durable as was asked for; for any number of processes; followed by pub/sub."""
        return Capabilities(durable=self._durable, cross_process=True, change_feed=True)

    def open(self) -> None:
        """See that the server can do what is asked.

        Raises:
            ConfigurationError: the client decodes what it reads, or the server does not say that it is durable.
            StoreUnavailableError: the server does not answer.
        """
        if self._is_open:
            return
        with _redis_server.speaking():
            key = self._place("").keys.shared("open")
            answer = self._client.execute_command("EVAL", "return ARGV[1]", 1, key, "scopegate")
            _redis_server.refuse_to_decode(answer)
            if self._durable:
                with _redis_server.asking():
                    told = self._client.config_get(*_redis_server.ASKED, **_redis_server.whom(self._client))
                for settings in _redis_server.settings_of(told):
                    _redis_server.refuse_to_be_durable(settings)
        self._is_open = True

    def close(self) -> None:
        """Forget that the server was looked at. The client stays as it is: it is the app's."""
        self._is_open = False

    def client(self, realm: str, client_id: str, /) -> Client | None:
        """See `Store.client`."""
        return self._read(_redis_talks.client(self._place(realm), client_id), None)

    def token(self, realm: str, token_id: str, digest: bytes | None = None, /) -> TokenRecord | None:
        """See `Store.token`. One script; in a cluster, where they lie apart, the client is read after it."""
        return self._read(_redis_talks.token(self._place(realm), token_id, digest), None)

    def tokens(self, realm: str, query: TokenQuery, /, *, after: str | None, limit: int) -> Page[Token]:
        """See `Store.tokens`."""
        return self._read(_redis_talks.tokens(self._place(realm), query, after, limit), Page(()))

    def events(
        self, realm: str, /, *, user: str | None, token_id: str | None, after: str | None, limit: int
    ) -> Page[Event]:
        """See `Store.events`. Kinds of event that only a newer release knows are left out."""
        talk = _redis_talks.events(self._place(realm), (user, token_id), after, limit)
        return self._read(talk, Page(()))

    def clients(self, realm: str, /, *, owner: str | None, after: str | None, limit: int) -> Page[Client]:
        """See `Store.clients`."""
        return self._read(_redis_talks.clients(self._place(realm), owner, after, limit), Page(()))

    def once(self, realm: str, key: str, /, *, now: float) -> OnceRow | None:
        """See `Store.once`."""
        return self._read(_redis_talks.once(self._place(realm), key, now), None)

    def commit(self, realm: str, changes: Sequence[Change], /) -> None:
        """See `Store.commit`. What follows at another token than the first change's is a step of its own.

        Raises:
            ConflictError: the guard of the first change is false; nothing was written.
            StoreUnavailableError: it was not applied, or that is not known.
            InvalidValueError: the text is none.
        """
        if not changes:
            return
        parts(changes)
        try:
            self._talk(_redis_talks.commit(self._place(realm), changes, token_hex(16)))
        except (UnavailableError, InvalidValueError):
            if not only_touches(changes):
                raise

    def sweep(self, realm: str, cutoffs: Cutoffs, /, *, limit: int) -> int:
        """See `Store.sweep`. Some rows may be freed when it fails."""
        return self._read(sweep(self._place(realm), cutoffs, limit), 0)

    def changes(self, *, beat: float) -> Generator[Heard, None, None]:
        """See `FollowedStore.changes`. It keeps one connection of the client's."""
        return _redis_server.changes(self._client, self._place("").channel, beat)

    def _place(self, realm: str) -> Place:
        return Place(self._prefix, realm, not _redis_server.is_cluster(self._client))

    def _read(self, talk: Talk[T], otherwise: T) -> T:
        """What a talk comes to; what is asked for by half a character is not there."""
        try:
            return self._talk(talk)
        except NoTextError:
            return otherwise

    def _talk(self, talk: Talk[T]) -> T:
        """Ask, and answer, until the talk is over."""
        self.open()
        try:
            ask = next(talk)
            while True:
                with _redis_server.speaking():
                    answer = self._answer(ask)
                ask = talk.send(answer)
        except StopIteration as end:
            result: T = end.value
            return result
        except UnicodeEncodeError:
            raise NoTextError from None

    def _answer(self, ask: Ask) -> Any:  # noqa: ANN401 - the server's
        if isinstance(ask, Run):
            return self._run(ask)
        if not isinstance(ask, Together):
            return self._client.execute_command(*ask)
        pipeline = self._client.pipeline(transaction=False)
        for command in ask.commands:
            pipeline.execute_command(*command)
        return pipeline.execute()

    def _run(self, run: Run) -> Any:  # noqa: ANN401 - the server's
        words = (len(run.keys), *run.keys, *run.words)
        try:
            return self._client.execute_command("EVALSHA", run.script.sha, *words)
        except Exception as error:
            if not _redis_server.is_unknown_script(error):
                raise
        return self._client.execute_command("EVAL", run.script.body, *words)
