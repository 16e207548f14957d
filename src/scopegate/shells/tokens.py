"""What users do with their tokens."""

from collections.abc import Iterable

from scopegate.core.caps import RoleCap
from scopegate.core.clients import Client
from scopegate.core.events import Event
from scopegate.core.permissions import Place
from scopegate.core.records import Page
from scopegate.core.standing import Standing
from scopegate.errors import ContentionError
from scopegate.flows import (
    advice,
    listing,
    manage,
)
from scopegate.flows.advice import Advice
from scopegate.flows.listing import Found, TokenSearch
from scopegate.flows.manage import TokenView
from scopegate.shells.base import ATTEMPTS, PAGE, Shell


class Tokens(Shell):
    """What users do with their tokens."""

    def tokens(self, user: str, *, after: str | None = None, limit: int = PAGE) -> Page[TokenView]:
        """The user's tokens, newest first; for other orders and for filters see `find_tokens`.

        Args:
            user: whose.
            after: where the page before ended.
            limit: how many at most.
        """
        now = self._clock()
        query = manage.list_query(self.configuration, user, now=now)
        page = self._store.tokens(self._realm, query, after=after, limit=limit)
        known = self._clients_of(frozenset(token.client_id for token in page.items))
        return Page(
            [manage.view(self.configuration, token, known[token.client_id], now=now) for token in page.items],
            page.after,
        )

    def _clients_of(self, client_ids: Iterable[str]) -> dict[str, Client | None]:
        return {client_id: self._store.client(self._realm, client_id) for client_id in client_ids}

    def find_tokens(self, user: str, search: TokenSearch) -> Found:
        """The user's tokens by name, status or client, in any order, in pages. It reads them all each time.

        Args:
            user: whose.
            search: which, and how.

        Raises:
            InvalidValueError: no search gave this cursor.
            UnavailableError: the store did not answer.
        """
        now = self._clock()
        query = manage.list_query(self.configuration, user, client_id=search.client_id, now=now)
        tokens = [
            token
            for token in self._each(
                lambda after: self._store.tokens(self._realm, query, after=after, limit=PAGE)
            )
        ]
        selected = listing.select(self.configuration, tokens, search, now=now)
        known = self._clients_of(selected.client_ids)
        return listing.shown(self.configuration, selected, known, now=now)

    def token_detail(self, user: str, token_id: str) -> TokenView:
        """One token of the user.

        Raises:
            NotFoundError: there is none, or it is another user's.
        """
        record = self._store.token(self._realm, token_id)
        return manage.detail(self.configuration, record, user, now=self._clock())

    def history(
        self, user: str, token_id: str | None = None, *, after: str | None = None, limit: int = PAGE
    ) -> Page[Event]:
        """What happened to the user's tokens, or to one of them, newest first; also after it was deleted.

        Args:
            user: whose.
            token_id: which token; None: all of them, and the clients that the user registered.
            after: where the page before ended.
            limit: how many at most.
        """
        return self._store.events(self._realm, user=user, token_id=token_id, after=after, limit=limit)

    def advice(self, user: str, token_id: str) -> tuple[Advice, ...]:
        """What the user could take away from a token without a loss, as its use and its history tell.

        Raises:
            NotFoundError: there is no such token, or it is another user's.
        """
        seen = self.token_detail(user, token_id)
        page = self.history(user, token_id)
        return advice.advice(self.configuration, seen, page.items, now=self._clock())

    def edit(
        self,
        user: str,
        token_id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        cap: RoleCap | None = None,
        active: bool | None = None,
        expected_version: int | None = None,
    ) -> TokenView:
        """Rename, describe, recap, pause or resume a token of the user, in one step.

        Args:
            user: whose token it is.
            token_id: which.
            name: the new name; None: as it is.
            description: the new description; None: as it is.
            cap: the whole new cap; None: as it is.
            active: False pauses, True resumes; None: as it is.
            expected_version: the version that the user saw; None: whatever it is.

        Raises:
            NotFoundError: there is no such token, or it is another user's.
            ReadOnlyError: its status does not allow the change.
            StaleVersionError: somebody changed it first.
            InvalidValueError: names the value that is not acceptable.
            UnavailableError: nothing was decided.
        """
        wanted = manage.Edit(name, description, cap, active, expected_version)
        for _ in range(ATTEMPTS):
            record = self._store.token(self._realm, token_id)
            places = manage.new_places(self.configuration, record, user, wanted)
            standings = [(place, self._stood(user, place)) for place in places]
            decision = manage.edit(self.configuration, record, user, wanted, standings, now=self._clock())
            if self._committed(decision.changes):
                return decision.outcome
        raise ContentionError

    def _stood(self, user: str, place: Place) -> Standing:
        organization, application = place
        return self._directory.standing(user, organization=organization, application=application)

    def pause(self, user: str, token_id: str) -> TokenView:
        """Switch a token off; see `edit`."""
        return self.edit(user, token_id, active=False)

    def resume(self, user: str, token_id: str) -> TokenView:
        """Switch a token on again; see `edit`."""
        return self.edit(user, token_id, active=True)

    def recap(
        self, user: str, token_id: str, cap: RoleCap, *, expected_version: int | None = None
    ) -> TokenView:
        """Replace the cap of a token; see `edit`."""
        return self.edit(user, token_id, cap=cap, expected_version=expected_version)

    def delete(self, user: str, token_id: str) -> TokenView:
        """Delete a token of the user: access, refresh and unredeemed codes end with it.

        Raises:
            NotFoundError: there is no such token, or it is another user's.
            UnavailableError: it is not known to be deleted.
        """
        for _ in range(ATTEMPTS):
            record = self._store.token(self._realm, token_id)
            decision = manage.delete(self.configuration, record, user, now=self._clock())
            if self._committed(decision.changes):
                return decision.outcome
        raise ContentionError
