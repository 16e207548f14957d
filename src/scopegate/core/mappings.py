"""A mapping that nobody changes, for frozen values that are remembered and shared."""

from collections.abc import Mapping
from typing import NoReturn, TypeVar

K = TypeVar("K")
V = TypeVar("V")


def _refuse(*_: object, **__: object) -> NoReturn:
    raise TypeError("this mapping is part of a frozen value: evolve() the value with another mapping instead")


class FrozenMapping(dict[K, V]):
    """A dict without what changes one. It equals a dict of the same items, and becomes the same JSON."""

    __slots__ = ()

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[type["FrozenMapping[K, V]"], tuple[dict[K, V]]]:
        """Copying and pickling build it anew, at once: what fills a dict item by item is refused."""
        return FrozenMapping, (dict(self),)


def frozen_mapping(given: Mapping[K, V]) -> FrozenMapping[K, V]:
    """A mapping as one that nobody changes; itself, if it is one."""
    return given if isinstance(given, FrozenMapping) else FrozenMapping(given)
