"""The synchronous authorization server: read, decide, commit. No rule lives here."""

from scopegate.shells.clients import Clients
from scopegate.shells.endpoints import Endpoints
from scopegate.shells.host import Host


class AuthorizationServer(Endpoints, Clients, Host):
    """An OAuth 2.1 authorization server for synchronous hosts.

    Args:
        issuer: the address of this server, emitted byte for byte (RFC 8414 section 2).
        product: the name people know the application by.
        directory: who users are and where they stand: a `Directory`, or one function from user id to memberships.
        resources: the protected resources; the first is meant where a client names none.
        store: where tokens and clients are kept.
        sealing_keys: keys printed by ``python -m scopegate key``, newest first.
        catalogue: roles and scopes; by default users above organizations above applications.
        profile: lifetimes and strictness.
        realm: short stable name of this server inside the store.
        registration: whether clients may register themselves (RFC 7591).
        initial_access_tokens: where given, registration needs one of them.
        private_schemes: redirect schemes without a dot that native clients may use.
        throttle: slows down registration and guessing of secrets.
        subscribers: each is told every event after its commit; what they raise is logged and changes nothing.
        clock: gives POSIX seconds.
        entropy: gives random bytes.

    Raises:
        ConfigurationError: something cannot work as written.
        TypeError: the store or the directory is asynchronous.
    """
