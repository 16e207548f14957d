"""What a token is called at first."""

import re
from collections.abc import Sequence
from typing import Final

from scopegate.core.tokens import MAXIMUM_NAME

_NUMBERED: Final = re.compile(r"(?P<name>.*) \((?P<number>\d{1,9})\)", re.DOTALL | re.ASCII)


def token_name(client_name: str, taken: Sequence[str]) -> str:
    """The first name of a token: its client's, with a number where a sibling has that already.

    Args:
        client_name: what the client calls itself.
        taken: the names of the siblings, or of the newest of them, which have the highest numbers.
    """
    name = client_name[:MAXIMUM_NAME]
    if name not in taken:
        return name
    suffix = f" ({1 + max(_number(other, client_name) for other in taken)})"
    return client_name[: MAXIMUM_NAME - len(suffix)] + suffix


def _number(name: str, client_name: str) -> int:
    """The number that a name was given here; 1 for a name without one, or that its user gave."""
    found = _NUMBERED.fullmatch(name)
    return int(found["number"]) if found is not None and client_name.startswith(found["name"]) else 1
