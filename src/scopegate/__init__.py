"""Turn any web app into an OAuth 2.1 authorization server whose tokens are capped by the person who approves them.

A name is loaded when it is first used, so that importing the package costs next to nothing and nobody pays for the
server of the other colour.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from scopegate import presets, profiles
    from scopegate.core import whatif
    from scopegate.core.caps import ApplicationCap, RoleCap
    from scopegate.core.catalogue import Catalogue
    from scopegate.core.clients import AuthMethod, Client
    from scopegate.core.permissions import Evaluator, Explanation, Layer
    from scopegate.core.roles import Role, RoleLadder
    from scopegate.core.scopes import AccessClass, Action, Level
    from scopegate.core.standing import (
        SANDBOX,
        Account,
        Application,
        Ceiling,
        Membership,
        Organization,
        Sandbox,
        Standing,
    )
    from scopegate.core.tokens import Status, Token
    from scopegate.directory import in_threads
    from scopegate.errors import ConfigurationError, ScopegateError
    from scopegate.flows.access import Access, Refusal
    from scopegate.flows.configuration import Resource
    from scopegate.flows.manage import TokenView
    from scopegate.flows.outcomes import SignedIn
    from scopegate.flows.reach import Compared, Reached
    from scopegate.profiles import Profile
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
    "Ceiling",
    "Client",
    "Compared",
    "ConfigurationError",
    "Evaluator",
    "Explanation",
    "Layer",
    "Level",
    "Membership",
    "Organization",
    "Profile",
    "Reached",
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
    "whatif",
]

_HOMES: Final = {
    "scopegate.core.caps": ("ApplicationCap", "RoleCap"),
    "scopegate.core.clients": ("AuthMethod", "Client"),
    "scopegate.core.catalogue": ("Catalogue",),
    "scopegate.core.permissions": ("Evaluator", "Explanation", "Layer"),
    "scopegate.core.roles": ("Role", "RoleLadder"),
    "scopegate.core.scopes": ("AccessClass", "Action", "Level"),
    "scopegate.core.standing": (
        "SANDBOX",
        "Account",
        "Application",
        "Ceiling",
        "Membership",
        "Organization",
        "Sandbox",
        "Standing",
    ),
    "scopegate.core.tokens": ("Status", "Token"),
    "scopegate.directory": ("in_threads",),
    "scopegate.errors": ("ConfigurationError", "ScopegateError"),
    "scopegate.flows.access": ("Access", "Refusal"),
    "scopegate.flows.configuration": ("Resource",),
    "scopegate.flows.manage": ("TokenView",),
    "scopegate.flows.outcomes": ("SignedIn",),
    "scopegate.flows.reach": ("Compared", "Reached"),
    "scopegate.profiles": ("Profile",),
    "scopegate.server": ("AuthorizationServer",),
    "scopegate.server_async": ("AsyncAuthorizationServer",),
}
_MODULES: Final = {
    "presets": "scopegate.presets",
    "profiles": "scopegate.profiles",
    "whatif": "scopegate.core.whatif",
}
_HOME: Final = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _MODULES and name not in _HOME:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    found: object = (
        import_module(_MODULES[name]) if name in _MODULES else getattr(import_module(_HOME[name]), name)
    )
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
