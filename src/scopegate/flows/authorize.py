"""The authorization request: client and redirection URI first, sign-in before any redirect, then the rest (AZ rows)."""

import re
from typing import Final

from attrs import frozen

from scopegate.core.clients import Client
from scopegate.core.redirects import RedirectUri, match
from scopegate.errors import OAuthError
from scopegate.flows.configuration import Configuration, canonical
from scopegate.flows.engine import AuthorizationCheck, FatalError
from scopegate.flows.outcomes import ErrorPage, Redirect, SignedIn, SignInFirst
from scopegate.flows.requests import Parameters

CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
MAXIMUM_RESOURCES: Final = 10


@frozen(kw_only=True)
class ValidRequest:
    """An authorization request of somebody signed in, in which everything was found good."""

    signed_in: SignedIn
    client: Client
    redirect: RedirectUri
    state: str | None
    scopes: tuple[str, ...]
    resources: tuple[str, ...]
    challenge: str


def client_key(parameters: Parameters) -> str | None:
    """The client to read: the one ``client_id`` that was sent."""
    return parameters.get("client_id")


def check(
    config: Configuration, parameters: Parameters, client: Client | None, signed_in: SignedIn | None
) -> ErrorPage | SignInFirst | Redirect | ValidRequest:
    """Judge an authorization request.

    Args:
        config: the server's configuration.
        parameters: the query.
        client: the client that `client_key` names, if there is one.
        signed_in: who is at the browser.
    """
    if parameters.repeated & {"client_id", "redirect_uri"}:
        return ErrorPage("repeated_parameter")
    if client is None or client.disabled:
        return ErrorPage("unknown_client")
    redirect = match(client.redirect_uris, parameters.get("redirect_uri"))
    checked = _engine_check(config, parameters, client, redirect)
    problem: OAuthError | None = None
    try:
        config.engine.authorization(checked)
        resources = granted_resources(config, parameters.resources)
    except FatalError:
        return ErrorPage("bad_redirect_uri")
    except OAuthError as error:
        problem, resources = error, ()
    if redirect is None:
        return ErrorPage("bad_redirect_uri")
    if signed_in is None:
        return SignInFirst()
    if problem is not None:
        return error_redirect(config, redirect, parameters.get("state"), problem, client_name=client.name)
    return ValidRequest(
        signed_in=signed_in,
        client=client,
        redirect=redirect,
        state=parameters.get("state"),
        scopes=tuple(dict.fromkeys(checked.scopes or ())),
        resources=resources,
        challenge=checked.code_challenge or "",
    )


def _engine_check(
    config: Configuration, parameters: Parameters, client: Client, redirect: RedirectUri | None
) -> AuthorizationCheck:
    scope = parameters.get("scope")
    offered = config.catalogue.offered
    own = None if client.scopes is None else config.catalogue.current(client.scopes)
    allowed = offered if own is None else [name for name in own if name in offered]
    first = next(
        (known for known in granted_or_default(config, parameters.resources)), config.resources[0].uri
    )
    return AuthorizationCheck(
        client_id=client.id,
        redirect_uri=parameters.get("redirect_uri"),
        response_type=parameters.get("response_type"),
        scope=None if scope is None else " ".join(config.catalogue.current(filter(None, scope.split(" ")))),
        code_challenge=parameters.get("code_challenge"),
        code_challenge_method=parameters.get("code_challenge_method"),
        known_client=client,
        matched=redirect,
        allowed_scopes=frozenset(allowed),
        default_scopes=tuple(name for name in config.resource(first).scopes if name in allowed),
        problem=_problem(parameters),
    )


def _problem(parameters: Parameters) -> OAuthError | None:
    """What the engine does not look for."""
    if parameters.clashing:
        return OAuthError("invalid_request", "a parameter is sent more than once")
    if parameters.get("request") is not None:
        return OAuthError("request_not_supported", "request objects are not supported")
    if parameters.get("request_uri") is not None:
        return OAuthError("request_uri_not_supported", "request_uri is not supported")
    response_type = parameters.get("response_type")
    if response_type is not None and response_type != "code":
        return OAuthError("unsupported_response_type", "response_type must be code")
    if parameters.get("response_mode") not in {None, "query"}:
        return OAuthError("invalid_request", "response_mode must be query")
    challenge = parameters.get("code_challenge")
    if challenge is not None and not CHALLENGE.fullmatch(challenge):
        return OAuthError("invalid_request", "code_challenge must be 43 characters of base64url (S256)")
    if "none" in (parameters.get("prompt") or "").split():
        return OAuthError("consent_required", "the user must be asked")
    return None


def granted_or_default(config: Configuration, asked: tuple[str, ...]) -> tuple[str, ...]:
    """The known ones of the resources asked for, as configured; the first configured one when none is asked."""
    found = dict.fromkeys(
        known for uri in asked if (known := config.audiences.get(canonical(uri))) is not None
    )
    return tuple(found) if asked else (config.resources[0].uri,)


def granted_resources(config: Configuration, asked: tuple[str, ...]) -> tuple[str, ...]:
    """The resources asked for, as configured (AZ-8, AZ-9).

    Raises:
        OAuthError: ``invalid_target``: one is unknown, or there are too many.
    """
    if len(asked) > MAXIMUM_RESOURCES or any(config.audiences.get(canonical(uri)) is None for uri in asked):
        raise OAuthError("invalid_target", "a resource is not one of this server's")
    return granted_or_default(config, asked)


def error_redirect(
    config: Configuration, redirect: RedirectUri, state: str | None, error: OAuthError, *, client_name: str
) -> Redirect:
    """An error for the client, with ``state`` and ``iss`` (RFC 9207 section 2)."""
    parameters = [("error", error.code)]
    if error.description:
        parameters.append(("error_description", error.description))
    return answer(config, redirect, state, parameters, client_name=client_name)


def answer(
    config: Configuration,
    redirect: RedirectUri,
    state: str | None,
    parameters: list[tuple[str, str]],
    *,
    client_name: str,
) -> Redirect:
    """An authorization response: ``state`` as it came, ``iss`` byte for byte (RSP-1, RSP-2)."""
    if state is not None:
        parameters.append(("state", state))
    parameters.append(("iss", config.issuer))
    return Redirect(redirect, tuple(parameters), client_name)
