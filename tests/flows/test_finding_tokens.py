"""Lists of a user's tokens: by name, status and client, in any order, in pages that stay stable (OPS-4, L06)."""

import json

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.support import Journey, World

from scopegate import Client, RoleCap, Status, Token
from scopegate.core.tokens import Settings
from scopegate.errors import InvalidValueError
from scopegate.flows.listing import TokenSearch, select, shown
from scopegate.profiles import DAY, DEFAULT

NAMES = ("Laptop", "laptop of work", "Phone", "[test]", "Ünïcode")
SORTS = ("created", "name", "status", "id", "updated", "last_used", "client")


@pytest.fixture
def tokens(world):
    """Five tokens with these names, a second apart."""
    found = []
    for name in NAMES:
        journey = Journey(world).connect()
        world.server.edit("ann", journey.token_id, name=name)
        world.clock.forward(1)
        found.append(journey)
    Journey(world, user="bob").connect()
    return found


def names(found):
    """The names, in their order."""
    return [view.token.settings.name for view in found.items]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("", NAMES),
        ("laptop", NAMES[:2]),
        ("LAPTOP", NAMES[:2]),
        ("laptop*", NAMES[:2]),
        ("*work", NAMES[1:2]),
        ("p?one", NAMES[2:3]),
        ("[lp]*", NAMES[:3]),
        ("ÜNÏ", NAMES[4:]),
        ("one", NAMES[2:3]),
        ("one*", ()),
        ("nothing", ()),
    ],
)
def test_by_name(tokens, world, pattern, expected):
    """A pattern is for the whole name; plain words are looked for anywhere in it; case does not matter."""
    assert len(tokens) == len(NAMES)
    found = world.server.find_tokens("ann", TokenSearch(name=pattern, descending=False))
    assert names(found) == list(expected)
    assert found.count == len(expected)


def test_by_status_and_client(tokens, world):
    """One or several statuses, told as they are now; one client."""
    world.server.pause("ann", tokens[0].token_id)
    world.server.revoke_token(tokens[1].token_id)
    waiting = Journey(world)
    waiting.register()
    waiting.approve()
    search = TokenSearch(statuses=[Status.INACTIVE, Status.PENDING], descending=False)
    assert names(world.server.find_tokens("ann", search)) == ["Laptop", "Example"]
    assert names(world.server.find_tokens("ann", TokenSearch(statuses={Status.REVOKED}))) == [
        "laptop of work"
    ]
    assert names(world.server.find_tokens("ann", TokenSearch(client_id=tokens[2].client_id))) == ["Phone"]
    world.clock.forward(DAY)
    assert not world.server.find_tokens("ann", TokenSearch(statuses={Status.PENDING})).items


def test_what_a_line_says(tokens, world):
    """L01: name, client and publisher, default maximum role, overrides, created, last used, status."""
    tokens[0].access()
    world.server.recap("ann", tokens[0].token_id, RoleCap("viewer", {"acme": "none"}, "editor"))
    (view,) = world.server.find_tokens(
        "ann", TokenSearch(name="Laptop", limit=1, sort="created", descending=False)
    ).items
    assert (view.default_role, view.overrides, view.status) == ("viewer", 2, Status.ACTIVE)
    assert (view.client.name, view.publisher, view.is_blocked) == ("Example", "", False)
    assert view.token.created_at < view.token.last_used_at


def test_the_publisher_is_who_the_client_says(world):
    """L01: the host of its home page; of a client that is gone nobody says anything."""
    journey = Journey(world, client_uri="https://Claude.example/about").connect()
    (view,) = world.server.tokens("ann").items
    assert (view.publisher, evolve(view, client=None).publisher) == ("claude.example", "")
    assert journey.token.client_id == view.client.id


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"sort": "size"}, "sort"),
        ({"limit": 0}, "limit"),
        ({"limit": 1001}, "limit"),
        ({"skip": -1}, "skip"),
        ({"name": "x" * 256}, "name"),
    ],
)
def test_a_search_that_makes_no_sense_names_its_field(changes, field):
    """Before anything is read, and with what would be right."""
    with pytest.raises(InvalidValueError) as caught:
        TokenSearch(**changes)
    assert caught.value.field == field
    assert caught.value.problem


def test_the_bounds_of_a_search_are_allowed():
    """The longest pattern, the largest page."""
    assert TokenSearch(name="x" * 255, limit=1000, skip=0)


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("given", SORTS)
def test_a_cursor_of_another_order_is_refused(tokens, world, sort, given):
    """It would stand nowhere in this one; one of this order leads on."""
    assert tokens
    after = world.server.find_tokens("ann", TokenSearch(sort=given, limit=2)).after
    search = TokenSearch(sort=sort, after=after)
    if sort == given:
        assert len(world.server.find_tokens("ann", search).items) == 3
    else:
        with pytest.raises(InvalidValueError):
            world.server.find_tokens("ann", search)


@pytest.mark.parametrize("sort", SORTS)
def test_a_cursor_with_a_value_of_another_kind_is_refused(tokens, world, sort):
    """Text where a number belongs, and the other way round."""
    assert tokens
    value = 1.0 if sort in {"name", "id", "client"} else "1.0"
    with pytest.raises(InvalidValueError):
        world.server.find_tokens("ann", TokenSearch(sort=sort, after=json.dumps([sort, value, "x"])))


def test_by_status_in_the_order_of_a_life(tokens, world):
    """Pending, active, inactive, disconnected."""
    world.server.pause("ann", tokens[1].token_id)
    world.server.revoke_token(tokens[0].token_id)
    waiting = Journey(world)
    waiting.register()
    waiting.approve()
    found = world.server.find_tokens("ann", TokenSearch(sort="status", descending=False))
    statuses = [view.status for view in found.items]
    assert statuses == [Status.PENDING, *[Status.ACTIVE] * 3, Status.INACTIVE, Status.REVOKED]


def test_what_was_never_used_comes_before_everything_that_was():
    """However long ago that was."""
    with World() as world:
        used = [token_named("used", last_used_at=0.5), token_named("new", last_used_at=None)]
        search = TokenSearch(sort="last_used", descending=False)
        found = select(world.configuration, used, search, now=10.0)
        assert [token.id for token in found.tokens] == ["new", "used"]


@pytest.mark.parametrize(
    ("skip", "limit", "more"), [(0, 5, False), (0, 4, True), (2, 3, False), (2, 2, True), (9, 1, False)]
)
def test_the_last_page_has_no_cursor(tokens, world, skip, limit, more):
    """Full or not, and also where pages have numbers."""
    assert tokens
    found = world.server.find_tokens("ann", TokenSearch(skip=skip, limit=limit))
    assert (found.after is not None) is more


@pytest.mark.parametrize(
    "after",
    ["", "x", "[]", "{}", "[1,2,3]", '["name","a"]', '["created",1.0,"t"]', '["name",1,"t"]', "[" * 500],
)
def test_a_cursor_that_no_list_gave_is_refused(tokens, world, after):
    """It is of another order, or made up."""
    assert tokens
    with pytest.raises(InvalidValueError, match="begin again") as caught:
        world.server.find_tokens("ann", TokenSearch(sort="name", after=after))
    assert caught.value.field == "after"


def token_named(token_id, **facts):
    """A token that was redeemed."""
    return Token(
        id=token_id,
        user="ann",
        client_id="c1",
        redirect_uri="",
        scopes=(),
        resources=(),
        created_at=1.0,
        generation=1,
        settings=Settings(name="x", cap=RoleCap("viewer")),
        **facts,
    )


MADE = st.builds(
    lambda number, name, created, used, client, active: Token(
        id=f"{number:02}",
        user="ann",
        client_id=client,
        redirect_uri="",
        scopes=(),
        resources=(),
        created_at=created,
        generation=1,
        last_used_at=used,
        settings=Settings(name=name, cap=RoleCap("viewer"), active=active),
    ),
    st.integers(0, 99),
    st.sampled_from(["a", "A", "b", ""]),
    st.sampled_from([1.0, 2.0, 3.0]),
    st.sampled_from([None, 1.0, 5.0]),
    st.sampled_from(["c1", "c2"]),
    st.booleans(),
)


@given(
    st.lists(MADE, max_size=12, unique_by=lambda token: token.id),
    st.lists(MADE, max_size=4, unique_by=lambda token: token.id),
    st.sampled_from(SORTS),
    st.booleans(),
    st.integers(1, 4),
)
def test_pages_stay_stable_while_tokens_come_and_go(before, more, sort, descending, limit):
    """What is there all the time is seen exactly once, in one order, whatever is created meanwhile."""
    with World() as world:
        search, seen, present = TokenSearch(sort=sort, descending=descending, limit=limit), [], list(before)
        clients = {id_: Client(id=id_, name=id_, redirect_uris=()) for id_ in ("c1", "c2")}
        while True:
            selected = select(world.configuration, present, search, now=10.0)
            found = shown(world.configuration, selected, clients, now=10.0)
            assert len(found.items) <= limit
            assert found.count == len(present)
            seen += [view.token for view in found.items]
            if found.after is None:
                break
            search = evolve(search, after=found.after)
            present += [token for token in more[:1] if token.id not in {each.id for each in present}]
            more = more[1:]
        assert len({token.id for token in seen}) == len(seen)
        assert {token.id for token in before} <= {token.id for token in seen}
        whole = select(world.configuration, seen, TokenSearch(sort=sort, descending=descending), now=10.0)
        assert list(whole.tokens) == seen


def test_numbered_pages_and_their_count(tokens, world):
    """For hosts that show page numbers: the same order, cut by numbers."""
    assert tokens
    pages = [
        names(world.server.find_tokens("ann", TokenSearch(sort="id", skip=skip, limit=2)))
        for skip in (0, 2, 4, 6)
    ]
    assert [name for page in pages for name in page] == names(
        world.server.find_tokens("ann", TokenSearch(sort="id"))
    )
    assert [len(page) for page in pages] == [2, 2, 1, 0]


def test_more_tokens_than_one_page_of_the_store(make_world):
    """Every one is looked at, though the store gives a hundred at once."""
    world = make_world(profile=evolve(DEFAULT, pending_limit=1000))
    journey = Journey(world).connect()
    for _ in range(120):
        journey.approve()
    world.server.edit("ann", journey.token_id, name="the last")
    found = world.server.find_tokens("ann", TokenSearch(sort="name", limit=1000))
    assert (found.count, len(found.items), found.items[-1].token.settings.name) == (121, 121, "Example (10)")
    assert found.items[0].token.settings.name == "the last"
