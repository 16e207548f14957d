"""The contract of directories: ours keep it, and each broken one fails the test that is named for it."""

import asyncio
import os
import re
from pathlib import Path
from typing import ClassVar

import pytest
from attrs import evolve

from scopegate.core.records import Page
from scopegate.core.standing import (
    NOWHERE,
    SANDBOX,
    Account,
    Application,
    Ceiling,
    Membership,
    Organization,
    Standing,
)
from scopegate.directory import AsyncFunctionDirectory, FunctionDirectory
from scopegate.testing import AsyncDirectoryContract, DirectoryContract, MemoryDirectory

pytest_plugins = ["pytester"]

PEOPLE = {
    "ann": [
        Membership(
            "acme", "Acme Ltd", "admin", {"boiler": "Boiler", "door": Application("door", "Door", "view")}
        ),
        Membership("beta", "Beta GmbH", "view", {"pump": "Pump"}),
        Membership(SANDBOX, "Ann's sandbox", "edit", {"toy": "Toy"}),
    ],
    "bob": [
        Membership("acme", "Acme Ltd", "view", {"boiler": "Boiler"}),
        Membership(SANDBOX, "Bob's sandbox", "admin", {"kite": "Kite"}),
    ],
    "cyn": [Membership("beta", "Beta GmbH", "admin", {"pump": "Pump"})],
}


class Named(DirectoryContract):
    """Who is who."""

    user, others, stranger = "ann", ("bob", "cyn"), "nobody"
    organizations = ("acme", "beta")
    applications: ClassVar = {"boiler": "acme", "door": "acme", "pump": "beta", "toy": SANDBOX}


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


class LosesThePage(MemoryDirectory):
    """Skips the first item of each page but the first."""

    def memberships(self, user, /, *, after=None, search=""):
        """A gap."""
        items = super().memberships(user, search=search).items
        return Page(items[:1], "more") if after is None and len(items) > 1 else Page(items[2:] or items[:1])


class LosesApplications(MemoryDirectory):
    """Gives no page of applications but the first, of one."""

    def applications(self, user, organization, /, *, after=None, search=""):
        """Cut."""
        page = super().applications(user, organization, after=after, search=search)
        return page if search else Page(page.items[:1])


class KeepsWhoLeft(MemoryDirectory):
    """Lists who is no member any more."""

    def members(self, organization, /, *, after=None):
        """Cyn left Acme."""
        page = super().members(organization, after=after)
        return Page([*page.items, "cyn"]) if organization == "acme" else page


class HidesAMember(MemoryDirectory):
    """Lists only who is in the organization alone."""

    def members(self, organization, /, *, after=None):
        """Not Bob, who has a sandbox."""
        return Page([user for user in super().members(organization, after=after).items if user != "bob"])


class SharesSandboxes(MemoryDirectory):
    """Takes one sandbox for another."""

    def standing(self, user, /, *, organization=None, application=None):
        """Whoever has one may enter each."""
        found = super().standing(user, organization=organization, application=application)
        mine = super().standing(user, organization=SANDBOX)
        return mine if found == NOWHERE and application == "kite" and user != "nobody" else found


class HidesTheSandbox(MemoryDirectory):
    """States a sandbox that it does not list."""

    def memberships(self, user, /, *, after=None, search=""):
        """Organizations alone."""
        page = super().memberships(user, after=after, search=search)
        return Page([each for each in page.items if each.organization != SANDBOX])


class ForgetsTheCeiling(MemoryDirectory):
    """Lists a ceiling that it does not state."""

    def memberships(self, user, /, *, after=None, search=""):
        """Of Beta."""
        page = super().memberships(user, after=after, search=search)
        return Page(
            [evolve(each, ceiling=Ceiling("view")) if each.label[:1] == "B" else each for each in page.items]
        )


class SearchesIds(MemoryDirectory):
    """Finds applications by their ids alone."""

    def applications(self, user, organization, /, *, after=None, search=""):
        """Not by what people read."""
        page = super().applications(user, organization, after=after)
        return Page([each for each in page.items if search in each.id])


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
    LosesThePage: "test_what_is_there_is_listed",
    LosesApplications: "test_what_is_there_is_listed",
    KeepsWhoLeft: "test_the_members_are_those_who_have_a_standing",
    HidesAMember: "test_the_members_are_those_who_have_a_standing",
    SharesSandboxes: "test_the_sandbox_of_somebody_else_is_none",
    HidesTheSandbox: "test_a_standing_is_listed",
    ForgetsTheCeiling: "test_each_membership_is_a_standing",
    SearchesIds: "test_a_search_finds_what_it_names_and_nothing_that_is_not_there",
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


@pytest.mark.slow
def test_the_sample_of_the_page_passes(pytester, monkeypatch):
    """As it stands in docs/testing.md."""
    page = (Path(__file__).parents[2] / "docs" / "testing.md").read_text("utf-8")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    for name in [each for each in os.environ if each.startswith(("PYTEST_ADDOPTS", "COVERAGE_"))]:
        monkeypatch.delenv(name)
    pytester.makepyfile(test_mine=re.search(r"```python\n(import pytest.*?)```", page, re.DOTALL)[1])
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    tests = [name for name in dir(DirectoryContract) if name.startswith("test_")]
    result.assert_outcomes(passed=len(tests))


def test_every_test_of_the_contract_has_a_broken_directory():
    """So that none of them could as well not be there."""
    tests = {name for name in dir(DirectoryContract) if name.startswith("test_")}
    assert set(BROKEN.values()) == tests


def test_members_that_cannot_be_asked_for_are_not_tested():
    """And nothing says that they were."""
    assert TestFunctionDirectory.test_the_members_are_those_who_have_a_standing is None
    assert TestMemoryDirectory.test_the_members_are_those_who_have_a_standing is not None
