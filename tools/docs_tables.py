"""Write the generated tables of docs/permissions.md anew: what they say is worked out by running the code.

A table stands between ``<!-- generated: NAME -->`` and ``<!-- end -->``. Decisions are made by a server with a store
and a directory in memory, one for each row: what it tells the user and the host, and what it tells the client. Reason
codes are read out of the source, so that a new one without words here is an error and not a gap on the page.
"""

import ast
import json
import re
import secrets
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Final

from attrs import evolve, field, frozen

from scopegate import (
    SANDBOX,
    Access,
    AccessClass,
    Application,
    ApplicationCap,
    AuthorizationServer,
    Catalogue,
    Ceiling,
    Client,
    Evaluator,
    Explanation,
    Membership,
    Organization,
    Profile,
    Refusal,
    Resource,
    RoleCap,
    Sandbox,
    Standing,
    Status,
    Token,
    presets,
    profiles,
)
from scopegate.core.changes import AddCredential, CreateToken, PutClient
from scopegate.core.credentials import Credential, CredentialKind, digest, encode, wire
from scopegate.core.permissions import Remedy, proposed
from scopegate.core.tokens import Settings
from scopegate.flows.access import TWO_CREDENTIALS
from scopegate.flows.sealing import new_key
from scopegate.stores import MemoryStore
from scopegate.testing import Clock, MemoryDirectory

ROOT: Final = Path(__file__).resolve().parents[1]
SOURCE: Final = ROOT / "src"
ROOMS: Final = ("core", "flows", "web", "adapters")
FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
PAGE: Final = ROOT / "docs" / "permissions.md"
BLOCK: Final = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

API: Final = "https://acme.example/api"
ELSEWHERE: Final = "https://acme.example/mcp"
TOKEN_ID: Final = "token"
SECRET: Final = encode(b"no secret of anybody's".ljust(32))
CATALOGUE: Final = presets.user_tokens(scopes=(*presets.user_tokens().scopes, "all.Instance.read"))
"""The preset, with a scope for a level that no role reaches, which it offers to nobody."""
READ: Final = "all.Application.read"
BOUNDED: Final = "all.Application.bounded"


def main() -> int:
    """Write the page anew, and answer with 0."""
    PAGE.write_text(regenerated(PAGE.read_text("utf-8")), "utf-8")
    return 0


def regenerated(page: str, tables: Mapping[str, Callable[[], str]] | None = None) -> str:
    """The page with each table as it is now.

    Args:
        page: its text.
        tables: what makes them, by name; None: those of docs/permissions.md.

    Raises:
        ValueError: a table is missing, there twice or unknown.
    """
    known = TABLES if tables is None else tables
    found = [name for _, name, _ in BLOCK.findall(page)]
    if sorted(found) != sorted(known):
        raise ValueError(f"the page has the tables {sorted(found)}, not {sorted(known)}")
    return BLOCK.sub(lambda block: f"{block[1]}{known[block[2]]()}{block[3]}", page)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(line) + " |" for line in (head, *rows)]
    lines.insert(1, "|---" * len(head) + "|")
    return "".join(re.sub(" +", " ", line) + "\n" for line in lines)


def code(name: str) -> str:
    """A name as code; nothing for none."""
    return f"`{name}`" if name else ""


def several(names: Iterable[str]) -> str:
    """Names as code, with commas."""
    return ", ".join(map(code, names))


# --- What follows from a catalogue ------------------------------------------------------------------------------------


def implications() -> str:
    """By scope, the others that it covers."""
    catalogues = [presets.simple(), presets.user_tokens()]
    first, second = (catalogue.implied for catalogue in catalogues)
    if first != second:
        raise ValueError("the presets differ now: give each a table of its own")
    head = ["a token with the scope", "may do what these allow, too"]
    return table(head, ([code(name), several(first[name]) or "nothing else"] for name in first))


def counts() -> str:
    """By scope, how many of the actions it opens."""
    catalogue = presets.user_tokens()
    by_use = sorted(catalogue.levels, key=lambda level: level.target == "unreachable")
    levels = [level.name for level in by_use]
    rows = [
        [code(scope), *_counted(catalogue, levels, catalogue.mask((scope,)))] for scope in catalogue.scopes
    ]
    rows.append(["any of the seven", *_counted(catalogue, levels, catalogue.mask(catalogue.scopes))])
    rows.append(["named in the catalogue", *_counted(catalogue, levels, None)])
    return table(["scope", *levels, "actions"], rows)


def _counted(catalogue: Catalogue, levels: Sequence[str], mask: int | None) -> Iterator[str]:
    found = [
        action for action in catalogue.actions if mask is None or mask & catalogue.rules[action.name].mask
    ]
    numbers = Counter((action.level, action.access) for action in found)
    for level in levels:
        yield ", ".join(
            f"{numbers[level, access]} {access}" for access in AccessClass if numbers[level, access]
        )
    yield str(len(found))


def roles() -> str:
    """The effective role for each live role and each cap."""
    evaluator = Evaluator(presets.user_tokens())
    names = [role.name for role in evaluator.catalogue.roles.roles]
    rows: list[list[str]] = []
    for own in names:
        standing = Standing(Organization("acme"), own)
        ranks = [evaluator.rank(proposed(RoleCap(cap), "c"), standing) for cap in names]
        rows.append([code(own), *(code(names[rank]) for rank in ranks)])
    return table(["own role", *(f"cap {code(name)}" for name in names)], rows)


# --- Decisions --------------------------------------------------------------------------------------------------------


@frozen
class Row:
    """A situation: one row of the table of decisions.

    Args:
        action: what the request does.
        status: the status of the token, or which account is disabled.
        scope: what the token was granted.
        cap: the cap.
        role: the user's role in the organization; None: not a member.
        own: the user's role on the application, where it differs.
        ceiling: what the organization allows.
        cut: whether the organization took itself out of the token's reach.
        sandbox: whether the application stands in the user's sandbox, and not in the organization acme.
        profile: the server's profile.
    """

    action: str = "device.patch"
    status: str = "active"
    scope: str = BOUNDED
    cap: RoleCap = field(factory=lambda: RoleCap("edit"))
    role: str | None = "admin"
    own: str | None = None
    ceiling: Ceiling | None = None
    cut: bool = False
    sandbox: bool = False
    profile: Profile = profiles.DEFAULT


LOWER_ONLY: Final = evolve(profiles.DEFAULT, lower_only=True)
REJECTING: Final = evolve(profiles.DEFAULT, paused="reject")
USUAL: Final = Row()
ROWS: Final = (
    USUAL,
    Row(status="client disabled"),
    Row(status="account disabled"),
    Row(status="pending"),
    Row(status="inactive"),
    Row(status="inactive", profile=REJECTING),
    Row(status="expired"),
    Row(status="revoked"),
    Row(scope=READ),
    Row(scope=READ, cap=RoleCap("view")),
    Row("applicationApiTokens.post"),
    Row("userOauthToken.delete"),
    Row("instance.get", scope="all.Instance.read"),
    Row("me.get", scope="only.User.read", cap=RoleCap("none"), role=None),
    Row(role=None),
    Row(role="view"),
    Row(own="view"),
    Row(role="none", own="admin"),
    Row(cap=RoleCap("view")),
    Row(cap=RoleCap("edit", {"acme": "view"})),
    Row(cap=RoleCap("view", {"acme": "edit"})),
    Row(cap=RoleCap("view", {"acme": "edit"}), profile=LOWER_ONLY),
    Row(cap=RoleCap("edit", applications={"boiler": ApplicationCap("none", "acme")})),
    Row(cap=RoleCap("edit", applications={"boiler": ApplicationCap("none", "globex")})),
    Row(cap=RoleCap("edit", sandbox="none"), sandbox=True),
    Row(cap=RoleCap("edit", known=["globex"])),
    Row(ceiling=Ceiling("view")),
    Row(ceiling=Ceiling("none", {"claude": "edit"})),
    Row(ceiling=Ceiling("none", {"another client": "edit"})),
    Row(cut=True),
    Row(cap=RoleCap("view"), role="view", ceiling=Ceiling("view")),
)


@frozen
class Judgement:
    """What came out.

    Args:
        explained: what the user and the host are told.
        refusal: what the client is told; None: it passes.
        status, error, header: of the answer to the client, as it is sent.
    """

    explained: Explanation
    refusal: Refusal | None
    status: int = 200
    error: str = ""
    header: str = ""


class Host:
    """A server with one user and one token, as a row says.

    Args:
        row: the row.
    """

    def __init__(self, row: Row = USUAL) -> None:
        self.row = row
        self.clock = Clock()
        self.directory = MemoryDirectory({"ada": self._places()})
        store = MemoryStore()
        self.server = AuthorizationServer(
            issuer="https://acme.example",
            product="Acme",
            directory=self.directory,
            resources=[Resource(API, [READ]), Resource(ELSEWHERE, [READ])],
            store=store,
            sealing_keys=[new_key(secrets.token_bytes)],
            catalogue=CATALOGUE,
            profile=row.profile,
            clock=self.clock,
        )
        realm = self.server.configuration.realm
        client = Client(id="claude", name="Claude", redirect_uris=("https://claude.example/",))
        store.commit(realm, [PutClient(evolve(client, disabled=row.status == "client disabled"), 0)])
        token = self._token()
        kind = CredentialKind.ACCESS
        credential = Credential(
            token_id=token.id,
            kind=kind,
            digest=digest(realm, kind.value, SECRET),
            generation=token.generation,
            created_at=self.clock(),
            resources=token.resources,
        )
        issued = [AddCredential(credential)] if token.generation else []
        store.commit(realm, [CreateToken(token), *issued])
        self.header = f"Bearer {wire(kind, token.id, SECRET)}"
        if row.status == "account disabled":
            self.directory.disable("ada")

    def _places(self) -> Iterator[Membership]:
        row = self.row
        place: str | Sandbox = SANDBOX if row.sandbox else "acme"
        if row.role is not None:
            boiler = Application("boiler", "Boiler", row.own)
            yield Membership(place, "Acme", row.role, {"boiler": boiler}, row.ceiling)

    def _token(self) -> Token:
        now, status = self.clock(), self.row.status
        active = status != "inactive"
        settings = Settings(
            name="",
            cap=self.row.cap,
            active=active,
            paused_at=None if active else now,
            cuts=frozenset({"acme"} if self.row.cut else ()),
        )
        return Token(
            TOKEN_ID,
            "ada",
            "claude",
            "https://claude.example/",
            (self.row.scope,),
            (API,),
            created_at=now,
            settings=settings,
            expires_at=now if status == "expired" else None,
            generation=0 if status == "pending" else 1,
            revoked_at=now if status == "revoked" else None,
        )

    def judgement(self) -> Judgement:
        """What the server says to the user and the host, and to the client."""
        server, action = self.server, self.row.action
        view = server.token_detail("ada", TOKEN_ID)
        explained = server.explain(view, action, application="boiler")
        access = server.access(self.header, action, application="boiler")
        if isinstance(access, Access):
            return Judgement(explained, None)
        return self.told(access, explained)

    def told(self, refusal: Refusal, explained: Explanation) -> Judgement:
        """The answer to a refusal."""
        challenge = self.server.challenge(refusal)
        error = str(json.loads(challenge.body).get("error", ""))
        return Judgement(explained, refusal, challenge.status, error, challenge.www_authenticate)


@cache
def judged() -> tuple[tuple[Row, Judgement], ...]:
    """Every row with its judgement."""
    return tuple((row, Host(row).judgement()) for row in ROWS)


def decisions() -> str:
    """What is decided, explained and told. What a row shares with the first one is left out."""
    head = ["status", "scope", "cap", "own role", "ceiling", "action"]
    usual = _situation(USUAL)
    rows: list[list[str]] = []
    for row, found in judged():
        situation = _situation(row)
        short = [
            cell if row is USUAL or cell != known else ""
            for cell, known in zip(situation, usual, strict=True)
        ]
        rows.append([*short, _explained(found.explained), _changes(found.explained.remedies), _told(found)])
    return table([*head, "`explain` says", "who would have to change what", "the client is told"], rows)


def _situation(row: Row) -> list[str]:
    strict = {LOWER_ONLY: "`lower_only`", REJECTING: '`paused="reject"`'}
    status = f"{row.status} with {strict[row.profile]}" if row.profile is REJECTING else row.status
    cap = f"{_cap(row.cap)}; {strict[row.profile]}" if row.profile is LOWER_ONLY else _cap(row.cap)
    role = "not a member" if row.role is None else code(row.role)
    if row.own is not None:
        role += f", on the application {code(row.own)}"
    if row.sandbox:
        role += " in the sandbox"
    ceiling = "cut out" if row.cut else _ceiling(row.ceiling)
    return [status, code(row.scope), cap, role, ceiling, code(row.action)]


def _cap(cap: RoleCap) -> str:
    parts = [code(cap.default)]
    parts += [f"{id_} {code(role)}" for id_, role in cap.organizations.items()]
    parts += [f"sandbox {code(cap.sandbox)}"] if cap.sandbox else []
    parts += [
        f"boiler {code(own.role)}" + ("" if own.organization == "acme" else f" in {own.organization}")
        for own in cap.applications.values()
    ]
    parts += [] if cap.known is None else ["acme joined later, and closed"]
    return "; ".join(parts)


def _ceiling(ceiling: Ceiling | None) -> str:
    if ceiling is None:
        return "no"
    singles = [f"; {code(role)} for {client}" for client, role in ceiling.clients.items()]
    return code(ceiling.role or "") + "".join(singles)


def _explained(found: Explanation) -> str:
    if found.allowed:
        return f"{code('allowed')}" + (f", as {code(found.effective_role)}" if found.effective_role else "")
    binding = "" if found.binding in {None, found.denied_by} else f", by {code(str(found.binding))}"
    return f"{found.denied_by}: {code(found.reason)}{binding}"


def _changes(remedies: Sequence[Remedy]) -> str:
    return "; ".join(
        f"{each.who}: {code(each.what)}" + (f" to {code(each.needs)}" if each.needs else "")
        for each in remedies
    )


def _told(found: Judgement) -> str:
    if found.refusal is None:
        return "nothing: it passes"
    scope = re.search('scope="([^"]*)"', found.header)
    asked = f", scope {several(scope[1].split())}" if scope else ""
    return f"{found.status} {code(found.error)}, reason {code(found.refusal.reason)}{asked}"


# --- Reason codes -----------------------------------------------------------------------------------------------------

MEANINGS: Final = {
    "allowed": "the action may be done",
    "client_disabled": "the client was removed or disabled",
    "account_disabled": "the account is gone or disabled",
    "pending": "the client has not redeemed its code yet",
    "inactive": "the user switched the token off",
    "expired": "the token is at its end",
    "revoked": "the token is disconnected",
    "insufficient_scope": "a scope on offer would open the action, and the token has none such",
    "closed_to_tokens": "the action is closed to every token",
    "not_offered": "no scope on offer opens the action",
    "not_a_member": "the user is not there, or the place is not there",
    "role_too_low": "the user's own role there does not reach",
    "cap_too_low": "the user's cap does not reach",
    "ceiling_too_low": "the organization's ceiling does not reach",
    "cut_out": "the organization took itself out of the token's reach",
    "unreachable": "the action is on a level where nobody's token has a role",
}
"""What the user and the host are told."""

CLIENTS_MEANINGS: Final = {
    "no_credentials": "no `Authorization` header with a bearer token",
    "two_credentials": "more than one `Authorization` header",
    "invalid_token": "forged, expired, revoked, deleted, superseded, or its client or account is disabled",
    "wrong_audience": "good, but for another resource",
    "paused": "the user switched the token off",
    "insufficient_scope": "other scopes would do: the challenge names all of them, and no more",
    "closed_to_tokens": "no scope that this client can get would do",
    "role_too_low": "own role, cap, ceiling, cut, no member, no such place: not told apart",
}
"""What the client is told."""


def reasons() -> str:
    """The reasons for the user and the host, and who may lift each."""
    of_reason: dict[str, Explanation] = {}
    for _, found in judged():
        of_reason.setdefault(found.explained.reason, found.explained)
    _complete("the user and the host", {"allowed", *written("Barrier", "Judged")}, MEANINGS, of_reason)
    return table(
        ["reason", "layer", "what it means", "who may lift it"],
        (
            [code(reason), str(of_reason[reason].denied_by or ""), meaning, _first(of_reason[reason])]
            for reason, meaning in MEANINGS.items()
        ),
    )


def _first(found: Explanation) -> str:
    return str(found.remedies[0].who) if found.remedies else ""


def clients_reasons() -> str:
    """The reasons for the client, and the answers that carry them."""
    host = Host()
    explained = host.judgement().explained
    asked = [
        host.server.access(None, USUAL.action, application="boiler"),
        host.server.access(host.header, USUAL.action, application="boiler", resource=ELSEWHERE),
        TWO_CREDENTIALS.at(API),
    ]
    found = {
        each.refusal.reason: each
        for each in (
            *(host.told(refusal, explained) for refusal in asked if isinstance(refusal, Refusal)),
            *(judgement for row, judgement in judged() if row.profile is not REJECTING),
        )
        if each.refusal is not None
    }
    _complete("the client", written("Refusal"), CLIENTS_MEANINGS, found)
    return table(
        ["reason", "answer", "`error`", "`WWW-Authenticate`", "what it means"],
        (
            [
                code(reason),
                str(found[reason].status),
                code(found[reason].error),
                several(re.findall(r'(\w+)="', found[reason].header)) or "none",
                meaning,
            ]
            for reason, meaning in CLIENTS_MEANINGS.items()
        ),
    )


def _complete(voice: str, known: set[str], meanings: Mapping[str, str], shown: Mapping[str, object]) -> None:
    """Refuse to write a page on which a reason is missing, or one that there is no more."""
    for what, names in (("words", set(meanings)), ("a row that shows it", set(shown))):
        if names != known:
            raise ValueError(
                f"reasons for {voice}: {sorted(known - names)} have not got {what}, {sorted(names - known)} are no more"
            )


def written(*makers: str) -> set[str]:
    """The reasons that the source gives to the makers of refusals, wherever one is called.

    Args:
        makers: names of classes whose second argument, or third where that says whether it passed, is a reason.

    Raises:
        ValueError: a reason is written in a way that is not understood here.
    """
    found: set[str] = set()
    for path in sorted(path for room in ROOMS for path in SOURCE.glob(f"scopegate/{room}/*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        for function in (tree, *(each for each in ast.walk(tree) if isinstance(each, FUNCTIONS))):
            for call in _calls(function, makers):
                found |= Reading(path, tree, function).reasons(_reason_of(call))
    return found - {""}


def _calls(scope: ast.AST, makers: Sequence[str]) -> Iterator[ast.Call]:
    """The calls of these in a scope, less those in functions inside it."""
    for child in ast.iter_child_nodes(scope):
        if isinstance(child, ast.Call) and isinstance(child.func, ast.Name) and child.func.id in makers:
            yield child
        if not isinstance(child, FUNCTIONS):
            yield from _calls(child, makers)


def _reason_of(call: ast.Call) -> ast.expr:
    named = [each.value for each in call.keywords if each.arg == "reason"]
    return named[0] if named else call.args[-1 if ast.unparse(call.func) == "Judged" else 1]


PASSED_ON: Final = {
    "barrier.reason": set[str](),  # given to a barrier before
    "held.status.value": {each.value for each in Status} - {Status.ACTIVE.value, Status.GONE.value},
    "Status.INACTIVE.value": {Status.INACTIVE.value},
}
"""Reasons that are neither text nor a name for text; a token that is gone is not shown to anybody."""


@frozen
class Reading:
    """Reads reasons out of the source.

    Args:
        path: the module's file.
        tree: the module.
        function: what is read in it.
    """

    path: Path
    tree: ast.Module
    function: ast.AST

    def reasons(self, written: ast.expr) -> set[str]:
        """Every value that an expression may have."""
        match written:
            case ast.Constant(value=str(value)):
                return {value}
            case ast.IfExp():
                return self.reasons(written.body) | self.reasons(written.orelse)
            case ast.Name(id=name):
                values = list(self._assigned(name))
            case ast.Call(func=ast.Name(id=name)):
                values = list(self._returned(name))
            case ast.Subscript(value=ast.Name(id=name)):
                module = ".".join(self.path.relative_to(SOURCE).with_suffix("").parts)
                return set(getattr(import_module(module), name).values())
            case _ if ast.unparse(written) in PASSED_ON:
                return PASSED_ON[ast.unparse(written)]
            case _:
                values = []
        if not values:
            raise ValueError(
                f"{self.path}:{written.lineno}: {ast.unparse(written)!r} is no reason that can be read"
            )
        return {reason for value in values for reason in self.reasons(value)}

    def _assigned(self, name: str) -> Iterator[ast.expr]:
        for node in ast.walk(self.function):
            match node:
                case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                    yield value
                case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                    for each, value in zip(targets, values, strict=True):
                        if isinstance(each, ast.Name) and each.id == name:
                            yield value
                case _:
                    pass

    def _returned(self, name: str) -> Iterator[ast.expr]:
        for function in self.tree.body:
            if isinstance(function, ast.FunctionDef) and function.name == name:
                for node in ast.walk(function):
                    if isinstance(node, ast.Return) and node.value is not None:
                        yield node.value


TABLES: Final = {
    "implications": implications,
    "counts": counts,
    "roles": roles,
    "decisions": decisions,
    "reasons": reasons,
    "reasons-for-clients": clients_reasons,
}

if __name__ == "__main__":
    sys.exit(main())
