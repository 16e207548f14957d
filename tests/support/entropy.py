"""Randomness that is the same in every run, and that remembers what it gave."""

from hashlib import sha256
from threading import Lock


class RecordedEntropy:
    """Gives bytes that follow from a seed; ``drawn`` holds all of them. Threads may share it.

    Args:
        seed: another seed gives other bytes; processes that share a store need one each.
    """

    def __init__(self, seed: str = "seed") -> None:
        self.seed = seed
        self.drawn: list[bytes] = []
        self._lock = Lock()

    def __call__(self, count: int) -> bytes:
        """That many bytes."""
        with self._lock:
            given = b""
            while len(given) < count:
                given += sha256(f"{self.seed} {len(self.drawn)} {len(given)}".encode()).digest()
            self.drawn.append(given[:count])
            return given[:count]

    @property
    def secrets(self) -> list[bytes]:
        """What was drawn to be secret: everything of 256 bits."""
        return [drawn for drawn in self.drawn if len(drawn) >= 32]
