"""The token: one authorization of one client by one user. Never a string."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, TypeAlias

from attrs import field, frozen

from scopegate.core.caps import RankedCap, RoleCap
from scopegate.core.mappings import FrozenMapping, frozen_mapping
from scopegate.errors import InvalidValueError

MAXIMUM_NAME: Final = 255
MAXIMUM_DESCRIPTION: Final = 32_767


class Status(StrEnum):
    """What a token is, now. Derived from facts and the time, never stored."""

    PENDING = "pending"
    ACTIVE = "active"
    INACTIVE = "inactive"
    EXPIRED = "expired"
    REVOKED = "revoked"
    GONE = "gone"


# Looked up once, for CPython 3.11 takes as long to find a member of an enumeration as to call a function.
_PENDING: Final = Status.PENDING
_ACTIVE: Final = Status.ACTIVE
_REVOKED: Final = Status.REVOKED


class RevocationReason(StrEnum):
    """Why a token was disconnected."""

    CLIENT = "revoked_by_client"
    HOST = "revoked_by_host"
    REFRESH_REUSE = "refresh_token_reused"
    CODE_REPLAY = "code_replayed"
    LAPSED = "credentials_lapsed"


@frozen(kw_only=True)
class Settings:
    """What people edit; guarded by the token's ``version``.

    Args:
        name: the user's name for the token.
        description: the user's own note.
        cap: the limit the user put on it.
        cuts: organizations that took themselves out of its reach; apart from the cap, for its user cannot undo them.
        active: whether it is switched on.
        paused_at: POSIX seconds since which it is switched off.
        paused_for: seconds it was switched off in earlier pauses.
        verifier_failures: wrong PKCE verifiers presented with its code (CODE-8).
        updated_at: POSIX seconds of the last change by people; None: nobody changed anything yet.
    """

    name: str
    cap: RoleCap
    description: str = ""
    active: bool = True
    paused_at: float | None = None
    paused_for: float = 0.0
    verifier_failures: int = 0
    updated_at: float | None = None
    cuts: frozenset[str] = frozenset()


_NOTHING: Final[Mapping[str, object]] = FrozenMapping()


def _unknown(given: Mapping[str, object]) -> Mapping[str, object]:
    return frozen_mapping(given)


Memo: TypeAlias = tuple[object, int, *RankedCap]
"""The mark of an evaluator, the scopes as its mask, and the cap in its ranks."""


@frozen
class Token:
    """A token.

    Args:
        id: locates it; not a secret.
        user: whose it is.
        client_id: the client it was given to.
        redirect_uri: where that client was answered.
        scopes: fixed at consent.
        resources: the audience it may be used at (RFC 8707), fixed at consent.
        created_at: POSIX seconds.
        expires_at: POSIX seconds; None: it does not expire.
        refreshable: whether the client gets refresh tokens.
        catalogue: the version of the catalogue consented to.
        code_salt: makes the code that a consent gives recoverable from the sealing key, and from nothing less.
        settings: what people edit, guarded by ``version``.
        version: one more at each change of the settings.
        generation: 0 until the code is redeemed, then one more at each refresh.
        advanced_at: POSIX seconds of the last advance.
        reply: the answer to the last refresh, sealed under the refresh token that asked for it.
        revoked_at: POSIX seconds since which it is disconnected.
        revoked_reason: why.
        last_used_at: POSIX seconds, coarse.
        last_wrote_at: POSIX seconds, coarse, of the last change that was made through it.
        lapses_at: when the newest credentials can no longer be used, POSIX seconds, for a token with refresh tokens on
            its active clock; None: they do not lapse.
        unknown: fields of a newer release, carried along.
        memo: what an evaluator worked out of scopes and cap, kept while this state of the token is.
    """

    id: str
    user: str
    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    resources: tuple[str, ...]
    created_at: float
    settings: Settings
    expires_at: float | None = None
    refreshable: bool = True
    catalogue: str = ""
    code_salt: str = ""
    version: int = 1
    generation: int = 0
    advanced_at: float | None = None
    reply: bytes | None = None
    revoked_at: float | None = None
    revoked_reason: str | None = None
    last_used_at: float | None = None
    last_wrote_at: float | None = None
    lapses_at: float | None = None
    unknown: Mapping[str, object] = field(default=_NOTHING, repr=False, converter=_unknown)
    memo: Memo | None = field(init=False, default=None, eq=False, repr=False)

    @property
    def edition(self) -> int:
        """One more at each change by people: wrong verifiers are counted in the settings too, one version each."""
        return self.version - self.settings.verifier_failures

    def advanced(self, at: float, reply: bytes | None, lapses_at: float | None) -> "Token":
        """The token one generation on; written out by position, for it is made at every exchange and refresh.

        Args:
            at: POSIX seconds.
            reply: the sealed answer, to be given again to the same request.
            lapses_at: when the new credentials can no longer be used; see `Token`.
        """
        return Token(
            self.id,
            self.user,
            self.client_id,
            self.redirect_uri,
            self.scopes,
            self.resources,
            self.created_at,
            self.settings,
            self.expires_at,
            self.refreshable,
            self.catalogue,
            self.code_salt,
            self.version,
            self.generation + 1,
            at,
            reply,
            self.revoked_at,
            self.revoked_reason,
            self.last_used_at,
            self.last_wrote_at,
            lapses_at,
            self.unknown,
        )


def status(token: Token, now: float, pending_lifetime: float) -> Status:
    """The status of a token.

    Args:
        token: the token.
        now: POSIX seconds.
        pending_lifetime: seconds that an approved token waits for its code to be redeemed.
    """
    is_pending = token.generation == 0
    if is_pending and now >= token.created_at + pending_lifetime:
        return Status.GONE
    if token.revoked_at is not None:
        return _REVOKED
    expired = token.expires_at is not None and now >= token.expires_at
    # What lapsed first stays disconnected when its date comes.
    if has_lapsed(token, token.expires_at if expired and token.expires_at is not None else now):
        return _REVOKED
    if expired:
        return Status.EXPIRED
    if is_pending:
        return _PENDING
    return _ACTIVE if token.settings.active else Status.INACTIVE


def has_lapsed(token: Token, now: float) -> bool:
    """Whether no credential of the token can ever be used again, though nobody disconnected it.

    Args:
        token: the token.
        now: POSIX seconds.
    """
    if token.lapses_at is None:
        return False
    return (active_clock(token, now) if token.refreshable else now) >= token.lapses_at


def active_clock(token: Token, now: float) -> float:
    """Seconds on the token's own clock, which stands still while it is paused."""
    settings = token.settings
    running = now if settings.paused_at is None else min(now, settings.paused_at)
    return running - settings.paused_for


def validate_name(name: str) -> str:
    """The name, trimmed.

    Raises:
        InvalidValueError: it is empty or longer than 255 characters.
    """
    trimmed = name.strip()
    if not 0 < len(trimmed) <= MAXIMUM_NAME:
        raise InvalidValueError("name", f"write 1 to {MAXIMUM_NAME} characters")
    return trimmed


def validate_description(description: str) -> str:
    """The description itself.

    Raises:
        InvalidValueError: it is longer than 32,767 characters.
    """
    if len(description) > MAXIMUM_DESCRIPTION:
        raise InvalidValueError("description", f"write at most {MAXIMUM_DESCRIPTION} characters")
    return description
