"""Rows of bearer check and decision in one: the rulers, scopegate in both colours, and the host's directory alone.

The directory is the host's. The rulers are handed what it would say; scopegate asks it, and a row which makes the same
calls and nothing else is subtracted, so that nobody is judged by how fast a host looks up its members.
"""

from collections.abc import Callable, Sequence
from secrets import token_urlsafe
from time import time
from typing import Any, Final

from attrs import frozen

from benchmarks import workload
from benchmarks.decision_limits import Need, Ranks, Stand, async_bearer_decider, bearer_decider
from benchmarks.limit_rows import OTHER, READ, digest, in_any_order, read_user, token, unknown_header
from benchmarks.limits import Credential
from benchmarks.rows import Row, Share, Verdict
from benchmarks.scopegate_rows import AsyncPeople, People, Stock, read_access

NOBODY, VIEWER, EDITOR = range(3)
ACTIONS: Final[dict[str, Need]] = {workload.ACTION: (READ, VIEWER)}
CAPS: Final = {workload.USER: Ranks(EDITOR, {}, {}), workload.OTHER_USER: Ranks(NOBODY, {}, {})}
STANDING: Final[Stand] = (workload.ORGANIZATION, EDITOR)
DIRECTORY: Final = "the host's directory alone"
OURS: Final = "scopegate"
LESS: Final = "scopegate less the directory"
LESS_ASYNC: Final = "scopegate, async, less the directory"
SHARES: Final = (Share(LESS, OURS, DIRECTORY), Share(LESS_ASYNC, f"{OURS}, async", f"{DIRECTORY}, async"))


@frozen
class Issued:
    """The stored access tokens of a ruler, and their headers."""

    rows: dict[bytes, Credential]
    headers: list[bytes]

    @classmethod
    def of(cls, stored: int) -> "Issued":
        """Return that many."""
        made = cls({}, [])
        made.headers.extend(made.add() for _ in range(stored))
        return made

    def add(self, *, user: str = workload.USER, mask: int = READ, seconds: float = 3600.0) -> bytes:
        """Store one more and return its header."""
        secret, owner = token_urlsafe(32), token()
        owner.user = user
        self.rows[digest(secret)] = (owner, 1, time() + seconds, workload.RESOURCE, mask)
        return b"Bearer " + secret.encode()

    def row(
        self,
        name: str,
        call: Callable[[bytes], object],
        loop: Callable[[Sequence[bytes]], object],
        *,
        awaits: bool = False,
    ) -> Row[bytes]:
        """Return the row of a ruler over them."""
        return Row(
            name=name,
            prepare=lambda count: in_any_order(self.headers, count),
            call=call,
            loop=loop,
            read=read_user,
            refused={
                "unknown": unknown_header,
                "expired": lambda: self.add(seconds=-1.0),
                "another scope": lambda: self.add(mask=OTHER),
                "too low a cap": lambda: self.add(user=workload.OTHER_USER),
            },
            awaits=awaits,
        )


def limit(stored: int) -> Row[bytes]:
    """Return the ruler over that many stored access tokens."""
    issued, action, application = Issued.of(stored), workload.ACTION, workload.APPLICATION
    decide = bearer_decider(issued.rows, workload.RESOURCE, ACTIONS, CAPS)

    def loop(given: Sequence[bytes]) -> None:
        for header in given:
            decide(header, action, STANDING, application)

    return issued.row("LIMIT", lambda header: decide(header, action, STANDING, application), loop)


def async_limit(stored: int) -> Row[bytes]:
    """Return the same as one coroutine."""
    issued, action, application = Issued.of(stored), workload.ACTION, workload.APPLICATION
    decide = async_bearer_decider(issued.rows, workload.RESOURCE, ACTIONS, CAPS)

    async def loop(given: Sequence[bytes]) -> None:
        for header in given:
            await decide(header, action, STANDING, application)

    return issued.row(
        "LIMIT, async", lambda header: decide(header, action, STANDING, application), loop, awaits=True
    )


def ours(stock: Stock, headers: Sequence[str]) -> Row[str]:
    """Return scopegate's bearer check and decision in one call."""
    access, action, application = stock.server().access, workload.ACTION, workload.APPLICATION

    def loop(given: Sequence[str]) -> None:
        for header in given:
            access(header, action, application=application)

    return our_row(OURS, stock, headers, lambda header: access(header, action, application=application), loop)


def async_ours(stock: Stock, headers: Sequence[str]) -> Row[str]:
    """Return the same through the asynchronous server."""
    access, action, application = stock.async_server().access, workload.ACTION, workload.APPLICATION

    async def loop(given: Sequence[str]) -> None:
        for header in given:
            await access(header, action, application=application)

    return our_row(
        f"{OURS}, async",
        stock,
        headers,
        lambda header: access(header, action, application=application),
        loop,
        awaits=True,
    )


def our_row(
    name: str,
    stock: Stock,
    headers: Sequence[str],
    call: Callable[[str], object],
    loop: Callable[[Sequence[str]], object],
    *,
    awaits: bool = False,
) -> Row[str]:
    """Return the row of one server."""
    return Row(
        name=name,
        prepare=lambda count: in_any_order(headers, count),
        call=call,
        loop=loop,
        read=read_access,
        refused={
            "unknown": lambda: unknown_header().decode(),
            "expired": lambda: stock.bearer(seconds=-1.0),
            "another scope": lambda: stock.bearer(scope=workload.OTHER_SCOPE),
            "too low a cap": lambda: stock.bearer(role="none"),
        },
        awaits=awaits,
    )


def directory() -> Row[str]:
    """Return the calls of the directory which scopegate makes for each request."""
    people, user, application = People(), workload.USER, workload.APPLICATION
    account, standing = people.account, people.standing

    def loop(given: Sequence[str]) -> None:
        for _ in given:
            account(user)
            standing(user, organization=None, application=application)

    return directory_row(DIRECTORY, loop)


def async_directory() -> Row[str]:
    """Return the same of the asynchronous one."""
    people, user, application = AsyncPeople(), workload.USER, workload.APPLICATION
    account, standing = people.account, people.standing

    async def loop(given: Sequence[str]) -> None:
        for _ in given:
            await account(user)
            await standing(user, organization=None, application=application)

    return directory_row(f"{DIRECTORY}, async", loop, awaits=True)


def directory_row(name: str, loop: Callable[[Sequence[str]], object], *, awaits: bool = False) -> Row[Any]:
    """Return the row of a part that answers nobody."""
    return Row(
        name=name,
        prepare=lambda count: [""] * count,
        call=lambda given: loop([given]),
        loop=loop,
        read=lambda _: Verdict(200),
        awaits=awaits,
        part=True,
    )
