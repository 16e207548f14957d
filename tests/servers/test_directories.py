"""The host's directory: one function or an object, sync or async."""

import pytest
from tests.support import AsyncPeople, Blocking, Journey, People, World

from scopegate import SANDBOX, Account, Application, AuthorizationServer, Membership, Organization, Standing
from scopegate.core.standing import NOWHERE
from scopegate.directory import as_async_directory, as_directory
from scopegate.errors import ConfigurationError, DirectoryUnavailableError
from scopegate.flows.outcomes import ConsentPrompt

PLACES = [
    Membership("acme", "Acme", "admin", {"rocket": "Rocket", "kite": Application("kite", "Kite", "viewer")}),
    Membership("globex", "Globex", "viewer", {"lamp": "Lamp"}),
    Membership(SANDBOX, "Sandbox", "editor", {"toy": "Toy"}),
]


def places(user):
    """What the host knows."""
    return PLACES if user == "ann" else []


async def async_places(user):
    """The same, awaited."""
    return places(user)


class Runs:
    """Runs a coroutine that does not suspend."""

    @staticmethod
    def run(coroutine):
        """To its end."""
        try:
            coroutine.send(None)
        except StopIteration as stop:
            return stop.value
        raise AssertionError("it suspended")


@pytest.fixture(params=["function", "async function", "object", "async object"])
def directory(request):
    """Every form of a directory, ready for a server, called synchronously."""
    people = People()
    people.places = {"ann": tuple(PLACES)}
    match request.param:
        case "function":
            return as_directory(places)
        case "async function":
            return Blocking(as_async_directory(async_places), Runs)
        case "object":
            return as_directory(people)
    return Blocking(as_async_directory(AsyncPeople(people)), Runs)


@pytest.mark.parametrize(
    ("organization", "application", "expected"),
    [
        ("acme", None, Standing(Organization("acme"), "admin")),
        ("acme", "rocket", Standing(Organization("acme"), "admin")),
        ("acme", "kite", Standing(Organization("acme"), "admin", "viewer")),
        (None, "rocket", Standing(Organization("acme"), "admin")),
        (None, "lamp", Standing(Organization("globex"), "viewer")),
        ("acme", "lamp", NOWHERE),
        (SANDBOX, None, Standing(SANDBOX, "editor")),
        (SANDBOX, "toy", Standing(SANDBOX, "editor")),
        (None, "toy", Standing(SANDBOX, "editor")),
        ("hooli", None, NOWHERE),
        (None, "nothing", NOWHERE),
        (SANDBOX, "rocket", NOWHERE),
    ],
)
def test_standing_follows_from_memberships(directory, organization, application, expected):
    """The owner is the one stated now, whatever organization is named beside an application."""
    assert directory.standing("ann", organization=organization, application=application) == expected
    assert directory.standing("bob", organization=organization, application=application) == NOWHERE


def test_lists_follow_from_memberships(directory):
    """Names are searched in labels and ids, in any case."""
    assert [place.label for place in directory.memberships("ann").items] == ["Acme", "Globex", "Sandbox"]
    assert [place.label for place in directory.memberships("ann", search="GLO").items] == ["Globex"]
    assert [each.id for each in directory.applications("ann", "acme").items] == ["rocket", "kite"]
    assert [each.id for each in directory.applications("ann", SANDBOX).items] == ["toy"]
    assert list(directory.applications("ann", "hooli").items) == []


def test_one_function_knows_no_members():
    """A host that wants them listed writes a class."""
    for ready in (as_directory(places), Blocking(as_async_directory(async_places), Runs)):
        with pytest.raises(ConfigurationError, match="write a Directory class"):
            ready.members("acme")
        assert ready.account("ann") == Account("ann")


def test_a_class_lists_its_members():
    """The guard hands the call on."""
    assert list(as_directory(People()).members("acme").items) == ["ann", "bob"]


def test_a_server_works_with_one_function():
    """The simplest host: a function from user to memberships."""
    with World() as world:
        world.server = world.bare = AuthorizationServer(
            issuer="https://acme.example",
            product="Acme",
            directory=places,
            resources=world.configuration.resources,
            store=world.store,
            sealing_keys=["a2V5IG9mIHRoZSB0ZXN0cyB3aXRoIDI1NiBiaXRzISE"],
            clock=world.clock,
            entropy=world.entropy,
        )
        journey = Journey(world)
        journey.register()
        prompt = journey.authorize()
        assert isinstance(prompt, ConsentPrompt)
        assert prompt.account.label == "ann"
        journey.decide(default="editor")
        journey.redeem()
        assert journey.access("Application.write", application="rocket").user == "ann"
        assert journey.access("Application.write", application="kite").status == 403
        assert journey.access("Application.write", application="toy").user == "ann"


@pytest.mark.parametrize("method", ["account", "standing", "memberships", "applications", "members"])
def test_every_failure_is_the_directorys(method):
    """Law 7: whichever method, whichever exception; what stops the process passes."""
    people = People()
    arguments = {"standing": ("ann",), "applications": ("ann", "acme"), "members": ("acme",)}.get(
        method, ("ann",)
    )
    for ready in (as_directory(people), Blocking(as_async_directory(AsyncPeople(people)), Runs)):
        for trouble in (ValueError("x"), TimeoutError(), DirectoryUnavailableError("y")):
            people.trouble = trouble
            with pytest.raises(DirectoryUnavailableError):
                getattr(ready, method)(*arguments)
        people.trouble = KeyboardInterrupt()
        with pytest.raises(KeyboardInterrupt):
            getattr(ready, method)(*arguments)
