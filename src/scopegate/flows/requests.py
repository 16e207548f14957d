"""Requests as values: parsed, not judged."""

from collections.abc import Collection, Mapping
from typing import Final

from attrs import field, frozen

DEFINED: Final = frozenset(
    {
        "client_id",
        "client_secret",
        "code",
        "code_challenge",
        "code_challenge_method",
        "code_verifier",
        "grant_type",
        "prompt",
        "redirect_uri",
        "refresh_token",
        "request",
        "request_uri",
        "response_mode",
        "response_type",
        "scope",
        "state",
        "token",
        "token_type_hint",
    }
)
"""The parameters that mean something here and may not be sent twice; others are ignored (GEN-3, GEN-4)."""

_NONE: Final[frozenset[str]] = frozenset()


@frozen(slots=False)
class Parameters:
    """The parameters of a request. An empty value counts as absent (GEN-4).

    Args:
        values: each parameter that was sent once.
        repeated: names sent more than once.
        resources: every ``resource`` (RFC 8707).
    """

    values: Mapping[str, str] = field(factory=dict[str, str], repr=False)
    repeated: frozenset[str] = frozenset()
    resources: tuple[str, ...] = ()

    @classmethod
    def of(cls, pairs: Collection[tuple[str, str]]) -> "Parameters":
        """Sort pairs, in the order sent, into values, repetitions and resources."""
        values: dict[str, str] = dict(pairs)
        if len(values) == len(pairs) and "" not in values.values():  # nearly every request
            resource = values.pop("resource", None)
            return cls(values, _NONE, () if resource is None else (resource,))
        values.clear()
        repeated: set[str] = set()
        resources: list[str] = []
        for name, value in pairs:
            if not value:
                continue
            if name == "resource":
                resources.append(value)
            elif name in values:
                repeated.add(name)
            else:
                values[name] = value
        for name in repeated:
            del values[name]
        return cls(values, frozenset(repeated), tuple(resources))

    @property
    def clashing(self) -> frozenset[str]:
        """The names sent more than once that may not be."""
        return self.repeated & DEFINED if self.repeated else self.repeated

    def get(self, name: str) -> str | None:
        """The value of a parameter; None when it is absent, empty or repeated."""
        return self.values.get(name)


@frozen(slots=False)
class ClientRequest:
    """A request of a client to the token or revocation endpoint.

    Args:
        parameters: the form.
        authorization: the ``Authorization`` header, if there was one.
    """

    parameters: Parameters
    authorization: str | None = field(default=None, repr=False)


@frozen
class ConsentForm:
    """What the consent page's form sends back.

    Args:
        transaction: the sealed transaction.
        decision: ``approve``, ``deny`` or ``preview``; anything else approves nothing (CON-1).
        default: name of the default maximum role.
        sandbox: name of the sandbox's maximum role; empty: the default.
        organizations: name of the maximum role by organization id; empty: the default.
        lifetime: one of the offered lifetimes, as seconds in decimal digits; empty: the longest life there is.
    """

    transaction: str = field(repr=False)
    decision: str
    default: str = ""
    sandbox: str = ""
    organizations: Mapping[str, str] = field(factory=dict[str, str])
    lifetime: str = ""
