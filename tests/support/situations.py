"""Situations: a world, a token, a place and a standing there, as the oracle reads them and as the library does.

Most of the time everything, or everything but one part, leans towards yes: so both answers, and each layer that denies,
are met often, and each part is often the one that decides.
"""

from functools import lru_cache

from attrs import evolve, fields_dict, frozen
from hypothesis import strategies as st
from tests.support import oracle

from scopegate import (
    SANDBOX,
    ApplicationCap,
    Catalogue,
    Ceiling,
    Evaluator,
    Organization,
    Role,
    RoleCap,
    RoleLadder,
    Standing,
)
from scopegate.core.scopes import AccessClass, Action, Level
from scopegate.core.tokens import Settings, Token
from scopegate.presets import user_tokens

ORGANIZATIONS = ("acme", "globex", "sandbox")
"""The last is an organization that is literally called so."""
APPLICATIONS = ("rocket", "toy")
CLIENTS = ("c1", "c2")
OWNERS = (*(("organization", id_) for id_ in ORGANIZATIONS), oracle.SANDBOX)
STRANGERS = ("a role of last year", "", "Admin")
"""Names that no ladder has."""
TREES = (
    {
        "User": (None, "user"),
        "Organization": ("User", "organization"),
        "Application": ("Organization", "application"),
    },
    {"Project": (None, "application"), "Account": ("Project", "user")},
    {"Team": (None, "organization"), "Board": ("Team", "application"), "Card": ("Board", "application")},
    {"Me": (None, "user"), "Reseller": ("Me", "unreachable"), "Shop": ("Me", "organization")},
)
LADDERS = (("none", "only"), ("none", "viewer", "editor", "admin"), ("none", "a", "b", "c", "d", "e", "f"))
RESOURCES = ("lamp.see", "lamp.switch", "door.open", "door.sell")
MORE = ("all.User", "all.Application", "only.Organization", "all.Instance", "application.*", "device.patch")

SEED = oracle.seed()
WIDE = oracle.seed((*oracle.SEVEN, *MORE, "org.inviteMember", "userOauthTokens.*"))
"""The seed's world with scopes that it offers to no client."""
RENAMED = oracle.seed() | {
    "renamed": {"viewer": "view", "boss": "admin", "all.Things.read": "all.Organization.read"}
}
"""The seed's world after a change of names."""

UNCAPPED = {"default": "admin", "sandbox": None, "organizations": {}, "applications": {}, "known": None}
UNCEILED = {"role": "admin", "application_role": None, "ceiling": None}
"""A cap and a standing without any limit."""


# --- The library's values ---------------------------------------------------------------------------------------------


def catalogue(world):
    """The library's catalogue for a world."""
    return Catalogue(
        RoleLadder.of([Role(name) for name in world["ladder"]]),
        tuple(Level(name, parent, target) for name, (parent, target) in world["levels"].items()),
        {AccessClass(access): least for access, least in world["classes"].items()},
        tuple(world["offered"]),
        tuple(_action(world, name) for name in world["actions"] if name not in _pairs(world)),
        renamed=world["renamed"],
    )


def _pairs(world):
    return {f"{level}.{access}" for level in world["levels"] for access in world["classes"]}


def _action(world, name):
    found = world["actions"][name]
    usual = (
        found["least"] == world["classes"][found["access"]] or world["levels"][found["level"]][1] == "user"
    )
    own = None if usual else found["least"]
    return Action(name, found["level"], AccessClass(found["access"]), own, closed=found["closed"])


def role_cap(cap):
    """The library's cap."""
    return RoleCap(
        cap["default"],
        cap["organizations"],
        cap["sandbox"],
        {name: ApplicationCap(role, owner[1] or None) for name, (role, owner) in cap["applications"].items()},
        cap["known"],
    )


def standing_of(owner, found):
    """The library's standing."""
    owners = {None: None, oracle.SANDBOX: SANDBOX}
    ceiling = found["ceiling"] and Ceiling(found["ceiling"]["role"], found["ceiling"]["clients"])
    at = owners[owner] if owner in owners else Organization(owner[1])
    return Standing(at, found["role"], found["application_role"], ceiling)


def token_of(found):
    """The library's token, in the middle of its life."""
    return Token(
        id="t1",
        user="ann",
        client_id=found["client"],
        redirect_uri="https://client.example/callback",
        scopes=tuple(found["scopes"]),
        resources=("https://acme.example/api",),
        created_at=1.0,
        settings=Settings(name="T", cap=role_cap(found["cap"]), cuts=frozenset(found["cuts"])),
        generation=1,
    )


@lru_cache
def _evaluator(key, *, lower_only):
    preset = evolve(user_tokens(scopes=WORLDS[key]["offered"]), renamed=WORLDS[key]["renamed"])
    return Evaluator(preset, lower_only=lower_only)


WORLDS = {"seed": SEED, "wide": WIDE, "renamed": RENAMED}


@frozen
class Situation:
    """A question to both: the parts as the oracle reads them. `attrs.evolve` makes a neighbour of it.

    Args:
        world: as in the oracle; ``key`` names it, where it is one of the seed's.
        token, owner, application, standing, action, lower_only: what is asked.
    """

    world: dict
    key: str | None
    token: dict
    owner: tuple | None
    application: str
    standing: dict
    action: str
    lower_only: bool = False

    def __repr__(self):
        parts = {name: getattr(self, name) for name in fields_dict(Situation) if name != "world"}
        if self.key is None:
            parts["world"] = {name: part for name, part in self.world.items() if name != "opens"}
        return f"Situation({', '.join(f'{name}={part!r}' for name, part in parts.items())})"

    def _repr_pretty_(self, printer, _cycle):
        printer.text(repr(self))

    @property
    def judged_at(self):
        """Where the action is judged: user, organization, application, or unreachable."""
        return self.world["levels"][self.world["actions"][self.action]["level"]][1]

    @property
    def place(self):
        """The application, where the action is judged at one; None: it is judged elsewhere."""
        return self.application if self.judged_at == "application" else None

    @property
    def pairs(self):
        """The actions that are nothing but a level and a class of access."""
        return {f"{level}.{access}" for level in self.world["levels"] for access in self.world["classes"]}

    @property
    def least_role(self):
        """The role that the action needs."""
        return self.world["actions"][self.action]["least"]

    def expected(self):
        """What the oracle says: None, or the layer that denies."""
        return self._ask(oracle.verdict, self.action)

    def expected_role(self):
        """The effective role that the oracle finds where the action is judged."""
        return self._ask(oracle.effective, self.action)

    def expected_permitted(self):
        """Every action that the oracle allows here."""
        return {name for name in self.world["actions"] if self._ask(oracle.verdict, name) is None}

    def _ask(self, question, action):
        parts = (self.world, self.token, action, self.owner, self.application, self.standing)
        return question(*parts, lower_only=self.lower_only)

    def evaluator(self):
        """The library's evaluator of the situation's world."""
        if self.key is not None:
            return _evaluator(self.key, lower_only=self.lower_only)
        return Evaluator(catalogue(self.world), lower_only=self.lower_only)

    def allows(self):
        """What the library says."""
        at = standing_of(self.owner, self.standing)
        return self.evaluator().allows(token_of(self.token), self.action, at, application=self.place)

    def explained(self):
        """The library's explanation."""
        at = standing_of(self.owner, self.standing)
        return self.evaluator().explain(token_of(self.token), self.action, at, application=self.place)

    def permitted(self):
        """Every action that the library allows here."""
        evaluator, whose = self.evaluator(), token_of(self.token)
        at, world = standing_of(self.owner, self.standing), self.world
        there = {
            level: self.application if kind == "application" else None
            for level, (_, kind) in world["levels"].items()
        }
        return {
            name
            for name, found in world["actions"].items()
            if evaluator.allows(whose, name, at, application=there[found["level"]])
        }

    def height(self, role):
        """How high a role stands; what the ladder has not is nothing."""
        return len(oracle.rungs(self.world, role))


# --- Neighbours -------------------------------------------------------------------------------------------------------


def with_token(situation, **parts):
    """The situation with other parts of the token."""
    return evolve(situation, token=situation.token | parts)


def with_cap(situation, **parts):
    """The situation with other parts of the cap."""
    return with_token(situation, cap=situation.token["cap"] | parts)


def with_standing(situation, **parts):
    """The situation with another standing."""
    return evolve(situation, standing=situation.standing | parts)


def with_everything(situation):
    """The situation with the highest roles everywhere, no overrides, no ceiling and no cut."""
    top, situation = situation.world["ladder"][-1], with_token(situation, cuts=())
    return with_standing(with_cap(situation, **UNCAPPED | {"default": top}), **UNCEILED | {"role": top})


def entry(parts, table, name, value):
    """A dict with one entry of one of its tables set."""
    return parts | {table: parts[table] | {name: value}}


def without(parts, table, name):
    """A dict with one entry of one of its tables taken away."""
    return parts | {table: {key: value for key, value in parts[table].items() if key != name}}


# --- Strategies -------------------------------------------------------------------------------------------------------
# They are made once for each set of choices, not once for each example: making them is what costs.


def some(strategy, *keys):
    """Dicts of some of the keys."""
    whole = st.fixed_dictionaries(dict.fromkeys(keys, strategy))
    return whole.map(lambda found: {key: value for key, value in found.items() if value is not None})


@lru_cache(1024)
def among(*choices):
    """Draws one of the values."""
    return st.sampled_from(choices)


def any_roles(world):
    """Every name of a role that may stand in a store."""
    old = [name for name in world["renamed"] if "." not in name]
    return (*world["ladder"], *world["ladder"], *STRANGERS, *old)


def high_roles(world):
    """Roles that allow something, by their names of today and of old; those that allow much more often."""
    old = [name for name in world["renamed"] if "." not in name]
    return (*world["ladder"][1:], *world["ladder"][-1:] * 2, *old)


@lru_cache(1024)
def caps(roles, owner):
    """Caps: overrides above and below the default, of applications that stayed here or moved away."""
    maybe = among(*[None] * len(roles), *roles, "none")
    here = owner or oracle.SANDBOX
    written = among(*[None] * 4, *((role, home) for role in roles for home in (here, here, here, *OWNERS)))
    known = [None, None, None, (), *((name,) for name in ORGANIZATIONS), ORGANIZATIONS[:2], ORGANIZATIONS]
    return st.fixed_dictionaries(
        {
            "default": among(*roles),
            "sandbox": maybe,
            "organizations": some(maybe, *ORGANIZATIONS),
            "applications": some(st.none() | written, *APPLICATIONS),
            "known": among(*known),
        }
    )


@lru_cache(1024)
def live_roles(roles):
    """A user's roles, with and without one of the application's own."""
    return st.fixed_dictionaries(
        {"role": among(*roles), "application_role": among(*[None] * len(roles), *roles)}
    )


@lru_cache(1024)
def ceilings(roles):
    """Ceilings: none at all, for every client, for some clients, and lists of those that are let in."""
    maybe = among(*[None] * len(roles), *roles)
    free = st.fixed_dictionaries({"role": maybe, "clients": some(maybe, *CLIENTS)})
    listed = st.fixed_dictionaries({"role": st.just("none"), "clients": some(among(*roles), *CLIENTS[:1])})
    return st.none() | free | listed


@st.composite
def small_worlds(draw):
    """A small catalogue of some host: its own levels, ladder, actions and offered scopes."""
    levels, ladder = draw(among(*range(len(TREES))).map(TREES.__getitem__)), draw(among(*LADDERS))
    least = among(*ladder[1:])
    classes = {access: draw(least) for access in oracle.CLASSES}
    actions = {}
    for name in RESOURCES[: draw(among(*range(len(RESOURCES) + 1)))]:
        level, access = draw(among(*levels)), draw(among(*classes))
        own = classes[access] if levels[level][1] == "user" else draw(least)
        closed = draw(among(*range(6))) == 5
        actions[name] = {"level": level, "access": access, "least": own, "closed": closed}
    everything = sorted(oracle.world(ladder, levels, classes, actions, ())["opens"])
    offered = {draw(among(*everything)) for _ in range(draw(among(1, 2, 3, 4, 5)))}
    renamed = {"viewer of old": draw(least), "old.scope": draw(among(*sorted(offered)))}
    return oracle.world(ladder, levels, classes, actions, sorted(offered), renamed)


@lru_cache(1024)
def actions_of(key, names):
    """Names of actions, those that have something of their own more often."""
    if key is None:
        own = [name for name in names if name in RESOURCES]
        return among(*names) | among(*own or names)
    actions = WORLDS[key]["actions"]
    pairs = sorted(_pairs(WORLDS[key]))
    special = [name for name in names if actions[name]["closed"] or _is_strict(actions[name])]
    judged = [name for name in names if actions[name]["level"] in {"Application", "Organization"}]
    sensitive = [name for name in judged if actions[name]["access"] == "sensitive"]
    usual = [name for name in judged if name not in sensitive]
    return among(*names) | among(*special) | among(*pairs) | among(*sensitive) | among(*usual) | among(*usual)


def _is_strict(action):
    return action["least"] != oracle.CLASSES[action["access"]]


@lru_cache(256)
def scopes_of(offered, renamed):
    """A few scopes: on offer, under an old name, or never heard of."""
    old = [name for name in renamed if "." in name]
    return st.lists(among(*offered, *old, "all.User.cli", ""), max_size=3)


@st.composite
def situations(draw, keys=("seed", "wide", "renamed", None)):
    """Situations, in the seed's world, in one of its variants, or in a small one of some host."""
    key = draw(among(*keys))
    loose = draw(among("", "owner", "scopes", "cap", "live", "ceiling", "all", "all", "all"))
    world = draw(SMALL) if key is None else WORLDS[key]
    owner = draw(among(*[None] * (loose in {"owner", "all"}), *OWNERS))
    action = draw(actions_of(key, tuple(world["actions"])))
    scopes = draw(scopes_of(tuple(world["offered"]), tuple(world["renamed"])))
    opening = [name for name in world["offered"] if action in world["opens"].get(name, ())]
    if opening and loose not in {"scopes", "all"}:
        scopes = [*scopes, draw(among(*opening))]
    high, roles = high_roles(world), any_roles(world)
    cap = draw(caps(roles if loose in {"cap", "all"} else high, owner))
    live = draw(live_roles(roles if loose in {"live", "all"} else high))
    ceiling = draw(ceilings(roles if loose in {"ceiling", "all"} else high))
    # Of the sandbox the organization that is called so, which is another place.
    here = [] if owner is None else ["sandbox" if owner == oracle.SANDBOX else owner[1]] * 3
    cuts = draw(among(*[()] * 12, *((name,) for name in (*here, *ORGANIZATIONS))))
    token = {"status": "active", "client": draw(among(*CLIENTS)), "scopes": scopes, "cap": cap, "cuts": cuts}
    application, standing = draw(among(*APPLICATIONS)), live | {"ceiling": ceiling}
    return Situation(world, key, token, owner, application, standing, action, draw(st.booleans()))


SMALL = small_worlds()
