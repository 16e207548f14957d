"""Advice to a user about a token that can do more than it does, from when it was used and from its history."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from attrs import frozen

from scopegate.core.caps import RoleCap
from scopegate.core.catalogue import Catalogue
from scopegate.core.events import Event, EventKind
from scopegate.core.scopes import AccessClass
from scopegate.core.tokens import Status
from scopegate.flows.configuration import Configuration
from scopegate.flows.manage import TokenView

GIVEN_ANEW: Final = frozenset({EventKind.RECAPPED, EventKind.RESUMED, EventKind.ACTIVATED})
"""After one of these a token gets its time anew: somebody has just thought about it."""


class AdviceKind(StrEnum):
    """What there is to say."""

    UNUSED = "unused"
    ONLY_READS = "only_reads"


@frozen
class Advice:
    """One piece of advice.

    Args:
        kind: ``unused``: pause or delete it; ``only_reads``: lower its roles to ``role``.
        since: POSIX seconds since which it has been so.
        role: the strongest role with which it could do all that it did; empty where that does not matter.
    """

    kind: AdviceKind
    since: float
    role: str = ""


def advice(
    config: Configuration, seen: TokenView, history: Sequence[Event], *, now: float
) -> tuple[Advice, ...]:
    """What its user could take away from an active token without a loss.

    Args:
        config: the server's configuration.
        seen: the token.
        history: its events, or the newest of them.
        now: POSIX seconds.
    """
    if seen.status is not Status.ACTIVE:
        return ()
    token, patience = seen.token, config.profile.advice_after
    thought = max([token.created_at, *(event.at for event in history if event.kind in GIVEN_ANEW)])
    used = max(thought, token.last_used_at or thought)
    if now - used >= patience:
        return (Advice(AdviceKind.UNUSED, used),)
    wrote, role = max(thought, token.last_wrote_at or thought), reading_role(config.catalogue)
    if role is None or now - wrote < patience or not _may_write(config.catalogue, seen, role):
        return ()
    return (Advice(AdviceKind.ONLY_READS, wrote, role),)


def reading_role(catalogue: Catalogue) -> str | None:
    """The strongest role with which nothing can be changed; None: there is no such role above ``none``."""
    changing = [
        rule.rank
        for rule in catalogue.rules.values()
        if rule.has_place and rule.action.access is not AccessClass.READ
    ]
    strongest = min(changing, default=len(catalogue.roles.roles)) - 1
    return catalogue.roles.roles[strongest].name if strongest > 0 else None


def _may_write(catalogue: Catalogue, seen: TokenView, role: str) -> bool:
    """Whether scopes and cap allow a change anywhere that the role would not allow."""
    mask, rank = catalogue.mask(seen.token.scopes), catalogue.roles.rank(role)
    covered = any(
        rule.mask & mask
        for rule in catalogue.rules.values()
        if rule.has_place and rule.action.access is not AccessClass.READ
    )
    return covered and max(map(catalogue.roles.rank, _roles(seen.token.settings.cap))) > rank


def _roles(cap: RoleCap) -> tuple[str, ...]:
    """Every role that a cap names."""
    applications = (own.role for own in cap.applications.values())
    return (cap.default, cap.sandbox or cap.default, *cap.organizations.values(), *applications)
