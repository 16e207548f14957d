"""Law 2: check, explain, reach and preview are views of one evaluator and agree on one snapshot of the directory."""

from hypothesis import given
from hypothesis import strategies as st
from tests.support import oracle
from tests.support.hosts import bearer, by_place, hosts, place_of, settle
from tests.support.situations import APPLICATIONS, ORGANIZATIONS, OWNERS, SEED, actions_of

from scopegate.flows.access import Access

PLACES = [(owner, application) for owner in OWNERS for application in (None, *APPLICATIONS)]
JUDGED = {"user": [(None, None)]} | {
    "organization": [place for place in PLACES if place[1] is None],
    "application": [place for place in PLACES if place[1] is not None],
    "unreachable": [(None, None)],
}
actions = st.lists(actions_of("seed", tuple(SEED["actions"])), min_size=3, max_size=6, unique=True)


def held_by(world, host):
    """Every token as its page shows it, and as a request brings it if it is good; with what the oracle reads."""
    for token_id, found in zip(settle(world, host), host.tokens, strict=True):
        yield world.server.token_detail(found["user"], token_id), found
        access = world.server.access(bearer(token_id))
        assert isinstance(access, Access) is (found["status"] == "active")
        if isinstance(access, Access):
            yield access, found | {"scopes": found["narrowed"] or found["scopes"]}


def named(owner, application):
    """A place in the words of the server."""
    return {"organization": owner and place_of(owner), "application": application}


@given(hosts(), actions, st.booleans())
def test_check_explain_reach_and_a_preview_of_nothing_agree_with_the_oracle(servers, host, asked, lower_only):
    """At every place, the user's or not, for every token, on its page and in a request."""
    world = servers[lower_only]
    server = world.server
    for held, found in held_by(world, host):
        reached = by_place(server.reach(held))
        previewed = list(server.preview(held, None))
        unchanged = by_place(each.after for each in previewed)
        assert all(each.gained == each.lost == () for each in previewed)
        assert unchanged == reached
        for action in asked:
            for owner, application in JUDGED[SEED["levels"][SEED["actions"][action]["level"]][1]]:
                at = named(owner, application)
                home, standing = host.standing(found["user"], owner, application) if owner else (None, {})
                expected = oracle.verdict(
                    SEED, found, action, home, application, standing, lower_only=lower_only
                )
                assert server.check(held, action, **at) is (expected is None)
                assert server.explain(held, action, **at).denied_by == expected
                assert (action in reached.get(tuple(at.values()), ())) is (expected is None)


@given(hosts(), st.booleans())
def test_what_reaches_an_organization_is_what_each_token_reaches_in_it(servers, host, lower_only):
    """`reaching` is the inverse of `reach`."""
    world = servers[lower_only]
    ids = settle(world, host)
    views = [
        world.server.token_detail(found["user"], id_) for id_, found in zip(ids, host.tokens, strict=True)
    ]
    expected = [(view, each) for view in views for each in world.server.reach(view)]
    found = [pair for organization in ORGANIZATIONS for pair in world.server.reaching(organization)]
    assert len(found) == len(set(map(seen, found)))
    assert set(map(seen, found)) == {seen(pair) for pair in expected if pair[1].organization in ORGANIZATIONS}


def seen(pair):
    """A token and what it reaches, without the label."""
    view, each = pair
    return view.token.id, each.organization, each.application, each.role, each.actions


@given(hosts(), actions, st.booleans())
def test_the_lists_of_places_are_those_of_reach(servers, host, asked, lower_only):
    """`organizations` and `applications` name the places where an action is open, and no other."""
    world = servers[lower_only]
    for held, _ in held_by(world, host):
        reached = by_place(world.server.reach(held))
        for action in asked:
            judged = SEED["levels"][SEED["actions"][action]["level"]][1]
            if judged in {"organization", "application"}:
                listed = by_place(getattr(world.server, f"{judged}s")(held, action))
                assert listed == {place: names for place, names in reached.items() if action in names}
