"""Prompts to draw: a friendly one, and everything that can be asked for."""

from scopegate import AccessClass, Catalogue, Evaluator
from scopegate.core.caps import RoleCap
from scopegate.core.clients import Client, Origin
from scopegate.core.redirects import match
from scopegate.core.sentences import describe
from scopegate.core.standing import SANDBOX, Account, Membership
from scopegate.flows.outcomes import ConsentPrompt, Redirect
from scopegate.presets import user_tokens
from scopegate.profiles import DAY

CATALOGUE = user_tokens()
ACTION = "/oauth/consent"
PLACES = (
    Membership("northwind", "Northwind", "admin"),
    Membership("contoso", "Contoso Labs", "view"),
    Membership(SANDBOX, "Your sandbox", "admin"),
)
TWELVE = (
    *tuple(
        Membership(f"5f1e7c0a9b2d4e6f8a1b2c{number:02}", f"Organization number {number}", "edit")
        for number in range(11)
    ),
    PLACES[2],
)


def client(**changes):
    """A self-registered client with every link."""
    values = {
        "id": "c_1",
        "name": "Claude",
        "redirect_uris": ("https://claude.ai/api/mcp/auth_callback?kind=mcp",),
        "homepage": "https://claude.ai/",
        "terms": "https://claude.ai/terms",
        "privacy": "https://claude.ai/privacy",
    }
    return Client(**{**values, **changes})


def evaluator(*, roles=None, lower_only=False):
    """The evaluator of a server, with other roles if wanted."""
    catalogue = CATALOGUE
    if roles is not None:
        least = dict.fromkeys(AccessClass, roles.least.name)
        catalogue = Catalogue(roles, CATALOGUE.levels, least, CATALOGUE.scopes)
    return Evaluator(catalogue, lower_only=lower_only)


def prompt(
    *,
    scopes=("all.Application.bounded", "only.User.read"),
    asks=None,
    roles=None,
    lower_only=False,
    **changes,
):
    """A prompt as the authorize flow makes it."""
    asks = asks or client()
    values = {
        "transaction": "c2VhbGVkLXRyYW5zYWN0aW9u",
        "product": "Acme IoT",
        "client": asks,
        "redirect": match(asks.redirect_uris, asks.redirect_uris[0]),
        "account": Account("Ada Lovelace (ada@example.com)"),
        "sentences": tuple(describe(CATALOGUE, scope) for scope in scopes),
        "resources": ("https://acme.example/mcp",),
        "evaluator": evaluator(roles=roles, lower_only=lower_only),
        "cap": RoleCap("view"),
        "places": PLACES,
    }
    return ConsentPrompt(**{**values, **changes})


def loopback(**changes):
    """A prompt of a program on the person's own device."""
    return prompt(asks=client(redirect_uris=("http://127.0.0.1:33418/callback",)), **changes)


def private_scheme(**changes):
    """A prompt of an app that opens links of a scheme of its own."""
    uris = ("cursor://anysphere.cursor-mcp/oauth/callback",)
    return prompt(asks=client(name="Cursor", redirect_uris=uris), **changes)


def registered(**changes):
    """A prompt of a client that the operator registered."""
    return prompt(asks=client(origin=Origin.REGISTERED), **changes)


def overridden(**changes):
    """A prompt with overrides, as after a preview."""
    cap = RoleCap("view", organizations={"northwind": "edit", "contoso": "edit"}, sandbox="none")
    lives = {"lifetimes": (DAY, 30 * DAY), "lifetime": 30 * DAY, "expires_at": 1_803_895_200.0}
    return prompt(**{"cap": cap, "existing": 2, **lives, **changes})


def mistaken(**changes):
    """A prompt whose form came back with something to mend."""
    errors = (
        ("default", "choose one of the roles"),
        ("organizations[northwind]", "choose one of the roles"),
        ("lifetime", "choose one of those on the page"),
    )
    return overridden(errors=errors, status=422, **changes)


def redirect(uri="https://claude.ai/api/mcp/auth_callback", *, parameters=(("code", "x"), ("state", "y"))):
    """A redirect back to the client."""
    found = match((uri,), uri)
    assert found is not None
    return Redirect(found, tuple(parameters), "Claude")
