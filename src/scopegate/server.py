"""The synchronous authorization server: read, decide, commit. No rule lives here."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TypeVar

from scopegate import presets
from scopegate.core.caps import RoleCap
from scopegate.core.catalogue import Catalogue
from scopegate.core.changes import Change, Touch
from scopegate.core.clients import AuthMethod, Client
from scopegate.core.credentials import Entropy
from scopegate.core.events import Event
from scopegate.core.permissions import APPLICATION, ORGANIZATION, Explanation, Place, Subject
from scopegate.core.records import Page
from scopegate.core.standing import Membership, Sandbox, Standing
from scopegate.core.tokens import RevocationReason
from scopegate.core.whatif import WhatIf
from scopegate.directory import UNAVAILABLE, Memberships, as_directory, bare
from scopegate.errors import ConflictError, ContentionError, DirectoryUnavailableError, UnavailableError
from scopegate.flows import (
    advice,
    authorize,
    bulk,
    clients,
    consent,
    exchange,
    listing,
    manage,
    reach,
    register,
    revoke,
    sweep,
    throttling,
)
from scopegate.flows.access import Access, Gate, Refusal, gates
from scopegate.flows.advice import Advice
from scopegate.flows.bulk import Batch, Cut, Deed, Delete, Revoke, Selection, Switch
from scopegate.flows.challenges import Challenge, challenge
from scopegate.flows.configuration import PRIVATE_SCHEMES, Configuration, Resource, configure
from scopegate.flows.consent import Transaction
from scopegate.flows.decision import Decision
from scopegate.flows.exchange import Presented
from scopegate.flows.listing import Found, TokenSearch
from scopegate.flows.manage import TokenView
from scopegate.flows.outcomes import (
    AuthorizeOutcome,
    ConsentPrompt,
    ErrorPage,
    OAuthFailure,
    Registered,
    RegisterOutcome,
    RevokeOutcome,
    SignedIn,
    TokenOutcome,
)
from scopegate.flows.reach import Compared, Held, Reached, Spot
from scopegate.flows.register import RegistrationRequest
from scopegate.flows.requests import ClientRequest, ConsentForm, Parameters
from scopegate.profiles import DAY, DEFAULT, Profile
from scopegate.protocols import Directory, Throttle
from scopegate.stores import GivenStore, as_store
from scopegate.subscribers import Subscriber, as_subscribers, tell
from scopegate.throttle import WindowThrottle

T = TypeVar("T")

ATTEMPTS = 3
PAGE = 100


class AuthorizationServer:
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

    def __init__(  # noqa: PLR0913 - one argument per thing the operator decides, all named
        self,
        *,
        issuer: str,
        product: str,
        directory: Directory | Memberships,
        resources: Sequence[Resource],
        store: GivenStore,
        sealing_keys: Sequence[str],
        catalogue: Catalogue | None = None,
        profile: Profile = DEFAULT,
        realm: str = "default",
        registration: bool = True,
        initial_access_tokens: Sequence[str] = (),
        private_schemes: Sequence[str] = tuple(PRIVATE_SCHEMES),
        throttle: Throttle | None = None,
        subscribers: Sequence[Subscriber] = (),
        clock: Callable[[], float] = time.time,
        entropy: Entropy = os.urandom,
    ) -> None:
        self.configuration: Configuration = configure(
            issuer=issuer,
            product=product,
            catalogue=catalogue or presets.simple(),
            resources=resources,
            sealing_keys=sealing_keys,
            profile=profile,
            realm=realm,
            registration=registration,
            initial_access_tokens=initial_access_tokens,
            private_schemes=private_schemes,
        )
        self._store = as_store(store)
        self._directory = as_directory(directory)
        self._throttle = throttle or WindowThrottle()
        self._subscribers = as_subscribers(subscribers)
        self._clock = clock
        self._entropy = entropy
        self._realm = realm
        self._gates = gates(self.configuration)
        self._allows = self.configuration.evaluator.allows
        self._place = self.configuration.evaluator.place
        self._account, self._stands = bare(self._directory).account, bare(self._directory).standing

    def open(self) -> None:
        """Open the store and bring its schema up to date; the first request does it otherwise."""
        self._store.open()

    def close(self) -> None:
        """Let go of the store's resources."""
        self._store.close()

    def _committed(self, changes: Sequence[Change]) -> bool:
        """Commit; False when somebody else was first, so that one must read and decide again."""
        if not changes:
            return True
        try:
            self._store.commit(self._realm, changes)
        except ConflictError:
            return False
        if self._subscribers:
            tell(self._subscribers, changes)
        return True

    def _touch(self, token_id: str, at: float, *, wrote: bool = False) -> None:
        """Note the use of a token; a store that is in trouble just now loses it."""
        with suppress(UnavailableError):
            self._store.commit(self._realm, (Touch(token_id, at, wrote),))

    # The authorization endpoint

    def authorize(self, parameters: Parameters, signed_in: SignedIn | None) -> AuthorizeOutcome:
        """Judge an authorization request and say what the browser gets (AZ rows).

        Args:
            parameters: the query.
            signed_in: who is at the browser.
        """
        client_id = authorize.client_key(parameters)
        client = None if client_id is None else self._store.client(self._realm, client_id)
        checked = authorize.check(self.configuration, parameters, client, signed_in)
        if not isinstance(checked, authorize.ValidRequest):
            return checked
        now = self._clock()
        transaction = consent.begin(self.configuration, checked, now=now, entropy=self._entropy)
        sealed = consent.seal(self.configuration, transaction, self._entropy)
        return self._prompt(transaction, sealed, client, now)

    def _prompt(
        self, transaction: Transaction, sealed: str, client: Client | None, now: float
    ) -> ConsentPrompt | ErrorPage:
        account = self._directory.account(transaction.user)
        places = self._directory.memberships(transaction.user)
        query = consent.siblings_query(self.configuration, transaction, now=now)
        siblings = self._store.tokens(self._realm, query, after=None, limit=PAGE)
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

    def consent(self, form: ConsentForm, signed_in: SignedIn | None) -> AuthorizeOutcome:
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
        client = self._store.client(self._realm, transaction.client_id)
        shown = self._prompt(transaction, form.transaction, client, now)
        if not isinstance(shown, ConsentPrompt):
            return shown
        return self._decided(transaction, form, shown, now)

    def _decided(
        self, transaction: Transaction, form: ConsentForm, shown: ConsentPrompt, now: float
    ) -> AuthorizeOutcome:
        for _ in range(ATTEMPTS):
            # The history first: what the record then lacks was deleted, not decided a moment ago.
            history = self._store.events(
                self._realm, user=None, token_id=transaction.token_id, after=None, limit=1
            )
            record = self._store.token(self._realm, transaction.token_id)
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
            if self._committed(decision.changes):
                self._drop_surplus(transaction, now)
                return decision.outcome
        raise ContentionError

    def _drop_surplus(self, transaction: Transaction, now: float) -> None:
        query = consent.pending_query(self.configuration, transaction, now=now)
        pending = self._store.tokens(self._realm, query, after=None, limit=PAGE)
        for decision in consent.surplus(self.configuration, transaction, pending.items, now=now):
            self._committed(decision.changes)

    # The token, revocation and registration endpoints

    def token(self, request: ClientRequest) -> TokenOutcome:
        """Exchange a code, or refresh (TOK, CODE and REF rows).

        Raises:
            UnavailableError: nothing was decided.
        """
        presented = exchange.read(self.configuration, request)
        if isinstance(presented, OAuthFailure):
            return presented
        for _ in range(ATTEMPTS):
            decision = self._exchange(presented)
            if self._committed(decision.changes):
                return self._slowed(presented.credentials.client_id, decision.outcome)
        raise ContentionError

    def _exchange(self, presented: Presented) -> Decision[TokenOutcome]:
        record = self._store.token(self._realm, presented.token_id, presented.digest)
        client_id = exchange.named_client(presented, record)
        client = None if client_id is None else self._store.client(self._realm, client_id)
        account = None if record is None else self._directory.account(record.token.user)
        return exchange.decide(
            self.configuration, presented, record, client, account, self._clock(), self._entropy
        )

    def _slowed(self, client_id: str, outcome: T) -> T | OAuthFailure:
        if not throttling.is_guess(outcome):
            return outcome
        wait = self._throttle.wait(throttling.SECRET, client_id, now=self._clock())
        return throttling.slowed(wait) or outcome

    def revoke(self, request: ClientRequest) -> RevokeOutcome:
        """Revoke what a client holds (RFC 7009).

        Raises:
            UnavailableError: it is not known to be revoked.
        """
        presented = revoke.read(self.configuration, request)
        if isinstance(presented, OAuthFailure):
            return presented
        for _ in range(ATTEMPTS):
            record = self._store.token(self._realm, presented.token_id, presented.digest)
            client_id = revoke.named_client(presented, record)
            client = None if client_id is None else self._store.client(self._realm, client_id)
            now = self._clock()
            decision = revoke.decide(self.configuration, presented, record=record, client=client, now=now)
            if self._committed(decision.changes):
                return self._slowed(presented.credentials.client_id, decision.outcome)
        raise ContentionError

    def register(self, request: RegistrationRequest) -> RegisterOutcome:
        """Register a client that asks for itself (RFC 7591)."""
        now = self._clock()
        decision = register.decide(self.configuration, request, now=now, entropy=self._entropy)
        if isinstance(decision.outcome, OAuthFailure):
            return self._slowed("", decision.outcome)
        slowed = throttling.slowed(self._throttle.wait(throttling.REGISTER, "", now=now))
        if slowed is not None:
            return slowed
        if self._committed(decision.changes):
            return decision.outcome
        raise ContentionError

    def add_client(
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
        if self._committed(decision.changes):
            return decision.outcome
        raise ContentionError

    def clients(self, owner: str, *, after: str | None = None, limit: int = PAGE) -> Page[Client]:
        """The clients that a user registered.

        Args:
            owner: the user.
            after: where the page before ended.
            limit: how many at most.
        """
        return self._store.clients(self._realm, owner=owner, after=after, limit=limit)

    def client(self, client_id: str, *, owner: str | None = None) -> Client:
        """One client.

        Args:
            client_id: which.
            owner: the user who asks, and sees only their own; None: the operator asks.

        Raises:
            NotFoundError: there is none, or it is not this user's.
        """
        return clients.found(self._store.client(self._realm, client_id), owner)

    def rotate_secret(self, client_id: str, *, owner: str | None = None, overlap: float = DAY) -> Registered:
        """Give a client a new secret, which is in the document, once; those it has stay good for a while.

        Args:
            client_id: which.
            owner: the user who asks, for their own client; None: the operator asks.
            overlap: seconds for which earlier secrets are accepted at most; 0: they end at once.

        Raises:
            NotFoundError: there is none, or it is not this user's.
            InvalidValueError: the client is public, or the overlap is negative.
            UnavailableError: no secret was changed.
        """
        for _ in range(ATTEMPTS):
            decision = clients.rotate(
                self.configuration,
                self._store.client(self._realm, client_id),
                owner,
                overlap=overlap,
                now=self._clock(),
                entropy=self._entropy,
            )
            if self._committed(decision.changes):
                return decision.outcome
        raise ContentionError

    def disable_client(self, client_id: str, *, owner: str | None = None) -> Client:
        """Disable a client: every request and every token of it fails, from the next request on.

        Args:
            client_id: which.
            owner: the user who asks, for their own client; None: the operator asks.

        Raises:
            NotFoundError: there is none, or it is not this user's.
            UnavailableError: it is not known to be disabled.
        """
        return self._switch_client(client_id, owner, disabled=True)

    def enable_client(self, client_id: str) -> Client:
        """Enable a client again, for the operator: its tokens work again as they did; see `disable_client`."""
        return self._switch_client(client_id, None, disabled=False)

    def _switch_client(self, client_id: str, owner: str | None, *, disabled: bool) -> Client:
        for _ in range(ATTEMPTS):
            client = self._store.client(self._realm, client_id)
            decision = clients.switch(client, owner, disabled=disabled, now=self._clock())
            if self._committed(decision.changes):
                return decision.outcome
        raise ContentionError

    # Protected resources

    def access(  # noqa: C901, PLR0912, PLR0915 - the hot path in one piece: each call of a step would cost each request
        self,
        authorization: str | None,
        action: str | None = None,
        organization: str | Sandbox | None = None,
        application: str | None = None,
        resource: str | None = None,
    ) -> Access | Refusal:
        """From the ``Authorization`` header of a request to a protected resource to an allowed action (RS rows).

        Args:
            authorization: the header, if there was one.
            action: the name of an action, such as ``Application.read``; None: any good access token will do. An
                operation that needs several asks `refusal` next.
            organization: where it happens, for actions on organizations.
            application: where it happens, for actions on applications.
            resource: the URI of the resource as configured; None: the first one.

        Raises:
            ConfigurationError: the catalogue has no such action, or there is no such resource.
            InvalidValueError: the place is missing.
            UnavailableError: nothing was decided.
        """
        gate = self._gates[None] if resource is None else self._gate(resource)
        found = gate.locate(authorization)
        if found is None:
            return gate.unlocated(authorization)
        token_id, digest = found
        record = self._store.token(self._realm, token_id, digest)
        if record is None:
            return gate.invalid
        token = record[0]
        try:
            account = self._account(token.user)
        except Exception as error:
            raise DirectoryUnavailableError(UNAVAILABLE) from error
        now = self._clock()
        granted = gate.judge(record, account, now)
        if granted.is_stale:
            self._touch(token_id, now)
        if action is None or isinstance(granted, Refusal):
            return granted
        place, standing = self._place(action, organization, application), None
        if place is not None:
            try:
                standing = self._stands(token.user, organization=place[0], application=place[1])
            except Exception as error:
                raise DirectoryUnavailableError(UNAVAILABLE) from error
            granted.asked = ((place, standing),)
        if self._allows(token, action, standing, application, granted.narrowed):
            if gate.changes(action) and gate.is_news(granted, now):
                self._touch(token_id, now, wrote=True)
            return granted
        return gate.refused(granted, (action,))

    def _gate(self, resource: str | None) -> Gate:
        """The gate of a resource, however it is written."""
        return self._gates.get(resource) or self._gates[self.configuration.resource(resource).uri]

    def refusal(
        self,
        granted: Access,
        action: str,
        *more: str,
        organization: str | Sandbox | None = None,
        application: str | None = None,
        resource: str | None = None,
    ) -> Refusal | None:
        """What to tell the client if an operation of its request is not allowed; None where it is.

        Args:
            granted: from `access`.
            action: the name of an action that the operation is.
            more: further actions that it needs too; a challenge then names the scopes for all of them at once.
            organization: where it happens, for actions on organizations.
            application: where it happens, for actions on applications.
            resource: the URI of the resource as configured; None: the first one.

        Raises:
            ConfigurationError: the catalogue has no such action, or there is no such resource.
            InvalidValueError: the place is missing.
            UnavailableError: the directory did not answer.
        """
        for name in (action, *more):
            standing = self._standing(granted, name, organization, application)
            if not self._allows(granted.token, name, standing, application, granted.narrowed):
                return self._gate(resource).refused(granted, (action, *more))
        gate, now = self._gate(resource), self._clock()
        if any(map(gate.changes, (action, *more))) and gate.is_news(granted, now):
            self._touch(granted.token_id, now, wrote=True)
        return None

    def _standing(
        self, held: Held, action: str, organization: str | Sandbox | None, application: str | None
    ) -> Standing | None:
        """The standing at the place of an action, if it has one; the directory is asked once for a request."""
        place = self._place(action, organization, application)
        if place is None:
            return None
        known = reach.recalled(held, place)
        if known is None:
            known = self._directory.standing(held.user, organization=place[0], application=place[1])
            reach.remember(held, place, known)
        return known

    def challenge(self, refusal: Refusal) -> Challenge:
        """What to answer to a refused request (RFC 6750 section 3)."""
        return challenge(self.configuration, refusal)

    # What a token may do

    def check(
        self,
        held: Held,
        action: str,
        *,
        organization: str | Sandbox | None = None,
        application: str | None = None,
    ) -> bool:
        """Whether a token may do an action now (laws 1 and 2).

        Args:
            held: the `Access` of a request, or the `TokenView` of a page.
            action: the name of an action, such as ``Application.read``.
            organization: where it happens, for actions on organizations.
            application: where it happens, for actions on applications.

        Raises:
            ConfigurationError: the catalogue has no such action.
            InvalidValueError: the place is missing.
            UnavailableError: the directory did not answer.
        """
        standing = self._standing(held, action, organization, application)
        judged = self._subject(held)
        return reach.check(self.configuration, judged, action, standing, application)

    def explain(
        self,
        held: Held,
        action: str,
        *,
        organization: str | Sandbox | None = None,
        application: str | None = None,
    ) -> Explanation:
        """What `check` says, with every layer and limit, what would change it, and who may. Not for the client.

        Args and errors are those of `check`.
        """
        standing = self._standing(held, action, organization, application)
        judged = self._subject(held)
        return reach.explain(self.configuration, judged, action, standing, application)

    def reach(self, held: Held) -> Iterator[Reached]:
        """Every place where a token may do something now, with the actions open there, one by one.

        First what belongs to the user alone, then each organization and the sandbox, each followed by its applications.

        Args:
            held: the `Access` of a request, or the `TokenView` of a page.

        Raises:
            UnavailableError: the directory did not answer.
        """
        judged = self._subject(held)
        for spot in self._spots(held.user):
            found = reach.reached(self.configuration, judged, spot)
            if found.actions:
                yield found

    def reaching(self, organization: str) -> Iterator[tuple[TokenView, Reached]]:
        """Which tokens reach an organization now, and how far: the inverse of `reach`, member by member.

        Args:
            organization: its id.

        Raises:
            UnavailableError: the directory did not answer.
        """
        for user in self._each(lambda after: self._directory.members(organization, after=after)):
            membership = reach.membership(
                organization, self._directory.standing(user, organization=organization)
            )
            for view in self._each(lambda after: self.tokens(user, after=after)):  # noqa: B023 - read at once
                judged = self._subject(view)
                for spot in self._inside(user, membership):
                    found = reach.reached(self.configuration, judged, spot)
                    if found.actions:
                        yield view, found

    def preview(self, held: Held, change: WhatIf | None) -> Iterator[Compared]:
        """What a change would do to what a token may do, place by place; nothing is changed.

        Args:
            held: the `Access` of a request, or the `TokenView` of a page.
            change: of the user (`Recap`, `Pause`, `Resume`) or of the host (`MemberRole`, `NewCeiling`); None: none.

        Raises:
            UnavailableError: the directory did not answer.
        """
        comparison = reach.Comparison(self.configuration, self._subject(held), change)
        for spot in self._spots(held.user):
            yield comparison.at(spot)
        for compared in comparison.elsewhere():
            yield compared

    def organizations(self, held: Held, action: str) -> Iterator[Reached]:
        """The organizations (and the sandbox) in which a token may do an action now, for lists.

        Args:
            held: the `Access` of a request, or the `TokenView` of a page.
            action: the name of an action on organizations.

        Raises:
            ConfigurationError: the catalogue has no such action.
            InvalidValueError: the action is not one on organizations.
            UnavailableError: the directory did not answer.
        """
        judged = self._subject(held)
        if not reach.listed(self.configuration, judged, action, ORGANIZATION):
            return
        for membership in self._each(lambda after: self._directory.memberships(held.user, after=after)):
            found = reach.reached(self.configuration, judged, reach.in_organization(membership))
            if reach.includes(found, action, self.configuration):
                yield found

    def applications(
        self, held: Held, action: str, organization: str | Sandbox | None = None
    ) -> Iterator[Reached]:
        """The applications on which a token may do an action now, for lists.

        Args:
            held: the `Access` of a request, or the `TokenView` of a page.
            action: the name of an action on applications.
            organization: only those in this organization or in the sandbox; None: in all.

        Raises:
            ConfigurationError: the catalogue has no such action.
            InvalidValueError: the action is not one on applications.
            UnavailableError: the directory did not answer.
        """
        judged = self._subject(held)
        if not reach.listed(self.configuration, judged, action, APPLICATION):
            return
        for spot in self._spots(held.user, organization):
            found = reach.reached(self.configuration, judged, spot)
            if reach.includes(found, action, self.configuration):
                yield found

    def _subject(self, held: Held) -> Subject:
        """A token as it is judged; the account of a request's user was looked at when the request came."""
        account = None if reach.is_of_request(held) else self._directory.account(held.user)
        return reach.subject(held, account)

    def _spots(self, user: str, organization: str | Sandbox | None = None) -> Iterator[Spot]:
        """The places of a user, or those in one organization, as the directory lists them."""
        if organization is None:
            yield reach.ALONE
            for membership in self._each(lambda after: self._directory.memberships(user, after=after)):
                for spot in self._inside(user, membership):
                    yield spot
        else:
            standing = self._directory.standing(user, organization=organization)
            for spot in self._inside(user, reach.membership(organization, standing)):
                yield spot

    def _inside(self, user: str, membership: Membership) -> Iterator[Spot]:
        yield reach.in_organization(membership)
        for application in membership.applications.values():
            yield reach.in_application(membership, application)
        if not membership.applications:
            owner = membership.organization
            for application in self._each(
                lambda after: self._directory.applications(user, owner, after=after)
            ):
                yield reach.in_application(membership, application)

    def _each(self, read: Callable[[str | None], Page[T]]) -> Iterator[T]:
        """All of a list, page by page."""
        page = read(None)
        while True:
            for item in page.items:
                yield item
            if page.after is None:
                return
            page = read(page.after)

    # What users do with their tokens

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

    # What the host does, with one token or with many

    def revoke_token(self, token_id: str, *, reason: str = RevocationReason.HOST.value) -> TokenView:
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
            record = self._store.token(self._realm, token_id)
            decision = bulk.revoke(self.configuration, record, Revoke(reason), now=self._clock())
            if self._committed(decision.changes):
                return decision.outcome
        raise ContentionError

    def cut_out(self, organization: str, token_id: str, *, out: bool = True) -> TokenView:
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
            record = self._store.token(self._realm, token_id)
            decision = bulk.cut(self.configuration, record, Cut(organization, out), now=self._clock())
            if self._committed(decision.changes):
                return decision.outcome
        raise ContentionError

    def revoke_all(
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
        return self._through(selection, Revoke(reason), limit)

    def pause_all(
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
        return self._through(selection, Switch(active, reason), limit)

    def delete_all(self, user: str, *, limit: int | None = None) -> Batch:
        """Delete every token of a user; see `revoke_all` and `delete`."""
        return self._through(Selection(user=user), Delete(), limit)

    def cut_out_all(
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
        for owner in self._members(organization, user):
            left = None if limit is None else limit - changed
            batch = self._through(Selection(user=owner), Cut(organization, out), left)
            changed += batch.changed
            if not batch.finished:
                return Batch(changed, finished=False)
        return Batch(changed, finished=True)

    def _members(self, organization: str, user: str | None) -> Iterator[str]:
        if user is not None:
            yield user
            return
        for member in self._each(lambda after: self._directory.members(organization, after=after)):
            yield member

    def _through(self, selection: Selection, deed: Deed, limit: int | None) -> Batch:
        changed = 0
        for token_id in self._selected(selection):
            if bulk.is_full(changed, limit):
                return Batch(changed, finished=False)
            changed += self._act(token_id, deed)
        return Batch(changed, finished=True)

    def _selected(self, selection: Selection) -> Iterator[str]:
        """The ids of the tokens that are meant; of those that reach an organization, again for each place in it."""
        if selection.organization is None:
            for token in self._each(
                lambda after: self._store.tokens(self._realm, selection.query, after=after, limit=PAGE)
            ):
                yield token.id
        else:
            for seen, _ in self.reaching(selection.organization):
                if selection.includes(seen):
                    yield seen.token.id

    def _act(self, token_id: str, deed: Deed) -> int:
        """Do a deed to a token, and say whether that changed it: 1 or 0."""
        for _ in range(ATTEMPTS):
            record = self._store.token(self._realm, token_id)
            decision = bulk.act(self.configuration, record, deed, now=self._clock())
            if self._committed(decision.changes):
                return 1 if decision.changes else 0
        raise ContentionError

    def forget_user(self, user: str, *, limit: int | None = None) -> Batch:
        """Delete every token of a user, disown and disable the clients they registered, and erase their history.

        Args:
            user: who is to be forgotten.
            limit: how many tokens to delete at most; None: all. The rest is done once no token is left.

        Raises:
            UnavailableError: the loop was interrupted; start it again.
        """
        batch = self.delete_all(user, limit=limit)
        if not batch.finished:
            return batch
        for client in self._each(
            lambda after: self._store.clients(self._realm, owner=user, after=after, limit=PAGE)
        ):
            if not self._committed(bulk.disowned(client, now=self._clock()).changes):
                raise ContentionError
        while self._store.sweep(self._realm, sweep.forgetting(user), limit=PAGE):
            pass
        return batch

    # Housekeeping

    def sweep(self, limit: int = 1000) -> int:
        """Free at most ``limit`` rows of what is long dead, and say how many were freed.

        Call it now and then, and again at once while it frees ``limit`` rows.
        """
        cutoffs = sweep.cutoffs(self.configuration, now=self._clock())
        return self._store.sweep(self._realm, cutoffs, limit=limit)
