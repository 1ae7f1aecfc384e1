"""Which names a letter may greet a customer by. Customers choose their names, so a name is data.

Characters and length decide, not words: people are called Pin, Won and Road. A name is put into the
line of the greeting and nowhere else (outreach/letters.py), so that none reads as a sentence of the
letter. Snowflake imports this very file. Standard library only.
"""

import re
import unicodedata

from outreach.scripts import is_word

LONGEST_NAME = 60
# Parts of a name: all, those that are longer than particles, and all where there is a comma.
_MOST_PARTS, _MOST_LONG_PARTS, _MOST_WITH_COMMA = 10, 6, 4
_LONGEST_ABBREVIATION = 4  # with its dot
_APOSTROPHES = "'’‘ʻʼ׳"
# What joins letters: apostrophes, hyphens, dots of initials and of foreign names, the slash of
# Malaysian ones, and the joiner that Persian ones need.
_JOINS = _APOSTROPHES + "´`-‐‑־.·・་/\u200c"
_INITIALS = re.compile(r"(?:\w\.)+$")
_LETTERS_ALONE = re.compile(r"(?:\b\w ){4}")  # w i n n e r


def fitting_name(name: str | None) -> str | None:
    """Return a name as it may stand in a greeting, or None for what cannot be one; never raises.

    Blanks of every kind between its parts become one. That `Guest User` is nobody's name, SQL
    knows: seeds/name_placeholders.csv.
    """
    if name is None or len(name) > 4 * LONGEST_NAME:
        return None
    name = unicodedata.normalize("NFC", name).strip()
    if len(name.splitlines()) > 1:
        return None
    name = " ".join(name.split())
    parts = re.sub(r", (?!.*,)", " ", name).split(" ")  # one comma: Kim, Ada
    fits = (
        0 < len(name) <= LONGEST_NAME
        and len(parts) <= (_MOST_WITH_COMMA if "," in name else _MOST_PARTS)
        and sum(len(part) > 3 for part in parts) <= _MOST_LONG_PARTS
        and not _LETTERS_ALONE.search(f"{name} ")
        and all(map(_is_part_of_a_name, parts))
    )
    return name if fits else None


def _is_part_of_a_name(part: str) -> bool:
    letters = part.strip(_APOSTROPHES).translate(dict.fromkeys(map(ord, _JOINS)))
    return (
        unicodedata.category(letters[:1] or " ").startswith("L")
        and part[-1] not in "/-´`"
        and (len(part) <= _LONGEST_ABBREVIATION or not part.endswith(".") or _INITIALS.match(part))
        # Two joins in a row, or a dot between words, are a decoration or an address.
        and not re.search(rf"[{re.escape(_JOINS)}]{{2}}|\w{{2}}\.\w\w|\w\w/\w\w", part)
        and not re.search(r"(.)\1{3}", letters.lower())  # no language repeats a letter four times
        and is_word(letters)
    )
