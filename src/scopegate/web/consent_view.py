"""A prompt for consent, put into words."""

from collections import Counter
from datetime import UTC, datetime
from typing import Final, assert_never
from urllib.parse import urlsplit

from attrs import asdict

from scopegate.core.caps import RoleCap
from scopegate.core.clients import Client, Origin
from scopegate.core.redirects import is_loopback
from scopegate.core.roles import Role, RoleLadder
from scopegate.core.sentences import Sentence
from scopegate.core.standing import Membership, Sandbox
from scopegate.flows.consent import lifetime_text
from scopegate.flows.outcomes import ConsentPrompt
from scopegate.web.views import (
    NO_LINKS,
    Asker,
    Choice,
    ConsentView,
    Ending,
    Frame,
    Limit,
    Link,
    Links,
    Mistake,
    Option,
    Permission,
    Permissions,
    RoleLine,
)
from scopegate.web.wording import ENGLISH, Pieces, Wording, clean, plain

LONGEST_LABEL: Final = 80
TAGS: Final = ("Read", "Read and write", "Full access")


def consent_view(
    prompt: ConsentPrompt, *, wording: Wording = ENGLISH, links: Links = NO_LINKS
) -> ConsentView:
    """The consent page of a prompt, in words."""
    name, product = _name(prompt.client, wording), clean(prompt.product)
    heading = wording.pieces("Allow {client} to use your {product} account?", client=name, product=product)
    errors = tuple(_mistakes(prompt, wording))
    title = plain(heading)
    return ConsentView(
        frame=Frame(
            language=wording.language,
            direction=wording.direction,
            title=wording.say("Error: {title}", title=title) if errors else title,
            heading=heading,
            product=product,
            skip=wording.say("Skip to the question"),
            footer=_footer(product, wording, links),
            footer_link=Link(wording.say("See and change what you approved"), links.tokens)
            if links.tokens
            else None,
        ),
        transaction=prompt.transaction,
        asker=_asker(prompt, name, wording, links),
        warning=_warning(prompt, name, wording),
        permissions=_permissions(prompt, name, wording),
        limit=_limit(prompt, wording),
        ending=_ending(prompt, name, wording),
        errors_heading=wording.say("There is a problem with your choice") if errors else "",
        errors=errors,
    )


def consent_document(prompt: ConsentPrompt, *, wording: Wording = ENGLISH) -> dict[str, object]:
    """The consent page as a JSON-able document, for a host that draws its own page."""
    return asdict(consent_view(prompt, wording=wording))


def _name(client: Client, wording: Wording) -> str:
    return clean(client.name) or wording.say("An app without a name")


def _footer(product: str, wording: Wording, links: Links) -> str:
    if links.tokens:
        return wording.say("You can lower, pause or remove this access at any time.")
    return wording.say(
        "You can lower, pause or remove this access at any time in your {product} account.", product=product
    )


# --- Who asks -----------------------------------------------------------------------------------------------


def _asker(prompt: ConsentPrompt, name: str, wording: Wording, links: Links) -> Asker:
    switch = (
        Link(wording.say("Use a different account"), links.switch_account) if links.switch_account else None
    )
    return Asker(
        name=name,
        initial=name[0].upper(),
        publisher=_publisher(prompt.client, clean(prompt.product), wording),
        account_label=wording.say("Your account"),
        account=clean(prompt.account.label, at_most=LONGEST_LABEL),
        switch=switch,
        returns_label=wording.say("Returns you to"),
        returns=return_place(prompt.redirect.uri, wording),
        address_label=wording.say("Full address"),
        address=prompt.redirect.uri,
        resources_label=wording.say("Access to"),
        resources=prompt.resources,
        links=tuple(_links(prompt.client, wording)),
    )


def _publisher(client: Client, product: str, wording: Wording) -> str:
    """How far the name can be believed (C02, C14): only the operator vouches for an app."""
    match client.origin:
        case Origin.SELF_REGISTERED:
            return wording.say("Unverified app, registered itself. Not made by {product}.", product=product)
        case Origin.REGISTERED:
            if client.owner is None:
                return wording.say("Registered by {product}.", product=product)
            return wording.say("Registered by a user of {product}. Not made by {product}.", product=product)
        case _:
            assert_never(client.origin)


def _links(client: Client, wording: Wording) -> list[Link]:
    given = (("Home page", client.homepage), ("Terms", client.terms), ("Privacy", client.privacy))
    return [Link(wording.say(text), url) for text, url in given if is_safe_link(url)]


def is_safe_link(url: str) -> bool:
    """Whether an address of a client may become a link: https, a host, plain characters, no user name."""
    if not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc and "\\" not in url


def return_place(uri: str, wording: Wording = ENGLISH) -> Pieces:
    """Where a validated redirection URI leads, in words of three kinds (C03)."""
    parts = urlsplit(uri)
    if is_loopback(uri):
        return wording.pieces("a program on this device ({host})", host=str(parts.hostname))
    if parts.scheme == "https":
        return wording.pieces("{host}", host=parts.netloc)
    return wording.pieces("the app that opens {scheme}: links on this device", scheme=parts.scheme)


def _warning(prompt: ConsentPrompt, name: str, wording: Wording) -> Pieces:
    """At most one (C06): that programs on a device cannot be told apart (C05, CON-10), or power (C35)."""
    if urlsplit(prompt.redirect.uri).scheme != "https":
        return wording.pieces(
            "Any program on this device can call itself {client}."
            " Go on only if you have just started this yourself.",
            client=name,
        )
    top = prompt.roles.top
    if top == prompt.roles.least or not any(prompt.role_at(place) == top for place in prompt.places):
        return ()
    return wording.pieces(
        "With this choice, {client} will act as {role} for you.", client=name, role=_label(top)
    )


# --- What it gets -------------------------------------------------------------------------------------------


def _strongest(sentences: tuple[Sentence, ...]) -> Sentence | None:
    return max(sentences, key=lambda each: TAGS.index(each.tag) if each.tag in TAGS else 0, default=None)


def _permissions(prompt: ConsentPrompt, name: str, wording: Wording) -> Permissions:
    return Permissions(
        heading=wording.pieces("What {client} will be able to do", client=name),
        summary=_summary(prompt.sentences, wording),
        permissions=tuple(
            Permission(
                sentence=wording.say(each.text),
                tag=wording.say(each.tag),
                scope=each.scope,
                strong=each.tag != TAGS[0],
            )
            for each in prompt.sentences
        ),
        not_heading=wording.say("It will not be able to"),
        nots=tuple(_nots(prompt, wording)),
    )


def _summary(sentences: tuple[Sentence, ...], wording: Wording) -> str:
    strongest = _strongest(sentences)
    if strongest is None or strongest.tag == TAGS[0]:
        return wording.say("It can look, but not change anything.")
    if strongest.tag == TAGS[1]:
        return wording.say("It can look at things and change them, as far as its role below allows.")
    return wording.say("It can do everything there, as far as its role below allows.")


def _nots(prompt: ConsentPrompt, wording: Wording) -> list[str]:
    strongest = _strongest(prompt.sentences)
    nots = [wording.say(strongest.never)] if strongest is not None and strongest.never else []
    above = prompt.roles.roles[_highest(prompt) + 1 :]
    if len(above) == len(prompt.roles.roles) - 1:
        nots.append(
            wording.say(
                "Do anything in your organizations, because its role is {role}",
                role=_label(prompt.roles.roles[0]),
            )
        )
    elif above:
        nots.append(wording.say("Act as {roles} anywhere", roles=" / ".join(_label(role) for role in above)))
    nots.append(wording.say("Do more than you can do yourself, now or later"))
    nots.append(wording.say("Connect other apps, or raise its own limits"))
    return nots


def _highest(prompt: ConsentPrompt) -> int:
    cap, given = prompt.cap, [prompt.cap.default]
    if not prompt.evaluator.lower_only:
        given += [cap.sandbox or cap.default, *cap.organizations.values()]
        given += [own.role for own in cap.applications.values()]
    return max(map(prompt.roles.rank, given))


# --- Its limit ----------------------------------------------------------------------------------------------


def _label(role: Role) -> str:
    return role.label or role.name.replace("_", " ").capitalize()


def _limit(prompt: ConsentPrompt, wording: Wording) -> Limit:
    problems = dict(prompt.errors)
    places = tuple(
        _place(prompt, place, number, problems, wording) for number, place in enumerate(prompt.places, 1)
    )
    changed = prompt.cap.overrides
    return Limit(
        heading=wording.say("Limit its role"),
        lead=wording.say("It acts for you, with at most the role that you choose here."),
        default=Choice(
            field="default",
            id="default",
            label=wording.say("Maximum role"),
            options=_options(prompt.roles, prompt.cap.default),
            error=problems.get("default", ""),
        ),
        roles=tuple(
            RoleLine(label=_label(role), description=wording.say(role.description))
            for role in prompt.roles.roles
            if role.description
        ),
        hint=_hint(prompt, wording),
        reach=_reach(places, wording),
        places_summary=_places_summary(len(places), changed, wording),
        places_hint=_places_hint(prompt, wording),
        places=places,
        more=_more(prompt, wording) if prompt.more_places else "",
        open=bool(changed) or any(place.error for place in places),
        preview=wording.say("Preview"),
        preview_hint=wording.say("Shows what your choice means. Nothing is approved yet."),
    )


def _more(prompt: ConsentPrompt, wording: Wording) -> str:
    if prompt.new_organizations == "none":
        return wording.say("You belong to more places than fit here. This app gets no access to the others.")
    return wording.say("You belong to more places than fit here. The others follow the maximum role above.")


def _hint(prompt: ConsentPrompt, wording: Wording) -> str:
    if prompt.new_organizations == "none":
        return wording.say(
            "This holds in the organizations that you see here, and not in those that you join later."
            " It can never exceed your own role."
        )
    return wording.say(
        "This holds in every organization, also in those that you join later."
        " It can never exceed your own role."
    )


def _options(roles: RoleLadder, chosen: str | None) -> tuple[Option, ...]:
    return tuple(Option(role.name, _label(role), role.name == chosen) for role in roles.roles)


def _places_hint(prompt: ConsentPrompt, wording: Wording) -> str:
    if prompt.evaluator.lower_only:
        return wording.say("A choice here can only be lower than the maximum role above.")
    return wording.say("A choice here counts instead of the maximum role above.")


def _places_summary(count: int, changed: int, wording: Wording) -> str:
    places = _places_count(count, wording)
    if changed:
        return wording.say("Choose place by place ({places}, {set} set)", places=places, set=str(changed))
    return wording.say("Choose place by place ({places})", places=places)


def _chosen(cap: RoleCap, place: Membership) -> str | None:
    if isinstance(place.organization, Sandbox):
        return cap.sandbox
    return cap.organizations.get(place.organization)


def _place(
    prompt: ConsentPrompt, place: Membership, number: int, problems: dict[str, str], wording: Wording
) -> Choice:
    roles, chosen = prompt.roles, _chosen(prompt.cap, place)
    sandbox = isinstance(place.organization, Sandbox)
    own, role = roles[place.role], prompt.role_at(place)
    label = clean(place.label, at_most=LONGEST_LABEL) or wording.say("A place without a name")
    follow = Option(
        "", wording.say("Use the default ({role})", role=_label(roles[prompt.cap.default])), chosen is None
    )
    return Choice(
        field="sandbox" if sandbox else f"organization:{place.organization}",
        id=f"p{number}",
        label=label,
        options=(follow, *_options(roles, chosen)),
        own=_label(own),
        result=_result(label, own, role, wording),
        role=_label(role),
        error=problems.get("sandbox" if sandbox else f"organizations[{place.organization}]", ""),
    )


def _result(label: str, own: Role, role: Role, wording: Wording) -> Pieces:
    if own.name == "none":
        return wording.pieces("In {place} you have no access yourself, so this app has none.", place=label)
    if role.name == "none":
        return wording.pieces(
            "In {place} you are {own}; this app will have no access.", place=label, own=_label(own)
        )
    return wording.pieces(
        "In {place} you are {own}; this app will act as {role}.",
        place=label,
        own=_label(own),
        role=_label(role),
    )


def _reach(places: tuple[Choice, ...], wording: Wording) -> str:
    """Where it will act as what, in one line (C22), the role of the most places first."""
    parts = [
        wording.say("{role} in {places}", role=role, places=_places_count(number, wording))
        for role, number in Counter(place.role for place in places).most_common()
    ]
    return wording.say("With this choice: {reach}.", reach=", ".join(parts))


def _places_count(number: int, wording: Wording) -> str:
    return wording.count("{number} place", "{number} places", number)


# --- The end ------------------------------------------------------------------------------------------------


def _ending(prompt: ConsentPrompt, name: str, wording: Wording) -> Ending:
    ends = prompt.expires_at
    return Ending(
        existing=wording.count(
            "You already have {number} token for it.",
            "You already have {number} tokens for it.",
            prompt.existing,
        )
        if prompt.existing
        else wording.say("First time you connect this app."),
        choice=_lives(prompt, wording) if prompt.lifetimes else None,
        lifetime=wording.say("This access lasts until you remove it.")
        if ends is None
        else wording.say("This access ends on {day}.", day=wording.day(ends)),
        lifetime_day="" if ends is None else datetime.fromtimestamp(ends, UTC).date().isoformat(),
        cancel=wording.say("Cancel"),
        approve=wording.pieces("Authorize {client}", client=name),
    )


def _lives(prompt: ConsentPrompt, wording: Wording) -> Choice:
    """How long it may last: the lives on offer, the shortest first, and the longest there is."""
    longest = (
        wording.say("Until you remove it") if prompt.longest is None else wording.duration(prompt.longest)
    )
    shorter = (
        Option(lifetime_text(life), wording.duration(life), life == prompt.lifetime)
        for life in sorted(prompt.lifetimes)
    )
    return Choice(
        field="lifetime",
        id="lifetime",
        label=wording.say("How long may it stay connected?"),
        options=(*shorter, Option("", longest, prompt.lifetime is None)),
        error=dict(prompt.errors).get("lifetime", ""),
    )


def _mistakes(prompt: ConsentPrompt, wording: Wording) -> list[Mistake]:
    places = {
        "sandbox" if isinstance(place.organization, Sandbox) else f"organizations[{place.organization}]": (
            f"p{number}",
            clean(place.label, at_most=LONGEST_LABEL),
        )
        for number, place in enumerate(prompt.places, 1)
    }
    places["default"] = ("default", wording.say("Maximum role"))
    places["lifetime"] = ("lifetime", wording.say("How long"))
    found: list[Mistake] = []
    for field, problem in prompt.errors:
        id_, label = places.get(field, ("default", field))
        found.append(Mistake(id=id_, text=wording.say("{field}: {problem}", field=label, problem=problem)))
    return found
