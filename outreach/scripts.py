"""Which script a word is in, and which characters only look like plain letters.

Snowflake imports this very file. Standard library only.
"""

import re
import unicodedata

_MOST_MARKS = 3  # in a row over one letter, as in Vietnamese and in Indian scripts
# Letters that no script claims, and scripts that people write one word in: every other pair of
# scripts in one word is a disguise.
_OF_ANY_SCRIPT = "ʻʼ々ーªº"
_TOGETHER = ({"CJK", "HIRAGANA", "KATAKANA"}, {"CJK", "HANGUL"})
# Invisible letters, and marks that strike letters through.
_NEVER = re.compile("[\u115f\u1160\u3164\uffa0\u0334-\u0338]")


def is_word(letters: str) -> bool:
    """Tell whether a text has only letters, with their marks, of one script and without styling."""
    row = 0
    for letter in letters:
        category = unicodedata.category(letter)
        if category not in ("Mn", "Mc", "Lu", "Ll", "Lt", "Lm", "Lo") or _is_disguised(letter):
            return False
        row = row + 1 if category == "Mn" else 0
        if row > _MOST_MARKS:
            return False
    return not _NEVER.search(letters) and _is_of_one_script(letters)


def script_of(letter: str) -> str:
    """Return the script of a letter, as Unicode calls it: LATIN."""
    return unicodedata.name(letter, "?").split(" ")[0].split("-")[0]


def _is_disguised(letter: str) -> bool:
    """Tell whether a letter is a styled form of an ASCII letter: bold, circled or full-width."""
    plain = unicodedata.normalize("NFKC", letter)
    return plain.isascii() and plain != letter and letter not in _OF_ANY_SCRIPT


def _is_of_one_script(letters: str) -> bool:
    scripts = {
        script_of(letter)
        for letter in letters
        if unicodedata.category(letter).startswith("L") and letter not in _OF_ANY_SCRIPT
    }
    return len(scripts) <= 1 or any(scripts <= together for together in _TOGETHER)
