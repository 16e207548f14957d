"""What a token may do and where, for its user and the host."""

from collections.abc import AsyncIterator

from scopegate.core.permissions import APPLICATION, ORGANIZATION, Explanation, Subject
from scopegate.core.standing import Membership, Sandbox
from scopegate.core.whatif import WhatIf
from scopegate.flows import (
    reach,
)
from scopegate.flows.manage import TokenView
from scopegate.flows.reach import Compared, Held, Reached, Spot
from scopegate.shells.resources_async import AsyncResources
from scopegate.shells.tokens_async import AsyncTokens


class AsyncPermissions(AsyncTokens, AsyncResources):
    """What a token may do and where, for its user and the host."""

    async def check(
        self,
        held: Held,
        action: str,
        *,
        organization: str | Sandbox | None = None,
        application: str | None = None,
    ) -> bool:
        """Whether a token may do an action now (laws 1 and 2).

        Args:
            held: the `Access` of a request, or the `TokenView` of a page.
            action: the name of an action, such as ``Application.read``.
            organization: where it happens, for actions on organizations.
            application: where it happens, for actions on applications.

        Raises:
            ConfigurationError: the catalogue has no such action.
            InvalidValueError: the place is missing.
            UnavailableError: the directory did not answer.
        """
        standing = await self._standing(held, action, organization, application)
        judged = await self._subject(held)
        return reach.check(self.configuration, judged, action, standing, application)

    async def explain(
        self,
        held: Held,
        action: str,
        *,
        organization: str | Sandbox | None = None,
        application: str | None = None,
    ) -> Explanation:
        """What `check` says, with every layer and limit, what would change it, and who may. Not for the client.

        Args and errors are those of `check`.
        """
        standing = await self._standing(held, action, organization, application)
        judged = await self._subject(held)
        return reach.explain(self.configuration, judged, action, standing, application)

    async def reach(self, held: Held) -> AsyncIterator[Reached]:
        """Every place where a token may do something now, with the actions open there, one by one.

        First what belongs to the user alone, then each organization and the sandbox, each followed by its applications.

        Args:
            held: the `Access` of a request, or the `TokenView` of a page.

        Raises:
            UnavailableError: the directory did not answer.
        """
        judged = await self._subject(held)
        async for spot in self._spots(held.user):
            found = reach.reached(self.configuration, judged, spot)
            if found.actions:
                yield found

    async def reaching(self, organization: str) -> AsyncIterator[tuple[TokenView, Reached]]:
        """Which tokens reach an organization now, and how far: the inverse of `reach`, member by member.

        Args:
            organization: its id.

        Raises:
            UnavailableError: the directory did not answer.
        """
        async for user in self._each(lambda after: self._directory.members(organization, after=after)):
            membership = reach.membership(
                organization, await self._directory.standing(user, organization=organization)
            )
            async for view in self._each(lambda after: self.tokens(user, after=after)):  # noqa: B023 - read at once
                judged = await self._subject(view)
                async for spot in self._inside(user, membership):
                    found = reach.reached(self.configuration, judged, spot)
                    if found.actions:
                        yield view, found

    async def preview(self, held: Held, change: WhatIf | None) -> AsyncIterator[Compared]:
        """What a change would do to what a token may do, place by place; nothing is changed.

        Args:
            held: the `Access` of a request, or the `TokenView` of a page.
            change: of the user (`Recap`, `Pause`, `Resume`) or of the host (`MemberRole`, `NewCeiling`); None: none.

        Raises:
            UnavailableError: the directory did not answer.
        """
        comparison = reach.Comparison(self.configuration, await self._subject(held), change)
        async for spot in self._spots(held.user):
            yield comparison.at(spot)
        for compared in comparison.elsewhere():
            yield compared

    async def organizations(self, held: Held, action: str) -> AsyncIterator[Reached]:
        """The organizations (and the sandbox) in which a token may do an action now, for lists.

        Args:
            held: the `Access` of a request, or the `TokenView` of a page.
            action: the name of an action on organizations.

        Raises:
            ConfigurationError: the catalogue has no such action.
            InvalidValueError: the action is not one on organizations.
            UnavailableError: the directory did not answer.
        """
        judged = await self._subject(held)
        if not reach.listed(self.configuration, judged, action, ORGANIZATION):
            return
        async for membership in self._each(lambda after: self._directory.memberships(held.user, after=after)):
            found = reach.reached(self.configuration, judged, reach.in_organization(membership))
            if reach.includes(found, action, self.configuration):
                yield found

    async def applications(
        self, held: Held, action: str, organization: str | Sandbox | None = None
    ) -> AsyncIterator[Reached]:
        """The applications on which a token may do an action now, for lists.

        Args:
            held: the `Access` of a request, or the `TokenView` of a page.
            action: the name of an action on applications.
            organization: only those in this organization or in the sandbox; None: in all.

        Raises:
            ConfigurationError: the catalogue has no such action.
            InvalidValueError: the action is not one on applications.
            UnavailableError: the directory did not answer.
        """
        judged = await self._subject(held)
        if not reach.listed(self.configuration, judged, action, APPLICATION):
            return
        async for spot in self._spots(held.user, organization):
            found = reach.reached(self.configuration, judged, spot)
            if reach.includes(found, action, self.configuration):
                yield found

    async def _subject(self, held: Held) -> Subject:
        """A token as it is judged; the account of a request's user was looked at when the request came."""
        account = None if reach.is_of_request(held) else await self._directory.account(held.user)
        return reach.subject(held, account)

    async def _spots(self, user: str, organization: str | Sandbox | None = None) -> AsyncIterator[Spot]:
        """The places of a user, or those in one organization, as the directory lists them."""
        if organization is None:
            yield reach.ALONE
            async for membership in self._each(lambda after: self._directory.memberships(user, after=after)):
                async for spot in self._inside(user, membership):
                    yield spot
        else:
            standing = await self._directory.standing(user, organization=organization)
            async for spot in self._inside(user, reach.membership(organization, standing)):
                yield spot

    async def _inside(self, user: str, membership: Membership) -> AsyncIterator[Spot]:
        yield reach.in_organization(membership)
        for application in membership.applications.values():
            yield reach.in_application(membership, application)
        if not membership.applications:
            owner = membership.organization
            async for application in self._each(
                lambda after: self._directory.applications(user, owner, after=after)
            ):
                yield reach.in_application(membership, application)
