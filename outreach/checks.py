"""What is checked before a manager may approve a message, and how name and offer get into it.

The one definition for every provider and both engines: the laptop registers these functions for
SQL, Snowflake imports this very package. What an LLM writes holds {name} and {offer} where name and
offer belong, and anything else that looks like an amount, a link, a promise or a person is refused:
a good draft that is refused costs a template, a bad one that passes costs more.
Words are a net with holes, which is why no customer's text reaches an LLM and why a manager reads
what is sent. Standard library only.
"""

import json
import re
import unicodedata
from typing import Any

from outreach.words import (
    ABUSE,
    AMOUNTS,
    ENGLISH,
    GREETINGS,
    LEAKS,
    NOT_NAMES,
    PARTICLES,
    PROMISES,
    REQUESTS,
)

LONGEST_SUBJECT, LONGEST_BODY, LONGEST_WORD = 120, 1500, 24
LONGEST_REPLY = 8000  # of JSON text; nothing that is longer can hold a body that is not
_SHORTEST_BODY, _MOST_LINES = 40, 40
_LONGEST_NAME, _MOST_PARTS_OF_NAME = 40, 4
_LEAKED_WORDS = 6  # so many words of the prompt in a row are no accident
_COMMON_SHARE, _COMMON_SHARE_OF_SENTENCE = 0.25, 0.15
_NAME, _OFFER, _PLAIN_NAME = "{name}", "{offer}", "customer"
_LETTERS = "A-Za-zÀ-ÖØ-öø-ÿĀ-ſ"
_PLAIN = re.compile(rf"[{_LETTERS} \n.,;:!?'\"()&\-‘’“”–—…]*")
_LINK = re.compile(
    r"://|\bwww\b|\bhttps?|\bhxxp|\w\.\w|\bdot\b|\.\s*(?:com|net|org|io|info|biz|co|ru|cn)\b"
    r"|\b(?:website|web site|url|link)s?\b",
    re.IGNORECASE,
)

CHECKS = {
    "schema": "the reply is no JSON object with the texts subject and body",
    "length": "the message is too short, too long or has words that are none",
    "characters": "the message has other characters than letters and plain punctuation",
    "offer": "the message does not name the chosen offer, once, in its body",
    "language": "the message is not in English",
    "no_link": "the message has a link or an address of the web",
    "no_amount": "the message has a number, an amount or a reduction other than the offer",
    "no_promise": "the message promises something other than the offer",
    "no_request": "the message asks for something that a message of ours never asks for",
    "no_person": "the message names somebody other than its reader",
    "no_abuse": "the message is not friendly",
    "no_prompt": "the message speaks of how it was made",
}


def draft_message(
    reply: str | None, name: str | None, offer_text: str | None, prompt: str | None
) -> str:
    """Check a provider's reply and put name and offer into it; takes any text, and NULL as none.

    Returns JSON text: subject and body (absent when a check was broken), checks by name, error.
    """
    texts = _parsed(reply)
    broken = ["schema"] if texts is None else _broken(*texts, prompt or "")
    verdict = _verdict(broken)
    if texts is not None and not broken:
        inserted = {_NAME: fitting_name(name), _OFFER: offer_text or ""}
        verdict["subject"], verdict["body"] = (_insert(text, inserted) for text in texts)
    return json.dumps(verdict)


def check_message(
    subject: str | None,
    body: str | None,
    name: str | None,
    offer_text: str | None,
    prompt: str | None,
) -> str:
    """Check a message that a manager wrote, in which name and offer stand already.

    Takes any text, and NULL as none.
    """
    texts = []
    for given in (subject, body):
        text = (given or "").replace("\r\n", "\n")
        if offer_text:
            text = text.replace(offer_text, _OFFER)
        texts.append(_by_whole_words(text, fitting_name(name), _NAME))
    return json.dumps(_verdict(_broken(*texts, prompt or "")))


def fitting_name(name: str | None) -> str:
    """Return a customer's name as it may stand in a message; `customer` for what is no name.

    Customers choose what they are called: what is longer than names are, mixes scripts, or has
    anything but letters, is not repeated to anybody. Blanks of every kind between its parts become
    one. That `Guest User` is nobody's name, SQL knows: seeds/name_placeholders.csv.
    """
    name = " ".join((name or "").split())
    parts = name.split(" ")
    scripts = {unicodedata.name(letter, "?").split(" ")[0] for letter in name if letter.isalpha()}
    fits = (
        len(parts) <= _MOST_PARTS_OF_NAME
        and len(name) <= _LONGEST_NAME
        and len(scripts) == 1
        and all(_is_part_of_name(part) for part in parts)
        and not any(_has(words, name) for words in (AMOUNTS, PROMISES, REQUESTS, ABUSE, LEAKS))
    )
    return name if fits else _PLAIN_NAME


def _is_part_of_name(part: str) -> bool:
    letters = re.sub(r"['’\-]|\.$", "", part)
    is_word = bool(letters) and all(unicodedata.category(one)[0] in "LM" for one in letters)
    has_case = letters[:1].lower() != letters[:1].upper()
    return is_word and (not has_case or letters[0].isupper() or letters in PARTICLES)


def _parsed(reply: str | None) -> tuple[str, str] | None:
    if reply is None or len(reply) > LONGEST_REPLY:
        return None
    try:
        parsed: Any = json.loads(reply)
    except (ValueError, RecursionError):
        return None
    if not isinstance(parsed, dict) or set(parsed) != {"subject", "body"}:
        return None
    texts = parsed["subject"], parsed["body"]
    if not all(isinstance(text, str) for text in texts):
        return None
    return texts[0].strip(), texts[1].replace("\r\n", "\n").strip()


def _verdict(broken: list[str]) -> dict[str, Any]:
    error = "; ".join(CHECKS[name] for name in broken) or None
    return {"checks": {name: name not in broken for name in CHECKS}, "error": error}


def _broken(subject: str, body: str, prompt: str) -> list[str]:
    """Return the names of the checks that a message with placeholders breaks."""
    whole = f"{subject}\n{body}"
    text = whole.replace(_NAME, " ").replace(_OFFER, " ")
    # What reads alike is compared alike: typographic quotes, composed letters, spread letters.
    plain = unicodedata.normalize("NFKC", text).replace("’", "'")
    found = {
        "length": _has_no_length(subject, body),
        "characters": not _PLAIN.fullmatch(text) or "\n" in subject,
        "offer": body.count(_OFFER) != 1 or _OFFER in subject,
        "language": not _is_english(plain),
        "no_link": bool(_LINK.search(plain)),
        "no_amount": bool(re.search(r"\d|[$%]", plain)) or _has(AMOUNTS, plain),
        "no_promise": _has(PROMISES, plain),
        "no_request": "@" in plain or _has(REQUESTS, plain),
        "no_person": _names_somebody(subject) or _names_somebody(body),
        "no_abuse": _has(ABUSE, plain),
        "no_prompt": _has(LEAKS, plain) or _leaks(plain, prompt),
    }
    return [name for name, is_broken in found.items() if is_broken]


def _has_no_length(subject: str, body: str) -> bool:
    return (
        not 1 <= len(subject) <= LONGEST_SUBJECT
        or not _SHORTEST_BODY <= len(body) <= LONGEST_BODY
        or body.count("\n") >= _MOST_LINES
        or any(len(word) > LONGEST_WORD for word in f"{subject} {body}".split())
        or bool(re.search(r"(?:\b\w[ .\-]){4}", body))  # l-i-k-e t-h-i-s
    )


def _has(words: str, text: str) -> bool:
    return bool(re.search(rf"\b(?:{words})\b", text, re.IGNORECASE))


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?", text.lower())


def _is_english(text: str) -> bool:
    """Tell whether the whole, and each longer sentence, has English's share of common words."""

    def share(words: list[str]) -> float:
        return sum(word in ENGLISH for word in words) / max(len(words), 1)

    sentences = [words for one in re.split(r"[.!?:\n]", text) if len(words := _words(one)) >= 5]
    return share(_words(text)) >= _COMMON_SHARE and all(
        share(words) >= _COMMON_SHARE_OF_SENTENCE for words in sentences
    )


def _names_somebody(text: str) -> bool:
    """Tell whether there is a capital where English has none, or a greeting of somebody else."""
    for line in text.splitlines():
        words = re.findall(rf"{re.escape(_NAME)}|[{_LETTERS}'’]+|[.!?:]", line)
        begins = True
        for number, word in enumerate(words):
            is_capital = word[0].isupper() and word.lower() not in NOT_NAMES
            if is_capital and (not begins or len(words) <= 3):
                return True
            if number == 1 and words[0].lower() in GREETINGS and not _is_reader(word):
                return True
            begins = word in ".!?:"
    return False


def _is_reader(word: str) -> bool:
    return word == _NAME or word.lower() in NOT_NAMES or word in ".!?:"


def _leaks(text: str, prompt: str) -> bool:
    said, asked = " ".join(_words(text)), _words(prompt)
    return any(
        " ".join(asked[start : start + _LEAKED_WORDS]) in said
        for start in range(len(asked) - _LEAKED_WORDS + 1)
    )


def _insert(text: str, inserted: dict[str, str]) -> str:
    """Put all in at one go, so that nothing that was put in is looked at again."""
    pattern = "|".join(re.escape(key) for key in inserted)
    return re.sub(pattern, lambda found: inserted[found.group()], text)


def _by_whole_words(text: str, old: str, new: str) -> str:
    return re.sub(rf"(?<!\w){re.escape(old)}(?!\w)", lambda _: new, text)
