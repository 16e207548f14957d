"""Clients after their registration: new secrets, disabling and enabling, by the operator or by their owner."""

from math import inf
from typing import Final

from attrs import evolve

from scopegate.core.changes import AppendEvent, PutClient
from scopegate.core.clients import AuthMethod, Client, ClientSecret
from scopegate.core.credentials import Entropy, digest, new_secret
from scopegate.core.events import Event, EventKind
from scopegate.errors import InvalidValueError, NotFoundError
from scopegate.flows.client_authentication import SECRET_WORD
from scopegate.flows.configuration import Configuration
from scopegate.flows.decision import Decision
from scopegate.flows.outcomes import Registered

SECRET_PREFIX: Final = "sgs_"
MAXIMUM_SECRETS: Final = 5


def found(client: Client | None, owner: str | None) -> Client:
    """A client, for the operator (``owner`` None) or for the user who registered it.

    Raises:
        NotFoundError: there is none, or it is not this user's.
    """
    if client is None or (owner is not None and client.owner != owner):
        raise NotFoundError("there is no such client")
    return client


def fresh_secret(config: Configuration, *, now: float, entropy: Entropy) -> tuple[str, ClientSecret]:
    """A new secret, and what is kept of it (CLI-5)."""
    secret = SECRET_PREFIX + new_secret(entropy)
    return secret, ClientSecret(digest(config.realm, SECRET_WORD, secret), now)


def rotate(
    config: Configuration,
    client: Client | None,
    owner: str | None,
    *,
    overlap: float,
    now: float,
    entropy: Entropy,
) -> Decision[Registered]:
    """Give a client a new secret; those it has are accepted for a while longer (CLI-5).

    Args:
        config: the server's configuration.
        client: the client.
        owner: who asks; None: the operator.
        overlap: seconds for which earlier secrets stay good, if they do not end before.
        now: POSIX seconds.
        entropy: gives random bytes.

    Raises:
        NotFoundError: there is none, or it is not this user's.
        InvalidValueError: the client is public, or the overlap is negative or has no end.
    """
    known = found(client, owner)
    if known.auth_method is AuthMethod.NONE:
        raise InvalidValueError("client_id", "this client is public: it has no secret that could be replaced")
    if not 0 <= overlap < inf:
        raise InvalidValueError("overlap", "write 0 or more seconds; earlier secrets must end")
    secret, kept = fresh_secret(config, now=now, entropy=entropy)
    earlier = [_ending(each, now + overlap) for each in known.secrets]
    good = [each for each in earlier if each.expires_at is None or now < each.expires_at]
    new = evolve(known, secrets=(kept, *good)[:MAXIMUM_SECRETS], version=known.version + 1)
    document: dict[str, object] = {
        "client_id": new.id,
        "client_secret": secret,
        "client_secret_expires_at": 0,
    }
    return Decision(Registered(new, document), _put(known, new, EventKind.CLIENT_SECRET_ROTATED, now))


def _ending(secret: ClientSecret, at: float) -> ClientSecret:
    """A secret that ends at a time, or before if it does so already."""
    return evolve(secret, expires_at=at if secret.expires_at is None else min(secret.expires_at, at))


def switch(client: Client | None, owner: str | None, *, disabled: bool, now: float) -> Decision[Client]:
    """Disable a client, so that every request and every token of it fails, or enable it again (CLI-6).

    Raises:
        NotFoundError: there is none, or it is not this user's.
    """
    known = found(client, owner)
    if known.disabled == disabled:
        return Decision(known)
    new = evolve(known, disabled=disabled, version=known.version + 1)
    kind = EventKind.CLIENT_DISABLED if disabled else EventKind.CLIENT_ENABLED
    return Decision(new, _put(known, new, kind, now))


def _put(old: Client, new: Client, kind: EventKind, now: float) -> tuple[PutClient, AppendEvent]:
    event = Event(kind, now, old.owner or "", client_id=old.id)
    return PutClient(new, old.version), AppendEvent(event)
