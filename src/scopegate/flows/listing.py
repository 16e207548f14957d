"""Lists of a user's tokens: found by name, status or client, in any order, in pages that stay stable."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final, Literal, TypeAlias, get_args

from attrs import field, frozen

from scopegate.core.clients import Client
from scopegate.core.tokens import Status, Token, status
from scopegate.errors import InvalidValueError
from scopegate.flows.configuration import Configuration
from scopegate.flows.manage import TokenView, view

Sort: TypeAlias = Literal["created", "name", "status", "id", "updated", "last_used", "client"]
Key: TypeAlias = tuple[str | float, str]

MAXIMUM_PATTERN: Final = 255
MAXIMUM_LIMIT: Final = 1000
_WILD: Final = re.compile(r"[*?\[]")
_PLACES: Final = {found: place for place, found in enumerate(Status)}


def _statuses(given: Iterable[Status]) -> frozenset[Status]:
    return frozenset(given)


@frozen(kw_only=True)
class TokenSearch:
    """Which tokens of a user to show, and how.

    Args:
        name: only those whose name matches this pattern (``*``, ``?``, ``[...]``; without any of these: whose name
            contains it), whatever the case; empty: all.
        statuses: only those of these statuses; empty: all.
        client_id: only those of this client.
        sort: by what; equal ones by their ids. ``client`` puts those of one client side by side.
        descending: the greatest, newest or last first.
        after: where the page before ended.
        skip: how many to leave out first; for pages with numbers, which shift while tokens come and go.
        limit: how many at most, 1 to 1000.

    Raises:
        InvalidValueError: names the argument that is not acceptable.
    """

    name: str = ""
    statuses: frozenset[Status] = field(default=frozenset(), converter=_statuses)
    client_id: str | None = None
    sort: Sort = "created"
    descending: bool = True
    after: str | None = None
    skip: int = 0
    limit: int = 100

    def __attrs_post_init__(self) -> None:
        if self.sort not in get_args(Sort):
            raise InvalidValueError("sort", f"{self.sort!r} is none of {', '.join(get_args(Sort))}")
        if not 1 <= self.limit <= MAXIMUM_LIMIT:
            raise InvalidValueError("limit", f"write 1 to {MAXIMUM_LIMIT}")
        if self.skip < 0:
            raise InvalidValueError("skip", "write 0 or more")
        if len(self.name) > MAXIMUM_PATTERN:
            raise InvalidValueError("name", f"write at most {MAXIMUM_PATTERN} characters")


@frozen
class Found:
    """A page of what a search found.

    Args:
        items: in the order that was asked for.
        after: hand it in again to read on; None at the end.
        count: how many there are on all pages.
    """

    items: tuple[TokenView, ...]
    after: str | None
    count: int


@frozen
class Selected:
    """A page whose clients are not read yet; see `Found`."""

    tokens: tuple[Token, ...]
    after: str | None
    count: int

    @property
    def client_ids(self) -> frozenset[str]:
        """The clients to read."""
        return frozenset(token.client_id for token in self.tokens)


def select(config: Configuration, tokens: Iterable[Token], search: TokenSearch, *, now: float) -> Selected:
    """The page of the tokens that a search is about.

    Args:
        config: the server's configuration.
        tokens: all of the user's.
        search: which, and how.
        now: POSIX seconds.

    Raises:
        InvalidValueError: no search gave this cursor.
    """
    pattern, pending, key = _pattern(search.name), config.profile.pending_lifetime, _KEYS[search.sort]
    wanted: dict[Key, Token] = {}
    for token in tokens:
        found = status(token, now, pending)
        if (not search.statuses or found in search.statuses) and (
            not pattern or fnmatchcase(token.settings.name.casefold(), pattern)
        ):
            wanted[key(token, found), token.id] = token
    keys = _behind(sorted(wanted, reverse=search.descending), search)
    page = keys[search.skip : search.skip + search.limit]
    more = len(keys) > search.skip + search.limit
    after = json.dumps([search.sort, *page[-1]]) if more else None
    return Selected(tuple(wanted[key] for key in page), after, len(wanted))


def shown(
    config: Configuration, selected: Selected, clients: Mapping[str, Client | None], *, now: float
) -> Found:
    """The page with its clients."""
    items = (view(config, token, clients[token.client_id], now=now) for token in selected.tokens)
    return Found(tuple(items), selected.after, selected.count)


def _pattern(name: str) -> str:
    folded = name.casefold()
    return folded if not folded or _WILD.search(folded) else f"*{folded}*"


_KEYS: Final[Mapping[Sort, Callable[[Token, Status], str | float]]] = {
    "created": lambda token, _: token.created_at,
    "name": lambda token, _: token.settings.name.casefold(),
    "status": lambda _, found: float(_PLACES[found]),
    "id": lambda _, __: "",
    "updated": lambda token, _: token.settings.updated_at or token.created_at,
    "last_used": lambda token, _: token.last_used_at or 0.0,
    "client": lambda token, _: token.client_id,
}
"""What tokens are sorted by; their ids make each order complete."""
_TEXTS: Final = frozenset({"name", "id", "client"})


def _behind(keys: Sequence[Key], search: TokenSearch) -> Sequence[Key]:
    """Those that come after the cursor."""
    if search.after is None:
        return keys
    start = _position(search.after, search.sort)
    return [key for key in keys if (key < start if search.descending else key > start)]


def _position(after: str, sort: Sort) -> Key:
    """Where a cursor stands.

    Raises:
        InvalidValueError: no list in this order gave it.
    """
    match _read(after):
        case [str(named), str(value), str(id_)] if named == sort and sort in _TEXTS:
            return value, id_
        case [str(named), float(value), str(id_)] if named == sort and sort not in _TEXTS:
            return value, id_
        case _:
            raise InvalidValueError("after", "this is no cursor of this list: begin again without one")


def _read(after: str) -> object:
    try:
        return json.loads(after)
    except (ValueError, RecursionError):  # brackets nested too deeply
        return None
