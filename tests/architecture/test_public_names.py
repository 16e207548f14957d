"""The public names of the package: few, all there, and found where they say."""

import pytest

import scopegate

MOST_NAMES = 40


def test_every_public_name_is_there():
    """Names that are loaded late are loaded all the same, once."""
    found = {name: getattr(scopegate, name) for name in scopegate.__all__}
    assert found == {name: vars(scopegate)[name] for name in scopegate.__all__}
    assert dir(scopegate) == sorted(scopegate.__all__)


def test_the_public_names_are_few():
    """What a newcomer has to look through stays short."""
    assert len(scopegate.__all__) <= MOST_NAMES


def test_a_name_that_is_not_there_is_an_ordinary_error():
    """A typing error is told as Python tells it."""
    with pytest.raises(AttributeError, match=r"^module 'scopegate' has no attribute 'AuthorisationServer'$"):
        scopegate.AuthorisationServer  # noqa: B018 - the attribute is looked up, and that is all
