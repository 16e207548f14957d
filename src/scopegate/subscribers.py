"""Who is told of events: after their commit, one after the other, and never so that a flow could break."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from inspect import iscoroutinefunction
from logging import getLogger
from typing import Final, TypeAlias

from scopegate.core.changes import AppendEvent, Change
from scopegate.core.events import Event

Subscriber: TypeAlias = Callable[[Event], object]
AsyncSubscriber: TypeAlias = Callable[[Event], Awaitable[object]]

_log: Final = getLogger("scopegate.events")
_FAILED: Final = "a subscriber failed at %s; the event itself is written"


def as_subscribers(subscribers: Iterable[Subscriber]) -> tuple[Subscriber, ...]:
    """The subscribers of a synchronous server.

    Raises:
        TypeError: one is asynchronous, and would never run.
    """
    given = tuple(subscribers)
    for subscriber in given:
        if _is_asynchronous(subscriber):
            msg = f"subscriber {subscriber!r} is asynchronous and AuthorizationServer is not: write 'def'"
            raise TypeError(msg)
    return given


def as_async_subscribers(subscribers: Iterable[AsyncSubscriber]) -> tuple[AsyncSubscriber, ...]:
    """The subscribers of an asynchronous server.

    Raises:
        TypeError: one is synchronous, and would hold up every request while it runs.
    """
    given = tuple(subscribers)
    for subscriber in given:
        if not _is_asynchronous(subscriber):
            msg = f"subscriber {subscriber!r} is synchronous and AsyncAuthorizationServer is not: write 'async def'"
            raise TypeError(msg)
    return given


def tell(subscribers: Sequence[Subscriber], changes: Sequence[Change]) -> None:
    """Tell every subscriber of the events in a commit that was done. What one raises is logged."""
    for event in _events(changes):
        for subscriber in subscribers:
            try:
                subscriber(event)
            except Exception:  # noqa: BLE001 - whatever it is, the flow goes on
                _log.exception(_FAILED, event.kind.value)


async def async_tell(subscribers: Sequence[AsyncSubscriber], changes: Sequence[Change]) -> None:
    """`tell`, awaited."""
    for event in _events(changes):
        for subscriber in subscribers:
            try:
                await subscriber(event)
            except Exception:  # noqa: BLE001 - whatever it is, the flow goes on
                _log.exception(_FAILED, event.kind.value)


def _events(changes: Sequence[Change]) -> list[Event]:
    return [change.event for change in changes if isinstance(change, AppendEvent)]


def _is_asynchronous(subscriber: object) -> bool:
    return iscoroutinefunction(subscriber) or iscoroutinefunction(getattr(subscriber, "__call__", None))  # noqa: B004 - its colour is asked for
