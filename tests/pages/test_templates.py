"""The templates use only what Jinja2 and Django both understand, and the sheet keeps its promises."""

import re
from importlib.resources import files

import pytest

FOLDER = files("scopegate.web").joinpath("templates", "scopegate")
TEMPLATES = {each.name: each.read_text("utf-8") for each in FOLDER.iterdir() if each.name.endswith(".html")}
STYLE = FOLDER.joinpath("style.css").read_text("utf-8")
NAME = r"[a-z_]+(?:\.[a-z_]+)*"
ALLOWED = [
    rf"if {NAME}",
    "else",
    "endif",
    rf"for [a-z_]+ in {NAME}",
    "endfor",
    "block [a-z_]+",
    "endblock",
    r'extends "scopegate/[a-z]+\.html"',
    r'include "scopegate/[a-z]+\.(?:html|css)"',
]
SCHEMES = dict(
    zip(
        ("light", "dark"),
        (
            dict(re.findall(r"--([a-z-]+):(#[0-9a-f]{3,6})", rule))
            for rule in re.findall(r":root\{[^}]*\}", STYLE)
        ),
        strict=True,
    )
)
TEXT = [("ink", "card"), ("ink", "page"), ("mute", "card"), ("mute", "page"), ("go", "card"), ("go", "page")]
TEXT += [("on", "go"), ("on-note", "note"), ("on-bad", "bad"), ("on-bad", "card"), ("ink", "tag")]
EDGES = [("line", "card"), ("go", "card"), ("go", "page"), ("on-bad", "card"), ("go", "bad")]


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_a_template_uses_the_common_subset_only(name):
    """Dotted names, if, for, block, extends and include; no filter, no call, no test, no comparison."""
    source = TEMPLATES[name]
    for tag in re.findall(r"{%(.*?)%}", source, re.DOTALL):
        assert any(re.fullmatch(f" {allowed} ", tag) for allowed in ALLOWED), tag
    for value in re.findall(r"{{(.*?)}}", source, re.DOTALL):
        assert re.fullmatch(f" {NAME} ", value), value
        assert not value.strip().startswith(("loop.", "forloop."))
    assert "{#" not in source


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_a_template_has_no_words_of_its_own(name):
    """X10: every word comes from the view, so that every word can be translated."""
    text = re.sub(r"{%.*?%}|{{.*?}}|<[^>]*>", " ", TEMPLATES[name], flags=re.DOTALL)
    assert not re.search(r"[A-Za-z]", text), text


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_every_value_in_an_attribute_is_quoted(name):
    """CON-17: escaping protects nothing in an attribute without quotes."""
    for tag in re.findall(r"<[a-z][^>]*>", TEMPLATES[name]):
        assert "{{" not in re.sub(r'"[^"]*"', "", tag), tag
    assert not re.search(r"<(?:script|style)[^>]*>[^<]*{{", TEMPLATES[name])


def test_the_sheet_has_no_variables():
    """X12: its hash is a constant."""
    assert not re.search(r"{{|{%|{#", STYLE)
    assert "</" not in STYLE


def test_the_sheet_uses_logical_directions_only():
    """X09: one sheet for both directions of writing."""
    physical = r"(?:margin|padding|border)-(?:left|right|top|bottom)|[;{](?:left|right|top|bottom|inset|width|height):"
    assert not re.findall(physical, STYLE)
    assert not re.findall(r"text-align:(?:left|right)|float:", STYLE)


def test_the_sheet_respects_what_people_have_set():
    """X08: colours, motion and contrast follow the system."""
    for query in (
        "prefers-color-scheme:dark",
        "prefers-reduced-motion:no-preference",
        "forced-colors:active",
    ):
        assert STYLE.count(f"({query})") == 1
    moving = re.sub(r"@media \(prefers-reduced-motion:no-preference\)\{.*\}\}", "", STYLE)
    assert not re.search("transition|animation|scroll-behavior", moving)


def test_the_focus_is_drawn():
    """X04: three pixels, on everything that takes it but the target of the skip link."""
    assert ":focus-visible{outline:3px solid var(--go);outline-offset:2px}" in STYLE
    assert re.findall(r"[^}]*\{[^}]*outline:none", STYLE) == ["\nmain:focus{outline:none"]


def test_nothing_sticks_over_the_page():
    """C49: nothing covers what has the focus."""
    assert not re.search(r"position:(?:fixed|sticky)", STYLE)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), TEXT)
def test_text_has_enough_contrast(scheme, ink, ground):
    """X03: at least 4.5 to 1."""
    assert contrast(SCHEMES[scheme][ink], SCHEMES[scheme][ground]) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("edge", "ground"), EDGES)
def test_borders_of_controls_and_focus_have_enough_contrast(scheme, edge, ground):
    """X03: at least 3 to 1."""
    assert contrast(SCHEMES[scheme][edge], SCHEMES[scheme][ground]) >= 3


def contrast(one, other):
    """The contrast ratio of two colours (WCAG 2.2)."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour):
    """The relative luminance of a colour (WCAG 2.2)."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * each for each in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
