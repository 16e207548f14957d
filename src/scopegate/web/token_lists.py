"""A list of tokens: its query, and its answer as JSON."""

import re
from collections.abc import Mapping
from typing import Final

from attrs import frozen

from scopegate.core.catalogue import Catalogue
from scopegate.core.tokens import Status
from scopegate.errors import InvalidValueError, OAuthError
from scopegate.flows.listing import Found, Sort, TokenSearch
from scopegate.web.forms import pairs
from scopegate.web.json_reading import choice
from scopegate.web.token_records import record

SORTS: Final[Mapping[str, Sort]] = {
    "name": "name",
    "status": "status",
    "id": "id",
    "creationDate": "created",
    "lastUpdated": "updated",
    "lastUsed": "last_used",
    "client": "client",
}
DIRECTIONS: Final = ("asc", "desc")
FILTERS: Final = ("name", "status", "client")
STATES: Final = tuple(state.value for state in Status if state is not Status.GONE)
PARAMETERS: Final = ("sortField", "sortDirection", "page", "perPage", "filterField", "filter", "cursor")
MAXIMUM_PAGE: Final = 1_000_000
MAXIMUM_PER_PAGE: Final = 1000
PER_PAGE: Final = 100
MAXIMUM_FILTER: Final = 255
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,6}")
_NAMED: Final = {"after": "cursor"}


@frozen
class ListQuery:
    """What is to be listed.

    Args:
        search: for the server.
        page: the number of the page, from 0; None: a cursor says where it begins.
        said: what the answer repeats of the query.
    """

    search: TokenSearch
    page: int | None
    said: Mapping[str, object]

    def answer(self, found: Found, catalogue: Catalogue) -> dict[str, object]:
        """The answer."""
        content: dict[str, object] = {
            "items": [record(seen, catalogue) for seen in found.items],
            "count": len(found.items),
            "totalCount": found.count,
            "perPage": self.search.limit,
            **self.said,
        }
        if self.page is not None:
            content["page"] = self.page
        if found.after is not None:
            content["next"] = found.after
        return content


def path(name: str) -> str:
    """The parameter that holds what `TokenSearch` calls by that name."""
    return _NAMED.get(name, name)


def read_query(query: bytes) -> ListQuery:
    """The list that a query asks for. Parameters that are not there for it are passed over.

    Raises:
        InvalidValueError: names the parameter that is not acceptable.
    """
    given = _parameters(query)
    sort = choice(given.get("sortField", "name"), "sortField", tuple(SORTS))
    direction = choice(given.get("sortDirection", "asc"), "sortDirection", DIRECTIONS)
    per_page = _number(given, "perPage", PER_PAGE, 1, MAXIMUM_PER_PAGE)
    cursor = given.get("cursor") or None
    if cursor is not None and "page" in given:
        raise InvalidValueError("cursor", "write a page or a cursor, not both")
    page = _number(given, "page", 0, 0, MAXIMUM_PAGE)
    wanted, field = given.get("filter", ""), choice(given.get("filterField", "name"), "filterField", FILTERS)
    if len(wanted) > MAXIMUM_FILTER:
        raise InvalidValueError("filter", f"write at most {MAXIMUM_FILTER} characters")
    said: dict[str, object] = {"sortField": sort, "sortDirection": direction}
    if wanted:
        said |= {"filter": wanted, "filterField": field}
    is_status = bool(wanted) and field == "status"
    search = TokenSearch(
        name=wanted if field == "name" else "",
        statuses=frozenset({Status(choice(wanted, "filter", STATES))}) if is_status else frozenset(),
        client_id=wanted if wanted and field == "client" else None,
        sort=SORTS[sort],
        descending=direction == "desc",
        after=cursor,
        skip=page * per_page if cursor is None else 0,
        limit=per_page,
    )
    return ListQuery(search, page if cursor is None else None, said)


def _parameters(query: bytes) -> dict[str, str]:
    """The parameters that a list has, each once."""
    try:
        given = [pair for pair in pairs(query) if pair[0] in PARAMETERS]
    except OAuthError as error:
        raise InvalidValueError("", error.description) from None
    found: dict[str, str] = {}
    for name, value in given:
        if name in found:
            raise InvalidValueError(name, "write this parameter once")
        found[name] = value
    return found


def _number(given: Mapping[str, str], name: str, usual: int, least: int, most: int) -> int:
    written = given.get(name)
    if written is None:
        return usual
    if not _NUMBER.fullmatch(written) or not least <= int(written) <= most:
        raise InvalidValueError(name, f"write a whole number from {least} to {most}")
    return int(written)
