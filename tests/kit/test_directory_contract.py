"""The contract of directories: ours keep it, and each broken one fails the test that is named for it."""

import asyncio

import pytest
from attrs import evolve

from scopegate.core.records import Page
from scopegate.core.standing import NOWHERE, SANDBOX, Account, Application, Membership, Organization, Standing
from scopegate.directory import AsyncFunctionDirectory, FunctionDirectory
from scopegate.testing import AsyncDirectoryContract, DirectoryContract, MemoryDirectory

PEOPLE = {
    "ann": [
        Membership(
            "acme", "Acme Ltd", "admin", {"boiler": "Boiler", "door": Application("door", "Door", "view")}
        ),
        Membership("beta", "Beta GmbH", "view", {"pump": "Pump"}),
        Membership(SANDBOX, "Ann's sandbox", "edit", {"toy": "Toy"}),
    ],
    "bob": [Membership("acme", "Acme Ltd", "view", {"boiler": "Boiler"})],
}


class Named(DirectoryContract):
    """Who is who."""

    user, stranger = "ann", "nobody"


class TestMemoryDirectory(Named):
    """The directory of tests."""

    @pytest.fixture
    def directory(self):
        """Of two people."""
        return MemoryDirectory(PEOPLE)


class TestAsyncMemoryDirectory(Named, AsyncDirectoryContract):
    """Its twin."""

    @pytest.fixture
    def async_directory(self):
        """Of two people."""
        return MemoryDirectory(PEOPLE).asynchronous()


class TestFunctionDirectory(Named):
    """Made of one function."""

    has_members = False

    @pytest.fixture
    def directory(self):
        """Of two people."""
        return FunctionDirectory(lambda user: PEOPLE.get(user, ()))


class TestAsyncFunctionDirectory(Named, AsyncDirectoryContract):
    """Made of one coroutine function."""

    has_members = False

    @pytest.fixture
    def async_directory(self):
        """Of two people."""

        async def memberships(user):
            await asyncio.sleep(0)
            return PEOPLE.get(user, ())

        return AsyncFunctionDirectory(memberships)


class ForgetsTheAccount(MemoryDirectory):
    """Knows nobody."""

    def account(self, _user, /):
        """Nobody."""
        return


class DisablesEverybody(MemoryDirectory):
    """Knows everybody, and lets nobody in."""

    def account(self, user, /):
        """Not you."""
        return Account(user, enabled=False)


class AnotherRole(MemoryDirectory):
    """States another role than it lists."""

    def standing(self, user, /, *, organization=None, application=None):
        """Admin, wherever one is."""
        found = super().standing(user, organization=organization, application=application)
        return found if found == NOWHERE else evolve(found, role="admin")


class AnyOrganization(MemoryDirectory):
    """Believes who says where an application is."""

    def standing(self, user, /, *, organization=None, application=None):
        """Does not compare."""
        found = super().standing(user, application=application) if application else None
        return found or super().standing(user, organization=organization)


class EverybodysSandbox(MemoryDirectory):
    """Lets strangers into a sandbox."""

    def standing(self, user, /, *, organization=None, application=None):
        """By the id of an application alone."""
        if application == "toy":
            return super().standing("ann", organization=organization, application=application)
        return super().standing(user, organization=organization, application=application)


class InventsOrganizations(MemoryDirectory):
    """Has a role for everybody everywhere."""

    def standing(self, user, /, *, organization=None, application=None):
        """View, at least."""
        found = super().standing(user, organization=organization, application=application)
        return Standing(Organization("any"), "view") if found == NOWHERE and not application else found


class ForgetsMembers(MemoryDirectory):
    """Lists the members without the last."""

    def members(self, organization, /, *, after=None):
        """But one."""
        page = super().members(organization, after=after)
        return Page(page.items[1:])


class ListsTwice(MemoryDirectory):
    """Repeats the end of a page at the beginning of the next."""

    def memberships(self, user, /, *, after=None, search=""):
        """An overlap."""
        items = super().memberships(user, search=search).items
        return Page(items[:2], "more") if after is None and len(items) > 1 else Page(items[1:])


class SearchesNothing(MemoryDirectory):
    """Takes no notice of what is searched for."""

    def memberships(self, user, /, *, after=None, search=""):
        """Everything."""
        del search
        return super().memberships(user, after=after)


class HidesOwnRoles(MemoryDirectory):
    """Does not state the role of an application's own."""

    def standing(self, user, /, *, organization=None, application=None):
        """The organization's alone."""
        found = super().standing(user, organization=organization, application=application)
        return evolve(found, application_role=None)


BROKEN = {
    ForgetsTheAccount: "test_the_user_is_known",
    DisablesEverybody: "test_the_user_is_known",
    AnotherRole: "test_each_membership_is_a_standing",
    AnyOrganization: "test_each_application_belongs_to_the_owner_that_is_stated_for_it",
    EverybodysSandbox: "test_what_is_unknown_is_nowhere",
    InventsOrganizations: "test_what_is_unknown_is_nowhere",
    ForgetsMembers: "test_the_members_are_those_who_have_a_standing",
    ListsTwice: "test_pages_neither_repeat_nor_lose",
    SearchesNothing: "test_a_search_finds_what_it_names_and_nothing_that_is_not_there",
    HidesOwnRoles: "test_each_application_belongs_to_the_owner_that_is_stated_for_it",
}


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.__name__)
def test_a_broken_directory_fails_the_test_that_is_named_for_it(broken):
    """And the whole one passes it."""
    test = getattr(TestMemoryDirectory(), BROKEN[broken])
    test(MemoryDirectory(PEOPLE))
    with pytest.raises(AssertionError):
        test(broken(PEOPLE))
