"""What Acme IoT shows its users: the first page, and the apps they connected."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import assert_never

from attrs import evolve, frozen
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from scopegate import SANDBOX, AsyncAuthorizationServer, Explanation, Membership, RoleCap, Status, TokenView
from scopegate.core.history import sentence
from scopegate.demo.acme import ORGANIZATIONS, ROLES, Acme
from scopegate.demo.drawing import draw
from scopegate.demo.sign_in import SEE_OTHER, SignIn
from scopegate.errors import InvalidValueError, NotFoundError, ReadOnlyError, StaleVersionError
from scopegate.flows.advice import Advice, AdviceKind

ACTIONS = {
    "Application.read": "Look at devices",
    "Application.write": "Add and rename devices",
    "Application.sensitive": "Manage keys",
}
LABELS = {"none": "No access"} | {role.name: role.label for role in ROLES}
SANDBOX_FIELD = "sandbox"
STATUSES = {
    "pending": "Pending",
    "active": "Active",
    "inactive": "Inactive",
    "expired": "Expired",
    "revoked": "Disconnected",
}


def day(at: float | None) -> str:
    """A time as people read it; a dash for never."""
    return "\u2013" if at is None else f"{datetime.fromtimestamp(at, UTC):%-d %B %Y, %H:%M}"


WORDS = {"labels": LABELS, "statuses": STATUSES, "day": day}


@frozen
class Row:
    """A line of the table that says what a token may do at one application."""

    place: str
    application: str
    answers: tuple[tuple[bool, str], ...]


@frozen
class Limit:
    """A choice of the strongest role at one place; an empty value stands for the default."""

    field: str
    label: str
    live: str
    chosen: str


class YourPages:
    """The pages, over nothing but the public methods of a server."""

    def __init__(self, server: AsyncAuthorizationServer, acme: Acme, sign_in: SignIn) -> None:
        self._server = server
        self._acme = acme
        self._sign_in = sign_in

    def install(self, app: FastAPI) -> None:
        """Add the pages to the host."""
        for path, method, page in (
            ("/", "GET", self.home),
            ("/role", "POST", self.change_role),
            ("/connected", "GET", self.connected),
            ("/connected/{token}", "GET", self.detail),
            ("/connected/{token}/limit", "POST", self.limit),
            ("/connected/{token}/pause", "POST", self.pause),
            ("/connected/{token}/resume", "POST", self.resume),
            ("/connected/{token}/delete", "POST", self.delete),
        ):
            app.add_api_route(path, page, methods=[method], response_model=None, include_in_schema=False)
        app.add_exception_handler(NotFoundError, _not_found)
        for trouble in (StaleVersionError, ReadOnlyError, InvalidValueError):
            app.add_exception_handler(trouble, _not_changed)

    async def home(self, request: Request) -> Response:
        """Who is signed in, and the roles that the live table follows."""
        session = self._sign_in.session(request)
        roles = [] if session is None else list(self._acme.roles[session.user].items())
        names = {organization: label for organization, (label, _) in ORGANIZATIONS.items()}
        context = {"session": session, "roles": roles, "names": names, "labels": LABELS}
        return draw(request, "home.html", context)

    async def change_role(self, request: Request) -> Response:
        """Somebody promotes or demotes the user; their tokens follow at once."""
        session, fields = await self._sign_in.form(request)
        organization, role = fields.get("organization", ""), fields.get("role", "")
        if organization in ORGANIZATIONS and role in LABELS:
            self._acme.roles[session.user][organization] = role
        return RedirectResponse("/", SEE_OTHER)

    async def connected(self, request: Request) -> Response:
        """Every app that the user connected."""
        session = self._sign_in.required(request)
        page = await self._server.tokens(session.user)
        return draw(request, "connected.html", {"session": session, "views": page.items} | WORDS)

    async def detail(self, request: Request, token: str) -> Response:
        """One app: what it may do now, and what the user can change."""
        session = self._sign_in.required(request)
        view = await self._server.token_detail(session.user, token)
        places = await self._acme.memberships(session.user)
        history = (await self._server.history(session.user, token, limit=10)).items
        context = WORDS | {
            "session": session,
            "view": view,
            "hints": [_hint(each) for each in await self._server.advice(session.user, token)],
            "history": [{"at": event.at, "text": sentence(event)} for event in history],
            "actions": ACTIONS.values(),
            "rows": await self._table(view, places),
            "limits": _limits(view.token.settings.cap, places),
            "can_change": view.status in {Status.PENDING, Status.ACTIVE, Status.INACTIVE},
        }
        return draw(request, "detail.html", context)

    async def _table(self, view: TokenView, places: Iterable[Membership]) -> list[Row]:
        rows: list[Row] = []
        for place in places:
            for application in place.applications.values():
                answers = [
                    _answer(await self._server.explain(view, action, application=application.id))
                    for action in ACTIONS
                ]
                rows.append(Row(place.label, application.label, tuple(answers)))
        return rows

    async def limit(self, request: Request, token: str) -> Response:
        """Change the cap."""
        session, fields = await self._sign_in.form(request)
        view = await self._server.token_detail(session.user, token)
        cap = _chosen(view, fields)
        version = int(fields["version"]) if fields.get("version", "").isdecimal() else None
        await self._server.recap(session.user, token, cap, expected_version=version)
        return RedirectResponse(f"/connected/{token}", SEE_OTHER)

    async def pause(self, request: Request, token: str) -> Response:
        """Switch it off."""
        session, _ = await self._sign_in.form(request)
        await self._server.pause(session.user, token)
        return RedirectResponse(f"/connected/{token}", SEE_OTHER)

    async def resume(self, request: Request, token: str) -> Response:
        """Switch it on again."""
        session, _ = await self._sign_in.form(request)
        await self._server.resume(session.user, token)
        return RedirectResponse(f"/connected/{token}", SEE_OTHER)

    async def delete(self, request: Request, token: str) -> Response:
        """Delete it."""
        session, _ = await self._sign_in.form(request)
        await self._server.delete(session.user, token)
        return RedirectResponse("/connected", SEE_OTHER)


def _hint(advice: Advice) -> str:
    """Advice in a sentence."""
    match advice.kind:
        case AdviceKind.UNUSED:
            return f"It was not used since {day(advice.since)}. Do you still need it?"
        case AdviceKind.ONLY_READS:
            return f"It has changed nothing since {day(advice.since)}. Make it a {LABELS[advice.role]}?"
    assert_never(advice.kind)


def _answer(explanation: Explanation) -> tuple[bool, str]:
    """Yes or no, and why."""
    if explanation.allowed:
        return True, f"as {LABELS[explanation.effective_role]}"
    match explanation.reason:
        case "insufficient_scope" | "not_offered":
            return False, "not asked for"
        case "cap_too_low":
            return False, f"limited to {LABELS.get(explanation.cap_role, 'No access')}"
        case "role_too_low" | "not_a_member":
            return False, f"you are {LABELS.get(explanation.live_role, 'No access')}"
        case status:
            return False, status


def _limits(cap: RoleCap, places: Iterable[Membership]) -> list[Limit]:
    found: list[Limit] = []
    for place in places:
        if isinstance(place.organization, str):
            chosen = cap.organizations.get(place.organization, "")
            found.append(Limit(f"organization:{place.organization}", place.label, place.role, chosen))
        elif place.organization == SANDBOX:
            found.append(Limit(SANDBOX_FIELD, place.label, place.role, cap.sandbox or ""))
    return found


def _chosen(view: TokenView, fields: dict[str, str]) -> RoleCap:
    """The cap that a form asks for; what the page does not show stays as it is."""
    organizations = {
        organization: fields.get(f"organization:{organization}", "") for organization in ORGANIZATIONS
    }
    return evolve(
        view.token.settings.cap,
        default=fields.get("default", ""),
        organizations={organization: role for organization, role in organizations.items() if role},
        sandbox=fields.get(SANDBOX_FIELD) or None,
    )


async def _not_found(request: Request, error: Exception) -> Response:
    del error
    context = {"heading": "There is no such app", "text": "You may have removed it already."}
    return draw(request, "notice.html", context, 404)


async def _not_changed(request: Request, error: Exception) -> Response:
    context = {"heading": "Nothing was changed", "text": f"{error}. Go back and look again."}
    return draw(request, "notice.html", context, 409)
