"""scopegate itself, through its public entry points, over the store in memory, a directory attached."""

from collections.abc import Callable, Sequence
from os import urandom
from time import time

from attrs import define

from benchmarks import workload, wsgi
from benchmarks.asgi import Application, Exchange, caller, form_post, get, read_exchange
from benchmarks.limit_rows import TOKEN_PATH, in_any_order, posting, unknown_header, wrong_exchanges
from benchmarks.rows import Row, Verdict
from scopegate import (
    Access,
    Account,
    AsyncAuthorizationServer,
    AuthorizationServer,
    Client,
    Layer,
    Membership,
    Organization,
    Refusal,
    Resource,
    RoleCap,
    Sandbox,
    Standing,
    Token,
)
from scopegate import (
    Application as Place,
)
from scopegate.core.changes import AddCredential, CreateToken, PutClient
from scopegate.core.credentials import Credential, CredentialKind, digest, encode, new_id, new_secret, wire
from scopegate.core.records import Page
from scopegate.core.standing import NOWHERE
from scopegate.core.tokens import Settings
from scopegate.profiles import DEFAULT, STRICT, Profile
from scopegate.protocols import AsyncStore, Store, TwoColouredStore
from scopegate.stores.memory import MemoryStore
from scopegate.web.asgi import ASGIApplication
from scopegate.web.wsgi import WSGIApplication

REALM = "default"
TOO_LITTLE = Refusal(Layer.SCOPE, "insufficient_scope", 403)
METADATA_PATH = "/.well-known/oauth-authorization-server"


class People:
    """A directory of one user with a role in one organization, answered from dictionaries."""

    def __init__(self) -> None:
        owner = Organization(workload.ORGANIZATION)
        self._accounts = {workload.USER: Account("User")}
        self._standings = {(workload.USER, workload.APPLICATION): Standing(owner, "editor")}

    def account(self, user: str, /) -> Account | None:
        """Find the account."""
        return self._accounts.get(user)

    def standing(
        self,
        user: str,
        /,
        *,
        organization: str | Sandbox | None = None,  # noqa: ARG002 - the application says it
        application: str | None = None,
    ) -> Standing:
        """Find the standing at an application."""
        return self._standings.get((user, application or ""), NOWHERE)

    def memberships(self, user: str, /, *, after: str | None = None, search: str = "") -> Page[Membership]:  # noqa: ARG002
        """List nothing: no page is shown here."""
        return Page(())

    def applications(
        self,
        user: str,  # noqa: ARG002 - likewise
        organization: str | Sandbox,  # noqa: ARG002
        /,
        *,
        after: str | None = None,  # noqa: ARG002
        search: str = "",  # noqa: ARG002
    ) -> Page[Place]:
        """List nothing, likewise."""
        return Page(())

    def members(self, organization: str, /, *, after: str | None = None) -> Page[str]:  # noqa: ARG002
        """List nothing, likewise."""
        return Page(())


class AsyncPeople:
    """`People`, awaited."""

    def __init__(self) -> None:
        self._people = People()

    async def account(self, user: str, /) -> Account | None:
        """Find the account."""
        return self._people.account(user)

    async def standing(
        self, user: str, /, *, organization: str | Sandbox | None = None, application: str | None = None
    ) -> Standing:
        """Find the standing at an application."""
        return self._people.standing(user, organization=organization, application=application)

    async def memberships(
        self, user: str, /, *, after: str | None = None, search: str = ""
    ) -> Page[Membership]:
        """List nothing: no page is shown here."""
        return self._people.memberships(user, after=after, search=search)

    async def applications(
        self, user: str, organization: str | Sandbox, /, *, after: str | None = None, search: str = ""
    ) -> Page[Place]:
        """List nothing, likewise."""
        return self._people.applications(user, organization, after=after, search=search)

    async def members(self, organization: str, /, *, after: str | None = None) -> Page[str]:
        """List nothing, likewise."""
        return self._people.members(organization, after=after)


def id_in(secret: str) -> str:
    """Return the id of the token that a secret names, as it travels, alone or in a header."""
    return secret.partition("_")[2].partition(".")[0]


@define
class Stock:
    """A store with one client, and the means to put tokens into it past the consent page."""

    store: Store

    @classmethod
    def new(cls, store: Store | None = None) -> "Stock":
        """Return an empty one, in memory unless it is said where."""
        store = store or MemoryStore()
        client = Client(
            id=workload.CLIENT_ID, name="Client", redirect_uris=(workload.REDIRECT_URI,), created_at=time()
        )
        store.commit(REALM, [PutClient(client, 0)])
        return cls(store)

    def add(
        self,
        kind: CredentialKind,
        *,
        seconds: float = workload.ACCESS_SECONDS,
        scope: str = workload.SCOPE,
        resource: str = workload.RESOURCE,
        active: bool = True,
        role: str = "editor",
    ) -> str:
        """Store one token with one credential of that kind and return the secret as it travels."""
        now, generation = time(), int(kind is not CredentialKind.CODE)
        token = Token(
            id=new_id(urandom),
            user=workload.USER,
            client_id=workload.CLIENT_ID,
            redirect_uri=workload.REDIRECT_URI,
            scopes=(scope,),
            resources=(resource,),
            created_at=now,
            settings=Settings(
                name="Client", cap=RoleCap(role), active=active, paused_at=None if active else now
            ),
            generation=generation,
        )
        secret = new_secret(urandom)
        credential = Credential(
            token_id=token.id,
            kind=kind,
            digest=digest(REALM, kind.value, secret),
            generation=generation,
            created_at=now,
            expires_at=now + seconds,
            resources=(resource,) if kind is CredentialKind.ACCESS else (),
            challenge=workload.CHALLENGE if kind is CredentialKind.CODE else None,
        )
        self.store.commit(REALM, [CreateToken(token), AddCredential(credential)])
        return wire(kind, token.id, secret)

    def bearer(self, **facts: object) -> str:
        """Store an access token and return its header."""
        return "Bearer " + self.add(CredentialKind.ACCESS, **facts)  # type: ignore[arg-type]

    def code(self, *, seconds: float = workload.CODE_SECONDS) -> str:
        """Store a code and return it."""
        return self.add(CredentialKind.CODE, seconds=seconds)

    def server(self, directory: People | None = None) -> AuthorizationServer:
        """Return a synchronous server over this stock."""
        return AuthorizationServer(
            issuer=workload.ISSUER,
            product="Acme IoT",
            directory=directory or People(),
            resources=[Resource(workload.RESOURCE, scopes=[workload.SCOPE])],
            store=self.store,
            sealing_keys=[encode(urandom(32))],
        )

    def async_server(
        self,
        profile: Profile = DEFAULT,
        directory: AsyncPeople | None = None,
        store: AsyncStore | None = None,
    ) -> AsyncAuthorizationServer:
        """Return an asynchronous server over this stock, by the store's twin unless another one is given."""
        if store is None and isinstance(self.store, TwoColouredStore):
            store = self.store.asynchronous()
        return AsyncAuthorizationServer(
            issuer=workload.ISSUER,
            product="Acme IoT",
            directory=directory or AsyncPeople(),
            resources=[Resource(workload.RESOURCE, scopes=[workload.SCOPE])],
            store=store,
            profile=profile,
            sealing_keys=[encode(urandom(32))],
        )


def scoped(granted: Access | Refusal) -> Access | Refusal:
    """Refuse where the scope is not among those granted, as a host does that has no catalogue of actions."""
    return granted if isinstance(granted, Refusal) or workload.SCOPE in granted.scopes else TOO_LITTLE


def bearer(stored: int, name: str = "scopegate", store: Store | None = None) -> Row[str]:
    """Return scopegate's bearer check over that many stored access tokens, in memory unless it is said where."""
    stock = Stock.new(store)
    access, scope = stock.server().access, workload.SCOPE

    def loop(headers: Sequence[str]) -> None:
        for header in headers:
            granted = access(header)
            if isinstance(granted, Refusal) or scope not in granted.scopes:
                raise AssertionError

    return bearer_row(name, stock, stored, lambda header: scoped(access(header)), loop)


def async_bearer(stored: int) -> Row[str]:
    """Return the same through the asynchronous server."""
    stock = Stock.new()
    access, scope = stock.async_server().access, workload.SCOPE

    async def loop(headers: Sequence[str]) -> None:
        for header in headers:
            granted = await access(header)
            if isinstance(granted, Refusal) or scope not in granted.scopes:
                raise AssertionError

    async def call(header: str) -> Access | Refusal:
        return scoped(await access(header))

    return bearer_row("scopegate, async", stock, stored, call, loop, awaits=True)


def bearer_row(
    name: str,
    stock: Stock,
    stored: int,
    call: Callable[[str], object],
    loop: Callable[[Sequence[str]], object],
    *,
    awaits: bool = False,
) -> Row[str]:
    """Return the row of one server's bearer check."""
    headers = [stock.bearer() for _ in range(stored)]
    return Row(
        name=name,
        prepare=lambda count: in_any_order(headers, count),
        call=call,
        loop=loop,
        read=read_access,
        refused={
            "unknown": lambda: unknown_header().decode(),
            "expired": lambda: stock.bearer(seconds=-1.0),
            "paused": lambda: stock.bearer(active=False),
            "another audience": lambda: stock.bearer(resource="https://other.example"),
            "another scope": lambda: stock.bearer(scope=workload.OTHER_SCOPE),
            "another scheme": lambda: headers[0].replace("Bearer", "Basic"),
        },
        awaits=awaits,
    )


def unknown() -> Row[str]:
    """Return how scopegate refuses a token that nobody issued, of the form of its own, which costs most."""
    stock = Stock.new()
    server = stock.server()
    for _ in range(100):
        stock.bearer()
    return Row(
        name="scopegate",
        prepare=lambda count: [
            "Bearer " + wire(CredentialKind.ACCESS, new_id(urandom), new_secret(urandom))
            for _ in range(count)
        ],
        call=server.access,
        read=read_access,
    )


def foreign() -> Row[str]:
    """Return how scopegate refuses a token which is not even of its form."""
    server = Stock.new().server()
    return Row(
        name="scopegate, not of its form",
        prepare=lambda count: [unknown_header().decode() for _ in range(count)],
        call=server.access,
        read=read_access,
    )


def application(stock: Stock, profile: Profile = DEFAULT, store: AsyncStore | None = None) -> Application:
    """Return the whole generic ASGI application over that stock."""
    server = stock.async_server(profile, store=store)
    return ASGIApplication(server, current_user=lambda _: workload.USER, login_url="/login")


def exchange(
    name: str = "scopegate", store: Store | None = None, async_store: AsyncStore | None = None
) -> Row[Exchange]:
    """Return scopegate's code exchange through the whole ASGI application, over a store and its twin."""
    stock = Stock.new(store)
    return Row(
        name=name,
        prepare=lambda count: [
            form_post(TOKEN_PATH, workload.exchange_body(stock.code())) for _ in range(count)
        ],
        call=caller(application(stock, store=async_store)),
        read=read_exchange,
        refused={wrong: posting(make) for wrong, make in wrong_exchanges(stock.code).items()},
        awaits=True,
    )


def threaded_exchange(name: str, store: Store) -> Row[bytes]:
    """Return scopegate's code exchange through the whole WSGI application, over a store."""
    stock = Stock.new(store)
    app = WSGIApplication(stock.server(), current_user=lambda _: workload.USER, login_url="/login")
    return Row(
        name=name,
        prepare=lambda count: [workload.exchange_body(stock.code()) for _ in range(count)],
        call=wsgi.caller(app, TOKEN_PATH),
        read=wsgi.read,
        refused=wrong_exchanges(stock.code),
    )


def refresh() -> Row[Exchange]:
    """Return scopegate's refresh through the whole ASGI application, its answer sealed for a retry."""
    return refresh_row("scopegate", DEFAULT)


def strict_refresh() -> Row[Exchange]:
    """Return the same without a retry window: nothing is sealed, as no peer and no ruler does it."""
    return refresh_row("scopegate, no retry window", STRICT)


def refresh_row(name: str, profile: Profile) -> Row[Exchange]:
    """Return the row of a refresh under a profile."""
    stock = Stock.new()
    made = posting(lambda: workload.refresh_body(stock.add(CredentialKind.REFRESH)))
    return Row(
        name=name,
        prepare=lambda count: [made() for _ in range(count)],
        call=caller(application(stock, profile)),
        read=read_exchange,
        refused={
            "unknown": posting(
                lambda: workload.refresh_body(
                    wire(CredentialKind.REFRESH, new_id(urandom), new_secret(urandom))
                )
            )
        },
        awaits=True,
        retries=profile.retry_window > 0,
    )


def metadata() -> Row[Exchange]:
    """Return scopegate's metadata document through the whole ASGI application."""
    return Row(
        name="scopegate",
        prepare=lambda count: [get(METADATA_PATH) for _ in range(count)],
        call=caller(application(Stock.new())),
        read=lambda answer: Verdict(answer.status),
        awaits=True,
    )


def read_access(answer: Access | Refusal) -> Verdict:
    """Read an access or a refusal."""
    return Verdict(answer.status) if isinstance(answer, Refusal) else Verdict(200, (answer.user,))


def build_server() -> AuthorizationServer:
    """Return a server, for the import suite."""
    return Stock.new().server()
