"""Turn any web app into an OAuth 2.1 authorization server whose tokens are capped by the person who approves them.

The values are loaded with the package; a server, with the flows behind it, when it is first named: who uses one of the
two does not pay for both.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

from scopegate import presets, profiles
from scopegate.core.caps import ApplicationCap, RoleCap
from scopegate.core.clients import AuthMethod, Client
from scopegate.core.permissions import Explanation, Layer
from scopegate.core.roles import Role, RoleLadder
from scopegate.core.scopes import AccessClass, Action, Catalogue, Level
from scopegate.core.standing import SANDBOX, Account, Application, Membership, Organization, Sandbox, Standing
from scopegate.core.tokens import Status, Token
from scopegate.errors import ConfigurationError, ScopegateError
from scopegate.profiles import Profile

if TYPE_CHECKING:
    from scopegate.directory import in_threads
    from scopegate.flows.access import Access, Refusal
    from scopegate.flows.configuration import Resource
    from scopegate.flows.manage import TokenView
    from scopegate.flows.outcomes import SignedIn
    from scopegate.server import AuthorizationServer
    from scopegate.server_async import AsyncAuthorizationServer

__all__ = [
    "SANDBOX",
    "Access",
    "AccessClass",
    "Account",
    "Action",
    "Application",
    "ApplicationCap",
    "AsyncAuthorizationServer",
    "AuthMethod",
    "AuthorizationServer",
    "Catalogue",
    "Client",
    "ConfigurationError",
    "Explanation",
    "Layer",
    "Level",
    "Membership",
    "Organization",
    "Profile",
    "Refusal",
    "Resource",
    "Role",
    "RoleCap",
    "RoleLadder",
    "Sandbox",
    "ScopegateError",
    "SignedIn",
    "Standing",
    "Status",
    "Token",
    "TokenView",
    "in_threads",
    "presets",
    "profiles",
]

_ELSEWHERE: Final = {
    "Access": "scopegate.flows.access",
    "AsyncAuthorizationServer": "scopegate.server_async",
    "AuthorizationServer": "scopegate.server",
    "Refusal": "scopegate.flows.access",
    "Resource": "scopegate.flows.configuration",
    "SignedIn": "scopegate.flows.outcomes",
    "TokenView": "scopegate.flows.manage",
    "in_threads": "scopegate.directory",
}


def __getattr__(name: str) -> object:
    module = _ELSEWHERE.get(name)
    if module is None:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    found: object = getattr(import_module(module), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
