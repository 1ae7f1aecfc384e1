"""A letter, from a provider's reply or a manager's edit: accepted, marked or refused.

A letter is made of the company's own sentences (outreach/sentences.py). An LLM chooses and orders
them, and may add one sentence of its own. The letter is judged as it will be sent, with name, offer
and numbers in it: whatever is not one of the company's sentences is marked, whatever it says, and
nobody approves it unread or in bulk. A letter is refused only if its form is wrong (CHECKS). All
providers and both engines use this one definition: the laptop registers these functions for SQL,
and Snowflake imports this package. Standard library only.
"""

import json
import re
import unicodedata
from typing import Any, NamedTuple

from outreach.doubts import (
    ANOTHER_DOUBT,
    NOT_READ,
    OWN_WORDS,
    RUBRIC,
    doubts_about,
    reads_like_a_message,
)
from outreach.names import fitting_name
from outreach.replies import Refused, filled_letter, json_object, read_reply
from outreach.scripts import is_word, script_of
from outreach.sentences import (
    GREETING,
    GREETING_WITHOUT_NAME,
    SIGN_OFF,
    SIGNATURE,
    SUBJECT,
    Sentence,
    fitting_sentences,
    numbers_of,
    read_sentences,
)

LONGEST_SUBJECT, LONGEST_BODY, LONGEST_WORD = 120, 2000, 50
_SHORTEST_BODY, _MOST_LINES = 40, 40
_SPACES = " \n\u00a0\u202f"
_PLAIN = ".,;:!?¿¡'\"()&/-´„‚…%"  # beside quotation marks and dashes of every kind
_ADDRESS = re.compile(r"://|@|\bwww\b|\bhttps?\b|\bhxxp|\w\.\w\w", re.IGNORECASE)
_OWN_SENTENCE = re.compile(r".+?[.!?…]+[\"'”’»)]*(?=\s|$)|.+")
_NO_BRACES = dict.fromkeys(map(ord, "{}"))
_FRAME = (GREETING, GREETING_WITHOUT_NAME, SIGN_OFF, SIGNATURE)

CHECKS = {
    "form": "the reply is not a JSON object with a subject and sentences, or a subject and a body",
    "choice": "the reply names a sentence that does not fit this customer or this place",
    "length": "the letter is too short, too long or has a word that is too long",
    "characters": "the letter has unusual symbols, or letters of another script",
    "offer": "the letter does not name the chosen offer exactly once, in its body",
    "no_number": "the letter has a number that is neither in the offer nor in the reasons",
    "no_address": "the letter has a link or an address",
}
MANY, TWICE = "more than one sentence is not the company's", "a sentence is repeated"
FRAME = "the company's greeting or signature is missing or not in its place"
NAME = "the customer's name reads like a message"


class _Part(NamedTuple):
    """A piece of a body: one of the company's sentences, or somebody else's (without a part)."""

    start: int
    text: str
    part: str | None


class _Letter(NamedTuple):
    """A letter as it will be sent, and what it is judged by."""

    subject: str
    body: str
    greeted: str | None
    offer: str
    reasons: str | None
    fitting: list[Sentence]


def draft_message(
    reply: str | None,
    name: str | None,
    offer_text: str | None,
    reasons: str | None,
    sentences: str | None,
    review: str | None,
) -> str:
    """Put name and offer into a provider's reply and judge it; takes any text, and NULL as none.

    `reasons` are the alert's top_reasons, `sentences` the company's lines, `review` the reply of
    the second reading (NULL: none was asked for). Returns JSON text: verdict (accepted, marked or
    refused), subject and body (absent when refused), checks by name, error (why it is refused),
    marks (a list of `in`, `start`, `text` and `why`), own_words (JSON text for the second reading,
    NULL without any).
    """
    fitting = fitting_sentences(sentences, reasons)
    greeted = fitting_name(name)
    try:
        subject, body = read_reply(reply, fitting, {one.code for one in read_sentences(sentences)})
    except Refused as refused:
        return json.dumps(_outcome([str(refused)]))
    offer = offer_text or ""
    subject, body = filled_letter(subject, body, greeted, offer, fitting)
    return json.dumps(_judged(_Letter(subject, body, greeted, offer, reasons, fitting), review))


def check_message(
    subject: str | None,
    body: str | None,
    name: str | None,
    offer_text: str | None,
    reasons: str | None,
    sentences: str | None,
) -> str:
    """Judge a letter that a manager wrote, in which name and offer stand already.

    Takes any text, and NULL as none; returns what draft_message returns, with subject and body as
    they are to be kept.
    """
    texts = ((given or "").replace("\r\n", "\n").strip() for given in (subject, body))
    fitting = fitting_sentences(sentences, reasons)
    letter = _Letter(*texts, fitting_name(name), offer_text or "", reasons, fitting)
    return json.dumps(_judged(letter, None))


def judge(reply: str | None, sentences: str | None = None, reasons: str | None = None) -> dict:
    """Say of a provider's reply what becomes of it: `verdict`, and in `why` all the reasons.

    The same as draft_message, for a customer without a name and an offer without a text.
    """
    found = json.loads(draft_message(reply, None, "{offer}", reasons, sentences, None))
    why = [found["error"]] if found["error"] else []
    why += [f"{mark['text']}: {', '.join(mark['why'])}" for mark in found["marks"]]
    return {"verdict": found["verdict"], "why": why}


def read_review(reply: str | None) -> str:
    """Read the reply of the second reading; returns JSON text: doubts (in words) and error."""
    doubts = _reviewed(reply)
    error = "the reply is no JSON object with a list of doubts" if doubts is None else None
    return json.dumps({"doubts": doubts or [], "error": error})


def _reviewed(reply: str | None) -> list[str] | None:
    codes = (json_object(reply) or {}).get("doubts")
    if not isinstance(codes, list):
        return None
    said = {str(code).strip().lower() for code in codes}
    return [RUBRIC[code] for code in RUBRIC if code in said] + (
        [ANOTHER_DOUBT] if said - set(RUBRIC) else []
    )


def _judged(letter: _Letter, review: str | None) -> dict[str, Any]:
    """Return the verdict on a letter as it will be sent."""
    if _is_out_of_bounds(letter):
        return _outcome(["length"])
    subjects = {_alike(one.text) for one in letter.fitting if one.part == SUBJECT}
    parts = _parts(letter)
    own = [("body", one.start, one.text) for one in parts if one.part is None]
    if _alike(letter.subject) not in subjects:
        own.insert(0, ("subject", 0, letter.subject))
    if broken := _broken(letter, own, parts):
        return _outcome(broken)
    company = " ".join(one.text for one in letter.fitting)
    marks = [
        {
            "in": place,
            "start": start,
            "text": text,
            "why": [OWN_WORDS, *doubts_about(_bare(letter, text), company)],
        }
        for place, start, text in own
    ]
    if about_all := _about_all(parts, len(own), review):
        marks.append({"in": "letter", "start": 0, "text": "", "why": about_all})
    if letter.greeted and reads_like_a_message(letter.greeted):
        marks.append({"in": "name", "start": 0, "text": letter.greeted, "why": [NAME]})
    told = {"reasons": letter.reasons, "subject": letter.subject, "letter": letter.body}
    told["own_sentences"] = [text for _, _, text in own]
    return {
        **_outcome([]),
        **({"verdict": "marked", "marks": marks} if marks else {}),
        "own_words": json.dumps(told) if own else None,
        "subject": letter.subject,
        "body": letter.body,
    }


def _outcome(broken: list[str]) -> dict[str, Any]:
    """Return the outcome for a letter that breaks these checks, without marks."""
    return {
        "verdict": "refused" if broken else "accepted",
        "checks": {name: name not in broken for name in CHECKS},
        "error": "; ".join(CHECKS[name] for name in broken) or None,
        "marks": [],
        "own_words": None,
    }


def _is_out_of_bounds(letter: _Letter) -> bool:
    return (
        not 1 <= len(letter.subject) <= LONGEST_SUBJECT
        or not _SHORTEST_BODY <= len(letter.body) <= LONGEST_BODY
        or letter.body.count("\n") >= _MOST_LINES
    )


def _parts(letter: _Letter) -> list[_Part]:
    """Split a body into the company's sentences and other texts, in their order."""
    known = {}
    for one in letter.fitting:
        if one.part != SUBJECT and (letter.greeted or one.part != GREETING):
            text = one.text.replace("{name}", letter.greeted or "")
            known[_alike(text.replace("{offer}", letter.offer))] = one.part
    parts, begin = [], 0
    for line in letter.body.split("\n"):
        at = 0
        while at < len(line):
            rest = line[at:]
            if rest[0] in _SPACES:
                at += 1
                continue
            fits = [
                text
                for text in known
                if _alike(rest).startswith(text) and rest[len(text) : len(text) + 1] in _SPACES
            ]
            found = _OWN_SENTENCE.match(rest)
            size = len(max(fits, key=len)) if fits else found.end() if found else len(rest)
            text = rest[:size].rstrip(_SPACES)
            part = known[max(fits, key=len)] if fits else None
            parts.append(_Part(begin + at, text, part))
            at += size
        begin += len(line) + 1
    return parts


def _alike(text: str) -> str:
    """Return a text as it is compared; every letter stays one letter."""
    for typed, plain in (("’", "'"), ("‘", "'"), ("\u00a0", " "), ("\u202f", " ")):
        text = text.replace(typed, plain)
    return text


def _broken(letter: _Letter, own: list[tuple[str, int, str]], parts: list[_Part]) -> list[str]:
    """Return the names of the checks that a letter breaks; `own` is place, start and text."""
    bare = "\n".join(_bare(letter, text) for _, _, text in own)
    offers = sum(one.part == "offer" for one in parts)
    in_subject = 0
    for place, _, text in own if letter.offer else ():
        named = text.count(letter.offer)
        offers, in_subject = offers + named, in_subject + named * (place == "subject")
    whole = _bare(letter, letter.subject + letter.body)
    is_odd_blank = any(one.isspace() and one not in _SPACES for one in whole)
    found = {
        "length": any(len(word) > LONGEST_WORD for word in bare.split()),
        "characters": is_odd_blank or "\n" in letter.subject or _has_odd_letters(letter, bare),
        "offer": offers != 1 or in_subject > 0,
        "no_number": _has_other_numbers(letter, bare),
        "no_address": bool(_ADDRESS.search(unicodedata.normalize("NFKC", bare))),
    }
    return [name for name, is_broken in found.items() if is_broken]


def _bare(letter: _Letter, text: str) -> str:
    """Return a text without offer and name, which are judged where they come from."""
    text = text.replace(letter.offer, " ") if letter.offer else text
    for name in (letter.greeted, *(letter.greeted or "").split()) if letter.greeted else ():
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", " ", text)
    return text


def _has_odd_letters(letter: _Letter, text: str) -> bool:
    """Tell whether a text has signs that are no plain punctuation, or letters of a foreign script.

    What the company's sentences have is plain, and so is their script.
    """
    company = "".join(one.text for one in letter.fitting).translate(_NO_BRACES)
    scripts = {"LATIN"} | {script_of(one) for one in company if one.isalpha()}
    word = ""
    for one in f"{text} ":
        if unicodedata.category(one)[0] in "LM":
            word += one
            continue
        if word and not (is_word(word) and script_of(word[0]) in scripts):
            return True
        word = ""
        is_plain = one in _SPACES or one in _PLAIN or one in company or one.isnumeric()
        if not is_plain and unicodedata.category(one) not in ("Pi", "Pf", "Pd"):
            return True
    return False


def _has_other_numbers(letter: _Letter, text: str) -> bool:
    known = {str(number) for number in numbers_of(letter.reasons).values()}
    rest = re.sub(r"[0-9]+", lambda found: "" if found[0] in known else found[0], text)
    return any(one.isnumeric() and not one.isalpha() for one in rest)


def _about_all(parts: list[_Part], own: int, review: str | None) -> list[str]:
    """Return what is doubtful about a letter as a whole; `own` is how many texts are own."""
    used = [one.part for one in parts]
    texts = [one.text for one in parts if one.part is not None]
    is_framed = (
        used[:1] in ([GREETING], [GREETING_WITHOUT_NAME])
        and used[-2:] == [SIGN_OFF, SIGNATURE]
        and not any(one in _FRAME for one in used[1:-2])
    )
    about_all = [MANY] if own > 1 else []
    about_all += [] if is_framed else [FRAME]
    about_all += [TWICE] if len(set(texts)) < len(texts) else []
    if own and review is not None:
        doubts = _reviewed(review)
        about_all += [NOT_READ] if doubts is None else [f"second reading: {one}" for one in doubts]
    return about_all
