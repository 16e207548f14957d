"""Lists of a user's tokens: found by name, status or client, in any order, in pages that stay stable."""

import json
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final, Literal, TypeAlias, assert_never, get_args

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
    pattern = _pattern(search.name)
    pending = config.profile.pending_lifetime
    wanted: list[tuple[Key, Token]] = []
    for token in tokens:
        found = status(token, now, pending)
        if (not search.statuses or found in search.statuses) and (
            not pattern or fnmatchcase(token.settings.name.casefold(), pattern)
        ):
            wanted.append((_key(search.sort, token, found), token))
    wanted.sort(key=lambda pair: pair[0], reverse=search.descending)
    rest = _behind(wanted, search)
    page = rest[search.skip : search.skip + search.limit]
    more = len(rest) > search.skip + len(page)
    after = json.dumps([search.sort, *page[-1][0]]) if page and more else None
    return Selected(tuple(token for _, token in page), after, len(wanted))


def shown(
    config: Configuration, selected: Selected, clients: Mapping[str, Client | None], *, now: float
) -> Found:
    """The page with its clients."""
    items = (view(config, token, clients[token.client_id], now=now) for token in selected.tokens)
    return Found(tuple(items), selected.after, selected.count)


def _pattern(name: str) -> str:
    folded = name.casefold()
    return f"*{folded}*" if folded and not set(folded) & set("*?[") else folded


def _key(sort: Sort, token: Token, found: Status) -> Key:
    """What a token is sorted by; its id makes the order complete."""
    match sort:
        case "created":
            return token.created_at, token.id
        case "name":
            return token.settings.name.casefold(), token.id
        case "status":
            return float(_PLACES[found]), token.id
        case "id":
            return "", token.id
        case "updated":
            return token.settings.updated_at or token.created_at, token.id
        case "last_used":
            return token.last_used_at or 0.0, token.id
        case "client":
            return token.client_id, token.id
        case _:
            assert_never(sort)


def _behind(wanted: Sequence[tuple[Key, Token]], search: TokenSearch) -> Sequence[tuple[Key, Token]]:
    """Those that come after the cursor."""
    if search.after is None:
        return wanted
    start = _position(search.after, search.sort)
    return [pair for pair in wanted if (pair[0] < start if search.descending else pair[0] > start)]


def _position(after: str, sort: Sort) -> Key:
    try:
        given: object = json.loads(after)
    except (ValueError, RecursionError):  # brackets nested too deeply
        given = None
    text = sort in {"name", "id", "client"}
    match given:
        case [str(named), str(value), str(id_)] if named == sort and text:
            return value, id_
        case [str(named), float(value), str(id_)] if named == sort and not text:
            return value, id_
        case _:
            raise InvalidValueError("after", "this is no cursor of this list: begin again without one")
