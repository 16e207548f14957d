"""A throttle in one process: so many per window, for everybody together or per key."""

from collections.abc import Mapping
from threading import Lock
from typing import Final

from attrs import frozen

MAXIMUM_KEYS: Final = 10_000


@frozen
class Limit:
    """At most ``count`` in each window of ``seconds``."""

    count: int
    seconds: float


DEFAULT_LIMITS: Final[Mapping[str, Limit]] = {"register": Limit(120, 60.0), "secret": Limit(10, 60.0)}


class WindowThrottle:
    """Counts in fixed windows. Behind several processes each counts for itself.

    Args:
        limits: limits by endpoint; an endpoint without one is never slowed.
    """

    def __init__(self, limits: Mapping[str, Limit] = DEFAULT_LIMITS) -> None:
        self._limits = dict(limits)
        self._windows: dict[tuple[str, str], tuple[float, int]] = {}
        self._lock = Lock()

    def wait(self, endpoint: str, key: str, /, *, now: float) -> float:
        """See `Throttle.wait`."""
        limit = self._limits.get(endpoint)
        if limit is None:
            return 0.0
        with self._lock:
            start, count = self._windows.get((endpoint, key), (now, 0))
            if not 0 <= now - start < limit.seconds:
                start, count = now, 0
            if len(self._windows) >= MAXIMUM_KEYS:
                self._windows.clear()
            self._windows[endpoint, key] = (start, count + 1)
        return 0.0 if count < limit.count else start + limit.seconds - now
