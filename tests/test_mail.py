"""What goes out is one mail to one recipient, or nothing: on the bytes that a mail server sees."""

import re
import unicodedata
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from outreach.addresses import mail_address
from outreach.delivery import compose_or_refuse
from outreach.mail import InvalidAddress, compose
from outreach.senders import FAILED, INVALID_ADDRESS, Delivery
from outreach.settings import MessageSettings

SETTINGS = MessageSettings(
    provider="template",
    model="none",
    prompt="",
    reply_schema="{}",
    review_prompt="",
    review_schema="{}",
    sentences="",
    max_tokens=1,
    timeout_seconds=1,
    sender_address="Your customer team <team@example.com>",
    unsubscribe_address="unsubscribe@example.com",
)
RIGHT = {
    "message_id": "9f86d081884c7d659a2feaa0c55ad015@example.com",
    "recipient": "maria@example.org",
    "subject": "We have missed you, Maria",
    "body": "Dear Maria,\n\nHello.",
}
HEADERS = [
    "From", "To", "Subject", "Date", "Message-ID", "List-Unsubscribe", "MIME-Version",
    "Content-Type", "Content-Transfer-Encoding",
]  # fmt: skip
# What could begin another header, be decoded, or turn letters around, somewhere in a text.
HOSTILE_IN_A_HEADER = [
    "\r\nBcc: all@example.org", "\nBcc: all@example.org", "\rBcc: all@example.org", "\r\n\r\nbody",
    "\r\n \r\n", "\x00", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x1f", "\x7f", "\t", "\x85",
    "\u2028Bcc: all@example.org", "\u2029", "\u202e", "\u202a", "\u202d", "\u2066", "\u2067",
    "\u2069", "\u200e", "\u200f", "\u061c", "\ud800", "\udcff",
    "=?utf-8?q?=0D=0ABcc=3A_all=40example.org?=", "=?utf-8?b?DQpCY2M6IGFsbEBleGFtcGxlLm9yZw==?=",
    "=?us-ascii?q?x=0a?=", "=?", "?==?utf-8?q?x?=",
]  # fmt: skip
RECIPIENTS = [
    "=?utf-8?q?v1=40x.com=2Cv2=40y.com=2Cv3?=@z.org", "=?utf-8?q?eve?=@example.org",
    "=?utf-8?b?ZXZl?=@example.org", "a=40x.com@example.org", "a=2Cb=40x.com@example.org",
    "a=3d@example.org", "a@example.org,b@example.org", "a@example.org, b@example.org",
    "a@example.org;b@example.org", "all: a@example.org, b@example.org;", "all:a@example.org;",
    "undisclosed-recipients:;", "a@example.org b@example.org", "A <a@example.org>",
    "<a@example.org>", "<a@example.org", "a@example.org>", "<@relay.org:a@example.org>",
    '"a,b"@example.org', '"a b"@example.org', "a(b@example.org)@example.org", "a@example.org(x)",
    "a@b@example.org", "a@example.org@b.org", "a..b@example.org", ".a@example.org",
    "a.@example.org", "a@example..org", "a@.example.org", "a@example.org.", "..@..", "@", "", " ",
    "a", "a@", "@example.org", "a@localhost", "a@[127.0.0.1]", "a@127.0.0.1", "a@exa mple.org",
    " a@example.org", "a@example.org ", "a" * 65 + "@example.org", "a" * 5_000 + "@example.org",
    "a@" + "b" * 64 + ".org", "a@" + "b.c" * 100 + ".org", "käthe@example.org",
    "a@münchen.de", "a\\@b@example.org", "a\u200b@example.org", "a＠example.org",
    "a\uff0cb@example.org", "a@example.org\u037eb@example.org", None,
]  # fmt: skip
SENDERS = [
    "team", "@example.com", "team@", "a@b.com, c@d.com", "A <a@b.com>, B <c@d.com>",
    "A <a@b.com> <c@d.com>", "<a@b.com", "A <a@b@c.com>", "A <>", "A: a@b.com;", "A <..@..>",
    'A" <a@b.com>', "A\\ <a@b.com>", "A <käthe@b.com>", "A <a@münchen.de>", "A <a=40b@c.com>", "",
    "A <" + "a" * 65 + "@b.com>",
]  # fmt: skip
UNSUBSCRIBE = [
    "a", "a@b.com?bcc=all@example.org", "a?bcc=x@b.com", "a@b.com>, <mailto:x@y.org",
    "a@b.com&cc=x", "<a@b.com>", "a b@c.com", "a,b@c.com", "a=40b@c.com", "..@..", "",
    "a" * 65 + "@b.com",
]  # fmt: skip
MESSAGE_IDS = ["A", "", "@", "A>@example.com", "A B@example.com", "A@b@c.com", "<A@b.com>", "..@.."]


def mail(**changes) -> EmailMessage | Delivery:
    given = RIGHT | changes
    settings = replace(SETTINGS, **{name: given.pop(name) for name in _SETTINGS if name in given})
    return compose_or_refuse(settings, **given)


_SETTINGS = ("sender_address", "unsubscribe_address")


def check(composed: EmailMessage, recipient: str) -> None:
    """What a server and a reader that know nothing of how it was written find in the bytes."""
    raw = composed.as_bytes()
    assert b"\x00" not in raw
    assert raw.isascii()
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", raw)
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    head, _, _ = raw.partition(b"\r\n\r\n")
    lines = re.sub(rb"\r\n(?=[ \t])", b"", head).split(b"\r\n")
    assert [line.partition(b":")[0].decode() for line in lines] == HEADERS
    assert dict(line.split(b": ", 1) for line in lines)[b"To"] == recipient.encode()
    for each in (policy.compat32, policy.default, policy.SMTP, policy.strict):
        read = message_from_bytes(raw, policy=each)
        assert read.keys() == HEADERS
        assert str(read["To"]) == recipient
        assert not read.is_multipart()
    assert [one.addr_spec for one in read["To"].addresses] == [recipient]
    assert len(read["From"].addresses) == 1


def refused(composed: EmailMessage | Delivery, step: str) -> None:
    assert isinstance(composed, Delivery), composed.as_bytes()
    assert composed.step == step
    assert composed.detail.isprintable()
    assert len(composed.detail) < 200


@pytest.mark.parametrize("recipient", RECIPIENTS, ids=ascii)
def test_no_second_or_malformed_recipient_is_written_to(recipient):
    refused(mail(recipient=recipient), INVALID_ADDRESS)


@pytest.mark.parametrize("hostile", HOSTILE_IN_A_HEADER, ids=ascii)
def test_nothing_hostile_gets_into_any_header(hostile):
    for place in ("{}", "{}x", "x{}", "x{}y"):
        text = place.format(hostile)
        refused(mail(subject=text), FAILED)
        refused(mail(recipient=f"{text}@example.org"), INVALID_ADDRESS)
        refused(mail(recipient=f"a@{text}example.org"), INVALID_ADDRESS)
        refused(mail(recipient=f"a@example.org{text}"), INVALID_ADDRESS)
        refused(mail(message_id=f"{text}@example.com"), FAILED)
        refused(mail(message_id=f"A@example.com{text}"), FAILED)
        refused(mail(sender_address=f"{text} <team@example.com>"), FAILED)
        refused(mail(sender_address=f"Team <team@example.com{text}>"), FAILED)
        refused(mail(sender_address=f"Team <team@example.com>{text}"), FAILED)
        refused(mail(unsubscribe_address=f"{text}@example.com"), FAILED)
        refused(mail(unsubscribe_address=f"a@example.com{text}"), FAILED)


@pytest.mark.parametrize("sender", SENDERS, ids=ascii)
def test_a_sender_is_one_mailbox(sender):
    refused(mail(sender_address=sender), FAILED)


@pytest.mark.parametrize("address", UNSUBSCRIBE, ids=ascii)
def test_the_unsubscribe_link_names_one_mailbox(address):
    composed = mail(unsubscribe_address=address)
    if isinstance(composed, Delivery):
        refused(composed, FAILED)
        return
    check(composed, RIGHT["recipient"])
    link = str(composed["List-Unsubscribe"])
    assert re.fullmatch(r"<mailto:[^?&<>,]+\?subject=[^?&<>,]+>", link)


@pytest.mark.parametrize("message_id", MESSAGE_IDS, ids=ascii)
def test_a_message_id_has_two_plain_parts(message_id):
    refused(mail(message_id=message_id), FAILED)


@pytest.mark.parametrize(
    "letter", ["\x00", "\x01", "\x08", "\x0b", "\x1b", "\x7f", "\x85", "\ud800"]
)
def test_the_text_has_line_breaks_and_no_other_control_character(letter):
    refused(mail(body=f"Dear{letter}Maria"), FAILED)
    refused(mail(body="Dear\rMaria"), FAILED)
    refused(mail(body=None), FAILED)
    refused(mail(subject=None), FAILED)


def test_what_a_subject_cannot_say_in_one_line_is_refused():
    refused(mail(subject="x" * 1_000), FAILED)
    check(mail(subject="ä" * 1_000), RIGHT["recipient"])


@pytest.mark.parametrize(
    "subject",
    [
        "Grüße, 李",
        "a, b; c: d <e@f.org>",
        "50 % = ?",
        "Mária 👩‍👩‍👧",
        "نامه\u200cای",
        "\u00a0x",
        "ä " * 60,
        "",
    ],
)
def test_a_natural_subject_arrives_as_it_was_written(subject):
    composed = mail(subject=subject)
    check(composed, RIGHT["recipient"])
    assert str(composed["Subject"]).split() == subject.split()


@pytest.mark.parametrize(
    ("sender", "name", "address"),
    [
        ("team@example.com", "", "team@example.com"),
        ("<team@example.com>", "", "team@example.com"),
        ("Shop, Inc. <team@example.com>", "Shop, Inc.", "team@example.com"),
        ('"Shop, Inc." <team@example.com>', "Shop, Inc.", "team@example.com"),
        ("Käthes Läden, " * 8 + "<a@b.c>", ("Käthes Läden, " * 8).strip(), "a@b.c"),
        ("eve@evil.org <team@example.com>", "eve@evil.org", "team@example.com"),
    ],
)
def test_a_senders_name_stays_a_name(sender, name, address):
    composed = mail(sender_address=sender)
    check(composed, RIGHT["recipient"])
    [found] = composed["From"].addresses
    # This version of Python may read a blank where a folded name was joined again.
    assert found.display_name.replace(" ", "") == name.replace(" ", "")
    assert found.addr_spec == address


def test_the_text_arrives_as_it_was_written():
    body = "Dear Renée,\n\n.\n..\nFrom me\n=?utf-8?q?x?= =40\n" + "x" * 2_000 + "\n \nend"
    for text in (body, body.replace("\n", "\r\n")):
        composed = mail(body=text)
        check(composed, RIGHT["recipient"])
        assert composed.get_content().replace("\r\n", "\n") == body + "\n"


def test_a_long_link_to_unsubscribe_stays_a_link():
    """Python's own e-mail package would encode it, and then no mail program shows a button."""
    number = RIGHT["message_id"].split("@")[0]
    link = f"List-Unsubscribe: <mailto:unsubscribe@example.com?subject={number}>\r\n"
    assert link.encode() in mail().as_bytes()


def test_compose_raises_what_its_callers_tell_apart():
    with pytest.raises(InvalidAddress):
        compose(SETTINGS, **RIGHT | {"recipient": "nobody"})
    with pytest.raises(ValueError, match="the subject holds U\\+000A") as raised:
        compose(SETTINGS, **RIGHT | {"subject": "a\nb"})
    assert not isinstance(raised.value, InvalidAddress)


_PIECES = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        [*HOSTILE_IN_A_HEADER, "a@b.com", "@", "<", ">", ",", ";", ":", '"', "\\", "(", "=", "?",
         "=40", "=2C", "%40", " ", ".", "ä", "x" * 70, "example.org", "utf-8?q?x?="]
    ),
)  # fmt: skip
_TEXTS = st.lists(_PIECES, max_size=6).map("".join)


@given(
    st.one_of(_TEXTS, st.builds("{}@example.org".format, _TEXTS)),
    st.one_of(st.just("maria@example.org"), _TEXTS, st.emails()),
    _TEXTS,
    st.one_of(_TEXTS, st.text(max_size=200)),
    st.one_of(st.just("team@example.com"), st.builds("{} <a@b.com>".format, _TEXTS), _TEXTS),
    st.one_of(st.just("off@example.com"), _TEXTS),
)
@example("A@b.c", "a@b.com", "x" * 900, "", "x" * 70 + " <a@b.com>", "a@b.com")
def test_any_texts_give_one_mail_to_one_recipient_or_one_clear_line(
    message_id, recipient, subject, body, sender, unsubscribe
):
    composed = mail(
        message_id=message_id,
        recipient=recipient,
        subject=subject,
        body=body,
        sender_address=sender,
        unsubscribe_address=unsubscribe,
    )
    if isinstance(composed, Delivery):
        refused(composed, composed.step)
        assert composed.step in (FAILED, INVALID_ADDRESS)
        return
    check(composed, recipient)
    assert mail_address(recipient) == recipient
    assert str(composed["Subject"]).split() == subject.split()


@given(st.text(max_size=300), st.text(max_size=2_000))
def test_a_plain_text_is_refused_for_its_characters_only(subject, body):
    composed = mail(subject=subject, body=body)
    letters = [unicodedata.category(one) for one in subject]
    if isinstance(composed, EmailMessage):
        check(composed, RIGHT["recipient"])
        assert composed.get_content().replace("\r\n", "\n").rstrip("\n") == body.replace(
            "\r\n", "\n"
        ).rstrip("\n")
        return
    is_hostile = bool({"Cc", "Cs", "Zl", "Zp"} & set(letters)) or "=?" in subject
    has_marks = any(one in "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e" for one in subject)
    has_isolates = any("\u2066" <= one <= "\u2069" for one in subject)
    is_body = any(unicodedata.category(one) in ("Cc", "Cs") for one in body.replace("\n", ""))
    assert is_hostile or has_marks or has_isolates or is_body, composed.detail
