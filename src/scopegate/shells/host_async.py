"""What the host does: with one token, with many, with a user, and now and then."""

from collections.abc import AsyncIterator

from scopegate.core.tokens import RevocationReason
from scopegate.errors import ContentionError
from scopegate.flows import (
    bulk,
    sweep,
)
from scopegate.flows.bulk import Batch, Cut, Deed, Delete, Revoke, Selection, Switch
from scopegate.flows.manage import TokenView
from scopegate.shells.base_async import ATTEMPTS, PAGE
from scopegate.shells.permissions_async import AsyncPermissions


class AsyncHost(AsyncPermissions):
    """What the host does: with one token, with many, with a user, and now and then."""

    async def revoke_token(self, token_id: str, *, reason: str = RevocationReason.HOST.value) -> TokenView:
        """Disconnect a token, whoever's it is. It stays in its user's list, with the reason.

        Args:
            token_id: which.
            reason: why, for its user.

        Raises:
            NotFoundError: there is no such token.
            InvalidValueError: the reason is empty or too long.
            UnavailableError: it is not known to be disconnected.
        """
        for _ in range(ATTEMPTS):
            record = await self._store.token(self._realm, token_id)
            decision = bulk.revoke(self.configuration, record, Revoke(reason), now=self._clock())
            if await self._committed(decision.changes):
                return decision.outcome
        raise ContentionError

    async def cut_out(self, organization: str, token_id: str, *, out: bool = True) -> TokenView:
        """Take an organization out of the reach of a token, for its administrators. Its user cannot undo it.

        Args:
            organization: which takes itself out.
            token_id: of which token.
            out: False: let the token in again.

        Raises:
            NotFoundError: there is no such token.
            ReadOnlyError: the token has ended.
            UnavailableError: nothing was decided.
        """
        for _ in range(ATTEMPTS):
            record = await self._store.token(self._realm, token_id)
            decision = bulk.cut(self.configuration, record, Cut(organization, out), now=self._clock())
            if await self._committed(decision.changes):
                return decision.outcome
        raise ContentionError

    async def revoke_all(
        self,
        *,
        user: str | None = None,
        client_id: str | None = None,
        organization: str | None = None,
        reason: str = RevocationReason.HOST.value,
        limit: int | None = None,
    ) -> Batch:
        """Disconnect every token of a user or a client, or that reaches an organization now, one commit for each.

        A loop that was interrupted, or that came to its limit, is started again: what is done is not done twice.

        Args:
            user: only this user's: their password was changed, say.
            client_id: only this client's.
            organization: only those that reach this organization.
            reason: why, for the users.
            limit: how many to change at most; None: all.

        Raises:
            InvalidValueError: nothing is named, or the reason is empty or too long.
            UnavailableError: the loop was interrupted.
        """
        selection = Selection(user=user, client_id=client_id, organization=organization)
        return await self._through(selection, Revoke(reason), limit)

    async def pause_all(
        self,
        *,
        user: str | None = None,
        client_id: str | None = None,
        organization: str | None = None,
        active: bool = False,
        reason: str = "",
        limit: int | None = None,
    ) -> Batch:
        """Switch off every token of a user or a client, or that reaches an organization now; see `revoke_all`.

        Users may switch theirs on again. ``active=True`` switches them on.
        """
        selection = Selection(user=user, client_id=client_id, organization=organization)
        return await self._through(selection, Switch(active, reason), limit)

    async def delete_all(self, user: str, *, limit: int | None = None) -> Batch:
        """Delete every token of a user; see `revoke_all` and `delete`."""
        return await self._through(Selection(user=user), Delete(), limit)

    async def cut_out_all(
        self, organization: str, *, user: str | None = None, out: bool = True, limit: int | None = None
    ) -> Batch:
        """Take an organization out of the reach of every token of its members; see `cut_out` and `revoke_all`.

        Args:
            organization: which takes itself out.
            user: only this user's tokens, be they a member still or not; None: those of all members.
            out: False: let the tokens in again.
            limit: how many to change at most; None: all.
        """
        changed = 0
        async for owner in self._members(organization, user):
            left = None if limit is None else limit - changed
            batch = await self._through(Selection(user=owner), Cut(organization, out), left)
            changed += batch.changed
            if not batch.finished:
                return Batch(changed, finished=False)
        return Batch(changed, finished=True)

    async def _members(self, organization: str, user: str | None) -> AsyncIterator[str]:
        if user is not None:
            yield user
            return
        async for member in self._each(lambda after: self._directory.members(organization, after=after)):
            yield member

    async def _through(self, selection: Selection, deed: Deed, limit: int | None) -> Batch:
        changed = 0
        async for token_id in self._selected(selection):
            if bulk.is_full(changed, limit):
                return Batch(changed, finished=False)
            changed += await self._act(token_id, deed)
        return Batch(changed, finished=True)

    async def _selected(self, selection: Selection) -> AsyncIterator[str]:
        """The ids of the tokens that are meant; of those that reach an organization, again for each place in it."""
        if selection.organization is None:
            async for token in self._each(
                lambda after: self._store.tokens(self._realm, selection.query, after=after, limit=PAGE)
            ):
                yield token.id
        else:
            async for seen, _ in self.reaching(selection.organization):
                if selection.includes(seen):
                    yield seen.token.id

    async def _act(self, token_id: str, deed: Deed) -> int:
        """Do a deed to a token, and say whether that changed it: 1 or 0."""
        for _ in range(ATTEMPTS):
            record = await self._store.token(self._realm, token_id)
            decision = bulk.act(self.configuration, record, deed, now=self._clock())
            if await self._committed(decision.changes):
                return 1 if decision.changes else 0
        raise ContentionError

    async def forget_user(self, user: str, *, limit: int | None = None) -> Batch:
        """Delete every token of a user, disown and disable the clients they registered, and erase their history.

        Disable the account first: a consent page that is open could be approved once more when nobody remembers it.

        Args:
            user: who is to be forgotten.
            limit: how many tokens to delete at most; None: all. The rest is done once no token is left.

        Raises:
            UnavailableError: the loop was interrupted; start it again.
        """
        batch = await self.delete_all(user, limit=limit)
        if not batch.finished:
            return batch
        async for client in self._each(
            lambda after: self._store.clients(self._realm, owner=user, after=after, limit=PAGE)
        ):
            if not await self._committed(bulk.disowned(client, now=self._clock()).changes):
                raise ContentionError
        while await self._store.sweep(self._realm, sweep.forgetting(user), limit=PAGE):
            pass
        return batch

    # Housekeeping

    async def sweep(self, limit: int = 1000) -> int:
        """Free at most ``limit`` rows of what is long dead, and say how many were freed.

        Call it now and then, and again at once while it frees ``limit`` rows.
        """
        cutoffs = sweep.cutoffs(self.configuration, now=self._clock())
        return await self._store.sweep(self._realm, cutoffs, limit=limit)
