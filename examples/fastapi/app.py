"""A FastAPI app that becomes an authorization server: third-party apps get tokens that their users capped.

Run it with ``uvicorn app:app --port 8000`` and sign in at http://localhost:8000/login?user=ada.
"""

import os
from typing import Annotated

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse

from scopegate import AsyncAuthorizationServer, Membership, Resource
from scopegate.adapters.fastapi import Access, install, requires
from scopegate.stores.sqlite import SQLiteStore

PEOPLE = {
    "ada": [Membership("northwind", "Northwind", role="admin", applications={"boiler": "Boiler room"})],
    "vic": [Membership("northwind", "Northwind", role="viewer", applications={"boiler": "Boiler room"})],
}


async def memberships(user: str) -> list[Membership]:
    """Where a user stands, now: ask your own database here."""
    return PEOPLE.get(user, [])


def current_user(request: Request) -> str | None:
    """Who is signed in: ask your own session here."""
    return request.cookies.get("user")


server = AsyncAuthorizationServer(
    issuer="http://localhost:8000",
    product="Acme IoT",
    directory=memberships,
    resources=[Resource("http://localhost:8000/applications", scopes=["all.Application.read"])],
    store=SQLiteStore(os.environ.get("SCOPEGATE_DATABASE", "scopegate.db")),
    sealing_keys=[os.environ["SCOPEGATE_KEY"]],  # python -m scopegate key
)
app = FastAPI()
install(app, server, current_user=current_user, login_url="/login")


@app.get("/login")
async def login(user: str = "ada", next: str = "/") -> RedirectResponse:  # noqa: A002 - the parameter's name
    """Sign in without a password: replace it by your own sign-in page."""
    safe = next if next.startswith("/") and not next.startswith("//") else "/"
    response = RedirectResponse(safe, 303)
    response.set_cookie("user", user, httponly=True, samesite="lax")
    return response


@app.get("/applications/{application}/devices")
async def devices(
    application: str, access: Annotated[Access, requires("Application.read", application="application")]
) -> dict[str, object]:
    """The devices of an application, for whoever may read it."""
    return {"application": application, "devices": ["thermometer"], "on_behalf_of": access.user}
