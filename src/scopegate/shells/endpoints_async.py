"""The endpoints of the protocol: authorization, consent, token, revocation, registration."""

from typing import TypeVar

from scopegate.core.clients import Client
from scopegate.errors import ContentionError
from scopegate.flows import (
    authorize,
    consent,
    exchange,
    register,
    revoke,
    throttling,
)
from scopegate.flows.consent import Transaction
from scopegate.flows.decision import Decision
from scopegate.flows.exchange import Presented
from scopegate.flows.outcomes import (
    AuthorizeOutcome,
    ConsentPrompt,
    ErrorPage,
    OAuthFailure,
    RegisterOutcome,
    RevokeOutcome,
    SignedIn,
    TokenOutcome,
)
from scopegate.flows.register import RegistrationRequest
from scopegate.flows.requests import ClientRequest, ConsentForm, Parameters
from scopegate.shells.base_async import ATTEMPTS, PAGE, AsyncShell

T = TypeVar("T")


class AsyncEndpoints(AsyncShell):
    """The endpoints of the protocol: authorization, consent, token, revocation, registration."""

    # The authorization endpoint

    async def authorize(self, parameters: Parameters, signed_in: SignedIn | None) -> AuthorizeOutcome:
        """Judge an authorization request and say what the browser gets (AZ rows).

        Args:
            parameters: the query.
            signed_in: who is at the browser.
        """
        client_id = authorize.client_key(parameters)
        client = None if client_id is None else await self._store.client(self._realm, client_id)
        checked = authorize.check(self.configuration, parameters, client, signed_in)
        if not isinstance(checked, authorize.ValidRequest):
            return checked
        now = self._clock()
        transaction = consent.begin(self.configuration, checked, now=now, entropy=self._entropy)
        sealed = consent.seal(self.configuration, transaction, self._entropy)
        return await self._prompt(transaction, sealed, client, now)

    async def _prompt(
        self, transaction: Transaction, sealed: str, client: Client | None, now: float
    ) -> ConsentPrompt | ErrorPage:
        account = await self._directory.account(transaction.user)
        places = await self._directory.memberships(transaction.user)
        query = consent.siblings_query(self.configuration, transaction, now=now)
        siblings = await self._store.tokens(self._realm, query, after=None, limit=PAGE)
        return consent.prompt(
            self.configuration,
            transaction,
            sealed,
            client=client,
            account=account,
            places=places,
            siblings=siblings.items,
            now=now,
        )

    async def consent(self, form: ConsentForm, signed_in: SignedIn | None) -> AuthorizeOutcome:
        """Do what the user decided (CON rows).

        Args:
            form: what the consent page sent back.
            signed_in: who is at the browser.

        Raises:
            UnavailableError: nothing was decided.
        """
        now = self._clock()
        transaction = consent.resume(self.configuration, form, signed_in, now=now)
        if not isinstance(transaction, Transaction):
            return transaction
        client = await self._store.client(self._realm, transaction.client_id)
        shown = await self._prompt(transaction, form.transaction, client, now)
        if not isinstance(shown, ConsentPrompt):
            return shown
        return await self._decided(transaction, form, shown, now)

    async def _decided(
        self, transaction: Transaction, form: ConsentForm, shown: ConsentPrompt, now: float
    ) -> AuthorizeOutcome:
        for _ in range(ATTEMPTS):
            # The history first: what the record then lacks was deleted, not decided a moment ago.
            history = await self._store.events(
                self._realm, user=None, token_id=transaction.token_id, after=None, limit=1
            )
            record = await self._store.token(self._realm, transaction.token_id)
            decision = consent.decide(
                self.configuration,
                transaction,
                form,
                shown,
                record=record,
                history=history.items,
                now=now,
                entropy=self._entropy,
            )
            if await self._committed(decision.changes):
                await self._drop_surplus(transaction, now)
                return decision.outcome
        raise ContentionError

    async def _drop_surplus(self, transaction: Transaction, now: float) -> None:
        query = consent.pending_query(self.configuration, transaction, now=now)
        pending = await self._store.tokens(self._realm, query, after=None, limit=PAGE)
        for decision in consent.surplus(self.configuration, transaction, pending.items, now=now):
            await self._committed(decision.changes)

    # The token, revocation and registration endpoints

    async def token(self, request: ClientRequest) -> TokenOutcome:
        """Exchange a code, or refresh (TOK, CODE and REF rows).

        Raises:
            UnavailableError: nothing was decided.
        """
        presented = exchange.read(self.configuration, request)
        if isinstance(presented, OAuthFailure):
            return presented
        for _ in range(ATTEMPTS):
            decision = await self._exchange(presented)
            if await self._committed(decision.changes):
                return self._slowed(presented.credentials.client_id, decision.outcome)
        raise ContentionError

    async def _exchange(self, presented: Presented) -> Decision[TokenOutcome]:
        record = await self._store.token(self._realm, presented.token_id, presented.digest)
        client_id = exchange.named_client(presented, record)
        client = None if client_id is None else await self._store.client(self._realm, client_id)
        account = None if record is None else await self._directory.account(record.token.user)
        return exchange.decide(
            self.configuration, presented, record, client, account, self._clock(), self._entropy
        )

    def _slowed(self, client_id: str, outcome: T) -> T | OAuthFailure:
        if not throttling.is_guess(outcome):
            return outcome
        wait = self._throttle.wait(throttling.SECRET, client_id, now=self._clock())
        return throttling.slowed(wait) or outcome

    async def revoke(self, request: ClientRequest) -> RevokeOutcome:
        """Revoke what a client holds (RFC 7009).

        Raises:
            UnavailableError: it is not known to be revoked.
        """
        presented = revoke.read(self.configuration, request)
        if isinstance(presented, OAuthFailure):
            return presented
        for _ in range(ATTEMPTS):
            record = await self._store.token(self._realm, presented.token_id, presented.digest)
            client_id = revoke.named_client(presented, record)
            client = None if client_id is None else await self._store.client(self._realm, client_id)
            now = self._clock()
            decision = revoke.decide(self.configuration, presented, record=record, client=client, now=now)
            if await self._committed(decision.changes):
                return self._slowed(presented.credentials.client_id, decision.outcome)
        raise ContentionError

    async def register(self, request: RegistrationRequest) -> RegisterOutcome:
        """Register a client that asks for itself (RFC 7591)."""
        now = self._clock()
        decision = register.decide(self.configuration, request, now=now, entropy=self._entropy)
        if isinstance(decision.outcome, OAuthFailure):
            return self._slowed("", decision.outcome)
        slowed = throttling.slowed(self._throttle.wait(throttling.REGISTER, "", now=now))
        if slowed is not None:
            return slowed
        if await self._committed(decision.changes):
            return decision.outcome
        raise ContentionError
