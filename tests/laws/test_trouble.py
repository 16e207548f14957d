"""Law 7: every failure of ours is an `UnavailableError` (a 503), never an OAuth error that makes clients forget."""

import pytest
from tests.support import Journey, RecordedEntropy, WatchedStore, World

from scopegate import AuthorizationServer, RoleCap
from scopegate.core.changes import Touch
from scopegate.errors import DirectoryUnavailableError, StoreUnavailableError, UnavailableError
from scopegate.flows.outcomes import Done, OAuthFailure, Redirect, TokenReply
from scopegate.flows.register import RegistrationRequest

REGISTRATION = RegistrationRequest({"redirect_uris": ["https://client.example/"]})


class Calls:
    """Counts the calls of a store, but for the last-used time, and fails the one of that number with an exception."""

    def __init__(self, failing=None, error=None) -> None:
        self.failing = failing
        self.error = error or StoreUnavailableError("the database is down")
        self.names = []

    def __call__(self, name, args):
        """Count, and fail or not."""
        if name == "commit" and isinstance(args[1][0], Touch):
            return
        self.names.append(name)
        if len(self.names) == self.failing:
            raise self.error


@pytest.fixture
def store():
    """A watched store."""
    return WatchedStore()


@pytest.fixture
def watched(make_world, store):
    """A world over the watched store."""
    return make_world(store=store)


def steps(journey):
    """Every step that a client, a browser or a user can take, by name."""
    server, token_id = journey.server, journey.token_id
    return {
        "register": lambda: server.register(REGISTRATION),
        "add_client": lambda: server.add_client("X", ["https://client.example/"]),
        "authorize": journey.authorize,
        "approve": journey.decide,
        "deny": lambda: journey.decide("deny"),
        "redeem": journey.redeem,
        "refresh": journey.refresh,
        "revoke": lambda: journey.revoke(journey.access_token),
        "access": lambda: journey.access("Application.read", application="rocket"),
        "tokens": lambda: server.tokens("ann"),
        "token_detail": lambda: server.token_detail("ann", token_id),
        "explain": lambda: server.explain(
            server.token_detail("ann", token_id), "Application.read", application="rocket"
        ),
        "recap": lambda: server.recap("ann", token_id, RoleCap("viewer")),
        "pause": lambda: server.pause("ann", token_id),
        "delete": lambda: server.delete("ann", token_id),
        "sweep": server.sweep,
    }


def ready(world):
    """A journey from which every step can be taken."""
    journey = Journey(world).connect()
    journey.approve()
    return journey


STEPS = (
    "register",
    "add_client",
    "authorize",
    "approve",
    "deny",
    "redeem",
    "refresh",
    "revoke",
    "access",
    "tokens",
    "token_detail",
    "explain",
    "recap",
    "pause",
    "delete",
    "sweep",
)


TROUBLES = (RuntimeError("LDAP"), DirectoryUnavailableError("down"), OSError(), KeyError("ann"))


@pytest.mark.parametrize("step", STEPS)
def test_a_store_that_fails_is_unavailable_at_whichever_call(make_world, step):
    """Each call of the store, one after the other, fails; every time that is what is raised, and nothing answered."""
    number = 0
    while True:
        number += 1
        store = WatchedStore()
        journey = ready(make_world(store=store))
        store.before = calls = Calls(number)
        if number > 1 and len(calls_of(make_world, step)) < number:
            break
        with pytest.raises(StoreUnavailableError, match="the database is down"):
            steps(journey)[step]()
        assert len(calls.names) == number
    assert number > 1


def calls_of(make_world, step):
    """The store's methods that a step calls when all is well."""
    store = WatchedStore()
    journey = ready(make_world(store=store))
    store.before = calls = Calls()
    steps(journey)[step]()
    return calls.names


@pytest.mark.parametrize(
    ("step", "names"),
    [
        ("redeem", ["token", "commit"]),
        ("refresh", ["token", "commit"]),
        ("revoke", ["token", "commit"]),
        ("access", ["token"]),
        ("explain", ["token"]),
        ("delete", ["token", "commit"]),
        ("register", ["commit"]),
        ("authorize", ["client", "tokens"]),
    ],
)
def test_each_step_reads_once_and_writes_once(make_world, step, names):
    """One round trip to read, one to write; the client comes with its token."""
    assert calls_of(make_world, step) == names


def test_the_list_of_steps_is_whole(watched):
    """A step that is added is tested."""
    assert set(STEPS) == set(steps(ready(watched)))


@pytest.mark.parametrize(
    "step",
    ["authorize", "approve", "deny", "redeem", "refresh", "access", "explain"],
)
@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_directory_that_fails_is_unavailable(world, step, trouble):
    """Whatever it raises: never no role, never an OAuth error; the cause is kept for the host's log."""
    journey = ready(world)
    world.people.trouble = trouble
    with pytest.raises(DirectoryUnavailableError) as caught:
        steps(journey)[step]()
    assert caught.value.__cause__ is trouble
    assert isinstance(caught.value, UnavailableError)
    world.people.trouble = None
    assert not isinstance(steps(journey)[step](), OAuthFailure)


def test_a_directory_of_one_function_that_fails_is_unavailable():
    """The simple form is guarded like the others."""

    def memberships(_user):
        raise LookupError("the table is gone")

    with World() as proper:
        journey = Journey(proper).connect()

        broken = AuthorizationServer(
            issuer="https://acme.example",
            product="Acme",
            directory=memberships,
            resources=proper.configuration.resources,
            store=proper.store,
            sealing_keys=["a2V5IG9mIHRoZSB0ZXN0cyB3aXRoIDI1NiBiaXRzISE"],
            clock=proper.clock,
        )
        with pytest.raises(DirectoryUnavailableError):
            broken.access(f"Bearer {journey.access_token}", "Application.read", application="rocket")


@pytest.mark.parametrize("step", ["redeem", "refresh", "revoke", "access"])
def test_an_exception_that_no_store_should_raise_is_not_answered_either(watched, store, step):
    """A bug in a store of somebody's own surfaces as itself; it becomes no OAuth error."""
    journey = ready(watched)
    store.before = Calls(1, ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        steps(journey)[step]()


def test_after_the_trouble_everything_goes_on(watched, store):
    """A failure before the commit changed nothing: the same request then succeeds."""
    journey = Journey(watched)
    journey.register()
    for step, expected in (
        (journey.decide, Redirect),
        (journey.redeem, TokenReply),
        (journey.refresh, TokenReply),
        (lambda: journey.revoke(journey.refresh_token), Done),
    ):
        if step == journey.decide:
            journey.authorize()
        store.before = fail_commits
        with pytest.raises(StoreUnavailableError):
            step()
        store.before = lambda *_: None
        assert isinstance(step(), expected)


def fail_commits(name, _args):
    """The database takes no writes."""
    if name == "commit":
        raise StoreUnavailableError("read-only")


def test_two_processes_see_one_store(world):
    """The guard works for whoever shares the data: what one process revoked, the other refuses at once."""
    connected = Journey(world).connect()
    with World(
        store=world.given_store, clock=world.clock, people=world.people, entropy=RecordedEntropy("other")
    ) as other:
        connected.revoke(connected.refresh_token)
        assert other.server.access(f"Bearer {connected.access_token}").reason == "invalid_token"
