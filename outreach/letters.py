"""A letter, from a provider's reply or a manager's edit: accepted, marked or refused.

A letter is made of the company's own sentences (outreach/sentences.py). An LLM chooses and orders
them, and may add one sentence of its own. Whatever is not one of the company's sentences is marked,
whatever it says: nobody approves it unread or in bulk. Refused is only what has not the form of a
letter. The one definition for every provider and both engines: the laptop registers these functions
for SQL, Snowflake imports this very package. Standard library only.
"""

import json
import re
import unicodedata
from collections.abc import Callable
from typing import Any, NamedTuple

from outreach.doubts import NOT_READ, OWN_WORDS, RUBRIC, doubts_about, reads_like_a_message
from outreach.names import fitting_name
from outreach.sentences import (
    CHOSEN_PARTS,
    GREETING,
    GREETING_WITHOUT_NAME,
    SIGN_OFF,
    SIGNATURE,
    SUBJECT,
    Sentence,
    first_of,
    fitting_sentences,
    read_sentences,
)

LONGEST_SUBJECT, LONGEST_BODY, LONGEST_WORD = 120, 2000, 32
LONGEST_REPLY = 8000  # of JSON text; nothing that is longer can hold a body that is not
_SHORTEST_BODY, _MOST_LINES, _MOST_SENTENCES = 40, 40, 8
_NAME, _OFFER = "{name}", "{offer}"
_PLAIN = r"A-Za-z0-9À-ÖØ-öø-ÿĀ-ſ \n.,;:!?'\"()&\-‘’“”„–—…"
_ADDRESS = re.compile(r"://|\bwww\b|\bhttps?\b|\bhxxp|\w\.\w\w", re.IGNORECASE)
_SPELT = re.compile(r"(?:\b\w[ .\-_]){4}|(\w)\1{3}")  # l-i-k-e t-h-i-s, and aaaa
_OWN_SENTENCE = re.compile(r".+?[.!?…]+[\"'”’)]*(?=\s|$)|.+")

CHECKS = {
    "form": "the reply is no JSON object with a subject and sentences, or a subject and a body",
    "choice": "the reply names a sentence that is not for this customer or not for this place",
    "length": "the letter is too short, too long or has words that are none",
    "characters": "the letter has other characters than letters and plain punctuation",
    "offer": "the letter does not name the chosen offer, once, in its body",
    "no_number": "the letter has a number outside the offer and the company's sentences",
    "no_address": "the letter has a link or an address",
}
MANY, FRAME = (
    "more than one sentence of its own",
    "without a greeting or a signature of the company",
)
NAME = "the customer's name reads like a message"


class _Letter(NamedTuple):
    """A letter with {name} and {offer} in it, and which of its texts are own words."""

    subject: str
    body: str
    own: list[str]
    is_framed: bool = True


class _Refused(Exception):
    """A reply that is no letter; the text is the name of the check."""


def draft_message(
    reply: str | None,
    name: str | None,
    offer_text: str | None,
    reasons: str | None,
    sentences: str | None,
    review: str | None,
) -> str:
    """Judge a provider's reply and put name and offer into it; takes any text, and NULL as none.

    `reasons` are the alert's top_reasons, `sentences` the company's lines, `review` the reply of
    the second reading (NULL: none was asked for). Returns JSON text: verdict (accepted, marked or
    refused), subject and body (absent when refused), checks by name, error (why it is refused),
    marks (a list of `text` and `why`), own_words (JSON text for the second reading, NULL without
    any).
    """
    fitting = fitting_sentences(sentences, reasons)
    try:
        letter = _read_reply(reply, fitting, {one.code for one in read_sentences(sentences)})
    except _Refused as refused:
        return json.dumps(_verdict([str(refused)], []))
    broken = _broken(letter)
    if broken:
        return json.dumps(_verdict(broken, []))
    greeted = fitting_name(name)
    fill = _filling(greeted, offer_text, fitting)
    marks = _marks(letter, greeted, fitting, review)
    verdict = _verdict([], [{**mark, "text": fill(mark["text"])} for mark in marks])
    if letter.own:
        told = {"reasons": reasons, "subject": letter.subject, "letter": letter.body}
        verdict["own_words"] = json.dumps({**told, "own_sentences": letter.own})
    verdict["subject"] = letter.subject
    verdict["body"] = fill(letter.body)
    return json.dumps(verdict)


def check_message(
    subject: str | None,
    body: str | None,
    name: str | None,
    offer_text: str | None,
    reasons: str | None,
    sentences: str | None,
) -> str:
    """Judge a letter that a manager wrote, in which name and offer stand already.

    Takes any text, and NULL as none; returns what draft_message returns, without subject and body.
    """
    fitting = fitting_sentences(sentences, reasons)
    greeted = fitting_name(name)
    texts = []
    for given in (subject, body):
        text = (given or "").replace("\r\n", "\n").strip()
        text = text.replace(offer_text, _OFFER) if offer_text else text
        texts.append(_by_whole_words(text, greeted, _NAME) if greeted else text)
    letter = _as_letter(texts[0], texts[1], fitting)
    broken = _broken(letter)
    fill = _filling(greeted, offer_text, fitting)
    marks = [] if broken else _marks(letter, greeted, fitting, None)
    return json.dumps(_verdict(broken, [{**mark, "text": fill(mark["text"])} for mark in marks]))


def judge(reply: str | None, sentences: str | None = None, reasons: str | None = None) -> dict:
    """Say of a provider's reply what becomes of it: `verdict`, and in `why` all the reasons.

    The same as draft_message, for a customer without a name and an offer without a text.
    """
    found = json.loads(draft_message(reply, None, _OFFER, reasons, sentences, None))
    why = [found["error"]] if found["error"] else []
    why += [f"{mark['text']}: {', '.join(mark['why'])}" for mark in found["marks"]]
    return {"verdict": found["verdict"], "why": why}


def read_review(reply: str | None) -> str:
    """Read the reply of the second reading; returns JSON text: doubts (in words) and error."""
    doubts = _reviewed(reply)
    error = "the reply is no JSON object with a list of doubts" if doubts is None else None
    return json.dumps({"doubts": doubts or [], "error": error})


def _reviewed(reply: str | None) -> list[str] | None:
    parsed = _json_object(reply)
    codes = None if parsed is None else parsed.get("doubts")
    if not isinstance(codes, list):
        return None
    return [RUBRIC[code] for code in RUBRIC if code in codes]


def _json_object(reply: str | None) -> dict[str, Any] | None:
    if reply is None or len(reply) > LONGEST_REPLY:
        return None
    try:
        parsed = json.loads(reply)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def _read_reply(reply: str | None, fitting: list[Sentence], codes: set[str]) -> _Letter:
    """Return the letter of a reply: chosen sentences, or a whole text."""
    parsed = _json_object(reply)
    if parsed is None or not isinstance(parsed.get("subject"), str):
        raise _Refused("form")
    subject = parsed["subject"].strip()
    if set(parsed) == {"subject", "body"} and isinstance(parsed["body"], str):
        return _as_letter(subject, parsed["body"].replace("\r\n", "\n").strip(), fitting)
    listed = parsed.get("sentences")
    if set(parsed) != {"subject", "sentences"} or not isinstance(listed, list):
        raise _Refused("form")
    if not all(isinstance(one, str) for one in listed) or len(listed) > _MOST_SENTENCES:
        raise _Refused("form")
    return _assembled(subject, [one.strip() for one in listed], fitting, codes)


def _assembled(
    subject: str, listed: list[str], fitting: list[Sentence], codes: set[str]
) -> _Letter:
    """Return the letter of chosen codes, in paragraphs by their parts; what is no code is own."""
    by_code = {one.code: one for one in fitting}
    own: list[str] = []
    paragraphs: list[str] = []
    last_part = None
    if subject in codes:
        if subject not in by_code or by_code[subject].part != SUBJECT:
            raise _Refused("choice")
        subject = by_code[subject].text
    else:
        subject = _without_name(subject)
        own.append(subject)
    for one in listed:
        if one in codes and (one not in by_code or by_code[one].part not in CHOSEN_PARTS):
            raise _Refused("choice")
        if one not in codes:
            own.append(one)
            text, part = one, last_part
        else:
            text, part = by_code[one].text, by_code[one].part
        if paragraphs and part == last_part:
            paragraphs[-1] += f" {text}"
        else:
            paragraphs.append(text)
        last_part = part
    frame = [first_of(fitting, part) for part in (GREETING, SIGN_OFF, SIGNATURE)]
    greeting, sign_off, signature = ("" if one is None else one.text for one in frame)
    body = "\n\n".join([greeting, *paragraphs, f"{sign_off}\n{signature}"]).strip()
    return _Letter(subject, body, [one for one in own if one])


def _as_letter(subject: str, body: str, fitting: list[Sentence]) -> _Letter:
    """Return a whole text as a letter: what is not one of the company's sentences is own."""
    subject = _without_name(subject)  # no name stands where it could read as a sentence
    subjects = {_alike(one.text) for one in fitting if one.part == SUBJECT}
    parts = {_alike(one.text): one.part for one in fitting if one.part != SUBJECT}
    own = [] if _alike(subject) in subjects else [subject]
    used = []
    for paragraph in body.splitlines():
        rest = paragraph.strip()
        while rest:
            known = [
                text for text in parts
                if _alike(rest).startswith(text) and not rest[len(text) : len(text) + 1].strip()
            ]  # fmt: skip
            if known:
                longest = max(known, key=len)
                used.append(parts[longest])
                taken = len(longest)
            else:
                found = _OWN_SENTENCE.match(rest)
                taken = found.end() if found else len(rest)
                own.append(rest[:taken])
            rest = rest[taken:].strip()
    is_framed = (
        bool(used) and used[0] in (GREETING, GREETING_WITHOUT_NAME) and used[-1] == SIGNATURE
    )
    return _Letter(subject, body, [one for one in own if one], is_framed)


def _alike(text: str) -> str:
    """Return a text as it is compared; every letter stays one letter."""
    return text.replace("’", "'").replace("‘", "'")


def _broken(letter: _Letter) -> list[str]:
    """Return the names of the checks that a letter with placeholders breaks."""
    own = [one.replace(_NAME, " ").replace(_OFFER, " ") for one in letter.own]
    text = "\n".join(own)
    plain = unicodedata.normalize("NFKC", text)
    whole = f"{letter.subject}{letter.body}"
    is_odd = any(one.isspace() and one not in " \n" for one in whole)
    found = {
        "length": _has_no_length(letter, own),
        "characters": is_odd or "\n" in letter.subject or not re.fullmatch(f"[{_PLAIN}]*", text),
        "offer": letter.body.count(_OFFER) != 1 or _OFFER in letter.subject,
        "no_number": any(unicodedata.category(one).startswith("N") for one in text + plain),
        "no_address": bool(_ADDRESS.search(plain)),
    }
    return [name for name, is_broken in found.items() if is_broken]


def _has_no_length(letter: _Letter, own: list[str]) -> bool:
    return (
        not 1 <= len(letter.subject) <= LONGEST_SUBJECT
        or not _SHORTEST_BODY <= len(letter.body) <= LONGEST_BODY
        or letter.body.count("\n") >= _MOST_LINES
        or any(len(word) > LONGEST_WORD for one in own for word in one.split())
        or any(_SPELT.search(one) for one in own)
    )


def _marks(
    letter: _Letter, greeted: str | None, fitting: list[Sentence], review: str | None
) -> list[dict[str, Any]]:
    """Return what must be read before a letter is approved: each text with the reasons why."""
    company = " ".join(one.text for one in fitting)
    marks = []
    for one in letter.own:
        bare = one.replace(_NAME, " ").replace(_OFFER, " ")
        marks.append({"text": one, "why": [OWN_WORDS, *doubts_about(bare, company)]})
    about_all = []
    if len(letter.own) > 1:
        about_all.append(MANY)
    if not letter.is_framed:
        about_all.append(FRAME)
    if letter.own and review is not None:
        doubts = _reviewed(review)
        about_all += [NOT_READ] if doubts is None else [f"second reading: {one}" for one in doubts]
    if about_all:
        marks.append({"text": "The letter", "why": about_all})
    if greeted and reads_like_a_message(greeted):
        marks.append({"text": greeted, "why": [NAME]})
    return marks


def _verdict(broken: list[str], marks: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "verdict": "refused" if broken else "marked" if marks else "accepted",
        "checks": {name: name not in broken for name in CHECKS},
        "error": "; ".join(CHECKS[name] for name in broken) or None,
        "marks": marks,
        "own_words": None,
    }


def _filling(
    greeted: str | None, offer_text: str | None, fitting: list[Sentence]
) -> Callable[[str], str]:
    """Return the function that puts name and offer into a text.

    The name goes into a line of greeting, and nowhere else: a name is not to read as a sentence.
    """
    greetings = [first_of(fitting, part) for part in (GREETING, GREETING_WITHOUT_NAME)]
    named, nameless = ("" if one is None else one.text for one in greetings)
    in_greeting = re.compile(rf"^(?:{re.escape(named)}|\w+ {re.escape(_NAME)}(?=[,!.]?$))", re.M)

    def fill(text: str) -> str:
        lines = []
        for line in text.split("\n"):
            if in_greeting.search(line):
                line = line.replace(_NAME, "\0") if greeted else nameless or _without_name(line)
            lines.append(_without_name(line))
        inserted = {"\0": greeted or "", _OFFER: offer_text or ""}
        # All at one go, so that nothing that was put in is looked at again.
        return re.sub("\0|" + re.escape(_OFFER), lambda found: inserted[found[0]], "\n".join(lines))

    return fill


def _without_name(text: str) -> str:
    """Return a text without {name}, and without the comma that set it apart."""
    text = re.sub(rf"^\s*{re.escape(_NAME)}\s*[,:!]\s*(\w)", lambda found: found[1].upper(), text)
    return re.sub(rf",?\s*{re.escape(_NAME)}", "", text)


def _by_whole_words(text: str, old: str, new: str) -> str:
    return re.sub(rf"(?<!\w){re.escape(old)}(?!\w)", lambda _: new, text)
