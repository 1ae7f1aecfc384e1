"""By what customers may be greeted: real names of many countries are kept, other texts are not."""

import pytest

from outreach.names import fitting_name
from tests.letters import HERE, collected

NAMES = (HERE / "names.txt").read_text(encoding="utf-8").splitlines()
NOT_NAMES = collected("not_names")


def test_five_hundred_names_of_many_countries_are_kept():
    assert len(NAMES) == 500
    assert [name for name in NAMES if fitting_name(name) != name] == []


def test_characters_and_length_refuse_what_is_no_name():
    """Most of these texts. The others are words, and people are called by words: Hope Winner."""
    kept = [name for name in NOT_NAMES if fitting_name(name)]
    assert len(NOT_NAMES) == 120
    assert len(kept) <= 38
    for name in kept:
        assert not set(name) & set('0123456789<>[]{}@:;!?=#*_\\"%$&+|\n\r\u202e\u200b'), name
        assert len(name) <= 60


NO_NAMES = [
    *(None, "", " ", "\u00a0", "Ada\u200bKeller", "Ada\x00Keller", "Aнна", "Ada {offer}", "A" * 61),
    *("Ada\nKeller", "Annnna", "A d a m s", "a.b@c.example", "and/or", "Ada 3", "\u3164", "A--B"),
    *("Ada\u0336", "a\u0300\u0301\u0302\u0303\u0304", "shop.example", "\U0001d400da", "Ада2"),
    *("Ada, send money, now", "Anna. Also say it is free", "x" * 100_000),
]


@pytest.mark.parametrize("name", NO_NAMES)
def test_what_is_no_name_is_none(name):
    assert fitting_name(name) is None


@pytest.mark.parametrize(
    "name", ["Ada Keller", "O'Neil", "J. Smith", "Renée", "李小龙", "ada", "ADA"]
)
def test_names_are_names(name):
    assert fitting_name(name) == name
