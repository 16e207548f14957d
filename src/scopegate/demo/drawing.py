"""Draws the pages of Acme IoT in the look of the consent page, without a script."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.templating import Jinja2Templates

from scopegate.web.pages import page_headers

_OWN = Path(__file__).parent / "templates"
_STYLE = files("scopegate.web").joinpath("templates/scopegate/style.css").read_text("utf-8") + (
    _OWN / "extra.css"
).read_text("utf-8")
_templates = Jinja2Templates(_OWN)


def draw(
    request: Request, template: str, context: Mapping[str, object] | None = None, status: int = 200
) -> Response:
    """A page."""
    values = {"style": _STYLE} | dict(context or {})
    return _templates.TemplateResponse(request, template, values, status, dict(page_headers(_STYLE)))
