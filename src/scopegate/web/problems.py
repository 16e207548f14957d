"""What an error page says: what happened, and what to do (E02)."""

from collections.abc import Mapping
from typing import Final, Literal

from attrs import frozen

from scopegate.flows.outcomes import ErrorPage, Problem
from scopegate.web.views import ErrorView, Frame
from scopegate.web.wording import ENGLISH, Pieces, Wording, clean, plain

Trouble = Literal["unavailable", "too_many_requests", "not_found"]
"""Reasons of the web layer itself: no flow decided anything."""


@frozen
class Explanation:
    """A problem in words.

    Args:
        heading: one sentence; ``{product}`` stands for the product.
        happened: what happened.
        to_do: what the person can do about it.
        developer: what the developer of the client should know; it never repeats what was sent.
        calm: nothing went wrong, so the title is not marked as an error.
    """

    heading: str
    happened: str
    to_do: str
    developer: str = ""
    calm: bool = False


EXPLANATIONS: Final[Mapping[Problem | Trouble, Explanation]] = {
    "unknown_client": Explanation(
        "{product} does not know this app.",
        "The app that sent you here is not registered, or its registration was removed."
        " Nothing was shared with it.",
        "Go back to the app and connect it again. If that does not help, tell the people who make it.",
        "client_id names no client of this server: register again, then start a new authorization request.",
    ),
    "bad_redirect_uri": Explanation(
        "{product} cannot send you back to this app.",
        "The app asked to get you back at an address that it never registered, so you stay here."
        " Nothing was shared with it.",
        "Close this page. If you know and trust the app, tell the people who make it.",
        "redirect_uri must equal a registered one, character by character;"
        " only the port of an http loopback address may differ.",
    ),
    "repeated_parameter": Explanation(
        "{product} cannot read what this app asks for.",
        "The request says the same thing twice, so it cannot be told what is meant."
        " Nothing was shared with the app.",
        "Go back to the app and try again. If that does not help, tell the people who make it.",
        "No parameter of an authorization request may be repeated (RFC 6749 section 3.1).",
    ),
    "expired_transaction": Explanation(
        "This page of {product} has been open for too long.",
        "For your safety, a request is valid for a few minutes only. Nothing was approved.",
        "Go back to the app and connect it again.",
        "The transaction has expired, or was not made by this server: start a new authorization request.",
    ),
    "wrong_user": Explanation(
        "This page of {product} was opened by another account.",
        "You are signed in with another account than the one that opened this page. Nothing was approved.",
        "Go back to the app and connect it again with the account that you want to use.",
        "The transaction belongs to another user or session of this browser.",
    ),
    "cross_site": Explanation(
        "{product} did not accept this answer.",
        "The answer did not come from a page of {product}, or your browser did not say where it came from."
        " Nothing was approved.",
        "Go back to the app and connect it again."
        " If it opened a window of its own, let it use your browser instead.",
        "The decision must be posted by our own page: same Origin or Sec-Fetch-Site, and the same session.",
    ),
    "already_decided": Explanation(
        "You have already answered this request on {product}.",
        "Your first answer counts, and this one changed nothing.",
        "You can close this page. To choose again, go back to the app and connect it again.",
        "The transaction was decided with another choice: start a new authorization request.",
        calm=True,
    ),
    "sign_in_required": Explanation(
        "Please sign in to {product} first.",
        "You are not signed in, or your session has ended. Nothing was approved.",
        "Sign in, then go back to the app and connect it again.",
        "There is no signed-in user at this browser.",
        calm=True,
    ),
    "bad_request": Explanation(
        "{product} could not read this request.",
        "What your browser sent is damaged or incomplete. Nothing was approved.",
        "Go back to the app and connect it again.",
        "The parameters are not UTF-8, are too many, or are not a form.",
    ),
    "unavailable": Explanation(
        "{product} cannot answer right now.",
        "Something on our side did not work. Nothing was approved.",
        "Wait a moment, then load this page again.",
    ),
    "too_many_requests": Explanation(
        "{product} needs a short pause.",
        "There were too many requests in a short time. Nothing was approved.",
        "Wait a moment, then load this page again.",
    ),
    "not_found": Explanation(
        "There is no such page on {product}.",
        "The address is wrong, or what was here has been removed.",
        "Check the address, or go back to where you came from.",
    ),
}


def error_view(
    page: ErrorPage,
    product: str,
    *,
    request_id: str = "",
    wording: Wording = ENGLISH,
) -> ErrorView:
    """The page of a problem that a flow found.

    Args:
        page: the problem.
        product: the name of the host's product.
        request_id: what finds this request in the host's logs; empty: not shown.
        wording: the language.
    """
    return _view(page.problem, product, request_id=request_id, wording=wording)


def trouble_view(
    trouble: Trouble,
    product: str,
    *,
    retry_after: float | None = None,
    request_id: str = "",
    wording: Wording = ENGLISH,
) -> ErrorView:
    """The page for what is no flow's outcome. ``retry_after`` is in seconds (E08)."""
    return _view(trouble, product, retry_after=retry_after, request_id=request_id, wording=wording)


def _view(
    code: Problem | Trouble,
    product: str,
    *,
    retry_after: float | None = None,
    request_id: str,
    wording: Wording,
) -> ErrorView:
    words, product = EXPLANATIONS[code], clean(product)
    heading = wording.pieces(words.heading, product=product)
    return ErrorView(
        frame=_frame(heading, product, wording, calm=words.calm),
        happened=wording.say(words.happened, product=product),
        to_do_heading=wording.say("What you can do"),
        to_do=wording.say(words.to_do),
        wait="" if retry_after is None else _wait(retry_after, wording),
        developer_label=wording.say("For the developer of the app"),
        developer=words.developer,
        code=code,
        request_label=wording.say("Request"),
        request_id=clean(request_id),
    )


def _frame(heading: Pieces, product: str, wording: Wording, *, calm: bool) -> Frame:
    title = plain(heading)
    return Frame(
        language=wording.language,
        direction=wording.direction,
        title=title if calm else wording.say("Error: {title}", title=title),
        heading=heading,
        product=product,
        skip=wording.say("Skip to the content"),
    )


def _wait(seconds: float, wording: Wording) -> str:
    minutes = -int(-seconds // 60)
    if minutes <= 1:
        return wording.say("It should work again within a minute.")
    return wording.count(
        "It should work again in about {number} minute.",
        "It should work again in about {number} minutes.",
        minutes,
    )
