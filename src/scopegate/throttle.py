"""A throttle in one process: so many per window, for everybody together or per key."""

from collections.abc import Mapping
from hashlib import sha256
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

    Its memory is bounded: keys are kept as digests, for they are what strangers send, and when there are too many, the
    windows that ended are forgotten first and then those that counted least, so that inventing keys frees nobody.

    Args:
        limits: limits by endpoint; an endpoint without one is never slowed.
    """

    def __init__(self, limits: Mapping[str, Limit] = DEFAULT_LIMITS) -> None:
        self._limits = dict(limits)
        self._windows: dict[tuple[str, bytes], tuple[float, int]] = {}
        self._lock = Lock()

    def wait(self, endpoint: str, key: str, /, *, now: float) -> float:
        """See `Throttle.wait`."""
        limit = self._limits.get(endpoint)
        if limit is None:
            return 0.0
        place = endpoint, sha256(key.encode("utf-8", "surrogatepass")).digest()[:16]
        with self._lock:
            start, count = self._windows.get(place, (now, 0))
            if not 0 <= now - start < limit.seconds:
                start, count = now, 0
            self._windows[place] = (start, count + 1)
            if len(self._windows) > MAXIMUM_KEYS:
                self._forget(now)
        return 0.0 if count < limit.count else start + limit.seconds - now

    def _forget(self, now: float) -> None:
        def worth(item: tuple[tuple[str, bytes], tuple[float, int]]) -> tuple[bool, int]:
            (endpoint, _), (start, count) = item
            return now - start < self._limits[endpoint].seconds, count

        kept = sorted(self._windows.items(), key=worth, reverse=True)[: MAXIMUM_KEYS // 2]
        self._windows = dict(kept)
