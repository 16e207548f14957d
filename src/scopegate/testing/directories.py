"""The contract of directories, as a test suite that a host inherits.

    class TestMyDirectory(DirectoryContract):
        user = "ann"
        others = ("bob",)
        stranger = "nobody"
        organizations = ("acme", "beta")
        applications = {"boiler": "acme", "toy": SANDBOX}

        @pytest.fixture
        def directory(self):
            return MyDirectory(...)

``user`` is somebody who has roles in organizations with applications in them, ``others`` are more people who are there,
``stranger`` is nobody's id: no person's, no organization's and no application's. What is tested is that the answers
agree: `standing` with `memberships`, `members` and `applications`. That nothing is lost between pages shows only where
``organizations`` and ``applications`` say what has to be listed. A directory made of one memberships function cannot
list members; set ``has_members = False``.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from functools import partial
from typing import ClassVar, Final, TypeVar

import pytest

from scopegate.core.records import Page
from scopegate.core.standing import (
    NOWHERE,
    SANDBOX,
    Account,
    Application,
    Membership,
    Sandbox,
    Standing,
)
from scopegate.protocols import AsyncDirectory, Directory
from scopegate.testing._store_rules import equal, holds

T = TypeVar("T")

__all__ = ["AsyncDirectoryContract", "DirectoryContract"]


_OF_MEMBERS: Final = "test_the_members_are_those_who_have_a_standing"


class DirectoryContract:
    """What every directory does. Give the fixture ``directory``, and name people."""

    user: ClassVar[str] = ""
    """Somebody with a role in at least one organization that has at least one application."""
    stranger: ClassVar[str] = ""
    """An id that no person, organization or application has."""
    others: ClassVar[Sequence[str]] = ()
    """More people who are there; best one who shares an organization with the user, and one who has a sandbox."""
    organizations: ClassVar[Sequence[str]] = ()
    """Organizations in which the user has a role."""
    applications: ClassVar[Mapping[str, str | Sandbox]] = {}
    """Applications that the user may see, with the organization that each belongs to, or ``SANDBOX``."""
    has_members: ClassVar[bool] = True
    """Whether `members` can be asked; if not, its test is not collected."""

    def __init_subclass__(cls, **options: object) -> None:
        """Leave out the test of members where they cannot be asked for."""
        super().__init_subclass__(**options)
        if not cls.has_members:
            setattr(cls, _OF_MEMBERS, None)

    @pytest.fixture
    def directory(self) -> Directory:
        """The directory. Override this."""
        raise NotImplementedError(f"{type(self).__name__}: override the fixture directory()")

    def test_the_user_is_known(self, directory: Directory) -> None:
        """By a label, and enabled; and has somewhere to be."""
        account = directory.account(self.user)
        holds(account is not None and account.enabled, "the user has an account, and it is enabled")
        holds(bool(self._memberships(directory)), "the user has at least one membership")
        holds(
            any(self._applications(directory, each) for each in self._memberships(directory)),
            "the user sees at least one application",
        )

    def test_each_membership_is_a_standing(self, directory: Directory) -> None:
        """Of the same owner, with the same role; for everybody."""
        for person in (self.user, *self.others):
            for membership in self._memberships(directory, person):
                standing = directory.standing(person, organization=membership.organization)
                equal(standing.owner, membership.owner, "a membership's owner is that of the standing")
                equal(standing.role, membership.role, "a membership's role is that of the standing")
                equal(standing.ceiling, membership.ceiling, "a membership's ceiling is that of the standing")

    def test_what_is_there_is_listed(self, directory: Directory) -> None:
        """On whatever page, and it is where it is said to be."""
        listed = [each.organization for each in self._memberships(directory)]
        lost = [each for each in self.organizations if each not in listed]
        equal(lost, [], "every organization in which the user has a role is listed")
        for application, organization in self.applications.items():
            read = partial(directory.applications, self.user, organization)
            ids = [each.id for each in _every(read)]
            holds(application in ids, f"application {application!r} is listed in {organization!r}")

    def test_a_standing_is_listed(self, directory: Directory) -> None:
        """Who has a role somewhere finds the place among the memberships: also the sandbox."""
        for person in (self.user, *self.others):
            places = [each.organization for each in self._memberships(directory, person)]
            asked: tuple[str | Sandbox, ...] = (*self.organizations, SANDBOX)
            for place in asked:
                there = directory.standing(person, organization=place) != NOWHERE
                equal(
                    place in places,
                    there,
                    f"{person!r} has a standing at {place!r} and a membership, or neither",
                )

    def test_the_sandbox_of_somebody_else_is_none(self, directory: Directory) -> None:
        """Nobody has a standing at an application in it, with or without the word for a sandbox."""
        people = (self.user, *self.others)
        for owner in people:
            for application in _every(partial(directory.applications, owner, SANDBOX)):
                for person in (*people, self.stranger):
                    if person != owner:
                        self._nowhere(directory, person, application)
        equal(directory.standing(self.stranger, organization=SANDBOX), NOWHERE, "a stranger has no sandbox")

    def _nowhere(self, directory: Directory, person: str, application: Application) -> None:
        for place in (None, SANDBOX):
            found = directory.standing(person, organization=place, application=application.id)
            equal(found, NOWHERE, "an application in somebody else's sandbox is nowhere")

    def test_each_application_belongs_to_the_owner_that_is_stated_for_it(self, directory: Directory) -> None:
        """With or without being told the organization; and to no other."""
        memberships = self._memberships(directory)
        for membership in memberships:
            for application in self._applications(directory, membership):
                alone = directory.standing(self.user, application=application.id)
                equal(alone.owner, membership.owner, "an application belongs to the owner that lists it")
                both = directory.standing(
                    self.user, organization=membership.organization, application=application.id
                )
                equal(both, alone, "naming the right organization changes nothing")
                equal(
                    alone.role, membership.role, "the role in the organization is that for its applications"
                )
                equal(
                    alone.application_role, application.role, "a role of its own is stated and listed alike"
                )
                self._nowhere_else(
                    directory, application, [each for each in memberships if each != membership]
                )

    def _nowhere_else(self, directory: Directory, application: Application, others: list[Membership]) -> None:
        for other in others:
            wrong = directory.standing(self.user, organization=other.organization, application=application.id)
            equal(wrong, NOWHERE, "an application is nowhere in an organization that is not its own")

    def test_what_is_unknown_is_nowhere(self, directory: Directory) -> None:
        """A person, an organization, an application."""
        strange = self.stranger
        equal(directory.standing(self.user, organization=strange), NOWHERE, "no such organization")
        equal(directory.standing(self.user, application=strange), NOWHERE, "no such application")
        for membership in self._memberships(directory):
            organization = membership.organization
            if not isinstance(organization, Sandbox):
                found = directory.standing(strange, organization=organization)
                equal(found, NOWHERE, "a stranger is nowhere in an organization")
            for application in self._applications(directory, membership):
                found = directory.standing(strange, application=application.id)
                equal(found, NOWHERE, "a stranger is nowhere in an application")
        equal(list(_every(partial(directory.memberships, strange))), [], "a stranger has no membership")

    def test_the_members_are_those_who_have_a_standing(self, directory: Directory) -> None:
        """The user is among them, each has a role there, and nobody is listed twice."""
        for membership in self._memberships(directory):
            organization = membership.organization
            if isinstance(organization, Sandbox):
                continue
            members = list(_every(partial(directory.members, organization)))
            holds(self.user in members, "who has a membership is a member")
            holds(self.stranger not in members, "a stranger is no member")
            equal(len(set(members)), len(members), "no member is listed twice")
            for person in (*members, *self.others):
                found = directory.standing(person, organization=organization)
                expected = membership.owner if person in members else None
                equal(found.owner, expected, f"{person!r} is a member and has a standing, or neither")
                places = [each.organization for each in self._memberships(directory, person)]
                equal(
                    organization in places, person in members, f"the memberships of {person!r} say the same"
                )
        equal(
            list(_every(partial(directory.members, self.stranger))),
            [],
            "an unknown organization has no member",
        )

    def test_pages_neither_repeat_nor_lose(self, directory: Directory) -> None:
        """Nor does asking again."""
        memberships = self._memberships(directory)
        keys = [repr(each.owner) for each in memberships]
        equal(len(set(keys)), len(keys), "no membership is listed twice")
        equal(self._memberships(directory), memberships, "the same question has the same answer")
        for membership in memberships:
            ids = [each.id for each in self._applications(directory, membership)]
            equal(len(set(ids)), len(ids), "no application is listed twice")

    def test_a_search_finds_what_it_names_and_nothing_that_is_not_there(self, directory: Directory) -> None:
        """By the whole label of an organization."""
        memberships = self._memberships(directory)
        for membership in memberships:
            label = membership.label
            found = list(_every(partial(directory.memberships, self.user, search=label)))
            holds(membership in found, "a search for its whole label finds a membership")
            holds(all(each in memberships for each in found), "a search finds only what is there")
            for application in self._applications(directory, membership):
                read = partial(directory.applications, self.user, membership.organization)
                hits = list(_every(partial(read, search=application.label)))
                holds(application in hits, "a search for its whole label finds an application")
        none = list(_every(partial(directory.memberships, self.user, search="\U0001d11e no such name")))
        equal(none, [], "a search for what nothing is called finds nothing")

    def _memberships(self, directory: Directory, person: str | None = None) -> list[Membership]:
        return list(_every(partial(directory.memberships, self.user if person is None else person)))

    def _applications(self, directory: Directory, membership: Membership) -> list[Application]:
        return list(_every(partial(directory.applications, self.user, membership.organization)))


class AsyncDirectoryContract(DirectoryContract):
    """`DirectoryContract` for an asynchronous directory. Give the fixture ``async_directory``."""

    @pytest.fixture
    def async_directory(self) -> AsyncDirectory:
        """The directory. Override this."""
        raise NotImplementedError(f"{type(self).__name__}: override the fixture async_directory()")

    @pytest.fixture
    def directory(self, async_directory: AsyncDirectory) -> Iterator[Directory]:
        """The asynchronous directory, seen by synchronous callers."""
        with asyncio.Runner() as runner:
            yield _Awaited(async_directory, runner)


class _Awaited:
    """An asynchronous directory, seen by synchronous callers."""

    def __init__(self, directory: AsyncDirectory, runner: asyncio.Runner) -> None:
        self._directory = directory
        self._runner = runner

    def account(self, user: str, /) -> Account | None:
        return self._run(self._directory.account(user))

    def standing(
        self, user: str, /, *, organization: str | Sandbox | None = None, application: str | None = None
    ) -> Standing:
        return self._run(self._directory.standing(user, organization=organization, application=application))

    def memberships(self, user: str, /, *, after: str | None = None, search: str = "") -> Page[Membership]:
        return self._run(self._directory.memberships(user, after=after, search=search))

    def applications(
        self, user: str, organization: str | Sandbox, /, *, after: str | None = None, search: str = ""
    ) -> Page[Application]:
        return self._run(self._directory.applications(user, organization, after=after, search=search))

    def members(self, organization: str, /, *, after: str | None = None) -> Page[str]:
        return self._run(self._directory.members(organization, after=after))

    def _run(self, coroutine: Coroutine[object, object, T]) -> T:
        return self._runner.run(coroutine)


def _every(read: Callable[..., Page[T]]) -> Iterator[T]:
    """All of a list, page by page."""
    page = read()
    while True:
        yield from page.items
        if page.after is None:
            return
        page = read(after=page.after)
