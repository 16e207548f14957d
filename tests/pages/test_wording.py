"""Text of strangers, and sentences with places in them."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scopegate.web.wording import ENGLISH, MAXIMUM_SHOWN, Piece, Wording, clean, plain

HOSTILE = st.text(
    st.sampled_from(
        "Claude \t\n\r\u200b\u200d\u202e\u202a\u2066\u2069\u061c\ufeff\u00ad\u3164\u2800\ufe0f\0\x1b<>&'\"e\u0301a"
    ),
    max_size=90,
)


@given(st.text(max_size=90) | HOSTILE)
def test_a_cleaned_name_is_one_short_line_without_invisible_characters(name):
    """C10: whatever a client calls itself, what is shown is composed, visible and short."""
    shown = clean(name)
    assert len(shown) <= MAXIMUM_SHOWN
    assert shown == shown.strip()
    assert not {unicodedata.category(each) for each in shown} & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    assert "  " not in shown


@given(st.text(max_size=90) | HOSTILE)
def test_cleaning_a_clean_name_changes_nothing(name):
    """What was shown once can be stored and shown again."""
    assert clean(clean(name)) == clean(name)


@given(st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"]), max_size=MAXIMUM_SHOWN))
def test_an_ordinary_name_is_shown_as_it_is(name):
    """Cleaning takes nothing from a name that needs none."""
    assert clean(name) == name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Cl\u202eedua\u202cde", "Cleduade"),
        ("Cla\u200bude\u2060", "Claude"),
        ("Claude\r\n\tpro", "Claude pro"),
        ("Cafe\u0301", "Caf\u00e9"),
        ("a" + "\u0300" * 30, "\u00e0" + "\u0300" * 4),
        ("\u3164\u2800\u00a0", ""),
        ("Cl\ufe0faude", "Claude"),
        ("x" * 61, "x" * 59 + "\N{HORIZONTAL ELLIPSIS}"),
        ("x" * 60, "x" * 60),
    ],
)
def test_a_deceptive_name_is_undone(name, shown):
    """Direction marks, zero widths, line breaks, piles of marks, blanks and length."""
    assert clean(name) == shown


def test_a_sentence_isolates_what_fills_it():
    """A name in another direction cannot turn the sentence around it."""
    pieces = ENGLISH.pieces("Allow {client}?", client="\u05d0\u05d1")
    assert pieces == (Piece("Allow "), Piece("\u05d0\u05d1", isolate=True), Piece("?"))
    assert plain(pieces) == "Allow \u05d0\u05d1?"


@given(st.text(max_size=20))
def test_braces_in_a_value_stay_as_they_are(value):
    """A value is never read as a sentence with places of its own."""
    assert ENGLISH.say("a {x} b", x=value) == f"a {value} b"
    assert plain(ENGLISH.pieces("a {x} b", x=value)) == f"a {value} b"


def test_a_sentence_of_the_host_may_have_braces():
    """Only a sentence that gets values is filled in."""
    assert ENGLISH.say("Runs {anything}") == "Runs {anything}"


@pytest.mark.parametrize(("number", "said"), [(0, "0 places"), (1, "1 place"), (2, "2 places")])
def test_a_number_takes_its_plural(number, said):
    """Plurals are whole sentences."""
    assert ENGLISH.count("{number} place", "{number} places", number) == said


def test_another_language_replaces_whole_sentences():
    """A translation may put the name wherever its grammar wants it."""
    german = Wording("de", translate={"Allow {client}?": "{client} zulassen?"}.__getitem__)
    assert plain(german.pieces("Allow {client}?", client="Claude")) == "Claude zulassen?"


@pytest.mark.parametrize(
    ("seconds", "day"),
    [(0.0, "1 January 1970"), (1_803_895_200.0, "1 March 2027"), (86_399.9, "1 January 1970")],
)
def test_a_day_is_written_out(seconds, day):
    """A date that cannot be misread, in UTC."""
    assert ENGLISH.day(seconds) == day
