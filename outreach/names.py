"""By what a customer may be greeted. Customers choose what they are called, so a name is data.

Characters and length decide, not words: people are called Pin, Won and Road. A name is put into the
line of the greeting and nowhere else (outreach/letters.py), so that none reads as a sentence of the
letter. Snowflake imports this very file. Standard library only.
"""

import re
import unicodedata

LONGEST_NAME, _MOST_MARKS = 60, 3
# Parts of a name: all, those that are longer than particles, and all where there is a comma.
_MOST_PARTS, _MOST_LONG_PARTS, _MOST_WITH_COMMA = 10, 6, 4
_LONGEST_ABBREVIATION = 4  # with its dot
_APOSTROPHES = "'’‘ʻʼ׳"
# What joins letters: apostrophes, hyphens, dots of initials and of foreign names, the slash of
# Malaysian ones, and the joiner that Persian ones need.
_JOINS = _APOSTROPHES + "´`-‐‑־.·・་/\u200c"
# Letters that no script claims, and scripts that people write one word in: every other pair of
# scripts in one word is a disguise.
_OF_ANY_SCRIPT = "ʻʼ々ーªº"
_TOGETHER = ({"CJK", "HIRAGANA", "KATAKANA"}, {"CJK", "HANGUL"})
# Invisible letters, and marks that strike letters through.
_NEVER = re.compile("[\u115f\u1160\u3164\uffa0\u0334-\u0338]")
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
        and not _NEVER.search(name)
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
        and not re.search(r"(.)\1{3}", letters.lower())  # nobody writes a letter four times
        and not _has_other_signs(letters)
        and _is_of_one_script(letters)
    )


def _has_other_signs(letters: str) -> bool:
    row = 0
    for letter in letters:
        category = unicodedata.category(letter)
        if category not in ("Mn", "Mc", "Lu", "Ll", "Lt", "Lm", "Lo"):
            return True
        row = row + 1 if category == "Mn" else 0
        if row > _MOST_MARKS or _is_disguised(letter):
            return True
    return False


def _is_disguised(letter: str) -> bool:
    """Tell whether a letter is another one in a costume: bold, in a circle, of double width."""
    plain = unicodedata.normalize("NFKC", letter)
    return plain.isascii() and plain != letter and letter not in _OF_ANY_SCRIPT


def _is_of_one_script(letters: str) -> bool:
    # The first word of a letter's Unicode name is its script.
    scripts = {
        unicodedata.name(letter, "?").split(" ")[0].split("-")[0]
        for letter in letters
        if unicodedata.category(letter).startswith("L") and letter not in _OF_ANY_SCRIPT
    }
    return len(scripts) <= 1 or any(scripts <= together for together in _TOGETHER)
