"""Words for people: whole sentences with named places in them, and text of strangers made safe to show."""

import unicodedata
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from string import Formatter
from typing import Final, Literal

from attrs import frozen

from scopegate.profiles import DAY, HOUR, MINUTE, YEAR

MAXIMUM_SHOWN: Final = 60
MAXIMUM_MARKS: Final = 4
ELLIPSIS: Final = "\N{HORIZONTAL ELLIPSIS}"
# Letters, marks and symbols that draw nothing, and so can make two different names look alike.
_BLANKS: Final = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
    + "".join(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
)
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})


MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def _same(text: str) -> str:
    return text


def _english_plural(one: str, many: str, count: int) -> str:
    return one if count == 1 else many


def _english_day(seconds: float) -> str:
    day = datetime.fromtimestamp(seconds, UTC)
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


@frozen
class Piece:
    """A part of a sentence; ``isolate`` keeps the direction of foreign text from changing its neighbours."""

    text: str
    isolate: bool = False


Pieces = tuple[Piece, ...]


@frozen
class Wording:
    """The language of a page.

    Args:
        language: a BCP 47 tag, such as ``en`` or ``pt-BR``.
        direction: ``ltr`` or ``rtl``.
        translate: gives the translation of an English sentence, as ``gettext`` does.
        translate_plural: the same for a sentence with a number in it, as ``ngettext`` does.
        day: a moment, in POSIX seconds, as a date in words.
    """

    language: str = "en"
    direction: Literal["ltr", "rtl"] = "ltr"
    translate: Callable[[str], str] = _same
    translate_plural: Callable[[str, str, int], str] = _english_plural
    day: Callable[[float], str] = _english_day

    def say(self, text: str, **values: str) -> str:
        """The sentence in this language, its ``{names}`` filled in."""
        return self.translate(text).format(**values) if values else self.translate(text)

    def count(self, one: str, many: str, number: int) -> str:
        """The sentence in the right plural form; ``{number}`` stands for the number."""
        return self.translate_plural(one, many, number).format(number=number)

    def duration(self, seconds: float) -> str:
        """A duration in the greatest unit that has it without a rest; what is less than a minute is left out."""
        if seconds % YEAR == 0:
            return self.count("{number} year", "{number} years", int(seconds // YEAR))
        if seconds % DAY == 0:
            return self.count("{number} day", "{number} days", int(seconds // DAY))
        if seconds % HOUR == 0:
            return self.count("{number} hour", "{number} hours", int(seconds // HOUR))
        return self.count("{number} minute", "{number} minutes", int(seconds // MINUTE))

    def pieces(self, text: str, **values: str) -> Pieces:
        """The sentence in this language, in pieces: what fills its ``{names}`` is isolated."""
        return tuple(_pieces(self.translate(text), values))


ENGLISH: Final = Wording()


def _pieces(text: str, values: dict[str, str]) -> Iterator[Piece]:
    for before, name, _, _ in Formatter().parse(text):
        if before:
            yield Piece(before)
        if name is not None:
            yield Piece(values[name], isolate=True)


def plain(pieces: Iterable[Piece]) -> str:
    """The pieces as one text, for a title."""
    return "".join(piece.text for piece in pieces)


def clean(text: str, *, at_most: int = MAXIMUM_SHOWN) -> str:
    """A stranger's text, safe to show on one line (C10, CLI-4).

    Composed (NFC), without control, direction and invisible characters, without piles of marks, and cut with
    an ellipsis. It is not escaped: that is what templates are for.

    Args:
        text: what the client, or another user, calls something.
        at_most: how many characters to show.
    """
    shown = "".join(_visible(unicodedata.normalize("NFC", text)))
    line = unicodedata.normalize("NFC", " ".join(shown.split()))
    return line if len(line) <= at_most else line[: at_most - 1].rstrip() + ELLIPSIS


def _visible(text: str) -> Iterator[str]:
    marks = 0
    for character in text:
        if character.isspace():
            yield " "
        elif character not in _BLANKS and unicodedata.category(character) not in _UNSEEN:
            marks = marks + 1 if unicodedata.category(character).startswith("M") else 0
            if marks <= MAXIMUM_MARKS:
                yield character
