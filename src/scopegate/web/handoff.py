"""The page that leads back to the app, put into words."""

from urllib.parse import urlsplit

from scopegate.core.redirects import FORBIDDEN_SCHEMES
from scopegate.errors import InvalidValueError
from scopegate.flows.outcomes import Redirect
from scopegate.web.views import Frame, HandoffView
from scopegate.web.wording import ENGLISH, Wording, clean, plain


def handoff_view(
    redirect: Redirect, product: str, *, again: bool = False, wording: Wording = ENGLISH
) -> HandoffView:
    """The page that leads back to the client.

    Args:
        redirect: where to.
        product: the name of the host's product.
        again: the person decided the same before; nothing new was made.
        wording: the language.

    Raises:
        InvalidValueError: the address would run as a script instead of leading somewhere.
    """
    location = redirect.location
    if urlsplit(location).scheme.lower() in FORBIDDEN_SCHEMES:
        raise InvalidValueError(
            "redirect_uri", "it leads to content, not to an application; nothing goes there"
        )
    name = clean(redirect.client_name) or wording.say("the app")
    refused = any(parameter == "error" for parameter, _ in redirect.parameters)
    heading = wording.pieces(
        "{product} is sending you back to {client}.", product=clean(product), client=name
    )
    return HandoffView(
        frame=Frame(
            language=wording.language,
            direction=wording.direction,
            title=plain(heading),
            heading=heading,
            product=clean(product),
            skip=wording.say("Skip to the content"),
        ),
        location=location,
        sentence=_handoff_sentence(wording, refused=refused, again=again),
        link=wording.pieces("Continue to {client}", client=name),
        closing=wording.say("Once it has opened, you can close this tab."),
    )


def _handoff_sentence(wording: Wording, *, refused: bool, again: bool) -> str:
    if refused:
        return wording.say("It gets no access.")
    if again:
        return wording.say("You approved this already. Nothing new was created.")
    return wording.say("You approved its access.")
