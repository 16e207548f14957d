"""The closed set of answers to a browser or a client."""

from typing import Literal, TypeAlias

from attrs import field, frozen

from scopegate.core.caps import RoleCap
from scopegate.core.clients import Client
from scopegate.core.permissions import Evaluator, proposed
from scopegate.core.redirects import RedirectUri
from scopegate.core.roles import Role, RoleLadder
from scopegate.core.sentences import Sentence
from scopegate.core.standing import Account, Membership
from scopegate.profiles import NewOrganizations

Problem = Literal[
    "unknown_client",
    "bad_redirect_uri",
    "repeated_parameter",
    "expired_transaction",
    "wrong_user",
    "cross_site",
    "already_decided",
    "sign_in_required",
    "bad_request",
]


@frozen
class SignedIn:
    """Who is at the browser, as the host knows them.

    Args:
        user: the host's stable id of the user.
        session: changes with each sign-in; ties forms to it. None: our own cookie stands in for it.
    """

    user: str
    session: str | None = None


@frozen
class ErrorPage:
    """A page of our own: nothing may be redirected (RED-6)."""

    problem: Problem
    status: int = 400


@frozen
class SignInFirst:
    """Send the browser to the host's sign-in and back here; nothing goes to the client before (law 6)."""


@frozen
class Redirect:
    """Send the browser to the client.

    Args:
        uri: the validated redirection URI.
        parameters: what to add to its query.
        client_name: for a page that says where one goes.
    """

    uri: RedirectUri
    parameters: tuple[tuple[str, str], ...] = field(repr=False)
    client_name: str = ""

    @property
    def location(self) -> str:
        """The address."""
        return self.uri.with_parameters(self.parameters)


@frozen(kw_only=True)
class ConsentPrompt:
    """Everything that the consent page says.

    Args:
        transaction: the sealed transaction; the form carries it back.
        product: the name of the host's product.
        client: who asks.
        redirect: where the person returns to.
        account: who is signed in.
        sentences: the requested scopes in words.
        resources: the protected resources it is for, as URIs.
        evaluator: judges what the choice would mean; it has the ladder.
        cap: the limit as chosen so far; at first the default is the least role.
        places: the organizations and the sandbox of this user, with the live role in each.
        more_places: there are more than fit on the page; they follow the default.
        new_organizations: what it gets in organizations joined later: the ``default`` role, or ``none``.
        lifetimes: lives that can be chosen besides the longest, in seconds.
        longest: the longest life, in seconds; None: it does not end.
        lifetime: the life as chosen so far; None: the longest.
        expires_at: POSIX seconds at which the token will expire with this choice; None: never.
        existing: how many tokens this user has for this client already.
        name: what the token would be called.
        errors: (field, problem) pairs to mend; the fields are ``default``, ``sandbox``, ``organizations[<id>]`` and
            ``lifetime``.
        status: HTTP status of the page.
    """

    transaction: str = field(repr=False)
    product: str
    client: Client
    redirect: RedirectUri
    account: Account
    sentences: tuple[Sentence, ...]
    resources: tuple[str, ...]
    evaluator: Evaluator = field(repr=False, eq=False)
    cap: RoleCap
    places: tuple[Membership, ...]
    more_places: bool = False
    new_organizations: NewOrganizations = "default"
    lifetimes: tuple[float, ...] = ()
    longest: float | None = None
    lifetime: float | None = None
    expires_at: float | None = None
    existing: int = 0
    name: str = ""
    errors: tuple[tuple[str, str], ...] = ()
    status: int = 200

    @property
    def roles(self) -> RoleLadder:
        """The ladder, ``none`` first."""
        return self.evaluator.catalogue.roles

    def role_at(self, place: Membership) -> Role:
        """The role that the choice would give in a place, now."""
        token = proposed(self.cap, self.client.id)
        return self.roles.roles[self.evaluator.rank(token, place.standing())]


@frozen
class OAuthFailure:
    """An error for a client, as JSON (RFC 6749 section 5.2).

    Args:
        code: the registered error code.
        description: ASCII text for its developer.
        status: the HTTP status.
        basic: whether a ``WWW-Authenticate: Basic`` challenge belongs to it (CA-5).
        retry_after: seconds to wait, for 429.
    """

    code: str
    description: str = ""
    status: int = 400
    basic: bool = False
    retry_after: float | None = None


@frozen(slots=False)
class TokenReply:
    """A successful token response: the JSON body, ready to send (TOK-1 to TOK-3)."""

    body: bytes = field(repr=False)


@frozen
class Done:
    """It is done, and there is nothing to say."""


@frozen
class Registered:
    """A successful registration: the JSON document (RFC 7591 section 3.2.1)."""

    client: Client
    document: dict[str, object] = field(repr=False)


AuthorizeOutcome: TypeAlias = ErrorPage | SignInFirst | Redirect | ConsentPrompt
TokenOutcome: TypeAlias = TokenReply | OAuthFailure
RevokeOutcome: TypeAlias = Done | OAuthFailure
RegisterOutcome: TypeAlias = Registered | OAuthFailure
