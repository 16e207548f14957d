"""Law 2: what a preview says a change would do is what `reach` says once it is done, at every place."""

from attrs import evolve
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.support import oracle
from tests.support.hosts import by_place, hosts, place_of, seat, settle, with_ceiling, with_role
from tests.support.situations import (
    APPLICATIONS,
    OWNERS,
    SEED,
    among,
    caps,
    ceilings,
    high_roles,
    role_cap,
    standing_of,
)

from scopegate.core.changes import ReviseToken
from scopegate.core.whatif import MemberRole, NewCeiling, Pause, Recap, Resume

ROLES = (*high_roles(SEED), "none")
TOP = SEED["ladder"][-1]


def rewrite(world, _, token_id, cap):
    """Give a token any cap: also one with places that are not the user's now, for they may have left them."""
    token = world.token(token_id)
    settings = evolve(token.settings, cap=cap)
    world.store.commit(world.realm, [ReviseToken(token_id, token.version, settings)])


@st.composite
def users_changes(draw):
    """A change by the user: what is asked about, and what is done in the world for a user and a token."""
    cap = role_cap(draw(caps(ROLES, draw(among(*OWNERS)))))
    most = SEED["ladder"].index("collaborate")
    kept = {id_: own for id_, own in cap.applications.items() if SEED["ladder"].index(own.role) <= most}
    cap = evolve(cap, applications=kept)
    match draw(among("recap", "recap", "pause", "resume")):
        case "recap":
            return Recap(cap), lambda world, *token: rewrite(world, *token, cap)
        case "pause":
            return Pause(), lambda world, *token: world.server.pause(*token)
        case _:
            return Resume(), lambda world, *token: world.server.resume(*token)


@st.composite
def hosts_changes(draw):
    """A change by the host: what is asked about, and what is done to the host for a user."""
    owner, ceiling = draw(among(*OWNERS)), draw(ceilings(ROLES))
    role, application = draw(among(None, *ROLES)), draw(among(None, *APPLICATIONS))
    if owner == oracle.SANDBOX or draw(st.booleans()):
        asked = MemberRole(place_of(owner), role, application)
        return asked, lambda host, user: with_role(host, user, owner, role, application)
    new = standing_of(owner, {"role": "none", "application_role": None, "ceiling": ceiling}).ceiling
    return NewCeiling(place_of(owner), new), lambda host, _: with_ceiling(host, owner, ceiling)


def begin(servers, host, status, *, lower_only):
    """A server with one token of a host that may be switched on and off."""
    world = servers[lower_only]
    host = evolve(host, tokens=[host.tokens[0] | {"status": status}])
    (token_id,) = settle(world, host)
    return world, host, (host.tokens[0]["user"], token_id)


def compared(server, token, change):
    """A preview: what is open before and after each place, consistent in itself."""
    found = list(server.preview(server.token_detail(*token), change))
    for each in found:
        before, after = set(each.before.actions), set(each.after.actions)
        assert set(each.gained) == after - before
        assert set(each.lost) == before - after
        assert set(each.unchanged) == after & before
        assert not set(each.dormant) & after
    assert by_place(each.before for each in found) == by_place(server.reach(server.token_detail(*token)))
    return found


@given(hosts(), among("active", "inactive"), users_changes(), st.booleans())
def test_what_a_change_of_the_user_would_do_is_what_it_does(servers, host, status, change, lower_only):
    """Another cap, a pause, a resumption."""
    world, _, token = begin(servers, host, status, lower_only=lower_only)
    asked, done = change
    found = compared(world.server, token, asked)
    done(world, *token)
    after = by_place(world.server.reach(world.server.token_detail(*token)))
    assert by_place(each.after for each in found) == after


@given(hosts(), hosts_changes(), st.booleans())
def test_what_a_change_of_the_host_would_do_is_what_it_does(servers, host, change, lower_only):
    """Another role of a member, in the organization or on an application, one who leaves, another ceiling."""
    world, host, token = begin(servers, host, "active", lower_only=lower_only)
    asked, done = change
    assume(asked.organization in map(place_of, host.roles[token[0]]))
    found = compared(world.server, token, asked)
    seat(world, done(host, token[0]))
    after = by_place(world.server.reach(world.server.token_detail(*token)))
    assert by_place(each.after for each in found) == after


@given(hosts(), st.booleans())
def test_what_is_dormant_wakes_up_when_the_users_own_role_rises(servers, host, lower_only):
    """And nothing else does."""
    world, host, token = begin(servers, host, "active", lower_only=lower_only)
    found = compared(world.server, token, None)
    for owner in OWNERS:
        host = with_role(host, token[0], owner, TOP)
        for application in APPLICATIONS:
            host = with_role(host, token[0], owner, None, application)
    seat(world, host)
    awake = {
        (each.after.organization, each.after.application): {*each.after.actions, *each.dormant}
        for each in found
    }
    risen = by_place(world.server.reach(world.server.token_detail(*token)))
    assert {place: names for place, names in awake.items() if names} == risen
