"""The public test kit: what a host or the author of a store needs to test with. Needs the extra ``testing``.

The contract for stores is in `scopegate.testing.stores`.
"""

from scopegate.testing.hosts import AsyncMemoryDirectory, Clock, MemoryDirectory, access

__all__ = ["AsyncMemoryDirectory", "Clock", "MemoryDirectory", "access"]
