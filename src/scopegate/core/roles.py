"""The host's ordered ladder of roles."""

from collections.abc import Iterable, Mapping
from typing import Final

from attrs import field, frozen

from scopegate.errors import ConfigurationError

NONE: Final = "none"


@frozen
class Role:
    """A step of the ladder.

    Args:
        name: the stable name that is stored.
        label: what a person reads.
        description: one sentence that says what the role can do.
    """

    name: str
    label: str = ""
    description: str = ""


NO_ACCESS: Final = Role(NONE, "No access", "Can see nothing and change nothing.")


@frozen
class RoleLadder:
    """Roles from the weakest to the strongest; ``none`` is always the first, at rank 0.

    Args:
        roles: all roles, ``none`` included.
        renamed: what roles were called before, old name to new; stored names are read through it.
        application_limit: the strongest role that a cap may set for a single application; None: any.
    """

    roles: tuple[Role, ...]
    renamed: Mapping[str, str] = field(factory=dict[str, str], repr=False)
    application_limit: str | None = None
    ranks: dict[str, int] = field(init=False, repr=False, eq=False)
    most_on_application: int = field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        ranks = {role.name: rank for rank, role in enumerate(self.roles)}
        ranks.update({old: ranks[new] for old, new in self.renamed.items()})
        object.__setattr__(self, "ranks", ranks)
        most = len(self.roles) - 1 if self.application_limit is None else self.rank(self.application_limit)
        object.__setattr__(self, "most_on_application", most)

    @classmethod
    def of(cls, roles: Iterable[str | Role], *, application_limit: str | None = None) -> "RoleLadder":
        """Build a ladder from names or roles, weakest first.

        Args:
            roles: the roles.
            application_limit: the strongest role that a cap may set for a single application; None: any.

        Raises:
            ConfigurationError: there is no role above ``none``, a name is empty or repeated, or the limit is no role.
        """
        given = [
            Role(role, role.replace("_", " ").capitalize()) if isinstance(role, str) else role
            for role in roles
        ]
        if not given or given[0].name != NONE:
            given.insert(0, NO_ACCESS)
        names = [role.name for role in given]
        repeated = sorted({name for name in names if names.count(name) > 1 or not name})
        if repeated or len(given) == 1:
            msg = f"roles {names}: give at least one role above 'none', each with a name of its own"
            raise ConfigurationError(msg)
        if application_limit not in {None, *names}:
            msg = f"application_limit {application_limit!r}: name one of the roles {names}, or leave it out"
            raise ConfigurationError(msg)
        return cls(tuple(given), application_limit=application_limit)

    def rank(self, name: str | None) -> int:
        """The position of a role. A name that the ladder does not know counts as ``none``: stored names fail closed."""
        return self.ranks.get(name, 0) if name else 0

    def __contains__(self, name: object) -> bool:
        return name in self.ranks and name not in self.renamed

    def __getitem__(self, name: str) -> Role:
        return self.roles[self.rank(name)]

    @property
    def least(self) -> Role:
        """The weakest role above ``none``."""
        return self.roles[1]

    @property
    def top(self) -> Role:
        """The strongest role."""
        return self.roles[-1]
