"""Reads a page as a list of elements in the order of the document."""

from html.parser import HTMLParser

VOID = {"input", "meta", "br", "link", "img"}
INLINE = {"bdi", "span", "code", "a", "time"}
# What an element that needs no end tag is closed by.
CLOSED_BY = {"li": {"li"}, "option": {"option"}, "dd": {"dd", "dt"}, "dt": {"dd", "dt"}}


class Element:
    """An element: its tag, its attributes, its text, and the elements around it."""

    def __init__(self, tag, attributes, around):
        self.tag, self.attributes, self.around, self.words = tag, attributes, around, []

    @property
    def text(self):
        """What a person reads in it, in one line."""
        return " ".join("".join(self.words).split())

    def __getitem__(self, name):
        return self.attributes[name]

    def __repr__(self):
        return f"<{self.tag} {self.attributes} {self.text!r}>"


class Page(HTMLParser):
    """A parsed page."""

    def __init__(self, html):
        super().__init__()
        self.elements, self._open = [], []
        self.feed(html.decode())
        self.close()
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag, attrs):
        """Note an element."""
        if self._open and tag in CLOSED_BY.get(self._open[-1].tag, ()):
            self._open.pop()
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"an attribute is there twice: {tag} {names}"
        if tag not in INLINE:
            self.handle_data(" ")
        element = Element(tag, dict(attrs), tuple(self._open))
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag):
        """Close an element, and those inside it that need no end tag."""
        while self._open[-1].tag != tag:
            assert self._open.pop().tag in CLOSED_BY, f"</{tag}> closes something else"
        self._open.pop()

    def handle_data(self, data):
        """Give the text to everything that is open."""
        for element in self._open:
            element.words.append(data)

    def all(self, tag, **attributes):
        """Every element of a kind."""
        return [
            each
            for each in self.elements
            if each.tag == tag
            and all(each.attributes.get(name) == value for name, value in attributes.items())
        ]

    def one(self, tag, **attributes):
        """The only element of a kind."""
        (found,) = self.all(tag, **attributes)
        return found

    @property
    def skeleton(self):
        """The page without any text or value: what hostile text must not change."""
        return [(each.tag, tuple(each.attributes)) for each in self.elements]

    @property
    def text(self):
        """All that a person reads, but the style sheet."""
        return self.one("body").text

    def sent(self, decision):
        """What the form sends when a button is pressed: the values of its fields."""
        fields = {each["name"]: each["value"] for each in self.all("input")}
        for select in self.all("select"):
            inside = [each for each in self.all("option") if select in each.around]
            chosen = [each for each in inside if "selected" in each.attributes] or inside[:1]
            assert len(chosen) == 1
            fields[select["name"]] = chosen[0]["value"]
        return {**fields, "decision": decision}
