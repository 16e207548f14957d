"""scopegate in a FastAPI app: `install` mounts it, `requires` protects a route."""

from typing import Annotated, Any

from fastapi import Depends, Request

from scopegate.adapters import starlette
from scopegate.adapters.starlette import NEED, RefusedError, install
from scopegate.flows.access import Access
from scopegate.flows.needs import Need

__all__ = ["Access", "RefusedError", "bearer", "install", "requires"]


async def bearer(request: Request) -> Access:
    """The access of a request to the first resource. Override this one dependency in tests.

    Raises:
        RefusedError: it carries no good access token.
        UnavailableError: nothing was decided.
    """
    return await starlette.bearer(request)


def requires(
    action: str | None = None,
    *more: str,
    organization: str | None = None,
    application: str | None = None,
    resource: str | None = None,
) -> Any:  # noqa: ANN401 - FastAPI's own type of a dependency
    """A dependency that lets a request pass only if its token may do the action; use it in ``Annotated``.

    Args:
        action: the name of an action, such as ``Application.read``; None: any good access token will do.
        more: further actions that the endpoint needs too.
        organization: the path parameter that holds the organization.
        application: the path parameter that holds the application.
        resource: the URI of the resource as configured; None: the first one, whose `bearer` tests may override.
    """

    async def elsewhere(request: Request) -> Access:
        return await starlette.bearer(request, resource=resource)

    async def permitted(
        request: Request, granted: Annotated[Access, Depends(bearer if resource is None else elsewhere)]
    ) -> Access:
        if action is None:
            return granted
        return await starlette.permit(
            request,
            granted,
            action,
            *more,
            organization=organization,
            application=application,
            resource=resource,
        )

    setattr(
        permitted, NEED, Need(() if action is None else (action, *more), organization, application, resource)
    )
    return Depends(permitted)
