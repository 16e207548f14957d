"""What access tokens led to before, for as long as the stamps stay the same; other credentials come but once."""

from typing import Final, TypeAlias

from scopegate.core.records import TokenRecord

Key: TypeAlias = tuple[str, str, bytes]
"""Realm, token id, and digest of a credential."""

Stamps: TypeAlias = list[tuple[int, int]]
"""The one row that tells the stamps of a token and of its client."""

MAXIMUM: Final = 8192


class Memory(dict[Key, tuple[Stamps, TokenRecord] | None]):
    """Records with their stamps: those last used, at least `MAXIMUM` and at most twice as many.

    Looking one up is looking up a dict, which no lock guards: the worst that threads do to each other is to forget.
    """

    def __init__(self) -> None:
        self._earlier: dict[Key, tuple[Stamps, TokenRecord] | None] = {}

    def __missing__(self, key: Key) -> tuple[Stamps, TokenRecord] | None:
        """What is remembered from earlier; it counts as used now."""
        found = self._earlier.get(key)
        if found is not None:
            self.keep(key, *found)
        return found

    def keep(self, key: Key, stamps: Stamps, record: TokenRecord) -> None:
        """Remember a record."""
        if len(self) >= MAXIMUM:
            self._earlier = self.copy()
            self.clear()
        self[key] = stamps, record
