"""The consent transaction: what the page shows, and what the user's decision does (CON rows)."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from scopegate.core.caps import RoleCap, validate_cap
from scopegate.core.changes import AddCredential, AppendEvent, CreateToken, DeleteToken
from scopegate.core.clients import Client
from scopegate.core.credentials import Credential, CredentialKind, Entropy, digest, new_id, wire
from scopegate.core.events import Event, EventKind
from scopegate.core.names import token_name
from scopegate.core.records import Page, TokenQuery, TokenRecord
from scopegate.core.redirects import match
from scopegate.core.sentences import describe
from scopegate.core.standing import Account, Membership
from scopegate.core.tokens import Settings, Token
from scopegate.errors import InvalidValueError, OAuthError
from scopegate.flows.authorize import ValidRequest, answer, error_redirect
from scopegate.flows.configuration import Configuration
from scopegate.flows.decision import Decision
from scopegate.flows.outcomes import (
    AuthorizeOutcome,
    ConsentPrompt,
    ErrorPage,
    Redirect,
    SignedIn,
    SignInFirst,
)
from scopegate.flows.requests import ConsentForm

if TYPE_CHECKING:
    from scopegate.flows.sealing import Opened


@frozen(kw_only=True)
class Transaction:
    """A consent page that was shown: who saw it, for what, until when, and the token that it may become.

    ``key`` is the sealing key that sealed it; the code follows from it.
    """

    token_id: str
    user: str
    session: str
    expires_at: float
    client_id: str
    redirect_uri: str
    state: str | None
    scopes: tuple[str, ...]
    resources: tuple[str, ...]
    challenge: str
    key: bytes = field(default=b"", repr=False)


def begin(config: Configuration, request: ValidRequest, *, now: float, entropy: Entropy) -> Transaction:
    """A transaction for a valid request. Nothing is stored (AZ-14)."""
    return Transaction(
        token_id=new_id(entropy),
        user=request.signed_in.user,
        session=request.signed_in.session or "",
        expires_at=now + config.profile.transaction_lifetime,
        client_id=request.client.id,
        redirect_uri=request.redirect.uri,
        state=request.state,
        scopes=request.scopes,
        resources=request.resources,
        challenge=request.challenge,
    )


def purpose(config: Configuration) -> str:
    """What a transaction is sealed for: one server, so that none of another opens here under a shared key."""
    return f"consent transaction of {config.realm} at {config.issuer}"


def seal(config: Configuration, transaction: Transaction, entropy: Entropy) -> str:
    """The transaction as the form carries it; it can be neither read nor altered (AZ-15)."""
    payload = [
        transaction.token_id,
        transaction.user,
        transaction.session,
        transaction.expires_at,
        transaction.client_id,
        transaction.redirect_uri,
        transaction.state,
        transaction.scopes,
        transaction.resources,
        transaction.challenge,
    ]
    return config.sealer.seal(purpose(config), json.dumps(payload).encode(), entropy)


def _unsealed(opened: "Opened") -> Transaction:
    token_id, user, session, expires_at, client_id, redirect_uri, state, scopes, resources, challenge = (
        json.loads(opened.payload)
    )
    return Transaction(
        token_id=token_id,
        user=user,
        session=session,
        expires_at=expires_at,
        client_id=client_id,
        redirect_uri=redirect_uri,
        state=state,
        scopes=tuple(scopes),
        resources=tuple(resources),
        challenge=challenge,
        key=opened.key,
    )


def resume(
    config: Configuration, form: ConsentForm, signed_in: SignedIn | None, *, now: float
) -> Transaction | ErrorPage | SignInFirst:
    """The transaction that a form belongs to, if it is this user's and session's, and still valid (CON-2 to CON-4)."""
    opened = config.sealer.open(purpose(config), form.transaction)
    if opened is None:
        return ErrorPage("expired_transaction")
    transaction = _unsealed(opened)
    if signed_in is None:
        return ErrorPage("sign_in_required", 403)
    if transaction.user != signed_in.user or transaction.session != (signed_in.session or ""):
        return ErrorPage("wrong_user", 403)
    known = set(config.audiences.values())
    stands = known >= set(transaction.resources) and config.catalogue.offered.keys() >= set(
        transaction.scopes
    )
    return transaction if stands and now < transaction.expires_at else ErrorPage("expired_transaction")


def prompt(
    config: Configuration,
    transaction: Transaction,
    sealed: str,
    *,
    client: Client | None,
    account: Account | None,
    places: Page[Membership],
    siblings: Sequence[Token],
    now: float,
) -> ConsentPrompt | ErrorPage:
    """What the page shows at first: the least role preselected, no override."""
    if client is None or client.disabled:
        return ErrorPage("unknown_client")
    redirect = match(client.redirect_uris, transaction.redirect_uri)
    if redirect is None:
        return ErrorPage("bad_redirect_uri")
    if client.scopes is not None and not set(config.catalogue.current(client.scopes)).issuperset(
        transaction.scopes
    ):
        return ErrorPage("expired_transaction")
    if account is None or not account.enabled:
        return ErrorPage("sign_in_required", 403)
    lifetime = config.profile.token_lifetime
    others = [token.settings.name for token in siblings if token.id != transaction.token_id]
    return ConsentPrompt(
        transaction=sealed,
        product=config.product,
        client=client,
        redirect=redirect,
        account=account,
        sentences=tuple(describe(config.catalogue, name) for name in transaction.scopes),
        resources=transaction.resources,
        evaluator=config.evaluator,
        cap=RoleCap(config.catalogue.roles.least.name, known=_known(config, places.items)),
        places=tuple(places.items),
        more_places=places.after is not None,
        new_organizations=config.profile.new_organizations,
        lifetimes=config.profile.lifetimes,
        longest=lifetime,
        expires_at=_end(lifetime, now),
        existing=len(others),
        name=token_name(client.name, others),
    )


def _known(config: Configuration, places: Sequence[Membership]) -> frozenset[str] | None:
    """The organizations that a default speaks for: those on the page, where later ones are to stay closed."""
    if config.profile.new_organizations == "default":
        return None
    return frozenset(place.organization for place in places if isinstance(place.organization, str))


def chosen_cap(config: Configuration, form: ConsentForm, places: Sequence[Membership]) -> RoleCap:
    """The cap that a form asks for, on a page that shows these places.

    Raises:
        InvalidValueError: a role in it is not one of the ladder's, or a place is not on the page.
    """
    shown = {place.organization for place in places}
    for organization in form.organizations:
        if organization not in shown:
            raise InvalidValueError(
                f"organizations[{organization}]", "you are no longer in this organization"
            )
    cap = RoleCap(
        form.default,
        {organization: role for organization, role in form.organizations.items() if role},
        form.sandbox or None,
        known=_known(config, places),
    )
    return validate_cap(config.catalogue.roles, cap)


def decide(
    config: Configuration,
    transaction: Transaction,
    form: ConsentForm,
    shown: ConsentPrompt,
    *,
    record: TokenRecord | None,
    history: Sequence[Event],
    now: float,
    entropy: Entropy,
) -> Decision[AuthorizeOutcome]:
    """What a decision does: approve gives a pending token and a code, deny stores nothing, preview shows again.

    Args:
        config: the server's configuration.
        transaction: from `resume`.
        form: what was sent.
        shown: the page as it would be shown now; its client is valid and its redirection URI matched again (CON-2).
        record: the token of this transaction, if the page was decided before.
        history: events of that token; they outlive it, so that a deleted one does not come back (CON-4).
        now: POSIX seconds.
        entropy: gives random bytes.
    """
    shown = _chosen(config, form, shown, now)
    match form.decision:
        case "approve" | "deny" if record is None and history:
            return Decision(ErrorPage("already_decided", 409))
        case "approve" if not shown.errors:
            return _approve(config, transaction, shown, record=record, now=now, entropy=entropy)
        case "deny":
            if record is not None:
                return Decision(ErrorPage("already_decided", 409))
            return Decision(_denied(config, transaction, shown))
        case _:
            return Decision(evolve(shown, status=400 if shown.errors else 200))


def _chosen(config: Configuration, form: ConsentForm, shown: ConsentPrompt, now: float) -> ConsentPrompt:
    """The page with what a form chose, and with what is wrong with that."""
    cap, lifetime, errors = shown.cap, shown.lifetime, list(shown.errors)
    try:
        cap = chosen_cap(config, form, shown.places)
    except InvalidValueError as error:
        errors.append((error.field, error.problem))
    try:
        lifetime = chosen_lifetime(config, form)
    except InvalidValueError as error:
        errors.append((error.field, error.problem))
    ends = _end(shown.longest if lifetime is None else lifetime, now)
    return evolve(shown, cap=cap, lifetime=lifetime, expires_at=ends, errors=tuple(errors))


def lifetime_text(lifetime: float) -> str:
    """A lifetime as the form says it: seconds in decimal digits."""
    return f"{lifetime:.15g}"


def chosen_lifetime(config: Configuration, form: ConsentForm) -> float | None:
    """The life that a form asks for, in seconds; None: the longest.

    Raises:
        InvalidValueError: it is none of those on the page.
    """
    offered = {lifetime_text(lifetime): lifetime for lifetime in config.profile.lifetimes}
    if form.lifetime and form.lifetime not in offered:
        raise InvalidValueError("lifetime", "choose one of those on the page")
    return offered.get(form.lifetime)


def _end(lifetime: float | None, now: float) -> float | None:
    return None if lifetime is None else now + lifetime


def _denied(config: Configuration, transaction: Transaction, shown: ConsentPrompt) -> Redirect:
    error = OAuthError("access_denied", "the user said no")
    return error_redirect(config, shown.redirect, transaction.state, error, client_name=shown.client.name)


def _approve(
    config: Configuration,
    transaction: Transaction,
    shown: ConsentPrompt,
    *,
    record: TokenRecord | None,
    now: float,
    entropy: Entropy,
) -> Decision[AuthorizeOutcome]:
    if record is not None:
        if not _is_same(record.token, transaction, shown):
            return Decision(ErrorPage("already_decided", 409))
        return Decision(_approved(config, transaction, shown, record.token.code_salt))
    token = _pending(config, transaction, shown, now=now, salt=new_id(entropy))
    credential = Credential(
        token_id=token.id,
        kind=CredentialKind.CODE,
        digest=digest(config.realm, CredentialKind.CODE, _code_secret(config, transaction, token.code_salt)),
        generation=0,
        created_at=now,
        expires_at=now + config.profile.code_lifetime,
        keep_until=now + config.profile.consumed_memory,
        challenge=transaction.challenge,
    )
    event = Event(
        kind=EventKind.AUTHORIZED,
        at=now,
        user=token.user,
        token_id=token.id,
        client_id=token.client_id,
        detail={"scopes": " ".join(token.scopes), "default": shown.cap.default},
    )
    return Decision(
        _approved(config, transaction, shown, token.code_salt),
        (CreateToken(token), AddCredential(credential), AppendEvent(event)),
    )


def _is_same(token: Token, transaction: Transaction, shown: ConsentPrompt) -> bool:
    """Whether a page that was decided is decided in the same way again, and the token is as it was born."""
    ends = _end(shown.longest if shown.lifetime is None else shown.lifetime, token.created_at)
    return (
        token.user == transaction.user
        and token.settings.cap == shown.cap
        and token.expires_at == ends
        and token.edition == 1
        and token.revoked_at is None
    )


def _pending(
    config: Configuration,
    transaction: Transaction,
    shown: ConsentPrompt,
    *,
    now: float,
    salt: str,
) -> Token:
    return Token(
        id=transaction.token_id,
        user=transaction.user,
        client_id=transaction.client_id,
        redirect_uri=transaction.redirect_uri,
        scopes=transaction.scopes,
        resources=transaction.resources,
        created_at=now,
        settings=Settings(name=shown.name, cap=shown.cap),
        expires_at=shown.expires_at,
        refreshable=shown.client.may_refresh,
        catalogue=config.catalogue.version,
        code_salt=salt,
    )


def _code_secret(config: Configuration, transaction: Transaction, salt: str) -> str:
    return config.sealer.derive(transaction.key, f"{config.realm} {transaction.token_id} {salt}")


def _approved(config: Configuration, transaction: Transaction, shown: ConsentPrompt, salt: str) -> Redirect:
    code = wire(CredentialKind.CODE, transaction.token_id, _code_secret(config, transaction, salt))
    return answer(config, shown.redirect, transaction.state, [("code", code)], client_name=shown.client.name)


def siblings_query(config: Configuration, transaction: Transaction, *, now: float) -> TokenQuery:
    """The tokens that this user has for this client already."""
    return TokenQuery(
        user=transaction.user,
        client_id=transaction.client_id,
        pending_after=now - config.profile.pending_lifetime,
    )


def pending_query(config: Configuration, transaction: Transaction, *, now: float) -> TokenQuery:
    """The tokens of this user that wait for their code to be redeemed."""
    return TokenQuery(
        user=transaction.user, pending=True, pending_after=now - config.profile.pending_lifetime
    )


def surplus(
    config: Configuration, transaction: Transaction, pending: Sequence[Token], *, now: float
) -> tuple[Decision[None], ...]:
    """One deletion for each pending token of a user above the limit, the oldest first (AZ-14).

    The one that was approved just now stays, whatever the clock says.
    """
    newest_first = sorted(
        pending,
        key=lambda token: (token.id == transaction.token_id, token.created_at, token.id),
        reverse=True,
    )
    return tuple(
        Decision(None, (DeleteToken(token.id, token.generation), AppendEvent(_dropped(token, now))))
        for token in reversed(newest_first[config.profile.pending_limit :])
    )


def _dropped(token: Token, now: float) -> Event:
    return Event(
        kind=EventKind.DELETED,
        at=now,
        user=token.user,
        token_id=token.id,
        client_id=token.client_id,
        detail={"reason": "too many pending"},
    )
