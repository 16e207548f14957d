"""A sign-in without passwords, for the demo only: one button per account, and a session cookie."""

from secrets import compare_digest, token_urlsafe
from urllib.parse import parse_qsl, urlencode

from attrs import field, frozen
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from scopegate import SignedIn
from scopegate.demo.acme import PEOPLE
from scopegate.demo.drawing import draw

COOKIE = "acme-session"
SEE_OTHER = 303


@frozen
class Session:
    """Somebody who is signed in.

    Args:
        user: who.
        csrf: what every form of this session carries.
        id: names the session without being the cookie.
    """

    user: str
    csrf: str = field(factory=token_urlsafe, repr=False)
    id: str = field(factory=token_urlsafe)


class SignInNeededError(Exception):
    """Nobody is signed in."""


class ForgedFormError(Exception):
    """A form was not sent by one of our own pages."""


class SignIn:
    """Knows who is signed in, by cookie. A real host has this already."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}

    def session(self, request: Request) -> Session | None:
        """The session of a browser."""
        return self._sessions.get(request.cookies.get(COOKIE, ""))

    def current_user(self, request: Request) -> SignedIn | None:
        """Who is at the browser: this is all that scopegate asks a host."""
        session = self.session(request)
        return None if session is None else SignedIn(session.user, session.id)

    def required(self, request: Request) -> Session:
        """The session of a browser.

        Raises:
            SignInNeededError: there is none.
        """
        session = self.session(request)
        if session is None:
            raise SignInNeededError
        return session

    async def form(self, request: Request) -> tuple[Session, dict[str, str]]:
        """The session, and the fields of a form that one of our pages sent.

        Raises:
            SignInNeededError: nobody is signed in.
            ForgedFormError: the form does not carry what the page of this session gave it.
        """
        session = self.required(request)
        fields = await _fields(request)
        if not compare_digest(fields.get("csrf", "").encode(), session.csrf.encode()):
            raise ForgedFormError
        return session, fields

    def install(self, app: FastAPI) -> None:
        """Add the sign-in page and what happens without a sign-in."""
        app.add_exception_handler(SignInNeededError, _to_sign_in)
        app.add_exception_handler(ForgedFormError, _forged)

        @app.get("/login")
        async def page(request: Request) -> Response:
            context = {"people": PEOPLE, "next": _local(request.query_params.get("next", ""))}
            return draw(request, "login.html", context)

        @app.post("/login")
        async def sign_in(request: Request) -> Response:
            fields = await _fields(request)
            # Nobody is signed in yet, so there is no session to tie the form to: the browser says where it is from.
            if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
                raise ForgedFormError
            user = fields.get("user", "")
            if user not in PEOPLE:
                raise SignInNeededError
            cookie = token_urlsafe()
            self._sessions[cookie] = Session(user)
            response = RedirectResponse(_local(fields.get("next", "")), SEE_OTHER)
            response.set_cookie(COOKIE, cookie, httponly=True, samesite="lax")
            return response

        @app.post("/logout")
        async def sign_out(request: Request) -> Response:
            await self.form(request)
            self._sessions.pop(request.cookies[COOKIE])
            return RedirectResponse("/", SEE_OTHER)


async def _fields(request: Request) -> dict[str, str]:
    return dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))


def _local(address: str) -> str:
    """The address if it leads to this host, else the first page: a sign-in must not send people elsewhere."""
    ours = address.startswith("/") and not address.startswith("//") and "\\" not in address
    return address if ours and address.isprintable() else "/"


async def _to_sign_in(request: Request, error: Exception) -> Response:
    del error
    back = f"?{urlencode({'next': request.url.path})}" if request.method == "GET" else ""
    return RedirectResponse(f"/login{back}", SEE_OTHER)


async def _forged(request: Request, error: Exception) -> Response:
    del error
    context = {"heading": "That form was out of date", "text": "Nothing was changed. Go back and try again."}
    return draw(request, "notice.html", context, 403)
