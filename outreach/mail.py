"""One message as bytes: written from checked values, then read back before anybody hands it over.

The header lines are written here and not by Python's e-mail package. That package parses each
value, decodes what looks encoded and folds the result, and what comes out differs between versions.
"""

import binascii
import re
import unicodedata
from datetime import datetime, timezone
from email import message_from_bytes, policy
from email.header import Header
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from urllib.parse import quote

from outreach.addresses import mail_address
from outreach.settings import MessageSettings

_LONGEST_LINE = 998  # bytes, by RFC 5322
_ATOM = r"[A-Za-z0-9!#$&'*+/^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_MAILBOX = re.compile(rf"(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*")
_SENDER = re.compile(r'(?:"(?P<quoted>[^<>"\\]*)"|(?P<name>[^<>"\\]*)) *<(?P<address>[^<>]*)>')
_MARKS_OF_DIRECTION = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
# Control characters, surrogates, and the separators of lines and paragraphs.
_NOT_IN_A_HEADER = ("Cc", "Cs", "Zl", "Zp")
# What was written is read as it stands; the package would fold long lines again, and encode them.
_AS_WRITTEN = policy.SMTP.clone(refold_source="none")


class InvalidAddress(ValueError):
    """A message cannot go to this text; the exception's own text says so in one line."""


def compose(
    settings: MessageSettings,
    message_id: str,
    recipient: str | None,
    subject: str | None,
    body: str | None,
) -> EmailMessage:
    """Return the message as it goes out; raises InvalidAddress, or ValueError in one line.

    It relies on no earlier check. The recipient is one address as MAIL_ADDRESS puts it right. No
    header may hold what a mail reader would decode, what could begin another header, or what turns
    the order of letters around; the text may hold line breaks and no other control character.
    """
    if recipient is None or mail_address(recipient) != recipient:
        raise InvalidAddress("the e-mail address is invalid")
    name, sender = _sender(settings.sender_address)
    unsubscribe = _mailbox("the unsubscribe address", settings.unsubscribe_address)
    identifier = _mailbox("the message id", message_id)
    subject = _header_text("the subject", subject).strip(" ")
    text = _body_text(body)
    link = f"mailto:{quote(unsubscribe, safe='@+')}?subject={quote(message_id.split('@')[0])}"
    headers = {
        "From": _from(name, sender),
        "To": recipient,
        "Subject": _encoded(subject),
        "Date": format_datetime(datetime.now(timezone.utc)),
        "Message-ID": f"<{identifier}>",
        "List-Unsubscribe": f"<{link}>",
        "MIME-Version": "1.0",
        "Content-Type": 'text/plain; charset="utf-8"',
        "Content-Transfer-Encoding": "quoted-printable",
    }
    head = "".join(f"{header}: {value}\r\n" for header, value in headers.items())
    encoded = binascii.b2a_qp(text.encode(), istext=True).replace(b"\n", b"\r\n")
    raw = head.encode("ascii") + b"\r\n" + encoded
    if max(map(len, raw.split(b"\r\n"))) > _LONGEST_LINE:
        raise ValueError(f"a line is longer than {_LONGEST_LINE} bytes")
    return _read_back(raw, headers, subject, sender, text)


def _sender(given: str) -> tuple[str, str]:
    """Return name and address of the sender; the name may be empty."""
    what = "the sender's address"
    given = _header_text(what, given).strip(" ")
    if found := _SENDER.fullmatch(given):
        name = found["name"] if found["quoted"] is None else found["quoted"]
        return name.strip(" "), _mailbox(what, found["address"])
    return "", _mailbox(what, given)


def _mailbox(what: str, given: str) -> str:
    """Return an address that stands in a header of ours as it is."""
    if not isinstance(given, str) or not _MAILBOX.fullmatch(given):
        raise ValueError(f"{what} is not of the form name@domain, in plain ASCII")
    return given


def _header_text(what: str, given: str | None) -> str:
    """Return a text that a header may hold."""
    if not isinstance(given, str):
        raise ValueError(f"{what} is missing")
    if "=?" in given:
        raise ValueError(f"{what} holds '=?', which a mail reader would decode")
    for letter in given:
        if unicodedata.category(letter) in _NOT_IN_A_HEADER or letter in _MARKS_OF_DIRECTION:
            raise ValueError(f"{what} holds {_named(letter)}, which no header may hold")
    return given


def _body_text(given: str | None) -> str:
    """Return the text with plain line breaks, the last line ended as well."""
    if not isinstance(given, str):
        raise ValueError("the text is missing")
    text = given.replace("\r\n", "\n")
    for letter in text:
        if letter != "\n" and unicodedata.category(letter) in ("Cc", "Cs"):
            raise ValueError(f"the text holds {_named(letter)}, a control character")
    return text if text.endswith("\n") else f"{text}\n"


def _named(letter: str) -> str:
    return f"U+{ord(letter):04X}"


def _encoded(text: str) -> str:
    """Return a header's text in ASCII: as it is, or as encoded words of RFC 2047."""
    if text.isascii():
        return text
    return Header(text, "utf-8", header_name="Subject").encode(linesep="\r\n")


def _from(name: str, address: str) -> str:
    return formataddr((name, address)) if name.isascii() else f"{_encoded(name)} <{address}>"


def _read_back(
    raw: bytes, headers: dict[str, str], subject: str, sender: str, text: str
) -> EmailMessage:
    """Return the message that a mail server and a mail reader find in the bytes.

    Raises ValueError unless it has exactly these headers and addresses, this subject and this text.
    """
    message = message_from_bytes(raw, policy=_AS_WRITTEN)
    as_lines = message_from_bytes(raw, policy=policy.compat32)
    found = {header: " ".join(value.split()) for header, value in as_lines.items()}
    is_as_meant = (
        message.as_bytes() == raw
        and list(message.keys()) == list(headers)
        and found == {header: " ".join(value.split()) for header, value in headers.items()}
        and not message.defects
        and [one.addr_spec for one in message["To"].addresses] == [headers["To"]]
        and [one.addr_spec for one in message["From"].addresses] == [sender]
        and str(message["Subject"]).split() == subject.split()
        and message.get_content().replace("\r\n", "\n") == text
    )
    if not is_as_meant:
        raise ValueError("a mail reader would read something else than what was written")
    return message
