"""The rulers of decisions: one flat function each, scope masks and role ranks as plain integers in dicts.

Three levels of caps: an application's, void if the application stands elsewhere now, its organization's, the
default. They have no ceilings, explanations, renamed names, or settings. An action of the user's own has the least
rank 0, which every role reaches.
"""

from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256
from time import time
from typing import TypeAlias

from attrs import frozen

from benchmarks.limits import Credential

Need: TypeAlias = tuple[int, int]
"""What an action needs: the mask of the scopes that cover it, and the least rank."""
Stand: TypeAlias = tuple[str | None, int]
"""Where a user stands at a place: who owns it, and the live rank there."""


@frozen
class Ranks:
    """The caps of a token, as ranks."""

    default: int
    organizations: Mapping[str | None, int]
    applications: Mapping[str | None, tuple[str, int]]


def decider(
    actions: Mapping[str, Need], granted: int, cap: Ranks
) -> Callable[[str, Stand, str | None], bool]:
    """Return the decision about one token: action, standing and application in."""
    default, organizations, applications = cap.default, cap.organizations, cap.applications

    def decide(action: str, standing: Stand, application: str | None) -> bool:
        covering, least = actions[action]
        organization, live = standing
        if not covering & granted or live < least:
            return False
        own = applications.get(application)
        if own is not None and own[0] == organization:
            return own[1] >= least
        return organizations.get(organization, default) >= least

    return decide


def knowing_decider(
    actions: Mapping[str, Need],
    granted: int,
    cap: Ranks,
    roles: Mapping[str | None, int],
    application_roles: Mapping[str | None, int],
) -> Callable[[str, str | None, str | None], bool]:
    """Return the same with the live ranks in dicts too: action, organization and application in."""
    default, organizations, applications = cap.default, cap.organizations, cap.applications

    def decide(action: str, organization: str | None, application: str | None) -> bool:
        covering, least = actions[action]
        if not covering & granted:
            return False
        live = application_roles.get(application)
        if live is None:
            live = roles.get(organization, 0)
        if live < least:
            return False
        own = applications.get(application)
        if own is not None and own[0] == organization:
            return own[1] >= least
        return organizations.get(organization, default) >= least

    return decide


def ranker(
    cap: Ranks, roles: Mapping[str | None, int], application_roles: Mapping[str | None, int]
) -> Callable[[str | None, str | None], int]:
    """Return the lower of live rank and cap at a place: what a caller tells an engine that cannot work it out."""

    def rank_at(organization: str | None, application: str | None) -> int:
        live = application_roles.get(application)
        if live is None:
            live = roles.get(organization, 0)
        own = cap.applications.get(application)
        if own is not None and own[0] == organization:
            return min(live, own[1])
        return min(live, cap.organizations.get(organization, cap.default))

    return rank_at


# A user's caps by user, for here each user has one token.
Caps = Mapping[str, Ranks]
Access = Mapping[bytes, Credential]


def bearer_decider(
    access: Access, audience: str, actions: Mapping[str, Need], caps: Caps
) -> Callable[[bytes, str, Stand, str | None], str | None]:
    """Return the bearer check and the decision: header, action, standing and application in; user or None out."""

    def decide(authorization: bytes, action: str, standing: Stand, application: str | None) -> str | None:
        if authorization[:7] != b"Bearer " and authorization[:7].lower() != b"bearer ":
            return None
        row = access.get(sha256(authorization[7:]).digest())
        if row is None:
            return None
        token, _, expires_at, intended, mask = row
        covering, least = actions[action]
        if not token.alive or expires_at <= time() or intended != audience or not covering & mask:
            return None
        user, (organization, live) = token.user, standing
        if live < least:
            return None
        cap = caps[user]
        own = cap.applications.get(application)
        if own is not None and own[0] == organization:
            return user if own[1] >= least else None
        return user if cap.organizations.get(organization, cap.default) >= least else None

    return decide


def async_bearer_decider(
    access: Access, audience: str, actions: Mapping[str, Need], caps: Caps
) -> Callable[[bytes, str, Stand, str | None], Awaitable[str | None]]:
    """Return `bearer_decider` as one coroutine function: what an asynchronous server cannot do without."""

    async def decide(
        authorization: bytes, action: str, standing: Stand, application: str | None
    ) -> str | None:
        if authorization[:7] != b"Bearer " and authorization[:7].lower() != b"bearer ":
            return None
        row = access.get(sha256(authorization[7:]).digest())
        if row is None:
            return None
        token, _, expires_at, intended, mask = row
        covering, least = actions[action]
        if not token.alive or expires_at <= time() or intended != audience or not covering & mask:
            return None
        user, (organization, live) = token.user, standing
        if live < least:
            return None
        cap = caps[user]
        own = cap.applications.get(application)
        if own is not None and own[0] == organization:
            return user if own[1] >= least else None
        return user if cap.organizations.get(organization, cap.default) >= least else None

    return decide
