"""The JSON API of a user's tokens: its paths and methods, and what it answers where there is no operation."""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from attrs import frozen

from scopegate.errors import ConfigurationError
from scopegate.flows import metadata
from scopegate.flows.configuration import Configuration
from scopegate.web.messages import ANY_ORIGIN, Headers, Request, Response
from scopegate.web.operations import document_response
from scopegate.web.steps import Answer
from scopegate.web.token_answers import Account, problem
from scopegate.web.token_document import token_document
from scopegate.web.token_operations import TOKEN_OPERATIONS, TokenOperation

LIST: Final = "/oauth-tokens"
DOCUMENT: Final = "/openapi.json"
MAXIMUM_BODY: Final = 2**20
PREFERRED: Final = ("userOauthTokens.get", "userOauthToken.get")
"""The actions that reading the list and one token are, in a catalogue that names them."""
PREFLIGHT: Final[Headers] = (
    *ANY_ORIGIN,
    ("Access-Control-Allow-Methods", "GET, HEAD"),
    ("Access-Control-Allow-Headers", "Authorization"),
    ("Access-Control-Max-Age", "86400"),
)
"""Pages of other origins may read by a bearer token, and nothing else."""
MESSAGES: Final[Mapping[int, str]] = {
    400: "the request ended before its body did",
    404: "nothing is served at this address",
    405: "this method is not allowed here",
    413: "the body is too long",
    414: "the query is too long",
}

Responder: TypeAlias = Callable[[Request], Answer]


@frozen
class TokenApi:
    """The API at its place.

    Args:
        account: what the operations need to know; its base is the path of the list.
        document: the description of the API.
    """

    account: Account
    document: metadata.Document

    def serves(self, path: str) -> bool:
        """Whether a path belongs to the API: the list, and whatever is beneath it."""
        base = self.account.base
        return path.startswith(base) and path[len(base) : len(base) + 1] in {"", "/"}

    def find(self, method: str, path: str) -> Responder:
        """What answers a request to a path that it serves."""
        rest = path[len(self.account.base) :]
        if rest == DOCUMENT:
            return self._responder(method, {"GET": lambda request: document_response(request, self.document)})
        if rest == "/" or rest.count("/") > 1:
            return lambda _: self.refuse(404)
        operations = [each for each in TOKEN_OPERATIONS if each.is_of_one == bool(rest)]
        return self._responder(method, {each.http_method: self._starting(each) for each in operations})

    def _starting(self, operation: TokenOperation) -> Responder:
        return lambda request: operation.start(self.account, request)

    def _responder(self, method: str, known: Mapping[str, Responder]) -> Responder:
        found = known.get("GET" if method == "HEAD" else method)
        if found is not None:
            return found
        allow = ("Allow", ", ".join(("GET", "HEAD", *(each for each in known if each != "GET"), "OPTIONS")))
        if method == "OPTIONS":
            return lambda _: Response(204, (allow, *PREFLIGHT))
        return lambda _: self.refuse(405, (allow,))

    def refuse(self, status: int, headers: Headers = ()) -> Response:
        """The answer to what is no request of any operation (GEN-8)."""
        return problem(status, MESSAGES[status], headers=headers)


def token_api(configuration: Configuration, prefix: str, read_action: str | None = None) -> TokenApi:
    """The API of a server.

    Args:
        configuration: of the server.
        prefix: the path above the list, such as ``/me``.
        read_action: what a bearer token must cover to read; None: ``userOauthTokens.get`` for the list and
            ``userOauthToken.get`` for one token where the catalogue has them, else reading what is the user's.

    Raises:
        ConfigurationError: the prefix is no path, or the action is not there or not one on the user's own.
    """
    if (prefix and not prefix.startswith("/")) or prefix.endswith("/") or set(prefix) & set("?#%{} "):
        msg = f"account_prefix {prefix!r}: write a path such as /me, without a final slash, or None"
        raise ConfigurationError(msg)
    if read_action is not None and configuration.catalogue.rule(read_action).has_place:
        msg = f"account_action {read_action!r} is judged at a place; name one on what is the user's own"
        raise ConfigurationError(msg)
    list_action, token_action = (
        read_action or _usual_action(configuration, preferred) for preferred in PREFERRED
    )
    base = urlsplit(configuration.issuer).path + prefix + LIST
    account = Account(configuration, base, list_action, token_action)
    return TokenApi(account, metadata.document(token_document(account, prefix + LIST, DOCUMENT)))


def _usual_action(configuration: Configuration, preferred: str) -> str | None:
    """The action that reading is, where the host named none: one of its own, or to read on the user's level."""
    catalogue = configuration.catalogue
    if preferred in catalogue.rules and not catalogue.rules[preferred].has_place:
        return preferred
    return next((f"{level.name}.read" for level in catalogue.levels if level.target == "user"), None)
