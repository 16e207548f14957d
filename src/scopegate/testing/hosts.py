"""Stand-ins for a host, so that permissions can be tested without one: a directory, a clock, an access."""

from collections.abc import Iterable, Mapping

from attrs import evolve

from scopegate.core.caps import RoleCap
from scopegate.core.clients import Client
from scopegate.core.credentials import Credential, CredentialKind
from scopegate.core.memberships import applications_among, matching, standing_among
from scopegate.core.records import Page, TokenRecord
from scopegate.core.standing import Account, Application, Membership, Sandbox, Standing
from scopegate.core.tokens import Settings, Token
from scopegate.flows.access import Access


class Clock:
    """A clock that stands still until it is moved.

    Args:
        now: POSIX seconds to start at.
    """

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """The time, in POSIX seconds."""
        return self.now

    def move(self, seconds: float) -> None:
        """Move on; a negative number moves back."""
        self.now += seconds


class MemoryDirectory:
    """A directory of people whose roles a test can change between two requests.

    Args:
        people: the memberships of each user, by user id.
    """

    def __init__(self, people: Mapping[str, Iterable[Membership]]) -> None:
        self._people = {user: tuple(memberships) for user, memberships in people.items()}
        self._disabled: set[str] = set()

    def asynchronous(self) -> "AsyncMemoryDirectory":
        """The same people, for an asynchronous server."""
        return AsyncMemoryDirectory(self)

    def put(self, user: str, memberships: Iterable[Membership]) -> None:
        """Set the memberships of a user, known or new."""
        self._people[user] = tuple(memberships)

    def change_role(self, user: str, organization: str | Sandbox, role: str) -> None:
        """Set the role of a user in an organization where they are a member."""
        self._people[user] = tuple(
            evolve(known, role=role) if known.organization == organization else known
            for known in self._people[user]
        )

    def disable(self, user: str) -> None:
        """Disable an account: its tokens fail from now on."""
        self._disabled.add(user)

    def account(self, user: str, /) -> Account | None:
        """See `Directory.account`."""
        return Account(user, user not in self._disabled) if user in self._people else None

    def standing(
        self, user: str, /, *, organization: str | Sandbox | None = None, application: str | None = None
    ) -> Standing:
        """See `Directory.standing`."""
        return standing_among(self._people.get(user, ()), organization=organization, application=application)

    def memberships(self, user: str, /, *, after: str | None = None, search: str = "") -> Page[Membership]:
        """See `Directory.memberships`; always one page."""
        del after
        return Page(matching(self._people.get(user, ()), search))

    def applications(
        self, user: str, organization: str | Sandbox, /, *, after: str | None = None, search: str = ""
    ) -> Page[Application]:
        """See `Directory.applications`; always one page."""
        del after, search
        return Page(applications_among(self._people.get(user, ()), organization))

    def members(self, organization: str, /, *, after: str | None = None) -> Page[str]:
        """See `Directory.members`; always one page."""
        del after
        return Page(
            [
                user
                for user, known in self._people.items()
                if any(m.organization == organization for m in known)
            ]
        )


class AsyncMemoryDirectory:
    """`MemoryDirectory`, awaited."""

    def __init__(self, directory: MemoryDirectory) -> None:
        self._directory = directory

    async def account(self, user: str, /) -> Account | None:
        """See `Directory.account`."""
        return self._directory.account(user)

    async def standing(
        self, user: str, /, *, organization: str | Sandbox | None = None, application: str | None = None
    ) -> Standing:
        """See `Directory.standing`."""
        return self._directory.standing(user, organization=organization, application=application)

    async def memberships(
        self, user: str, /, *, after: str | None = None, search: str = ""
    ) -> Page[Membership]:
        """See `Directory.memberships`."""
        return self._directory.memberships(user, after=after, search=search)

    async def applications(
        self, user: str, organization: str | Sandbox, /, *, after: str | None = None, search: str = ""
    ) -> Page[Application]:
        """See `Directory.applications`."""
        return self._directory.applications(user, organization, after=after, search=search)

    async def members(self, organization: str, /, *, after: str | None = None) -> Page[str]:
        """See `Directory.members`."""
        return self._directory.members(organization, after=after)


def access(user: str, scopes: Iterable[str], cap: RoleCap | str, *, client_name: str = "A test") -> Access:
    """The access of a request as if a token had been approved, for handlers under test.

    Args:
        user: whose token it is.
        scopes: the scopes it was granted.
        cap: its cap; a role name stands for a cap of just that default.
        client_name: the name of the client.
    """
    granted = tuple(scopes)
    token = Token(
        id="0" * 32,
        user=user,
        client_id="test-client",
        redirect_uri="https://client.example/callback",
        scopes=granted,
        resources=("https://resource.example",),
        created_at=0.0,
        settings=Settings(name=client_name, cap=RoleCap(cap) if isinstance(cap, str) else cap),
        generation=1,
    )
    client = Client(id=token.client_id, name=client_name, redirect_uris=(token.redirect_uri,))
    credential = Credential(
        token_id=token.id,
        kind=CredentialKind.ACCESS,
        digest=b"",
        generation=1,
        created_at=0.0,
        resources=token.resources,
    )
    return Access.of(TokenRecord.of(token, client, credential))
