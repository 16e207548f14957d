"""Requests at protected resources, from a header to an allowed action."""

from scopegate.core.standing import Sandbox, Standing
from scopegate.directory import UNAVAILABLE
from scopegate.errors import DirectoryUnavailableError
from scopegate.flows import (
    reach,
)
from scopegate.flows.access import Access, Gate, Refusal
from scopegate.flows.challenges import Challenge, challenge
from scopegate.flows.reach import Held
from scopegate.shells.base_async import AsyncShell


class AsyncResources(AsyncShell):
    """Requests at protected resources, from a header to an allowed action."""

    async def access(  # noqa: C901, PLR0912, PLR0915 - the hot path in one piece: each call of a step would cost each request
        self,
        authorization: str | None,
        action: str | None = None,
        organization: str | Sandbox | None = None,
        application: str | None = None,
        resource: str | None = None,
    ) -> Access | Refusal:
        """From the ``Authorization`` header of a request to a protected resource to an allowed action (RS rows).

        Args:
            authorization: the header, if there was one.
            action: the name of an action, such as ``Application.read``; None: any good access token will do. An
                operation that needs several asks `refusal` next.
            organization: where it happens, for actions on organizations.
            application: where it happens, for actions on applications.
            resource: the URI of the resource as configured; None: the first one.

        Raises:
            ConfigurationError: the catalogue has no such action, or there is no such resource.
            InvalidValueError: the place is missing.
            UnavailableError: nothing was decided.
        """
        gate = self._gates[None] if resource is None else self._gate(resource)
        found = gate.locate(authorization)
        if found is None:
            return gate.unlocated(authorization)
        token_id, digest = found
        record = await self._store.token(self._realm, token_id, digest)
        if record is None:
            return gate.invalid
        token = record[0]
        try:
            account = await self._account(token.user)
        except Exception as error:
            raise DirectoryUnavailableError(UNAVAILABLE) from error
        now = self._clock()
        granted = gate.judge(record, account, now)
        if granted.is_stale:
            await self._touch(token_id, now)
        if action is None or isinstance(granted, Refusal):
            return granted
        place, standing = self._place(action, organization, application), None
        if place is not None:
            try:
                standing = await self._stands(token.user, organization=place[0], application=place[1])
            except Exception as error:
                raise DirectoryUnavailableError(UNAVAILABLE) from error
            granted.asked = ((place, standing),)
        if self._allows(token, action, standing, application, granted.narrowed):
            if gate.changes(action) and gate.is_news(granted, now):
                await self._touch(token_id, now, wrote=True)
            return granted
        return gate.refused(granted, (action,))

    def _gate(self, resource: str | None) -> Gate:
        """The gate of a resource, however it is written."""
        return self._gates.get(resource) or self._gates[self.configuration.resource(resource).uri]

    async def refusal(
        self,
        granted: Access,
        action: str,
        *more: str,
        organization: str | Sandbox | None = None,
        application: str | None = None,
        resource: str | None = None,
    ) -> Refusal | None:
        """What to tell the client if an operation of its request is not allowed; None where it is.

        Args:
            granted: from `access`.
            action: the name of an action that the operation is.
            more: further actions that it needs too; a challenge then names the scopes for all of them at once.
            organization: where it happens, for actions on organizations.
            application: where it happens, for actions on applications.
            resource: the URI of the resource as configured; None: the first one.

        Raises:
            ConfigurationError: the catalogue has no such action, or there is no such resource.
            InvalidValueError: the place is missing.
            UnavailableError: the directory did not answer.
        """
        for name in (action, *more):
            standing = await self._standing(granted, name, organization, application)
            if not self._allows(granted.token, name, standing, application, granted.narrowed):
                return self._gate(resource).refused(granted, (action, *more))
        gate, now = self._gate(resource), self._clock()
        if any(map(gate.changes, (action, *more))) and gate.is_news(granted, now):
            await self._touch(granted.token_id, now, wrote=True)
        return None

    async def _standing(
        self, held: Held, action: str, organization: str | Sandbox | None, application: str | None
    ) -> Standing | None:
        """The standing at the place of an action, if it has one; the directory is asked once for a request."""
        place = self._place(action, organization, application)
        if place is None:
            return None
        known = reach.recalled(held, place)
        if known is None:
            known = await self._directory.standing(held.user, organization=place[0], application=place[1])
            reach.remember(held, place, known)
        return known

    def challenge(self, refusal: Refusal) -> Challenge:
        """What to answer to a refused request (RFC 6750 section 3)."""
        return challenge(self.configuration, refusal)
