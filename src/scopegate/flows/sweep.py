"""What a sweep may free now: it only frees space, for reads ignore what is dead."""

from scopegate.core.records import NEVER, Cutoffs
from scopegate.flows.configuration import Configuration


def cutoffs(config: Configuration, *, now: float) -> Cutoffs:
    """What may go: pending tokens not redeemed in time, what need not be remembered, idle clients, old events (OPS-7).

    Args:
        config: the server's configuration.
        now: POSIX seconds.
    """
    profile = config.profile
    return Cutoffs(
        pending_before=now - profile.pending_lifetime,
        kept_before=now,
        idle_before=_before(profile.idle_registration, now),
        events_before=_before(profile.history_lifetime, now),
    )


def forgetting(user: str) -> Cutoffs:
    """The whole history of a user, and nothing else."""
    return Cutoffs(forgotten=user)


def _before(lifetime: float | None, now: float) -> float:
    return NEVER if lifetime is None else now - lifetime
