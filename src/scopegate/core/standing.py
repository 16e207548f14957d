"""What the host's directory says about a user: values that it returns and nobody stores."""

from collections.abc import Mapping
from typing import ClassVar, Final, TypeAlias

from attrs import field, frozen

from scopegate.core.roles import NONE


@frozen
class Account:
    """The person: ``label`` is shown on the consent page; a disabled account's tokens are refused."""

    label: str
    enabled: bool = True


@frozen
class Organization:
    """The organization that owns something."""

    id: str


@frozen
class Sandbox:
    """The user's own sandbox, which belongs to no organization, and so has no organization's id."""

    id: ClassVar[None] = None


Owner: TypeAlias = Organization | Sandbox
SANDBOX: Final = Sandbox()


def _clients(given: Mapping[str, str]) -> dict[str, str]:
    return dict(given)


@frozen
class Ceiling:
    """An organization's own maximum for the tokens of third parties. It only ever lowers.

    The host keeps it beside its organizations, and its directory states it with each standing, so that it is never
    mixed up with what users chose and holds from the next request on.

    Args:
        role: the maximum role for every client; None: no ceiling.
        clients: the maximum role of single clients by id, in place of ``role``: ``Ceiling("none", {"c1": "editor"})``
            shuts out every client but one.
    """

    role: str | None = None
    clients: Mapping[str, str] = field(factory=dict[str, str], converter=_clients)

    def of(self, client_id: str) -> str | None:
        """The maximum role for a client; None: no ceiling."""
        return self.clients.get(client_id, self.role)


@frozen
class Standing:
    """A user's live standing at one place.

    Args:
        owner: who owns the place, for this user; None when the place does not exist for them.
        role: the user's role in the owner.
        application_role: the user's role on the application, where it differs from ``role``: higher or lower.
        ceiling: what the organization allows to tokens of third parties; None: no ceiling.
    """

    owner: Owner | None = None
    role: str = NONE
    application_role: str | None = None
    ceiling: Ceiling | None = None


NOWHERE: Final = Standing()
"""Not a member, no such place, or somebody else's sandbox."""


@frozen
class Application:
    """An application as a directory lists it; ``role`` is set where the user's role there is its own."""

    id: str
    label: str = ""
    role: str | None = None


def _applications(given: Mapping[str, str | Application]) -> dict[str, Application]:
    return {id_: app if isinstance(app, Application) else Application(id_, app) for id_, app in given.items()}


@frozen
class Membership:
    """One organization, or the sandbox, in which a user has a role.

    Args:
        organization: the id of the organization, or ``SANDBOX``.
        label: what a person reads.
        role: the user's role there.
        applications: applications by id, as labels or `Application` values.
        ceiling: what the organization allows to tokens of third parties; None: no ceiling.
    """

    organization: str | Sandbox
    label: str
    role: str = NONE
    applications: Mapping[str, Application] = field(factory=dict[str, Application], converter=_applications)
    ceiling: Ceiling | None = None

    @property
    def owner(self) -> Owner:
        """The organization or the sandbox, as an owner."""
        return (
            self.organization if isinstance(self.organization, Sandbox) else Organization(self.organization)
        )

    def standing(self, application: Application | None = None) -> Standing:
        """The standing that this membership gives, in the organization or on one of its applications."""
        role = None if application is None else application.role
        return Standing(self.owner, self.role, role, self.ceiling)
