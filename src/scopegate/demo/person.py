"""Stands for a person at a browser: keeps cookies, follows redirects, presses the buttons that are really there."""

from collections.abc import Iterator
from html.parser import HTMLParser
from types import TracebackType
from typing import Self
from urllib.parse import urljoin, urlsplit

import httpx2
from attrs import define, field

from scopegate.errors import ScopegateError


class DemoError(ScopegateError):
    """Something did not happen as it should."""


@define
class Form:
    """A form as a page shows it: its fields with what is chosen, and its buttons by their text."""

    action: str
    fields: dict[str, str] = field(factory=dict[str, str])
    buttons: dict[str, tuple[str, str]] = field(factory=dict[str, tuple[str, str]])


class _Reader(HTMLParser):
    """Reads the forms and the text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.pieces: list[str] = []
        self._hidden = ""
        self._select = ""
        self._button: tuple[str, str] | None = None
        self._words: list[str] = []
        self.feed(html)

    @property
    def text(self) -> str:
        """What a person reads."""
        return " ".join(" ".join(self.pieces).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        form = self.forms[-1] if self.forms else Form("")
        match tag:
            case "a":
                self.links.append(given.get("href", ""))
            case "form":
                self.forms.append(Form(given.get("action", "")))
            case "input":
                form.fields[given["name"]] = given.get("value", "")
            case "select":
                self._select = given["name"]
            case "option" if "selected" in given or self._select not in form.fields:
                form.fields[self._select] = given["value"]
            case "button":
                self._button, self._words = (given.get("name", ""), given.get("value", "")), []
            case "style" | "title":
                self._hidden = tag
            case _:
                pass

    def handle_endtag(self, tag: str) -> None:
        if tag == self._hidden:
            self._hidden = ""
        if tag == "button" and self._button is not None and self.forms:
            self.forms[-1].buttons[" ".join("".join(self._words).split())] = self._button
            self._button = None

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.pieces.append(data)
            self._words.append(data)


class Person:
    """A person at a browser."""

    def __init__(self) -> None:
        self._http = httpx2.Client(timeout=10)
        self.visited: list[str] = []
        self.address = ""
        self.status = 0
        self._page = _Reader("")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    @property
    def text(self) -> str:
        """What the page says."""
        return self._page.text

    @property
    def links(self) -> list[str]:
        """Where the links of the page lead."""
        return self._page.links

    @property
    def cookies(self) -> dict[str, str]:
        """Every cookie that was set, by name."""
        return {cookie.name: cookie.value or "" for cookie in self._http.cookies.jar}

    def fields(self, button: str) -> dict[str, str]:
        """What the form of a button holds so far.

        Raises:
            DemoError: there is no such button.
        """
        return self._find(button)[0].fields

    def open(self, address: str) -> None:
        """Go to an address."""
        self._go("GET", urljoin(self.address, address))

    def press(self, button: str, **chosen: str) -> None:
        """Press a button, after choosing something in its form.

        Args:
            button: how its text begins.
            chosen: values by field name.

        Raises:
            DemoError: there is no such button, or a field is not in its form.
        """
        form, pressed = self._find(button)
        unknown = set(chosen) - set(form.fields)
        if unknown:
            raise DemoError(f"the form of {button!r} at {self.address} has no {sorted(unknown)}")
        fields = form.fields | chosen
        if pressed[0]:
            fields[pressed[0]] = pressed[1]
        self._go("POST", urljoin(self.address, form.action), fields)

    def _find(self, button: str) -> tuple[Form, tuple[str, str]]:
        for form in self._page.forms:
            for text, pressed in form.buttons.items():
                if text.startswith(button):
                    return form, pressed
        raise DemoError(f"there is no button {button!r} at {self.address} ({self.status}): {self.text[:400]}")

    def _go(self, method: str, address: str, fields: dict[str, str] | None = None) -> None:
        self.visited = []
        for line in self._hops(method, address, fields):
            self.visited.append(line)

    def _hops(self, method: str, address: str, fields: dict[str, str] | None) -> Iterator[str]:
        """Follow redirects as a browser does after a form: by GET."""
        for _ in range(10):
            headers = {"Sec-Fetch-Site": self._fetch_site(address)} if method == "POST" else {}
            response = self._http.request(method, address, data=fields, headers=headers)
            parts = urlsplit(address)
            yield f"{method} http://{parts.netloc}{parts.path} -> {response.status_code}"
            if not response.has_redirect_location:
                self.address, self.status = address, response.status_code
                self._page = _Reader(response.text)
                return
            method, fields = "GET", None
            address = urljoin(address, response.headers["location"])
        raise DemoError(f"too many redirects at {address}")

    def _fetch_site(self, address: str) -> str:
        here, there = urlsplit(self.address), urlsplit(address)
        return "same-origin" if (here.scheme, here.netloc) == (there.scheme, there.netloc) else "same-site"
