"""What a throttle slows down, and what a slowed caller is told (GEN-11)."""

import math

from scopegate.flows.outcomes import OAuthFailure

REGISTER = "register"
SECRET = "secret"


def slowed(wait: float) -> OAuthFailure | None:
    """The answer to somebody who must wait; None when there is nothing to wait for (seconds)."""
    if wait <= 0:
        return None
    return OAuthFailure("temporarily_unavailable", "too many requests", 429, retry_after=math.ceil(wait))


def is_guess(outcome: object) -> bool:
    """Whether an answer tells of a secret that was wrong. Successes are never slowed by others' failures."""
    return isinstance(outcome, OAuthFailure) and outcome.status == 401  # noqa: PLR2004 - the status says it best
