"""The pages that a person sees, drawn from precomputed views; the only module that knows Jinja2."""

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from scopegate.errors import ConfigurationError
from scopegate.flows.outcomes import ConsentPrompt, ErrorPage, Redirect
from scopegate.web.consent_view import consent_document, consent_view
from scopegate.web.handoff import handoff_view
from scopegate.web.problems import Trouble, error_view, trouble_view
from scopegate.web.views import NO_LINKS, ConsentView, ErrorView, HandoffView, Links
from scopegate.web.wording import ENGLISH, Wording

if TYPE_CHECKING:
    from jinja2 import BaseLoader

__all__ = [
    "HANDOFF_HEADERS",
    "PAGE_HEADERS",
    "ConsentView",
    "ErrorView",
    "HandoffView",
    "Links",
    "Pages",
    "consent_document",
    "page_headers",
]

Headers = tuple[tuple[str, str], ...]
STYLE: Final = "scopegate/style.css"


def page_headers(style: str, *, referrer: str = "same-origin") -> Headers:
    """The headers of a page with this one inline style sheet (CON-5 to CON-8, X12).

    There is no ``form-action``, because browsers apply it to every hop of the redirects after the form, even
    to those of the client; and no ``Cross-Origin-Opener-Policy``, because it cuts off the window of a popup.

    Args:
        style: the exact text between ``<style>`` and ``</style>``.
        referrer: ``same-origin`` for a page with a form, whose ``Origin`` would else be ``null``.
    """
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src 'self';"
        " base-uri 'none'; frame-ancestors 'none'"
    )
    return (
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", policy),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", referrer),
        ("X-Content-Type-Options", "nosniff"),
        ("Cache-Control", "no-store"),
    )


def _own_style() -> str:
    return files("scopegate.web").joinpath("templates", STYLE).read_text("utf-8").removesuffix("\n")


PAGE_HEADERS: Final = page_headers(_own_style())
"""For every page, as long as the style sheet is our own."""

HANDOFF_HEADERS: Final = page_headers(_own_style(), referrer="no-referrer")
"""For the page that leads back to the client: it has no form, and its address is nobody's business."""


class Pages:
    """Draws the pages.

    Args:
        product: the name of the host's product, as people know it.
        links: pages of the host that ours point to.
        loader: a Jinja2 loader of the host; what it has under ``scopegate/`` replaces the templates here.

    Attributes:
        headers: of every page but the hand-off, for the style sheet in use.
        handoff_headers: of the hand-off page.

    Raises:
        ConfigurationError: Jinja2 is not installed.
    """

    def __init__(self, product: str, *, links: Links = NO_LINKS, loader: "BaseLoader | None" = None) -> None:
        try:
            import jinja2  # noqa: PLC0415 - an extra: a host that draws its own pages does without
        except ModuleNotFoundError as missing:
            msg = (
                'the pages need Jinja2, which is not installed: pip install "scopegate[pages]",'
                " or draw the pages yourself from consent_document()"
            )
            raise ConfigurationError(msg) from missing
        own = jinja2.PackageLoader("scopegate.web")
        self._environment = jinja2.Environment(
            loader=own if loader is None else jinja2.ChoiceLoader([loader, own]),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            auto_reload=loader is not None,
        )
        self._product = product
        self._links = links
        style = self._environment.get_template(STYLE).render()
        self.headers: Final = page_headers(style)
        self.handoff_headers: Final = page_headers(style, referrer="no-referrer")

    def consent(self, prompt: ConsentPrompt, *, action: str, wording: Wording = ENGLISH) -> bytes:
        """The consent page; its form posts to ``action``."""
        view = consent_view(prompt, wording=wording, links=self._links)
        return self._render("consent", view, action=action)

    def error(self, page: ErrorPage, *, request_id: str = "", wording: Wording = ENGLISH) -> bytes:
        """The page of a problem that a flow found."""
        return self._render("error", error_view(page, self._product, request_id=request_id, wording=wording))

    def trouble(
        self,
        trouble: Trouble,
        *,
        retry_after: float | None = None,
        request_id: str = "",
        wording: Wording = ENGLISH,
    ) -> bytes:
        """The page for what no flow decided: unavailable (503), too many requests (429), not found (404)."""
        view = trouble_view(
            trouble, self._product, retry_after=retry_after, request_id=request_id, wording=wording
        )
        return self._render("error", view)

    def handoff(self, redirect: Redirect, *, again: bool = False, wording: Wording = ENGLISH) -> bytes:
        """The page that leads back to the client, instead of a redirect; ``again`` after a double click.

        Raises:
            InvalidValueError: the address would run as a script.
        """
        return self._render("handoff", handoff_view(redirect, self._product, again=again, wording=wording))

    def _render(self, name: str, view: ConsentView | ErrorView | HandoffView, *, action: str = "") -> bytes:
        return (
            self._environment.get_template(f"scopegate/{name}.html").render(view=view, action=action).encode()
        )
