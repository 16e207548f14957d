"""The operations of the JSON API of a user's tokens, as a table: who may call, what is called, what is answered."""

import re
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from attrs import evolve, frozen

from scopegate.errors import InvalidValueError, StaleVersionError
from scopegate.flows.access import NO_CREDENTIALS, TWO_CREDENTIALS, Access, Refusal
from scopegate.flows.listing import Found
from scopegate.flows.manage import TokenView
from scopegate.flows.outcomes import SignedIn
from scopegate.web import token_lists
from scopegate.web.forms import document, is_json
from scopegate.web.messages import NO_STORE, Headers, Request, Response
from scopegate.web.operations import origin_of
from scopegate.web.steps import Answer, Refusing, Step, with_headers
from scopegate.web.token_answers import Account, content, failure, problem, refused, shown, unavailable
from scopegate.web.token_changes import Changes, read_changes

ATTEMPTS: Final = 3
OPEN: Final[Headers] = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", "ETag, Retry-After, WWW-Authenticate"),
)
"""For answers that a bearer token got: pages of any origin may read them, as with any protected route (RS-12)."""

_TAG: Final = re.compile(r'(W/)?"([^"]*)"')
_NO_VERSION: Final = 0


Start: TypeAlias = Callable[[Account, Request], Answer]
Go: TypeAlias = Callable[[str], Answer]
"""What is done for a user, once it is known who it is."""


@frozen(kw_only=True)
class TokenOperation:
    """One operation.

    Args:
        name: its name in the description of the API.
        http_method: the method it answers; that of GET answers HEAD too.
        is_of_one: whether it is about one token, and not about the list.
        summary: what it does, in a sentence.
        start: the request in; the first step, or what answers it at once.
        answers: the HTTP statuses that it answers with.
        bearer: whether an access token may call it.
    """

    name: str
    http_method: str
    is_of_one: bool
    summary: str
    start: Start
    answers: tuple[int, ...]
    bearer: bool = False


# Who asks


def _bearers(request: Request) -> bool:
    """Whether a bearer token is among the credentials; several headers may have been joined to one."""
    parts = request.headers.get("authorization", "").split(",")
    return any(part.strip().partition(" ")[0].lower() == "bearer" for part in parts)


def _as_user(account: Account, go: Go, signed_out: Callable[[], Response]) -> Step:
    """Ask the host who is signed in."""

    def known(answer: SignedIn | str | None) -> Answer:
        if answer is None:
            return signed_out()
        return go(answer if isinstance(answer, str) else answer.user)

    return Step("current_user", known, lambda error: failure(account, error))


def _reading(account: Account, request: Request, action: str | None, go: Go) -> Answer:
    """By an access token, if there is one, else by the host's session.

    A token counts even beside a session, which then is not even looked at: browsers send cookies along without being
    asked to, and what a program asks for by its token must not be more than the token can do.
    """
    if "authorization" in request.repeated:
        return refused(account, TWO_CREDENTIALS)
    if _bearers(request):
        return with_headers(_as_bearer(account, request, action, go), OPEN)
    return _as_user(account, go, lambda: _signed_out(account, action))


def _signed_out(account: Account, action: str | None) -> Response:
    """Neither a session nor a token: the challenge names what a token would need."""
    needed = None if action is None else account.catalogue.needed([account.catalogue.rule(action)])
    return refused(account, evolve(NO_CREDENTIALS, scopes=needed or ()))


def _as_bearer(account: Account, request: Request, action: str | None, go: Go) -> Answer:
    if action is None:
        return problem(403, "no access token can read this: the catalogue has no action for it")

    def judged(outcome: Access | Refusal) -> Answer:
        return refused(account, outcome) if isinstance(outcome, Refusal) else go(outcome.user)

    return Step(
        "access",
        judged,
        lambda error: failure(account, error),
        (request.headers.get("authorization"), action),
    )


def _changing(account: Account, request: Request, go: Go) -> Answer:
    """By the host's session alone, and from a page of the issuer's origin: a token never changes tokens."""
    if _bearers(request) or "authorization" in request.repeated:
        return problem(403, "an access token can neither change nor delete tokens; the user can, signed in")
    if not _is_same_origin(account, request):
        return problem(
            403, "send this from a page of the server's own origin: Sec-Fetch-Site or Origin says so"
        )
    return _as_user(account, go, lambda: problem(401, "nobody is signed in"))


def _is_same_origin(account: Account, request: Request) -> bool:
    """Whether a page of the issuer's origin sent it, as the browser tells; who tells nothing is refused."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    return request.headers.get("origin") == origin_of(account.configuration.issuer)


def _versions(request: Request) -> Sequence[int] | None:
    """The versions of ``If-Match``; a tag that is weak or not ours is that of none. None: any version will do.

    Raises:
        InvalidValueError: it cannot be read.
    """
    given = request.headers.get("if-match")
    if given is None:
        return None
    if given.strip() == "*" and "if-match" not in request.repeated:
        return None
    found = [_TAG.fullmatch(each.strip()) for each in given.split(",")]
    if not all(found) or "if-match" in request.repeated:
        raise InvalidValueError("If-Match", 'write the ETag of the token, such as "1", or *')
    strong = [each[2] for each in found if each is not None and each[1] is None]
    return [int(each) for each in strong if re.fullmatch("[0-9]{1,9}", each)]


# What is done


def list_tokens(account: Account, request: Request) -> Answer:
    """The user's tokens."""

    def find(user: str) -> Answer:
        wanted = token_lists.read_query(request.query)

        def found(outcome: Found) -> Answer:
            return content(200, wanted.answer(outcome, account.catalogue))

        def failed(error: Refusing) -> Answer:
            return failure(account, error, token_lists.path)

        return Step("find_tokens", found, failed, (user, wanted.search))

    return _reading(account, request, account.list_action, find)


def get_token(account: Account, request: Request) -> Answer:
    """One token of the user."""

    def look(user: str) -> Answer:
        return _looked_at(account, user, account.token_id(request), lambda seen: shown(account, seen))

    return _reading(account, request, account.token_action, look)


def _looked_at(account: Account, user: str, token_id: str, then: Callable[[TokenView], Answer]) -> Step:
    return Step("token_detail", then, lambda error: failure(account, error), (user, token_id))


def change_token(account: Account, request: Request) -> Answer:
    """Change a token of the user."""

    def change(user: str) -> Answer:
        if not is_json(request):
            return problem(415, "send the changes as application/json")
        given = document(request)
        if given is None:
            raise InvalidValueError("", "the body is no JSON object that can be read")
        edit = _Edit(account, user, account.token_id(request), read_changes(given), _versions(request))
        return edit.begun(ATTEMPTS)

    return _changing(account, request, change)


@frozen
class _Edit:
    """Changes to one token: they are put together with what stands, and fail if that has changed meanwhile."""

    account: Account
    user: str
    token_id: str
    changes: Changes
    versions: Sequence[int] | None

    def begun(self, attempts: int) -> Answer:
        """Look at what stands now."""
        if not attempts:
            return unavailable()
        return _looked_at(self.account, self.user, self.token_id, lambda seen: self._decided(seen, attempts))

    def _decided(self, seen: TokenView, attempts: int) -> Answer:
        fits = self.versions is None or seen.version in self.versions
        if self.changes.are_none and fits:
            return shown(self.account, seen)
        cap = self.changes.cap(seen.token.settings.cap, self.account.catalogue.roles)
        expected = None if cap is None and self.versions is None else seen.version
        return Step(
            "edit",
            lambda changed: shown(self.account, changed),
            lambda error: self._failed(error, attempts),
            (self.user, self.token_id),
            {
                "name": self.changes.name,
                "description": self.changes.description,
                "cap": cap,
                "active": self.changes.active,
                "expected_version": expected if fits else _NO_VERSION,
            },
        )

    def _failed(self, error: Refusing, attempts: int) -> Answer:
        if isinstance(error, StaleVersionError) and self.versions is None:
            return self.begun(attempts - 1)
        roles = self.account.catalogue.roles
        return failure(self.account, error, lambda name: self.changes.path(name, roles))


def delete_token(account: Account, request: Request) -> Answer:
    """Delete a token of the user."""

    def delete(user: str) -> Answer:
        token_id, versions = account.token_id(request), _versions(request)

        def failed(error: Refusing) -> Answer:
            return failure(account, error)

        step = Step("delete", lambda _: Response(204, NO_STORE), failed, (user, token_id))
        if versions is None:
            return step

        def checked(seen: TokenView) -> Answer:
            return step if seen.version in versions else failed(StaleVersionError(seen.version, {}))

        return _looked_at(account, user, token_id, checked)

    return _changing(account, request, delete)


TOKEN_OPERATIONS: Final = (
    TokenOperation(
        name="listTokens",
        http_method="GET",
        is_of_one=False,
        summary="List the tokens of the user.",
        start=list_tokens,
        answers=(200, 400, 401, 403, 413, 414, 503),
        bearer=True,
    ),
    TokenOperation(
        name="getToken",
        http_method="GET",
        is_of_one=True,
        summary="Show one token.",
        start=get_token,
        answers=(200, 400, 401, 403, 404, 413, 414, 503),
        bearer=True,
    ),
    TokenOperation(
        name="changeToken",
        http_method="PATCH",
        is_of_one=True,
        summary="Rename, describe, limit, pause or resume a token.",
        start=change_token,
        answers=(200, 400, 401, 403, 404, 409, 412, 413, 414, 415, 503),
    ),
    TokenOperation(
        name="deleteToken",
        http_method="DELETE",
        is_of_one=True,
        summary="Delete a token; whatever was given out for it ends at once.",
        start=delete_token,
        answers=(204, 400, 401, 403, 404, 412, 413, 414, 503),
    ),
)
