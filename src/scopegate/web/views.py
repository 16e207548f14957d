"""What the pages say, worked out beforehand: frozen values, ready for a template or as JSON."""

from typing import Final

from attrs import frozen

from scopegate.web.wording import Pieces


@frozen
class Link:
    """A link to a place that was checked to be https."""

    text: str
    url: str


@frozen
class Option:
    """A choice of a select."""

    value: str
    label: str
    selected: bool


@frozen(kw_only=True)
class Frame:
    """What every page has.

    Args:
        language, direction: of the ``html`` element.
        title: the text of the ``title`` element.
        heading: the only ``h1``, in pieces.
        product: the name of the host's product.
        skip: the text of the link that skips the head of the page.
        footer: where to change things later.
        footer_link: the same, as a link, where the host said where.
    """

    language: str
    direction: str
    title: str
    heading: Pieces
    product: str
    skip: str
    footer: str = ""
    footer_link: Link | None = None


@frozen(kw_only=True)
class Asker:
    """Who asks: the first card.

    Args:
        name: what the client calls itself, made safe.
        initial: the first letter of it, for decoration.
        publisher: how the server came to know it.
        account_label, account: who is signed in.
        switch: a link to the host's own page for using another account.
        returns_label, returns: where the person goes afterwards, in words.
        address_label, address: the whole redirection URI; text, never a link.
        resources_label, resources: what the access is for.
        links: home page, terms and privacy, as far as registered.
    """

    name: str
    initial: str
    publisher: str
    account_label: str
    account: str
    switch: Link | None
    returns_label: str
    returns: Pieces
    address_label: str
    address: str
    resources_label: str
    resources: tuple[str, ...]
    links: tuple[Link, ...]


@frozen(kw_only=True)
class Permission:
    """A scope in words. ``strong`` marks one that can change things."""

    sentence: str
    tag: str
    scope: str
    strong: bool


@frozen(kw_only=True)
class Permissions:
    """What it will and will not be able to do: the second card."""

    heading: Pieces
    summary: str
    permissions: tuple[Permission, ...]
    not_heading: str
    nots: tuple[str, ...]


@frozen(kw_only=True)
class Choice:
    """A labelled select.

    Args:
        field: its name in the form.
        id: its id in the page.
        label: what it chooses.
        options: what can be chosen.
        own: the user's own role there, in words; empty for the default.
        result: what the app can do there with this choice, in words.
        role: the label of the effective role; empty for the default.
        error: what is wrong with it.
    """

    field: str
    id: str
    label: str
    options: tuple[Option, ...]
    own: str = ""
    result: Pieces = ()
    role: str = ""
    error: str = ""


@frozen(kw_only=True)
class RoleLine:
    """A role and what it can do."""

    label: str
    description: str


@frozen(kw_only=True)
class Limit:
    """The default maximum role and the overrides: the third card."""

    heading: str
    lead: str
    default: Choice
    roles: tuple[RoleLine, ...]
    hint: str
    reach: str
    places_summary: str
    places_hint: str
    places: tuple[Choice, ...]
    more: str
    open: bool
    preview: str
    preview_hint: str


@frozen(kw_only=True)
class Ending:
    """The last card: how long, with a choice where there is one, what there is already, and the two buttons."""

    existing: str
    choice: Choice | None
    lifetime: str
    lifetime_day: str
    cancel: str
    approve: Pieces


@frozen(kw_only=True)
class Mistake:
    """An entry of the summary of errors."""

    id: str
    text: str


@frozen(kw_only=True)
class ConsentView:
    """Everything on the consent page, in the order of reading.

    Args:
        transaction: the sealed transaction, for the hidden field.
        warning: at most one.
        errors_heading, errors: what to mend; empty where nothing is wrong.
    """

    frame: Frame
    transaction: str
    asker: Asker
    warning: Pieces
    permissions: Permissions
    limit: Limit
    ending: Ending
    errors_heading: str
    errors: tuple[Mistake, ...]


@frozen(kw_only=True)
class ErrorView:
    """An error page in words.

    Args:
        frame: what every page has.
        happened, to_do: two short paragraphs, the second under ``to_do_heading``.
        wait: how long to wait, in words.
        developer_label, developer: the block for the developer.
        code: the stable name of the problem.
        request_label, request_id: what to tell the support.
    """

    frame: Frame
    happened: str
    to_do_heading: str
    to_do: str
    wait: str
    developer_label: str
    developer: str
    code: str
    request_label: str
    request_id: str


@frozen(kw_only=True)
class HandoffView:
    """The page between here and the app: it goes on by itself, and has a link for where that is blocked."""

    frame: Frame
    location: str
    sentence: str
    link: Pieces
    closing: str


@frozen(kw_only=True)
class Links:
    """Pages of the host that ours point to.

    Args:
        tokens: where users see and change what they approved.
        switch_account: where they sign in as somebody else; it gets no parameters.
    """

    tokens: str = ""
    switch_account: str = ""


NO_LINKS: Final = Links()
