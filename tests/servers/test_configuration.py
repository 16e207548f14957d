"""What is refused at start-up: each message names the argument, the problem and what to write instead."""

from threading import current_thread

import pytest
from attrs import evolve
from tests.support import API, KEY, AsyncPeople, Journey, People, World

from scopegate import (
    AccessClass,
    Action,
    AsyncAuthorizationServer,
    AuthorizationServer,
    Catalogue,
    ConfigurationError,
    Level,
    Membership,
    Profile,
    Resource,
    RoleLadder,
    in_threads,
    presets,
)
from scopegate.errors import DirectoryUnavailableError
from scopegate.flows import metadata
from scopegate.profiles import DEFAULT, STRICT
from scopegate.stores import MemoryStore, SQLiteStore, as_store

GOOD = {
    "issuer": "https://acme.example",
    "product": "Acme",
    "resources": [Resource(API, ["only.User.read"])],
    "sealing_keys": [KEY],
}


def build(colour="sync", **changes):
    """A server of either colour with good arguments but for the changes."""
    people = People()
    if colour == "sync":
        return AuthorizationServer(**{"directory": people, "store": MemoryStore()} | GOOD | changes)
    return AsyncAuthorizationServer(
        **{"directory": AsyncPeople(people), "store": MemoryStore()} | GOOD | changes
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"issuer": ""}, ["issuer", "absolute", "https://acme.example"]),
        ({"issuer": "acme.example"}, ["issuer", "absolute"]),
        ({"issuer": "ftp://acme.example"}, ["issuer", "absolute"]),
        ({"issuer": "https://"}, ["issuer", "absolute"]),
        ({"issuer": "https://\u00e4cme.example"}, ["issuer", "absolute"]),
        ({"issuer": "http://acme.example"}, ["issuer", "http", "localhost", "https"]),
        ({"issuer": "https://acme.example/"}, ["issuer", "final slash"]),
        ({"issuer": "https://acme.example?x"}, ["issuer", "query"]),
        ({"issuer": "https://acme.example#x"}, ["issuer", "fragment"]),
        ({"issuer": "https://acme.example?"}, ["issuer", "query"]),
        ({"issuer": "https://me@acme.example"}, ["issuer", "user"]),
        ({"product": " "}, ["product", "name"]),
        ({"realm": ""}, ["realm", "lower-case"]),
        ({"realm": "Acme"}, ["realm", "lower-case"]),
        ({"realm": "a" * 33}, ["realm", "short"]),
        ({"realm": "a b"}, ["realm", "hyphens"]),
        ({"resources": []}, ["resources", "empty", "Resource("]),
        ({"resources": [Resource("api", ["only.User.read"])]}, ["resource", "absolute"]),
        ({"resources": [Resource("http://acme.example", ["only.User.read"])]}, ["resource", "https"]),
        ({"resources": [Resource(API + "#x", ["only.User.read"])]}, ["resource", "fragment"]),
        ({"resources": [Resource(API + "#", ["only.User.read"])]}, ["resource", "fragment"]),
        ({"resources": [Resource(API)]}, [API, "scopes", "none", "only.User.read"]),
        ({"resources": [Resource(API, ["everything"])]}, [API, "everything", "only.User.read"]),
        (
            {
                "resources": [
                    Resource(API, ["only.User.read"]),
                    Resource("https://ACME.example/api", ["only.User.read"]),
                ]
            },
            ["https://ACME.example/api", "twice"],
        ),
        *(
            (
                {"resources": [Resource(API, ["only.User.read"]), Resource(API + end, ["only.User.read"])]},
                [API + end, "twice"],
            )
            for end in ("/", "?t=1", "/?t=1", "//")
        ),
        ({"sealing_keys": []}, ["sealing_keys", "python -m scopegate key"]),
        ({"sealing_keys": ["short"]}, ["sealing_keys", "256 bits"]),
        ({"sealing_keys": [KEY, "!"]}, ["sealing_keys", "256 bits"]),
        ({"sealing_keys": [KEY[:-2]]}, ["sealing_keys", "256 bits"]),
        ({"sealing_keys": ["\u00e9" * 50]}, ["sealing_keys", "256 bits"]),
    ],
)
@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_mistake_is_told_at_start_up(colour, changes, words):
    """GEN-1, OPS-2: in words that say what to do, from both servers alike."""
    with pytest.raises(ConfigurationError) as caught:
        build(colour, **changes)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    "issuer",
    ["http://localhost:8000", "http://127.0.0.1", "http://[::1]:8", "https://acme.example/tenants/a"],
)
def test_issuers_that_are_good(issuer):
    """GEN-1: plain http on one's own device, and a path."""
    assert build(issuer=issuer).configuration.issuer == issuer


def test_no_key_is_in_the_message():
    """Law 5: a key that is too short is still a secret."""
    secret = "c2VjcmV0LWJ1dC1zaG9ydA"
    with pytest.raises(ConfigurationError) as caught:
        build(sealing_keys=[secret])
    assert secret not in str(caught.value)
    assert secret not in repr(caught.value)


def test_nothing_is_opened_by_the_constructor(tmp_path):
    """The store is opened by its first use, so that a module can build a server while it is imported."""
    path = tmp_path / "store.db"
    server = build(store=SQLiteStore(path))
    assert not path.exists()
    server.open()
    assert path.exists()
    server.close()
    server.close()


async def test_an_asynchronous_server_opens_and_closes_its_store(tmp_path):
    """Once or twice, as a lifespan may."""
    path = tmp_path / "store.db"
    server = build("async", store=SQLiteStore(path))
    assert not path.exists()
    await server.open()
    await server.open()
    assert path.exists()
    await server.close()
    await server.close()


# Colours


class Half:
    """A directory that lacks a method."""

    def account(self, _user):
        """Nobody."""

    def standing(self, _user, **_):
        """Nowhere."""

    def memberships(self, _user, **_):
        """None."""


async def async_memberships(_user):
    """A function of the asynchronous colour."""
    return [Membership("acme", "Acme", "admin")]


def memberships(_user):
    """A function of the synchronous colour."""
    return [Membership("acme", "Acme", "admin", {"rocket": "Rocket"})]


@pytest.mark.parametrize(
    ("colour", "changes", "words"),
    [
        ("sync", {"directory": AsyncPeople(People())}, ["AsyncAuthorizationServer", "synchronous"]),
        ("sync", {"directory": async_memberships}, ["AsyncAuthorizationServer", "synchronous"]),
        ("async", {"directory": People()}, ["async def", "in_threads"]),
        ("async", {"directory": memberships}, ["async def", "in_threads"]),
        ("sync", {"directory": Half()}, ["Half", "applications", "members"]),
        ("sync", {"directory": 3}, ["int", "account"]),
        ("async", {"directory": None}, ["NoneType", "account"]),
        ("sync", {"store": MemoryStore().asynchronous()}, ["AsyncMemoryStore", "synchronous"]),
        (
            "async",
            {"store": as_store(type("Plain", (MemoryStore,), {"asynchronous": None})())},
            ["asynchronous"],
        ),
        ("sync", {"store": MemoryStore}, ["MemoryStore(...)"]),
        ("async", {"store": object()}, ["object", "commit"]),
    ],
)
def test_a_wrong_colour_is_a_type_error(colour, changes, words):
    """At construction, with what to write instead."""
    with pytest.raises(TypeError) as caught:
        build(colour, **changes)
    for word in words:
        assert word in str(caught.value)


def test_in_threads_refuses_what_is_asynchronous_already():
    """It would run coroutines in threads, and none of them would ever be awaited."""
    with pytest.raises(TypeError, match="synchronous"):
        in_threads(AsyncPeople(People()))


async def test_a_synchronous_directory_serves_an_asynchronous_server_in_threads():
    """What may block is asked for explicitly, and then works; its failures are still the directory's."""
    threads = []

    def places(user):
        threads.append(current_thread().name)
        return memberships(user)

    server = build("async", directory=in_threads(places))
    assert (await server._directory.standing("ann", application="rocket")).role == "admin"  # noqa: SLF001
    assert threads
    assert "MainThread" not in threads
    server = build("async", directory=in_threads(lambda user: 1 / user))
    with pytest.raises(DirectoryUnavailableError):
        await server._directory.standing("ann")  # noqa: SLF001


# Policy


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"code_lifetime": 0}, "code_lifetime"),
        ({"code_lifetime": 601}, "code_lifetime"),
        ({"access_token_lifetime": 0}, "access_token_lifetime"),
        ({"access_token_lifetime": -1}, "access_token_lifetime"),
        ({"refresh_idle_lifetime": 0}, "refresh_idle_lifetime"),
        ({"refresh_idle_lifetime": 3599.0}, "refresh_idle_lifetime"),
        ({"token_lifetime": -5}, "token_lifetime"),
        ({"lifetimes": [0]}, "lifetimes"),
        ({"lifetimes": [60, 60.0]}, "lifetimes"),
        ({"lifetimes": [60], "token_lifetime": 60}, "lifetimes"),
        ({"lifetimes": [59, 61], "token_lifetime": 60}, "lifetimes"),
        ({"lifetimes": [float("inf")]}, "lifetimes"),
        ({"lifetimes": [float("nan")]}, "lifetimes"),
        ({"lifetimes": [float("nan")], "token_lifetime": 60}, "lifetimes"),
        ({"history_lifetime": 0}, "history_lifetime"),
        ({"history_lifetime": 599.0}, "history_lifetime"),
        ({"advice_after": 0}, "advice_after"),
        ({"pending_lifetime": 0}, "pending_lifetime"),
        ({"pending_limit": 0}, "pending_limit"),
        ({"transaction_lifetime": 0}, "transaction_lifetime"),
        ({"transaction_lifetime": 601}, "transaction_lifetime"),
        ({"retry_window": -1}, "retry_window"),
        ({"replay_tolerance": -1}, "replay_tolerance"),
        ({"verifier_attempts": 0}, "verifier_attempts"),
        ({"consumed_memory": 0}, "consumed_memory"),
        ({"idle_registration": 0}, "idle_registration"),
        ({"last_used_precision": -1}, "last_used_precision"),
        ({"paused": "maybe"}, "paused"),
        ({"new_organizations": "admin"}, "new_organizations"),
    ],
)
def test_a_profile_that_makes_no_sense_is_refused(changes, name):
    """Each bound that is documented is checked, and the message names the setting."""
    with pytest.raises(ConfigurationError, match=rf"Profile\.{name} is .*:"):
        Profile(name="mine", **changes)


def test_the_bounds_of_a_profile_are_allowed():
    """As short as an access token, a page, or just below the longest life."""
    made = Profile(
        name="mine",
        access_token_lifetime=60,
        refresh_idle_lifetime=60,
        transaction_lifetime=30,
        history_lifetime=30,
        token_lifetime=60,
        lifetimes=[59, 1],
    )
    assert made.lifetimes == (59, 1)


def test_the_two_profiles_are_what_they_say():
    """The default forgives a lost answer; the strict one nothing."""
    assert (DEFAULT.retry_window, DEFAULT.replay_tolerance, DEFAULT.paused) == (30, 10, "forbid")
    assert (STRICT.retry_window, STRICT.replay_tolerance, STRICT.paused) == (0, 0, "reject")
    assert (DEFAULT.lower_only, STRICT.lower_only) == (False, True)
    assert DEFAULT.token_lifetime is DEFAULT.refresh_idle_lifetime is None
    assert evolve(DEFAULT, name="mine").code_lifetime == 60


# Catalogues


LEVELS = (Level("User", None, "user"), Level("Thing", "User"))
LEAST = dict.fromkeys(AccessClass, "viewer")
LADDER = RoleLadder.of(["viewer"])


def catalogue(**changes):
    """A small catalogue with changes."""
    values = {"roles": LADDER, "levels": LEVELS, "least_roles": LEAST, "scopes": ("all.Thing",)} | changes
    return Catalogue(**values)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: catalogue(scopes=()), ["scopes", "at least one"]),
        (lambda: catalogue(scopes=("all.Thing", "all.Thing")), ["scopes", "each once"]),
        (lambda: catalogue(scopes=("some.Thing",)), ["some.Thing", "all.<Level>"]),
        (lambda: catalogue(scopes=("all.Nothing",)), ["all.Nothing", "Thing"]),
        (lambda: catalogue(scopes=("all.Thing.write",)), ["all.Thing.write", ".bounded"]),
        (lambda: catalogue(scopes=("all.Thing.",)), ["all.Thing."]),
        (lambda: catalogue(scopes=("all",)), ["'all'"]),
        (lambda: catalogue(levels=(*LEVELS, Level("Thing"))), ["Thing", "one"]),
        (lambda: catalogue(levels=(*LEVELS, Level("a b"))), ["a b", "plain name"]),
        (lambda: catalogue(levels=(*LEVELS, Level("Part", "Whole"))), ["Part", "Whole", "parent"]),
        (lambda: catalogue(levels=(Level("Thing", "Other"), Level("Other", "Thing"))), ["above itself"]),
        (lambda: catalogue(levels=(Level("Thing", "Thing"),)), ["above itself"]),
        (lambda: catalogue(actions=(Action("x.y", "Nowhere", AccessClass.READ),)), ["x", "Nowhere", "level"]),
        (
            lambda: catalogue(actions=(Action("Thing.read", "Thing", AccessClass.READ),)),
            ["Thing.read", "twice"],
        ),
        (
            lambda: catalogue(actions=(Action("x.y", "Thing", AccessClass.READ, "boss"),)),
            ["x", "boss", "roles"],
        ),
        (lambda: catalogue(least_roles={}), ["None", "roles"]),
        (lambda: catalogue(least_roles=dict.fromkeys(AccessClass, "none")), ["'none'", "above"]),
        (lambda: RoleLadder.of([]), ["roles", "at least one"]),
        (lambda: RoleLadder.of(["none"]), ["roles", "above"]),
        (lambda: RoleLadder.of(["a", "a"]), ["roles", "own"]),
        (lambda: RoleLadder.of(["a", ""]), ["roles", "own"]),
        (lambda: RoleLadder.of(["a", "none"]), ["roles", "own"]),
        (lambda: presets.simple(scopes=["all.Device"]), ["all.Device", "Application"]),
        (lambda: presets.user_tokens(actions=[Action("x.y", "X", AccessClass.READ)]), ["'X'"]),
    ],
)
def test_a_catalogue_that_makes_no_sense_is_refused(make, words):
    """The message names the entry."""
    with pytest.raises(ConfigurationError) as caught:
        make()
    for word in words:
        assert word in str(caught.value)


def test_resources_that_differ_in_their_paths_or_origins_stand_side_by_side():
    """PRM-1: each has a document of its own; a query alone is no obstacle."""
    uris = (API, API + "/a", API + "2", "https://other.example/api", "https://acme.example/?t=1")
    with World(resources=[Resource(uri, ["only.User.read"]) for uri in uris]) as world:
        known = world.configuration.resources
        assert len({metadata.resource_url(resource) for resource in known}) == len(known)


def test_an_unknown_resource_is_the_hosts_mistake():
    """PRM-6: it is said, and no token is accepted for it."""
    with World() as world:
        journey = Journey(world).connect()
        with pytest.raises(ConfigurationError, match=r"apl.*not one of"):
            journey.access(resource="https://acme.example/apl")
