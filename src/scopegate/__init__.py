"""Turn any web app into an OAuth 2.1 authorization server whose tokens are capped by the person who approves them."""

from scopegate import presets, profiles
from scopegate.core.caps import ApplicationCap, RoleCap
from scopegate.core.clients import AuthMethod, Client
from scopegate.core.permissions import Explanation, Layer
from scopegate.core.roles import Role, RoleLadder
from scopegate.core.scopes import AccessClass, Action, Catalogue, Level
from scopegate.core.standing import SANDBOX, Account, Application, Membership, Organization, Sandbox, Standing
from scopegate.core.tokens import Status, Token
from scopegate.directory import in_threads
from scopegate.errors import ConfigurationError, ScopegateError
from scopegate.flows.access import Access, Refusal
from scopegate.flows.configuration import Resource
from scopegate.flows.manage import TokenView
from scopegate.flows.outcomes import SignedIn
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
