"""Routes that are several actions at once, in Starlette and FastAPI: all scopes in one challenge (RS-6, RS-8)."""

from typing import Annotated

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from tests.adapters.hosts import seen
from tests.support import Journey, World
from tests.web.driver import Sent, ask_asgi

from scopegate import Access
from scopegate.adapters import fastapi, starlette

PATH = "/{organization}/{application}"
OPERATION = ("Organization.read", "Application.read", "Application.write")
PLACES = {"organization": "organization", "application": "application"}


@starlette.requires(*OPERATION, **PLACES)
async def starlette_copy(request):
    """A Starlette endpoint."""
    return JSONResponse(seen(request.state.access))


async def fastapi_copy(
    organization: str, application: str, access: Annotated[Access, fastapi.requires(*OPERATION, **PLACES)]
):
    """A FastAPI endpoint."""
    assert organization
    assert application
    return seen(access)


@pytest.fixture
def world():
    """An asynchronous world."""
    with World("async") as found:
        yield found


@pytest.fixture(params=["starlette", "fastapi"])
def ask(request, world):
    """Asks the route of a host, with an access token of ann's that has a scope and a cap."""
    app = FastAPI() if request.param == "fastapi" else Starlette(routes=[Route(PATH, starlette_copy)])
    if request.param == "fastapi":
        app.add_api_route(PATH, fastapi_copy)
    starlette.install(app, world.bare, current_user=lambda _: "ann", login_url="/login")

    def ask(scope, cap="admin", path="/acme/rocket"):
        secret = Journey(world, scope=scope).connect(default=cap).access_token
        headers = (("Authorization", f"Bearer {secret}"),)
        return world.run(ask_asgi(app, Sent("GET", path, headers=headers)))

    return ask


def test_all_scopes_of_the_operation_stand_in_one_challenge(ask):
    """Those that the token has too, and none that another of them covers; with them all it passes."""
    scope = "only.Organization.read all.Application.bounded"
    for short in (
        "only.User.read",
        "all.Application.bounded",
        "only.Organization.read",
        "all.Organization.read",
    ):
        reply = ask(short)
        assert (reply.status, reply.json["reason"]) == (403, "insufficient_scope")
        assert reply.header("WWW-Authenticate").startswith(f'Bearer scope="{scope}", ')
    assert ask(scope).json["user"] == "ann"
    assert ask("all.Organization.bounded").status == 200


def test_a_role_that_is_too_low_for_one_of_them_is_no_matter_of_scopes(ask):
    """Nor is a place that is not there; but a scope that is missing is said first."""
    for cap, path in (("viewer", "/acme/rocket"), ("admin", "/acme/nothing"), ("admin", "/hooli/rocket")):
        reply = ask("all.Organization.bounded", cap, path)
        assert (reply.status, reply.json["reason"]) == (403, "role_too_low")
        assert reply.header("WWW-Authenticate") is None
    assert ask("all.Application.read", "none").json["reason"] == "insufficient_scope"
