"""What a token may do and where, for its user and the host."""

from collections.abc import Iterator

from scopegate.core.permissions import APPLICATION, ORGANIZATION, Explanation, Subject
from scopegate.core.standing import Membership, Sandbox
from scopegate.core.whatif import WhatIf
from scopegate.flows import (
    reach,
)
from scopegate.flows.manage import TokenView
from scopegate.flows.reach import Compared, Held, Reached, Spot
from scopegate.shells.resources import Resources
from scopegate.shells.tokens import Tokens


class Permissions(Tokens, Resources):
    """What a token may do and where, for its user and the host."""

    def check(
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
        standing = self._standing(held, action, organization, application)
        judged = self._subject(held)
        return reach.check(self.configuration, judged, action, standing, application)

    def explain(
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
        standing = self._standing(held, action, organization, application)
        judged = self._subject(held)
        return reach.explain(self.configuration, judged, action, standing, application)

    def reach(self, held: Held) -> Iterator[Reached]:
        """Every place where a token may do something now, with the actions open there, one by one.

        First what belongs to the user alone, then each organization and the sandbox, each followed by its applications.

        Args:
            held: the `Access` of a request, or the `TokenView` of a page.

        Raises:
            UnavailableError: the directory did not answer.
        """
        judged = self._subject(held)
        for spot in self._spots(held.user):
            found = reach.reached(self.configuration, judged, spot)
            if found.actions:
                yield found

    def reaching(self, organization: str) -> Iterator[tuple[TokenView, Reached]]:
        """Which tokens reach an organization now, and how far: the inverse of `reach`, member by member.

        Args:
            organization: its id.

        Raises:
            UnavailableError: the directory did not answer.
        """
        for user in self._each(lambda after: self._directory.members(organization, after=after)):
            membership = reach.membership(
                organization, self._directory.standing(user, organization=organization)
            )
            for view in self._each(lambda after: self.tokens(user, after=after)):  # noqa: B023 - read at once
                judged = self._subject(view)
                for spot in self._inside(user, membership):
                    found = reach.reached(self.configuration, judged, spot)
                    if found.actions:
                        yield view, found

    def preview(self, held: Held, change: WhatIf | None) -> Iterator[Compared]:
        """What a change would do to what a token may do, place by place; nothing is changed.

        Args:
            held: the `Access` of a request, or the `TokenView` of a page.
            change: of the user (`Recap`, `Pause`, `Resume`) or of the host (`MemberRole`, `NewCeiling`); None: none.

        Raises:
            UnavailableError: the directory did not answer.
        """
        comparison = reach.Comparison(self.configuration, self._subject(held), change)
        for spot in self._spots(held.user):
            yield comparison.at(spot)
        for compared in comparison.elsewhere():
            yield compared

    def organizations(self, held: Held, action: str) -> Iterator[Reached]:
        """The organizations (and the sandbox) in which a token may do an action now, for lists.

        Args:
            held: the `Access` of a request, or the `TokenView` of a page.
            action: the name of an action on organizations.

        Raises:
            ConfigurationError: the catalogue has no such action.
            InvalidValueError: the action is not one on organizations.
            UnavailableError: the directory did not answer.
        """
        judged = self._subject(held)
        if not reach.listed(self.configuration, judged, action, ORGANIZATION):
            return
        for membership in self._each(lambda after: self._directory.memberships(held.user, after=after)):
            found = reach.reached(self.configuration, judged, reach.in_organization(membership))
            if reach.includes(found, action, self.configuration):
                yield found

    def applications(
        self, held: Held, action: str, organization: str | Sandbox | None = None
    ) -> Iterator[Reached]:
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
        judged = self._subject(held)
        if not reach.listed(self.configuration, judged, action, APPLICATION):
            return
        for spot in self._spots(held.user, organization):
            found = reach.reached(self.configuration, judged, spot)
            if reach.includes(found, action, self.configuration):
                yield found

    def _subject(self, held: Held) -> Subject:
        """A token as it is judged; the account of a request's user was looked at when the request came."""
        account = None if reach.is_of_request(held) else self._directory.account(held.user)
        return reach.subject(held, account)

    def _spots(self, user: str, organization: str | Sandbox | None = None) -> Iterator[Spot]:
        """The places of a user, or those in one organization, as the directory lists them."""
        if organization is None:
            yield reach.ALONE
            for membership in self._each(lambda after: self._directory.memberships(user, after=after)):
                for spot in self._inside(user, membership):
                    yield spot
        else:
            standing = self._directory.standing(user, organization=organization)
            for spot in self._inside(user, reach.membership(organization, standing)):
                yield spot

    def _inside(self, user: str, membership: Membership) -> Iterator[Spot]:
        yield reach.in_organization(membership)
        for application in membership.applications.values():
            yield reach.in_application(membership, application)
        if not membership.applications:
            owner = membership.organization
            for application in self._each(
                lambda after: self._directory.applications(user, owner, after=after)
            ):
                yield reach.in_application(membership, application)
