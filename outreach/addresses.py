"""Which e-mail address a message can go to: the one definition, for both engines.

The laptop registers MAIL_ADDRESS for SQL; Snowflake imports this very file, with the library beside
it in the zip (outreach/pack.py).
"""

import re
import unicodedata
from functools import lru_cache

from email_validator import validate_email

_LONGEST = 1000  # of a text with an address in it; the address itself has 254 at most
# Invisible, and part of no address: what copying from web pages and sheets leaves behind.
_ZERO_WIDTH = dict.fromkeys(map(ord, "\u00ad\u200b\u200e\u200f\u2060\ufeff"))
# Joiners are invisible as well, but some international domains are others without them.
_JOINERS = dict.fromkeys(map(ord, "\u200c\u200d"))
_NAMED = re.compile(r"(?P<name>[^<>]*)<(?P<address>[^<>]*)>")
_MAILTO = re.compile(r"mailto:(?P<address>[^?]*)(?:\?.*)?", re.IGNORECASE)
_SEPARATORS = ".,;"
# Python's e-mail library decodes `=?utf-8?q?eve?=@…` in a header, and would write to eve; `=40` is
# an @ to whatever decodes quoted-printable.
_ENCODED = re.compile(r"=\?|=[0-9A-Fa-f]{2}")


def mail_address(text: str | None) -> str | None:
    """Return the address in a text, put right, or None when no message can go to it; never raises.

    Put right is what surrounds an address, what cannot be seen, and the spelling of its domain. The
    part before the @ stays as it is: another one would be somebody else's.
    """
    if text is None or len(text) > _LONGEST:
        return None
    return _mail_address(text)


# The same customers are asked about again and again, in each pass and by each page.
@lru_cache(maxsize=20_000)
def _mail_address(text: str) -> str | None:
    text = text.translate(_ZERO_WIDTH)
    if text.translate(_JOINERS).isascii():
        text = text.translate(_JOINERS)
    text = _bare(text)
    if any(unicodedata.category(letter) == "Cc" and letter != "\t" for letter in text):
        return None  # a line break inside could be the beginning of another header
    if named := _NAMED.fullmatch(text):
        text = _bare(named["address"])
        name = _bare(named["name"])
        if "@" in name and _valid(name) != _valid(text):
            return None  # two addresses: nobody knows which of them is meant
    return _valid(text)


def _bare(text: str) -> str:
    """Return a text without what stands around an address: blanks, quotes, separators, mailto."""
    before = None
    while text != before:
        before = text
        while text and _is_blank(text[0]):
            text = text[1:]
        while text and (_is_blank(text[-1]) or text[-1] in _SEPARATORS):
            text = text[:-1]
        if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
            text = text[1:-1]
        if link := _MAILTO.fullmatch(text):
            text = link["address"]
    return text


def _is_blank(letter: str) -> bool:
    """Tell whether a letter only makes room: blanks, line breaks, marks of direction."""
    return letter.isspace() or unicodedata.category(letter) in ("Cf", "Zs", "Zl", "Zp")


def _valid(address: str) -> str | None:
    if address.count("@") != 1 or _ENCODED.search(address):
        return None
    try:
        checked = validate_email(
            address,
            # Whether a domain receives mail is for the mail server to find out: SQL must not wait
            # for a network, and must answer the same tomorrow.
            check_deliverability=False,
            # Letters beyond ASCII before the @ need SMTPUTF8 of every server on the way, and nobody
            # can promise that; after the @ the ASCII form of the domain does without.
            allow_smtputf8=False,
            # Not the library's mode for tests, which would let `test` pass. Of the special domains
            # it refuses invalid, local, localhost, test, onion and arpa. It does not refuse
            # example.com, .org and .net, because RFC 6761 asks applications to treat them like any
            # other; the demo and the tests write to nobody else.
            test_environment=False,
            allow_quoted_local=False,
            allow_domain_literal=False,
            allow_display_name=False,
            strict=True,
        )
    # Whatever the library stumbles over in one customer's text must not stop everybody's alerts.
    except Exception:
        return None
    return checked.ascii_email
