"""The worlds of both colours."""

from tests.support.fixtures import colour, make_world

__all__ = ["colour", "make_world"]
