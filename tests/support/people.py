"""The host's directory, in which tests change people's roles between two requests."""

from attrs import evolve

from scopegate import SANDBOX, Account, Application, Membership
from scopegate.core.memberships import applications_among, matching, standing_among
from scopegate.core.records import Page

PLACES = {
    "ann": (
        Membership(
            "acme", "Acme", "admin", {"rocket": "Rocket", "kite": Application("kite", "Kite", "viewer")}
        ),
        Membership("globex", "Globex", "viewer", {"lamp": "Lamp"}),
        Membership(SANDBOX, "Ann's sandbox", "admin", {"toy": "Toy"}),
    ),
    "bob": (Membership("acme", "Acme", "editor", {"rocket": "Rocket", "kite": "Kite"}),),
}


class People:
    """A `Directory`: ann is admin of acme (viewer on its kite), viewer of globex, has a sandbox; bob is editor of acme.

    ``asked`` records every call by name; while ``trouble`` is set, every call raises it. ``page_size`` is how many
    items a page of a list holds; None: all of them.
    """

    def __init__(self) -> None:
        self.places = dict(PLACES)
        self.disabled: set[str] = set()
        self.trouble: Exception | None = None
        self.page_size: int | None = None
        self.asked: list[str] = []

    def asynchronous(self) -> "AsyncPeople":
        """The same people for an asynchronous server."""
        return AsyncPeople(self)

    def role(self, user, organization, role) -> None:
        """Change a role."""
        self.places[user] = tuple(
            evolve(place, role=role) if place.organization == organization else place
            for place in self.places[user]
        )

    def ceiling(self, organization, ceiling) -> None:
        """Set the ceiling of an organization; None takes it away."""
        for user, places in self.places.items():
            self.places[user] = tuple(
                evolve(place, ceiling=ceiling) if place.organization == organization else place
                for place in places
            )

    def join(self, user, organization, role="admin", **applications) -> None:
        """Take a user into an organization, with its applications by id."""
        joined = Membership(organization, organization.capitalize(), role, applications)
        self.places[user] = (*self.places[user], joined)

    def leave(self, user, organization) -> None:
        """Take a user out of an organization."""
        self.places[user] = tuple(place for place in self.places[user] if place.organization != organization)

    def move(self, application, organization) -> None:
        """Give an application another owner, for everybody who is there."""
        for user, places in self.places.items():
            found = []
            for place in places:
                kept = {name: known for name, known in place.applications.items() if name != application}
                if place.organization == organization:
                    kept[application] = Application(application)
                found.append(evolve(place, applications=kept))
            self.places[user] = tuple(found)

    def _page(self, items, after):
        """A page of a list, from where the page before ended."""
        start = int(after or 0)
        stop = start + (self.page_size or len(items) + 1)
        return Page(items[start:stop], str(stop) if stop < len(items) else None)

    def _heard(self, call: str) -> None:
        self.asked.append(call)
        if self.trouble is not None:
            raise self.trouble

    def account(self, user, /):
        """See `Directory.account`."""
        self._heard("account")
        return Account(user.capitalize(), user not in self.disabled) if user in self.places else None

    def standing(self, user, /, *, organization=None, application=None):
        """See `Directory.standing`."""
        self._heard("standing")
        return standing_among(self.places.get(user, ()), organization=organization, application=application)

    def memberships(self, user, /, *, after=None, search=""):
        """See `Directory.memberships`."""
        self._heard("memberships")
        return self._page(matching(self.places.get(user, ()), search), after)

    def applications(self, user, organization, /, *, after=None, search=""):
        """See `Directory.applications`."""
        self._heard("applications")
        del search
        return self._page(applications_among(self.places.get(user, ()), organization), after)

    def members(self, organization, /, *, after=None):
        """See `Directory.members`."""
        self._heard("members")
        found = [
            user
            for user, places in self.places.items()
            if organization in {place.organization for place in places}
        ]
        return self._page(found, after)


class AsyncPeople:
    """`People`, awaited."""

    def __init__(self, people: People) -> None:
        self.people = people

    async def account(self, user, /):
        """See `Directory.account`."""
        return self.people.account(user)

    async def standing(self, user, /, *, organization=None, application=None):
        """See `Directory.standing`."""
        return self.people.standing(user, organization=organization, application=application)

    async def memberships(self, user, /, *, after=None, search=""):
        """See `Directory.memberships`."""
        return self.people.memberships(user, after=after, search=search)

    async def applications(self, user, organization, /, *, after=None, search=""):
        """See `Directory.applications`."""
        return self.people.applications(user, organization, after=after, search=search)

    async def members(self, organization, /, *, after=None):
        """See `Directory.members`."""
        return self.people.members(organization, after=after)
