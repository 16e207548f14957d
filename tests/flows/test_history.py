"""The history of a user: typed events, in the commit of what they tell, told in words (OPS-8)."""

import logging

import pytest
from tests.support import Journey, WatchedStore, World

from scopegate import ApplicationCap, RoleCap
from scopegate.core.events import Event, EventKind
from scopegate.core.history import cap_changes, sentence
from scopegate.core.roles import RoleLadder
from scopegate.errors import StoreUnavailableError

LADDER = RoleLadder.of(["viewer", "editor", "admin"])


def kinds(page):
    """The kinds of a page of events, oldest first."""
    return [event.kind for event in reversed(page.items)]


def test_a_whole_life_in_the_history(connected, world):
    """From the approval to the deletion, and readable afterwards; nobody else reads it."""
    server, token_id = world.server, connected.token_id
    connected.refresh()
    server.edit("ann", token_id, name="Laptop")
    server.recap("ann", token_id, RoleCap("viewer"))
    server.pause("ann", token_id)
    server.resume("ann", token_id)
    connected.revoke(connected.refresh_token)
    server.delete("ann", token_id)
    assert kinds(server.history("ann", token_id)) == [
        EventKind.AUTHORIZED,
        EventKind.ACTIVATED,
        EventKind.REFRESHED,
        EventKind.CHANGED,
        EventKind.RECAPPED,
        EventKind.PAUSED,
        EventKind.RESUMED,
        EventKind.REVOKED,
        EventKind.DELETED,
    ]
    assert kinds(server.history("ann")) == kinds(server.history("ann", token_id))
    assert not server.history("bob", token_id).items
    assert not server.history("bob").items


def test_it_comes_in_pages(connected, world):
    """Newest first, each once."""
    for _ in range(5):
        connected.refresh()
    first = world.server.history("ann", limit=4)
    rest = world.server.history("ann", limit=4, after=first.after)
    assert [len(first.items), len(rest.items), rest.after] == [4, 3, None]
    assert kinds(rest)[0] is EventKind.AUTHORIZED


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (RoleCap("editor"), RoleCap("editor"), ()),
        (RoleCap("editor"), RoleCap("viewer"), ("default: Editor -> Viewer",)),
        (RoleCap("editor"), RoleCap("gone"), ("default: Editor -> gone",)),
        (
            RoleCap("editor", {"acme": "none", "globex": "admin"}),
            RoleCap("editor", {"acme": "admin", "initech": "viewer"}),
            (
                "organization acme: No access -> Admin",
                "organization globex: Admin -> no limit of its own",
                "organization initech: no limit of its own -> Viewer",
            ),
        ),
        (RoleCap("none", {}, "admin"), RoleCap("none"), ("sandbox: Admin -> no limit of its own",)),
        (
            RoleCap("none", {}, None, {"toy": ApplicationCap("viewer")}),
            RoleCap("none", {}, None, {"toy": ApplicationCap("none")}),
            ("application toy in the sandbox: Viewer -> No access",),
        ),
        (
            RoleCap("none", {}, None, {"kite": ApplicationCap("viewer", "acme")}),
            RoleCap("none", {}, None, {"kite": ApplicationCap("viewer", "globex")}),
            (
                "application kite in organization acme: Viewer -> no limit of its own",
                "application kite in organization globex: no limit of its own -> Viewer",
            ),
        ),
    ],
)
def test_a_change_of_a_cap_in_words(old, new, expected):
    """OPS-8: each entry that differs, from what to what, and nothing else."""
    assert cap_changes(old, new, LADDER) == expected


def test_what_is_no_event_has_no_sentence():
    """A kind that is added must be told."""
    with pytest.raises(AssertionError, match=r"token\.sold"):
        sentence(Event("token.sold", 0.0))


def test_a_reason_that_is_not_known_is_not_made_up():
    """Written by an older release, say."""
    assert sentence(Event(EventKind.REVOKED, 0.0)) == "It was disconnected: no reason is known."


@pytest.mark.parametrize("kind", EventKind)
def test_every_event_has_a_sentence(kind):
    """Of its own, complete, also where an older release wrote no detail."""
    told = sentence(Event(kind, 0.0))
    assert told.endswith(".")
    assert told[0].isupper()
    assert "{" not in told
    assert sum(sentence(Event(other, 0.0)) == told for other in EventKind) == 1


def test_sentences_say_what_happened():
    """With what the event knows."""
    cut = Event(EventKind.CUT, 0.0, detail={"organization": "acme"})
    assert sentence(cut) == "Organization acme took itself out of its reach."
    lost = Event(EventKind.REVOKED, 0.0, detail={"reason": "refresh_token_reused"})
    assert "as a thief would" in sentence(lost)
    own = Event(EventKind.REVOKED, 0.0, detail={"reason": "the device was stolen"})
    assert sentence(own) == "It was disconnected: the device was stolen."
    given = Event(EventKind.REVOKED, 0.0, detail={"reason": "revoked_by_client", "what": "access token"})
    assert sentence(given) == "An access token of it was ended: the app gave it back."
    capped = Event(EventKind.RECAPPED, 0.0, detail={"changes": "default: Editor -> Viewer"})
    assert sentence(capped) == "Its limits were changed (default: Editor -> Viewer)."


# Subscribers


def told_by(colour, *subscribers, **options):
    """A world with subscribers in its own colour."""
    if colour == "sync":
        return World(colour, subscribers=subscribers, **options)

    def awaited(subscriber):
        async def call(event):
            subscriber(event)

        return call

    return World(colour, subscribers=[awaited(each) for each in subscribers], **options)


def test_a_subscriber_hears_every_event_after_its_commit(colour):
    """In order, with what stands in the history already."""
    heard, written = [], []

    def hear(event):
        heard.append(event)
        page = worlds[0].given_store.events("default", user=event.user, token_id=None, after=None, limit=1)
        written.append(page.items[0])

    worlds = []
    with told_by(colour, hear) as world:
        worlds.append(world)
        journey = Journey(world).connect()
        journey.refresh()
        world.server.recap("ann", journey.token_id, RoleCap("viewer"))
        world.server.delete("ann", journey.token_id)
        assert [event.kind for event in heard] == [
            EventKind.CLIENT_REGISTERED,
            EventKind.AUTHORIZED,
            EventKind.ACTIVATED,
            EventKind.REFRESHED,
            EventKind.RECAPPED,
            EventKind.DELETED,
        ]
        assert written == heard


def test_a_subscriber_that_fails_breaks_nothing(colour, caplog):
    """The flow goes on, the next one is told, and the log says which event it was."""
    heard = []

    def fail(event):
        raise RuntimeError(f"no mail today, {event.user}")

    with told_by(colour, fail, heard.append) as world, caplog.at_level(logging.ERROR, "scopegate.events"):
        journey = Journey(world).connect()
        assert journey.access().user == "ann"
    assert len(heard) == 3
    assert [record.getMessage() for record in caplog.records][-1] == (
        "a subscriber failed at token.activated; the event itself is written"
    )


def test_nobody_is_told_of_what_was_not_written(colour):
    """A commit that fails tells nothing."""
    heard, broken = [], []

    def before(name, _):
        if name == "commit" and broken:
            raise StoreUnavailableError("out of reach")

    with told_by(colour, heard.append, store=WatchedStore(before)) as world:
        journey = Journey(world).connect()
        known = len(heard)
        broken.append(True)
        with pytest.raises(StoreUnavailableError):
            world.server.pause("ann", journey.token_id)
        assert len(heard) == known


def test_a_subscriber_of_the_other_colour_is_refused_at_once():
    """It would never run, or hold up every request."""

    async def awaited(event):
        pass

    class Object:
        async def __call__(self, event):
            pass

    for wrong in (awaited, Object()):
        with pytest.raises(TypeError, match="write 'def'"):
            World("sync", subscribers=[wrong])
        World("async", subscribers=[wrong]).close()
    with pytest.raises(TypeError, match="write 'async def'"):
        World("async", subscribers=[print])
