"""Whole hosts: users with memberships, organizations with ceilings, and tokens of several clients, drawn at random.

A host is plain data, like everything that the oracle reads; `settle` makes a server's directory and store of it.
"""

from attrs import evolve, field, frozen
from hypothesis import strategies as st
from tests.support import oracle
from tests.support.situations import (
    APPLICATIONS,
    CLIENTS,
    OWNERS,
    SEED,
    among,
    any_roles,
    caps,
    ceilings,
    high_roles,
    live_roles,
    scopes_of,
    standing_of,
    token_of,
)
from tests.support.world import API

from scopegate import SANDBOX, Application, Client, Membership
from scopegate.core.changes import AddCredential, CreateToken, DeleteToken, PutClient
from scopegate.core.credentials import Credential, CredentialKind, digest, encode, wire

USERS = ("ann", "bob")
STATUSES = ("active", "active", "active", "inactive", "pending", "expired", "revoked")


@frozen
class Host:
    """What is drawn.

    Args:
        roles: by user and owner, the user's role there, and those on applications; who is not in it is no member.
        homes: the applications of each owner, sandboxes of all users alike.
        ceilings: by owner.
        tokens: as the oracle reads them, with ``user`` besides, and ``narrowed``: the scopes of the access token.
    """

    roles: dict
    homes: dict
    ceilings: dict
    tokens: list = field(factory=list)

    def standing(self, user, owner, application):
        """The owner and the standing of a user at a place, as the oracle reads them."""
        live = self.roles[user].get(owner)
        if live is None or application not in {None, *self.homes[owner]}:
            return None, {"role": "none", "application_role": None, "ceiling": None}
        granular = live["applications"].get(application)
        return owner, {
            "role": live["role"],
            "application_role": granular,
            "ceiling": self.ceilings.get(owner),
        }

    def memberships(self, user):
        """The same for the library's directory."""
        for owner, live in self.roles[user].items():
            _, found = self.standing(user, owner, None)
            own = live["applications"]
            yield Membership(
                place_of(owner),
                owner[1],
                live["role"],
                {name: Application(name, name, own.get(name)) for name in self.homes[owner]},
                standing_of(owner, found).ceiling,
            )


def place_of(owner):
    """How the library calls an owner."""
    return SANDBOX if owner == oracle.SANDBOX else owner[1]


@st.composite
def hosts(draw):
    """Hosts in the seed's world."""
    roles = draw(among(high_roles(SEED), any_roles(SEED)))
    homes = {owner: [] for owner in OWNERS}
    for name in APPLICATIONS:
        homes[draw(among(*OWNERS))].append(name)
    members = {user: {} for user in USERS}
    for user in USERS:
        for owner in OWNERS:
            if draw(among(*range(4))):
                live = draw(live_roles(roles))
                own = {name: live["application_role"] for name in homes[owner] if live["application_role"]}
                members[user][owner] = {"role": live["role"], "applications": own}
    limits = {owner: draw(ceilings(roles)) for owner in OWNERS if owner != oracle.SANDBOX}
    tokens = [draw(tokens_of(roles)) for _ in range(draw(among(1, 2)))]
    return Host(members, homes, limits, tokens)


@st.composite
def tokens_of(draw, roles):
    """A token of one of the users, and what an access token of it may do."""
    scopes = draw(st.lists(among(*oracle.SEVEN), min_size=1, max_size=3, unique=True))
    strange = draw(scopes_of((), ()))
    return {
        "user": draw(among(*USERS)),
        "client": draw(among(*CLIENTS)),
        "status": draw(among(*STATUSES)),
        "scopes": [*scopes, *strange],
        "narrowed": draw(among((), (scopes[0],))),
        "cap": draw(caps(roles, draw(among(*OWNERS)))),
        "cuts": draw(among(*[()] * 6, ("acme",), ("sandbox",))),
    }


def with_role(host, user, owner, role, application=None):
    """The host after a member got another role, in an organization or on an application of it; None: none there."""
    live = host.roles[user].get(owner)
    if live is None:
        return host
    if application is not None:
        if application not in host.homes[owner]:
            return host
        own = {name: kept for name, kept in live["applications"].items() if name != application}
        live = live | {"applications": own if role is None else own | {application: role}}
    elif role is not None:
        live = live | {"role": role}
    kept = {place: found for place, found in host.roles[user].items() if place != owner}
    gone = role is None and application is None
    return evolve(host, roles=host.roles | {user: kept if gone else kept | {owner: live}})


def with_ceiling(host, owner, ceiling):
    """The host after an organization set another ceiling."""
    return evolve(host, ceilings=host.ceilings | {owner: ceiling})


def seat(world, host):
    """Make the server's directory what the host is."""
    world.people.places = {user: tuple(host.memberships(user)) for user in host.roles}


def by_place(reached):
    """What is open at each place where something is; no place is named twice."""
    found = list(reached)
    opened = {(each.organization, each.application): set(each.actions) for each in found}
    assert len(opened) == len(found)
    return {place: names for place, names in opened.items() if names}


def settle(world, host):
    """Make the server's directory and store what the host is; the ids of its tokens, in order."""
    seat(world, host)
    for user in USERS:
        for view in world.server.tokens(user).items:
            world.store.commit(world.realm, [DeleteToken(view.token.id)])
    for client in CLIENTS:
        if world.store.client(world.realm, client) is None:
            made = Client(id=client, name=client, redirect_uris=("https://client.example/",))
            world.store.commit(world.realm, [PutClient(made, 0)])
    return [_put(world, f"t{number}", found) for number, found in enumerate(host.tokens)]


def _put(world, token_id, found):
    now = world.clock()
    token = evolve(token_of(found), id=token_id, user=found["user"], resources=(API,), created_at=now)
    match found["status"]:
        case "inactive":
            token = evolve(token, settings=evolve(token.settings, active=False, paused_at=now))
        case "pending":
            token = evolve(token, generation=0)
        case "expired":
            token = evolve(token, expires_at=now - 1)
        case "revoked":
            token = evolve(token, revoked_at=now, revoked_reason="revoked_by_client")
    credential = Credential(
        token_id=token_id,
        kind=CredentialKind.ACCESS,
        digest=digest(world.realm, CredentialKind.ACCESS.value, secret_of(token_id)),
        generation=token.generation,
        created_at=now,
        scopes=tuple(found["narrowed"]),
        resources=(API,),
    )
    followers = [AddCredential(credential)] if token.generation else []
    world.store.commit(world.realm, [CreateToken(token), *followers])
    return token_id


def secret_of(token_id):
    """The secret of the access token of a token."""
    return encode(token_id.encode() * 16)


def bearer(token_id):
    """The header of a request with the access token of a token."""
    return f"Bearer {wire(CredentialKind.ACCESS, token_id, secret_of(token_id))}"
