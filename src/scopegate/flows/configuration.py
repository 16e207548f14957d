"""Everything a server was told, checked once, at start-up."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from attrs import field, frozen

from scopegate.core.catalogue import Catalogue
from scopegate.core.credentials import CredentialKind
from scopegate.core.permissions import Evaluator
from scopegate.errors import ConfigurationError
from scopegate.flows.engine import Engine
from scopegate.profiles import Profile

if TYPE_CHECKING:
    from scopegate.flows.sealing import Sealer

LOOPBACK_HOSTS: Final = frozenset({"127.0.0.1", "::1", "localhost"})
PRIVATE_SCHEMES: Final = frozenset({"cursor", "vscode", "vscode-insiders", "claude", "windsurf", "zed"})
_REALM: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


@frozen
class Resource:
    """A protected API or MCP server: the audience of access tokens (RFC 8707).

    Args:
        uri: its absolute URI, exactly as clients call it.
        scopes: the least scopes worth asking for; they are granted where a client asks for none (AZ-6), and named in
            challenges and in its metadata (PRM-4).
        name: what a person calls it.
    """

    uri: str
    scopes: tuple[str, ...] = field(default=(), converter=tuple[str, ...])
    name: str = ""


@frozen
class Endpoint:
    """Where an endpoint is: its full address, and the path that a web server sees."""

    url: str
    path: str


@frozen(kw_only=True)
class Configuration:
    """A checked configuration; see `configure`."""

    issuer: str
    product: str
    realm: str
    catalogue: Catalogue
    resources: tuple[Resource, ...]
    profile: Profile
    sealer: "Sealer"
    engine: Engine
    registration: bool
    initial_access_tokens: tuple[str, ...] = field(repr=False)
    private_schemes: frozenset[str]
    audiences: dict[str, str] = field(init=False, repr=False)
    access_prefix: str = field(init=False, repr=False)
    evaluator: Evaluator = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "audiences", {canonical(known.uri): known.uri for known in self.resources})
        object.__setattr__(self, "access_prefix", f"{self.realm}\0{CredentialKind.ACCESS.value}\0")
        evaluator = Evaluator(self.catalogue, lower_only=self.profile.lower_only)
        object.__setattr__(self, "evaluator", evaluator)

    def endpoint(self, name: str) -> Endpoint:
        """The endpoint of that name, such as ``token``."""
        return Endpoint(f"{self.issuer}/oauth/{name}", f"{urlsplit(self.issuer).path}/oauth/{name}")

    def resource(self, uri: str | None) -> Resource:
        """The resource of that URI; the first one for None.

        Raises:
            ConfigurationError: it is none of the configured resources.
        """
        if uri is None:
            return self.resources[0]
        known = self.audiences.get(canonical(uri))
        for resource in self.resources:
            if resource.uri == known:
                return resource
        msg = f"resource {uri!r} is not one of the server's resources: {[known.uri for known in self.resources]}"
        raise ConfigurationError(msg)


def canonical(uri: str) -> str:
    """A resource URI made comparable: scheme and host in lower case, no slash for an empty path (AZ-10)."""
    scheme, separator, rest = uri.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme.lower()}{separator}{host.lower()}{slash + path if path else ''}"


def configure(  # noqa: PLR0913 - one argument per thing the operator decides, all named
    *,
    issuer: str,
    product: str,
    catalogue: Catalogue,
    resources: Sequence[Resource],
    sealing_keys: Sequence[str],
    profile: Profile,
    realm: str,
    registration: bool,
    initial_access_tokens: Sequence[str],
    private_schemes: Sequence[str],
) -> Configuration:
    """Check what the operator wrote.

    Raises:
        ConfigurationError: something cannot work; the message says what, why, and what to write instead.
    """
    from scopegate.flows._oauthlib import OauthlibEngine  # noqa: PLC0415 - loaded when a server is built, not before
    from scopegate.flows.sealing import Sealer  # noqa: PLC0415 - likewise

    _check_issuer(issuer)
    if not product.strip():
        _refuse("product is empty: write the name that people know your application by")
    if not _REALM.fullmatch(realm):
        _refuse(f"realm {realm!r}: write a short stable name of lower-case letters, digits and hyphens")
    _check_resources(resources, catalogue)
    return Configuration(
        issuer=issuer,
        product=product,
        realm=realm,
        catalogue=catalogue,
        resources=tuple(resources),
        profile=profile,
        sealer=Sealer(sealing_keys),
        engine=OauthlibEngine(),
        registration=registration,
        initial_access_tokens=tuple(initial_access_tokens),
        private_schemes=frozenset(private_schemes),
    )


def _check_issuer(issuer: str) -> None:
    parts = urlsplit(issuer)
    if parts.scheme not in {"https", "http"} or not parts.hostname or not issuer.isascii():
        _refuse(f"issuer {issuer!r}: write the absolute address of this server, such as https://acme.example")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK_HOSTS:
        _refuse(
            f"issuer {issuer!r}: plain http is for 127.0.0.1, [::1] and localhost only; use https (GEN-1)"
        )
    if parts.query or parts.fragment or issuer.endswith(("/", "?", "#")) or parts.username is not None:
        _refuse(
            f"issuer {issuer!r}: leave out query, fragment, user and the final slash (RFC 8414 section 2)"
        )


def _check_resources(resources: Sequence[Resource], catalogue: Catalogue) -> None:
    if not resources:
        _refuse(
            "resources is empty: name at least one, such as Resource('https://acme.example/api', scopes=[...])"
        )
    seen: set[str] = set()
    for resource in resources:
        parts = urlsplit(resource.uri)
        local = parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS
        if (
            not (parts.scheme == "https" or local)
            or not parts.hostname
            or parts.fragment
            or "#" in resource.uri
        ):
            _refuse(
                f"resource {resource.uri!r}: write an absolute https URI without fragment (RFC 8707 section 2)"
            )
        # The address of its metadata is made of this much (RFC 9728 section 3.1), and must lead to one document.
        address = canonical(resource.uri).partition("?")[0].rstrip("/")
        if address in seen:
            _refuse(
                f"resource {resource.uri!r} is there twice: two resources must differ in more than a query or a final"
                " slash"
            )
        seen.add(address)
        unknown = [scope for scope in resource.scopes if scope not in catalogue.offered]
        if unknown or not resource.scopes:
            _refuse(
                f"resource {resource.uri!r} has the scopes {unknown or 'none'}: name the least scopes worth asking for,"
                f" out of {list(catalogue.scopes)}"
            )


def _refuse(problem: str) -> None:
    raise ConfigurationError(problem)
