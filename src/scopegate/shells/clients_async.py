"""Clients: registered by the operator or a user, given new secrets, disabled and enabled."""

from collections.abc import Sequence

from scopegate.core.clients import AuthMethod, Client
from scopegate.core.records import Page
from scopegate.errors import ContentionError
from scopegate.flows import (
    clients,
    register,
)
from scopegate.flows.outcomes import (
    Registered,
)
from scopegate.profiles import DAY
from scopegate.shells.base_async import ATTEMPTS, PAGE, AsyncShell


class AsyncClients(AsyncShell):
    """Clients: registered by the operator or a user, given new secrets, disabled and enabled."""

    async def add_client(
        self,
        name: str,
        redirect_uris: Sequence[str],
        *,
        auth_method: AuthMethod | None = None,
        scopes: Sequence[str] | None = None,
        homepage: str = "",
        owner: str | None = None,
    ) -> Registered:
        """Register a client for the operator, or a user's own private client; a secret is in the document, once.

        Args:
            name: what people read.
            redirect_uris: where it may be answered.
            auth_method: how it authenticates; None: not at all, or by HTTP Basic where it has an owner.
            scopes: what it may ask for; None: any scope on offer.
            homepage: its https address.
            owner: the user whose it is; only they and the operator look after it. Such a client keeps a secret.

        Raises:
            InvalidValueError: names the argument that is not acceptable.
        """
        decision = register.register(
            self.configuration,
            name=name,
            redirect_uris=redirect_uris,
            auth_method=auth_method,
            scopes=scopes,
            homepage=homepage,
            owner=owner,
            now=self._clock(),
            entropy=self._entropy,
        )
        if await self._committed(decision.changes):
            return decision.outcome
        raise ContentionError

    async def clients(self, owner: str, *, after: str | None = None, limit: int = PAGE) -> Page[Client]:
        """The clients that a user registered.

        Args:
            owner: the user.
            after: where the page before ended.
            limit: how many at most.
        """
        return await self._store.clients(self._realm, owner=owner, after=after, limit=limit)

    async def client(self, client_id: str, *, owner: str | None = None) -> Client:
        """One client.

        Args:
            client_id: which.
            owner: the user who asks, and sees only their own; None: the operator asks.

        Raises:
            NotFoundError: there is none, or it is not this user's.
        """
        return clients.found(await self._store.client(self._realm, client_id), owner)

    async def rotate_secret(
        self, client_id: str, *, owner: str | None = None, overlap: float = DAY
    ) -> Registered:
        """Give a client a new secret, which is in the document, once; those it has stay good for a while.

        Args:
            client_id: which.
            owner: the user who asks, for their own client; None: the operator asks.
            overlap: seconds for which earlier secrets are accepted at most; 0: they end at once.

        Raises:
            NotFoundError: there is none, or it is not this user's.
            InvalidValueError: the client is public, or the overlap is negative or has no end.
            UnavailableError: no secret was changed.
        """
        for _ in range(ATTEMPTS):
            decision = clients.rotate(
                self.configuration,
                await self._store.client(self._realm, client_id),
                owner,
                overlap=overlap,
                now=self._clock(),
                entropy=self._entropy,
            )
            if await self._committed(decision.changes):
                return decision.outcome
        raise ContentionError

    async def disable_client(self, client_id: str, *, owner: str | None = None) -> Client:
        """Disable a client: every request and every token of it fails, from the next request on.

        Args:
            client_id: which.
            owner: the user who asks, for their own client; None: the operator asks.

        Raises:
            NotFoundError: there is none, or it is not this user's.
            UnavailableError: it is not known to be disabled.
        """
        return await self._switch_client(client_id, owner, disabled=True)

    async def enable_client(self, client_id: str) -> Client:
        """Enable a client again, for the operator: its tokens work again as they did; see `disable_client`."""
        return await self._switch_client(client_id, None, disabled=False)

    async def _switch_client(self, client_id: str, owner: str | None, *, disabled: bool) -> Client:
        for _ in range(ATTEMPTS):
            client = await self._store.client(self._realm, client_id)
            decision = clients.switch(client, owner, disabled=disabled, now=self._clock())
            if await self._committed(decision.changes):
                return decision.outcome
        raise ContentionError
