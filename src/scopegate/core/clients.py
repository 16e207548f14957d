"""The third-party application as the server knows it, and how it proves who it is."""

from enum import StrEnum

from attrs import frozen


class AuthMethod(StrEnum):
    """How a client authenticates at the token endpoint (RFC 7591 section 2)."""

    NONE = "none"
    BASIC = "client_secret_basic"
    POST = "client_secret_post"


class Origin(StrEnum):
    """How the server came to know a client."""

    REGISTERED = "registered"
    SELF_REGISTERED = "self_registered"


@frozen
class ClientSecret:
    """A secret of a client, as it is kept.

    Args:
        digest: `digest` of the secret; the secret itself is stored nowhere.
        created_at: POSIX seconds.
        expires_at: POSIX seconds from which it is no longer accepted; None: until it is replaced.
    """

    digest: bytes
    created_at: float = 0.0
    expires_at: float | None = None


@frozen(kw_only=True)
class Client:
    """A client.

    Args:
        id: made by the server, never chosen by the client (CLI-2).
        name: what it calls itself; hostile text until escaped (CLI-4).
        redirect_uris: those it may be answered at.
        origin: registered by the operator, or by itself.
        auth_method: the only method it may use.
        secrets: its secrets, the newest first; while one is replaced, two of them are accepted.
        grant_types: the grants it may use; ``refresh_token`` decides whether it gets refresh tokens.
        scopes: the scopes it may ask for; None: any on offer.
        application_type: ``native`` or ``web``.
        homepage, terms, privacy, logo: https addresses that it registered.
        owner: the user who registered it, if a user did.
        created_at: POSIX seconds.
        disabled: every request and every token of a disabled client fails (CLI-6).
        version: counts the changes.
    """

    id: str
    name: str
    redirect_uris: tuple[str, ...]
    origin: Origin = Origin.SELF_REGISTERED
    auth_method: AuthMethod = AuthMethod.NONE
    secrets: tuple[ClientSecret, ...] = ()
    grant_types: tuple[str, ...] = ("authorization_code", "refresh_token")
    scopes: tuple[str, ...] | None = None
    application_type: str = "native"
    homepage: str = ""
    terms: str = ""
    privacy: str = ""
    logo: str = ""
    owner: str | None = None
    created_at: float = 0.0
    disabled: bool = False
    version: int = 1

    @property
    def may_refresh(self) -> bool:
        """Whether it gets refresh tokens (TOK-4)."""
        return "refresh_token" in self.grant_types
