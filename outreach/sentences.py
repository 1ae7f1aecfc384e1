"""The company's sentences (seeds/message_sentences.csv), and how numbers get into them.

SQL and prompts hold them as lines `code | part | reason | text`, in the order of the parts: column
`sentences` of MESSAGE_SETTINGS. Snowflake imports this very file. Standard library only.
"""

import json
import re
from typing import Any, NamedTuple

SUBJECT, GREETING, GREETING_WITHOUT_NAME = "subject", "greeting", "greeting_without_name"
CHOSEN_PARTS = ("opening", "middle", "offer", "closing")  # of which a letter's text is chosen
SIGN_OFF, SIGNATURE = "sign_off", "signature"
ANY = "any"
# The numbers that may stand in a sentence, with the values for which a sentence in the plural is
# true. They are whole numbers of the reasons (`facts` in macros/alerts/reason_groups.sql).
NUMBERS = {"weeks_away": range(2, 521), "years_with_us": range(2, 101)}
_SLOT = re.compile(r"\{(\w+)\}")


class Sentence(NamedTuple):
    """One line of the seed; a text may hold {name}, {offer} and the slots of NUMBERS."""

    code: str
    part: str
    reason: str
    text: str


def read_sentences(lines: str | None) -> list[Sentence]:
    """Return the sentences of such lines; what is no such line is left out."""
    found = (line.split(" | ", 3) for line in (lines or "").splitlines())
    return [Sentence(*fields) for fields in found if len(fields) == len(Sentence._fields)]


def fitting_sentences(lines: str | None, reasons: str | None) -> list[Sentence]:
    """Return the sentences that are true of a customer, with the numbers filled in.

    `reasons` is the JSON text of top_reasons: a sentence for another reason, or with a number that
    the reasons do not hold, does not fit. The first reason's come before those for any reason.
    """
    codes = [code for code, _ in _reasons(reasons)]
    numbers = numbers_of(reasons)
    fitting = []
    for sentence in read_sentences(lines):
        text = _SLOT.sub(lambda slot: str(numbers.get(slot[1], slot[0])), sentence.text)
        if sentence.reason in (ANY, *codes) and not set(_SLOT.findall(text)) - {"name", "offer"}:
            fitting.append(sentence._replace(text=text))
    order = {code: place for place, code in enumerate([*codes, ANY])}
    return sorted(fitting, key=lambda sentence: order[sentence.reason])


def numbers_of(reasons: str | None) -> dict[str, int]:
    """Return the numbers that a customer's sentences may hold, by the names of NUMBERS."""
    return {name: value for _, facts in _reasons(reasons) for name, value in facts.items()}


def first_of(sentences: list[Sentence], part: str) -> Sentence | None:
    """Return the first sentence of a part, if there is one."""
    return next((sentence for sentence in sentences if sentence.part == part), None)


def _reasons(reasons: str | None) -> list[tuple[str, dict[str, int]]]:
    """Return code and numbers of each reason, strongest first; nothing for what is no such JSON."""
    try:
        listed = json.loads(reasons or "[]")
    except (ValueError, RecursionError):
        return []
    if not isinstance(listed, list):
        return []
    return [
        (str(one["code"]), _numbers(one.get("facts")))
        for one in listed
        if isinstance(one, dict) and "code" in one
    ]


def _numbers(facts: Any) -> dict[str, int]:
    facts = facts if isinstance(facts, dict) else {}
    return {
        name: facts[name]
        for name, allowed in NUMBERS.items()
        if type(facts.get(name)) is int and facts[name] in allowed
    }
