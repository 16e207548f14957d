"""Policy as named, frozen values: lifetimes, tolerances and the few switches.

All durations are seconds.
"""

import math
from typing import Final, Literal, TypeAlias

from attrs import Attribute, field, frozen

from scopegate.errors import ConfigurationError

MINUTE: Final = 60.0
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
YEAR: Final = 365 * DAY
MAXIMUM_CODE_LIFETIME: Final = 10 * MINUTE
MAXIMUM_TRANSACTION_LIFETIME: Final = 10 * MINUTE

Paused: TypeAlias = Literal["forbid", "reject"]
NewOrganizations: TypeAlias = Literal["default", "none"]


def _positive(_instance: "Profile", attribute: "Attribute[float]", value: float | None) -> None:
    if value is not None and value <= 0:
        msg = f"Profile.{attribute.name} is {value}: write a number of seconds above 0"
        raise ConfigurationError(msg)


def _counted(_instance: "Profile", attribute: "Attribute[int]", value: int) -> None:
    if value < 1:
        msg = f"Profile.{attribute.name} is {value}: write 1 or more"
        raise ConfigurationError(msg)


def _code_lifetime(_instance: "Profile", _attribute: "Attribute[float]", value: float) -> None:
    if not 0 < value <= MAXIMUM_CODE_LIFETIME:
        msg = f"Profile.code_lifetime is {value}: an authorization code may live 1 to 600 seconds (CODE-2)"
        raise ConfigurationError(msg)


def _transaction_lifetime(_instance: "Profile", _attribute: "Attribute[float]", value: float) -> None:
    if not 0 < value <= MAXIMUM_TRANSACTION_LIFETIME:
        msg = f"Profile.transaction_lifetime is {value}: a consent page may be valid for 1 to 600 seconds (CON-4)"
        raise ConfigurationError(msg)


def _not_negative(_instance: "Profile", attribute: "Attribute[float]", value: float) -> None:
    if value < 0:
        msg = f"Profile.{attribute.name} is {value}: write 0 or more"
        raise ConfigurationError(msg)


def _outlives_access(instance: "Profile", _attribute: "Attribute[float]", value: float | None) -> None:
    if value is not None and value < instance.access_token_lifetime:
        msg = (
            f"Profile.refresh_idle_lifetime is {value}, less than access_token_lifetime"
            f" ({instance.access_token_lifetime}): a token would be shown as disconnected while it still works"
        )
        raise ConfigurationError(msg)


def _outlives_pages(instance: "Profile", _attribute: "Attribute[float]", value: float | None) -> None:
    if value is not None and value < instance.transaction_lifetime:
        msg = (
            f"Profile.history_lifetime is {value}, less than transaction_lifetime ({instance.transaction_lifetime}):"
            " a page whose token was deleted could be approved once more (CON-4)"
        )
        raise ConfigurationError(msg)


def _offered(instance: "Profile", _attribute: object, values: tuple[float, ...]) -> None:
    longest = instance.token_lifetime
    # Said as what is right: a NaN is neither too short nor too long, and a token with that end would never expire.
    bound = math.inf if longest is None else longest
    if not all(0 < value < bound for value in values) or len(set(values)) < len(values):
        msg = (
            f"Profile.lifetimes is {values}: write different numbers of seconds above 0,"
            f" each below token_lifetime ({longest})"
        )
        raise ConfigurationError(msg)


def _paused(_instance: "Profile", _attribute: "Attribute[Paused]", value: object) -> None:
    if value not in {"forbid", "reject"}:
        msg = f"Profile.paused is {value!r}: write 'forbid' or 'reject'"
        raise ConfigurationError(msg)


def _new_organizations(
    _instance: "Profile", _attribute: "Attribute[NewOrganizations]", value: object
) -> None:
    if value not in {"default", "none"}:
        msg = f"Profile.new_organizations is {value!r}: write 'default' or 'none'"
        raise ConfigurationError(msg)


@frozen(kw_only=True)
class Profile:
    """How strict and how long.

    Args:
        name: what to call it in logs and documents.
        code_lifetime: life of an authorization code (CODE-2), at most 600.
        access_token_lifetime: life of an access token (TOK-7).
        refresh_idle_lifetime: a refresh token unused for this long dies, and the token is shown as disconnected; the
            clock stops while the token is paused. At least the life of an access token. None: no limit.
        token_lifetime: longest life of a token, from approval. None: until it is deleted.
        lifetimes: shorter lives that the consent page offers besides.
        pending_lifetime: how long an approved token waits for its code to be redeemed.
        pending_limit: how many tokens of one user may wait; the oldest goes.
        transaction_lifetime: how long a consent page stays valid (CON-4), at most 600.
        retry_window: how long the refresh token just rotated still gets its same answer again (REF-8). 0: never.
        replay_tolerance: a redeemed code that comes back this soon is refused without revoking (CODE-7).
        verifier_attempts: wrong PKCE verifiers that burn a code (CODE-8).
        consumed_memory: how long used codes and refresh tokens are remembered, to recognise reuse.
        idle_registration: how long a client that registered itself is kept while no token refers to it, from the first
            sweep that notices. None: forever.
        history_lifetime: how long events are kept. None: forever.
        advice_after: how long a power of a token must have been without use before its user is advised to take it away.
        last_used_precision: how coarse the last-used time is, and so how rarely it is written.
        paused: ``forbid`` answers a paused token 403 and lets it refresh; ``reject`` answers 401 and
            ``invalid_grant``, which makes most client libraries forget their credentials.
        lower_only: an override counts at most as the level above it.
        new_organizations: what a token gets in organizations that its user joins later: the ``default`` role of its
            cap, or ``none`` until the user chooses. It is kept with each cap, as the page said it at the time.
        endless_access_tokens: give access tokens without expiry to clients that cannot refresh.
    """

    name: str
    code_lifetime: float = field(default=MINUTE, validator=_code_lifetime)
    access_token_lifetime: float = field(default=HOUR, validator=_positive)
    refresh_idle_lifetime: float | None = field(default=None, validator=[_positive, _outlives_access])
    token_lifetime: float | None = field(default=None, validator=_positive)
    lifetimes: tuple[float, ...] = field(default=(), converter=tuple[float, ...], validator=_offered)
    pending_lifetime: float = field(default=DAY, validator=_positive)
    pending_limit: int = field(default=10, validator=_counted)
    transaction_lifetime: float = field(default=10 * MINUTE, validator=_transaction_lifetime)
    retry_window: float = field(default=30.0, validator=_not_negative)
    replay_tolerance: float = field(default=10.0, validator=_not_negative)
    verifier_attempts: int = field(default=5, validator=_counted)
    consumed_memory: float = field(default=90 * DAY, validator=_positive)
    idle_registration: float | None = field(default=90 * DAY, validator=_positive)
    history_lifetime: float | None = field(default=2 * YEAR, validator=[_positive, _outlives_pages])
    advice_after: float = field(default=90 * DAY, validator=_positive)
    last_used_precision: float = field(default=5 * MINUTE, validator=_not_negative)
    paused: Paused = field(default="forbid", validator=_paused)
    lower_only: bool = False
    new_organizations: NewOrganizations = field(default="default", validator=_new_organizations)
    endless_access_tokens: bool = False


DEFAULT: Final = Profile(name="default")
"""What Model Context Protocol clients and ordinary OAuth 2.1 clients work best with."""

STRICT: Final = Profile(
    name="strict", retry_window=0.0, replay_tolerance=0.0, paused="reject", lower_only=True
)
"""The strict reading of every choice: no retry of a refresh, a paused token looks invalid."""
