"""From a provider's reply to a letter: chosen sentences put together, name and offer put in.

A reply is JSON text. It names the codes of a subject and of sentences, of which one may be written
out instead; or it holds a whole letter, as LLMs write it that cannot be held to a form. {name} and
{offer} stand for name and offer. Snowflake imports this very file. Standard library only.
"""

import json
import re
from typing import Any

from outreach.sentences import (
    CHOSEN_PARTS,
    GREETING,
    GREETING_WITHOUT_NAME,
    SIGN_OFF,
    SIGNATURE,
    SUBJECT,
    Sentence,
    first_of,
)

LONGEST_REPLY = 8000  # of JSON text; nothing that is longer can hold a body that is not
_MOST_SENTENCES = 8
_NAME, _OFFER = "{name}", "{offer}"
_GREETING_LINE = re.compile(rf"\w[\w ]{{0,20}} {re.escape(_NAME)}(?=[,!.]?$)")


class Refused(Exception):
    """A reply that is no letter; the text is the name of the check that it breaks."""


def json_object(reply: str | None) -> dict[str, Any] | None:
    """Return the JSON object of a reply; None for anything else, and for what is too long."""
    if reply is None or len(reply) > LONGEST_REPLY:
        return None
    try:
        parsed = json.loads(reply)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def read_reply(reply: str | None, fitting: list[Sentence], codes: set[str]) -> tuple[str, str]:
    """Return subject and body with {name} and {offer}; raises Refused.

    `fitting` are the sentences that a customer may get, `codes` those of all sentences.
    """
    parsed = json_object(reply)
    if parsed is None or not isinstance(parsed.get("subject"), str):
        raise Refused("form")
    if "\\u0000" in (reply or ""):
        raise Refused("characters")  # it stands for the name below
    subject = parsed["subject"].strip()
    if set(parsed) == {"subject", "body"} and isinstance(parsed["body"], str):
        return subject, parsed["body"].replace("\r\n", "\n").strip()
    listed = parsed.get("sentences")
    if set(parsed) != {"subject", "sentences"} or not isinstance(listed, list):
        raise Refused("form")
    if not all(isinstance(one, str) for one in listed) or len(listed) > _MOST_SENTENCES:
        raise Refused("form")
    return _assembled(subject, [one.strip() for one in listed if one.strip()], fitting, codes)


def filled_letter(
    subject: str, body: str, greeted: str | None, offer: str, fitting: list[Sentence]
) -> tuple[str, str]:
    """Put name and offer into a letter.

    The name goes into the greeting at the beginning and nowhere else: a name is not to read as a
    sentence. Without a name, the greeting is the company's for that.
    """
    first, _, others = body.partition("\n")
    nameless = first_of(fitting, GREETING_WITHOUT_NAME)
    for one in fitting:
        if one.part == GREETING and first.startswith(one.text):
            kept = "" if nameless is None else nameless.text
            greeting = one.text.replace(_NAME, "\0") if greeted else kept
            first = greeting + _without_name(first[len(one.text) :])
            break
    else:
        if greeted and _GREETING_LINE.match(first):
            first = first.replace(_NAME, "\0")
        first = _without_name(first)
    lines = [first, *(_without_name(line) for line in others.split("\n"))]
    text = "\n".join(lines).strip() if others else first
    inserted = {"\0": greeted or "", _OFFER: offer}
    # All at one go, so that nothing that was put in is looked at again.
    body = re.sub("\0|" + re.escape(_OFFER), lambda found: inserted[found[0]], text)
    return _without_name(subject), body


def _assembled(
    subject: str, listed: list[str], fitting: list[Sentence], codes: set[str]
) -> tuple[str, str]:
    """Return the letter of chosen codes, in paragraphs by their parts."""
    by_code = {one.code: one for one in fitting}
    paragraphs: list[str] = []
    last_part = None
    if subject.lower() in codes:
        subject = _chosen(subject.lower(), by_code, (SUBJECT,)).text
    for one in listed:
        if one.lower() in codes:
            chosen = _chosen(one.lower(), by_code, CHOSEN_PARTS)
            text, part = chosen.text, chosen.part
        else:
            text, part = one, last_part
        if paragraphs and part == last_part:
            paragraphs[-1] += f" {text}"
        else:
            paragraphs.append(text)
        last_part = part
    frame = [first_of(fitting, part) for part in (GREETING, SIGN_OFF, SIGNATURE)]
    greeting, sign_off, signature = ("" if one is None else one.text for one in frame)
    return subject, "\n\n".join([greeting, *paragraphs, f"{sign_off}\n{signature}"]).strip()


def _chosen(code: str, by_code: dict[str, Sentence], parts: tuple[str, ...]) -> Sentence:
    if code not in by_code or by_code[code].part not in parts:
        raise Refused("choice")
    return by_code[code]


def _without_name(text: str) -> str:
    """Return a text without {name}, and without the comma that set it apart."""
    text = re.sub(rf"^\s*{re.escape(_NAME)}\s*[,:!]\s*(\w)", lambda found: found[1].upper(), text)
    return re.sub(rf",?\s*{re.escape(_NAME)}", "", text)
