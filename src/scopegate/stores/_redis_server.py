"""What a Redis server must be asked, what its answers mean, and how its change feed is heard."""

from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any, cast

from scopegate.errors import ConfigurationError, InvalidValueError, ScopegateError, StoreUnavailableError
from scopegate.protocols import Heard
from scopegate.stores._told import heard

ASKED = ("appendonly", "appendfsync", "maxmemory-policy")
"""What a server is asked about before a store calls itself durable."""


def is_cluster(client: object) -> bool:
    """Whether a client speaks to a cluster, where each key has a slot."""
    return hasattr(client, "keyslot")


def refuse_to_decode(answer: object) -> None:
    """See that a client gives bytes.

    Raises:
        ConfigurationError: it gives text, and not everything that is kept is text.
    """
    if isinstance(answer, str):
        raise ConfigurationError(
            "the client decodes what it reads, and not everything kept here is text: build it without "
            "decode_responses=True"
        )


def refuse_to_be_durable(settings: dict[str, str]) -> None:
    """See that a server keeps what it acknowledged.

    Args:
        settings: the values of `ASKED` that it told.

    Raises:
        ConfigurationError: it does not say that it does.
    """
    wrong: list[str] = []
    if settings.get("appendonly") != "yes":
        wrong.append("appendonly yes")
    if settings.get("appendfsync") not in {"always", "everysec"}:
        wrong.append("appendfsync always (or everysec)")
    if settings.get("maxmemory-policy") != "noeviction":
        wrong.append("maxmemory-policy noeviction")
    if wrong:
        raise ConfigurationError(
            f"durable=True, and the server does not say that it keeps what it acknowledged: set "
            f"{', '.join(wrong)} there, or leave durable=True out and lose revocations when it restarts"
        )


def whom(client: Any) -> dict[str, Any]:  # noqa: ANN401 - by what it does
    """Whom to ask: in a cluster every node, for each keeps its part, and any replica may take over."""
    return {"target_nodes": client.ALL_NODES} if is_cluster(client) else {}


@contextmanager
def asking() -> Generator[None]:
    """A server may keep its settings to itself.

    Raises:
        ConfigurationError: it does.
    """
    try:
        yield
    except Exception as error:
        if not any(kind.__name__ == "ResponseError" for kind in type(error).__mro__):
            raise
        raise ConfigurationError(
            f"durable=True, and the server does not tell its settings ({type(error).__name__}): let this user "
            f"call CONFIG GET, or leave durable=True out and lose revocations if it does not keep them"
        ) from error


def settings_of(answer: Any) -> list[dict[str, str]]:  # noqa: ANN401 - a client may have made dictionaries of it, or not
    """The answer to ``CONFIG GET``: of one server, or of each node of a cluster by its name."""
    if isinstance(answer, dict):
        named = cast("dict[str | bytes, Any]", answer)
        if any(isinstance(value, dict) for value in named.values()):
            return [settings for each in named.values() for settings in settings_of(each)]
        return [{_text(name): _text(value) for name, value in named.items()}]
    return [{_text(name): _text(value) for name, value in zip(answer[::2], answer[1::2], strict=True)}]


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


class NoTextError(InvalidValueError):
    """What was handed in is half a character: nothing of that name can be kept, or be there."""

    def __init__(self) -> None:
        super().__init__("text", "it holds half of a surrogate pair: send whole characters")


@contextmanager
def speaking() -> Generator[None]:
    """Whatever a client says that could not do its work.

    Raises:
        StoreUnavailableError: the server did not answer, or not as it should.
        NoTextError: the text is none.
    """
    try:
        yield
    except (ScopegateError, TypeError, GeneratorExit):
        raise
    except UnicodeEncodeError:
        raise NoTextError from None
    except Exception as error:
        raise StoreUnavailableError(
            f"Redis did not do as asked ({type(error).__name__}): see that it runs and can be reached, and that it "
            f"has memory left, then try again"
        ) from error


def is_unknown_script(error: Exception) -> bool:
    """Whether the server does not know a script, as after a restart."""
    return str(error).startswith("NOSCRIPT") or type(error).__name__ == "NoScriptError"


def changes(client: Any, channel: str, beat: float) -> Generator[Heard, None, None]:  # noqa: ANN401 - by what it does
    """See `FollowedStore.changes`."""
    with speaking():
        pubsub = client.pubsub()
        try:
            pubsub.subscribe(channel)
            _subscribed(pubsub.get_message(timeout=max(beat, 1.0)))
            yield None
            proof = monotonic()
            while True:
                message = pubsub.get_message(timeout=max(proof + beat - monotonic(), 0.001))
                yield from _told(message)
                if monotonic() - proof < beat:
                    continue
                # Answers come in order, so the answer to this says that all before it was heard.
                pubsub.ping()
                while not _is_answer(message := pubsub.get_message(timeout=max(beat, 1.0))):
                    yield from _told(message)
                proof = monotonic()
                yield None
        finally:
            with suppress(Exception):
                pubsub.close()


async def changes_async(client: Any, channel: str, beat: float) -> AsyncGenerator[Heard, None]:  # noqa: ANN401 - by what it does
    """See `AsyncFollowedStore.changes`."""
    with speaking():
        pubsub = client.pubsub()
        try:
            await pubsub.subscribe(channel)
            _subscribed(await pubsub.get_message(timeout=max(beat, 1.0)))
            yield None
            proof = monotonic()
            while True:
                message = await pubsub.get_message(timeout=max(proof + beat - monotonic(), 0.001))
                for change in _told(message):
                    yield change
                if monotonic() - proof < beat:
                    continue
                await pubsub.ping()
                while not _is_answer(message := await pubsub.get_message(timeout=max(beat, 1.0))):
                    for change in _told(message):
                        yield change
                proof = monotonic()
                yield None
        finally:
            with suppress(Exception):
                await pubsub.aclose()


def _subscribed(message: Any) -> None:  # noqa: ANN401 - a client's own
    if message is None or message["type"] != "subscribe":
        raise StoreUnavailableError("Redis did not say that it will tell of changes: listen again")


def _is_answer(message: Any) -> bool:  # noqa: ANN401 - a client's own
    """Whether this is the sign of life that was asked for."""
    if message is None:
        raise StoreUnavailableError("Redis gave no sign of life on the feed of changes: listen again")
    return bool(message["type"] == "pong")


def _told(message: Any) -> Iterator[Heard]:  # noqa: ANN401 - a client's own
    if message is not None and message["type"] == "subscribe":
        # Clients connect anew by themselves, and say nothing of what they missed.
        raise StoreUnavailableError("Redis lost the connection of the feed for a moment: listen again")
    if message is not None and message["type"] == "message":
        yield from heard(message["data"])
