"""Which addresses a message can go to: put right or judged invalid before a manager can approve."""

import email
import email.policy
import json
import re
import subprocess
import sys
from email.message import EmailMessage
from email.utils import parseaddr

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from outreach.addresses import _mail_address, mail_address
from outreach.pack import pack
from runtime.clock import utc_now
from tests.letters import sentences
from tests.outreach_fixtures import customer, raise_alerts, run, states
from tests.test_alert_states import move
from tests.test_deliveries import send

pytest_plugins = ("tests.outreach_fixtures",)

RIGHT = {
    "as it is": ["maria@example.com", "Maria.H+x@example.com", "o'neil@mail.example.co.uk"],
    "blanks around": [" maria@example.com", "maria@example.com ", "\tmaria@example.com\r\n"],
    "no-break and other blanks": ["maria@example.com\u00a0", "\u2003maria@example.com\u202f"],
    "zero width": [
        "\ufeffmaria@example.com", "ma\u200bria@exa\u2060mple.com", "maria@example.com\u200d",
        "ma\u200cria@example.com", "maria@exam\u00adple.com", "\u202amaria@example.com\u202c",
    ],
    "with a name": [
        "Maria Huber <maria@example.com>", "<maria@example.com>", '"Huber, M." <maria@example.com>',
        "Käthe Müller <maria@example.com>;", "<maria@example.com.>", "Maria\t<maria@example.com>",
        "maria@example.com <maria@example.com>",
    ],
    "as a link": [
        "mailto:maria@example.com", "MAILTO:maria@example.com?subject=Hi",
        "<mailto:maria@example.com>",
    ],
    "signs behind": [
        "maria@example.com.", "maria@example.com,", "maria@example.com; ", "maria@example.com.,",
    ],
    "quotes around": ["'maria@example.com'", '"maria@example.com"', '"maria@example.com."'],
    "capitals of the domain": ["maria@EXAMPLE.com", "maria@Example.Com"],
}  # fmt: skip
AS_THEY_ARE = {
    "Maria.H+x@example.com": "Maria.H+x@example.com",
    "o'neil@mail.example.co.uk": "o'neil@mail.example.co.uk",
    "Maria@EXAMPLE.ORG": "Maria@example.org",  # another capital may be another mailbox
    "maria@münchen.de": "maria@xn--mnchen-3ya.de",
    "maria@MÜNCHEN.de": "maria@xn--mnchen-3ya.de",
    "maria@mu\u0308nchen.de": "maria@xn--mnchen-3ya.de",
    "maria@xn--mnchen-3ya.de": "maria@xn--mnchen-3ya.de",
    "maria@例え.jp": "maria@xn--r8jz45g.jp",
    "maria@пример.рф": "maria@xn--e1afmkfd.xn--p1ai",
    "maria@example.net": "maria@example.net",
}
INVALID = {
    "nothing": ["", " ", "\u00a0", "null", "n/a", "-", "none", "@", "maria@", "@example.com"],
    "no @": ["maria", "maria.example.com", "maria(at)example.com", "maria＠example.com"],
    "two addresses": [
        "a@example.com, b@example.com", "a@example.com;b@example.com", "a@b@example.com",
        "a@example.com b@example.com", "a@example.com <b@example.com>",
        "<a@example.com> <b@example.com>", "A <a@example.com>, B <b@example.com>",
    ],
    "blanks inside": ["maria huber@example.com", "maria @example.com", "maria@ example.com",
                      "maria@exam ple.com", "maria\u00a0huber@example.com"],
    "control characters": [
        "a@example.com\r\nBcc: all@example.com", "a@example.com\nX: y", "a\x00@example.com",
        "A\r\nBcc: x <a@example.com>", "a@example.com\x7f",
    ],
    "letters that need SMTPUTF8": [
        "käthe@example.com", "ka\u0308the@example.com", "ярослав@example.com",
    ],
    "what a header would decode": ["=?utf-8?q?eve?=@example.com"],
    "forms that nobody delivers to": [
        '"a b"@example.com', "a@[192.0.2.1]", "a@192.0.2.1", "a(comment)@example.com",
        ".a@example.com", "a.@example.com", "a..b@example.com", "a@-example.com", "a@example..com",
    ],
    "names for other uses": [
        "a@localhost", "a@localhost.localdomain.local", "a@shop.local", "a@nowhere.invalid",
        "a@shop.test", "a@hidden.onion", "a@shop", "a@4.3.2.1.in-addr.arpa",
    ],
    "too long": ["a" * 65 + "@example.com", "a@" + "b" * 64 + ".com", "a@" + "b.c" * 100 + ".com",
                 " " * 1000 + "a@example.com"],
    "joiners that the domain would lose": ["maria@نامه\u200cای.com"],
}  # fmt: skip


@pytest.mark.parametrize("family", RIGHT)
def test_what_can_be_put_right_is(family):
    for text in RIGHT[family]:
        assert mail_address(text) == AS_THEY_ARE.get(text, "maria@example.com"), ascii(text)


def test_each_address_stays_that_of_the_same_mailbox():
    assert {text: mail_address(text) for text in AS_THEY_ARE} == AS_THEY_ARE


@pytest.mark.parametrize("family", INVALID)
def test_what_cannot_be_is_invalid(family):
    assert [text for text in INVALID[family] if mail_address(text) is not None] == []


def test_no_address_is_none():
    assert mail_address(None) is None


_PIECES = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["@", "example.com", "münchen.de", "xn--", ".", "<", ">", "mailto:", "\r\n", "\u200d", "=?",
         "\u00a0", ",", '"', "maria", "ß", "İ", "٠", "\ud800", "😀", "a" * 64, "ａ", "。", "--"]
    ),
)  # fmt: skip
_ADDRESSES = st.one_of(
    st.emails(),
    st.builds("{}@{}.{}".format, st.text(min_size=1, max_size=9), _PIECES, st.text(max_size=9)),
    st.builds(
        "{}@{}.com".format, st.sampled_from(["maria", "m.h+x", "käthe"]), st.text(max_size=9)
    ),
)


@given(
    st.one_of(
        st.lists(_PIECES, max_size=12).map("".join),
        st.builds("{}{}{}".format, _PIECES, _ADDRESSES, _PIECES),
        st.builds("{} <{}>".format, _PIECES, _ADDRESSES),
    )
)
@example("=?utf-8?q?a=40b.com=3e?=@example.com")
@example("a@ⅷ.com")
def test_any_text_gives_one_address_that_stays_itself_or_none(text):
    found = mail_address(text)
    if found is None:
        return
    assert found.isascii()
    assert found.isprintable()
    assert found.count("@") == 1
    assert not re.search(r"[\s,;:<>\"()\[\]\\]", found)
    assert len(found) <= 254
    assert mail_address(found) == found
    message = EmailMessage(policy=email.policy.SMTP)
    message["To"] = found
    message.set_content("x")
    read = email.message_from_bytes(message.as_bytes(), policy=email.policy.SMTP)
    assert read["To"] == found == parseaddr(str(message["To"]))[1]


def test_the_zip_holds_all_that_the_functions_need(tmp_path):
    """As on an account whose channel has none of it: only the zip and the standard library."""
    archive = pack(tmp_path / "one")
    assert archive.read_bytes() == pack(tmp_path / "two").read_bytes()
    program = f"""
import sys
sys.path.insert(0, {str(archive)!r})
from outreach.addresses import mail_address
from outreach.letters import check_message, draft_message
from outreach.template import write_from_template
import email_validator
assert email_validator.__file__.startswith({str(archive)!r}), email_validator.__file__
assert not any(name.split(".")[0] == "dns" for name in sys.modules)
print(mail_address(" maria@münchen.de. "), mail_address("käthe@example.com"))
lines = {sentences()!r}
reply = write_from_template(None, lines)
print(draft_message(reply, None, "a gift", None, lines, None))
"""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-X", "utf8", "-c", program],
        capture_output=True, text=True, cwd=tmp_path, check=True,
    )  # fmt: skip
    addresses, draft = done.stdout.splitlines()
    assert addresses == "maria@xn--mnchen-3ya.de None"
    assert json.loads(draft)["body"].startswith("Dear customer,")


def change(pipeline, *profiles: dict) -> None:
    """A later profile of customers, who are there already."""
    for profile in profiles:
        given = {**profile}
        [updated, _] = customer(given.pop("customer_id"), **given)
        pipeline.add({**updated, "event_id": f"{updated['event_id']}-{utc_now().isoformat()}"})
    pipeline.tick()


def test_an_address_with_a_blank_behind_is_handed_over_without_it(pipeline):
    change(
        pipeline,
        {"customer_id": "A", "email": "a@example.org "},
        {"customer_id": "B", "email": "B <b@example.org>\u00a0"},
        {"customer_id": "C", "email": "c@münchen.de"},
    )
    raise_alerts(pipeline, "A", "B", "C")
    assert move(pipeline, "APPROVED", "A", "B", "C") == []
    pipeline.call("queue_messages", {})
    wanted = {"A": "a@example.org", "B": "b@example.org", "C": "c@xn--mnchen-3ya.de"}
    assert dict(pipeline.rows("select alert_id, recipient from waiting_messages")) == wanted
    assert send(pipeline) == []
    assert states(pipeline) == dict.fromkeys("ABC", "SENT")
    for name, address in wanted.items():
        file = (pipeline.path / "outbox" / f"{name}.eml").read_bytes()
        assert email.message_from_bytes(file, policy=email.policy.SMTP)["To"] == address


def test_an_invalid_address_is_a_state_before_anybody_can_approve(pipeline):
    change(
        pipeline,
        {"customer_id": "A", "email": "käthe@example.org"},
        {"customer_id": "B", "email": ""},
        {"customer_id": "C", "email": "c@example.org", "marketing_consent": False},
        {"customer_id": "D", "email": "nonsense", "marketing_consent": False},
    )
    raise_alerts(pipeline, "A", "B", "C", "D")
    assert states(pipeline) == {"A": "INVALID_ADDRESS"} | dict.fromkeys("BCD", "SUPPRESSED")
    assert dict(pipeline.rows("select alert_id, reason from alert_states")) == {
        "A": "the e-mail address is invalid",
        "B": "the customer has no e-mail address",
        "C": "the customer has not agreed to marketing",
        "D": "the customer has not agreed to marketing",
    }
    assert move(pipeline, "APPROVED", "A") == [
        ("A", "Nothing may be sent: the e-mail address is invalid.")
    ]
    run(pipeline, "advance_alerts")
    assert send(pipeline) == []
    assert states(pipeline)["A"] == "INVALID_ADDRESS"
    for table in ("outbox", "retention_emails", "suppressions"):
        assert pipeline.one(f"select count(*) from {table}") == 0


@pytest.mark.parametrize("state", ["DRAFTED", "APPROVED", "QUEUED"])
def test_an_address_that_becomes_invalid_ends_the_alert_wherever_it_is(pipeline, state):
    raise_alerts(pipeline, "A")
    if state != "DRAFTED":
        assert move(pipeline, "APPROVED", "A") == []
    if state == "QUEUED":
        pipeline.call("queue_messages", {})
    assert states(pipeline) == {"A": state}
    # Without a tick, whose tasks would end the alert before anybody could ask.
    pipeline.connection.execute(
        "update customer_profiles set email = 'a @example.org' where customer_id = 'A'"
    )
    if state == "DRAFTED":
        refused = [("A", "Nothing may be sent: the e-mail address is invalid.")]
        assert move(pipeline, "APPROVED", "A") == refused
        assert pipeline.one("select suppressed_because from manager_outreach") == (
            "the e-mail address is invalid"
        )
    assert send(pipeline) == []
    run(pipeline, "advance_alerts")
    assert states(pipeline) == {"A": "INVALID_ADDRESS"}
    assert pipeline.rows("select from_state, reason from alert_events order by occurred_at desc")[
        0
    ] == (state, "the e-mail address is invalid")
    assert pipeline.one("select count(*) from outbox where step <> 'QUEUED'") == 0
    assert pipeline.one("select count(*) from suppressions") == 0


def test_with_a_right_address_the_next_alert_goes_out(pipeline):
    change(pipeline, {"customer_id": "A", "email": "a@example"})
    raise_alerts(pipeline, "A")
    change(pipeline, {"customer_id": "A", "email": "a@example.org"})
    insert = (
        "insert into high_risk_history select * replace ('A2' as alert_id) from high_risk_history"
    )
    pipeline.connection.execute(insert)
    run(pipeline, "sweep_silent_customers")
    assert move(pipeline, "APPROVED", "A2") == []
    assert send(pipeline) == []
    assert states(pipeline) == {"A": "INVALID_ADDRESS", "A2": "SENT"}


def test_it_is_noted_of_both_arms_alike_when_the_alert_is_raised(pipeline):
    who = [f"N{number}" for number in range(60)]
    pipeline.add(*(one for name in who for one in customer(name, email="nonsense")))
    pipeline.tick()
    score(pipeline, *who, "A")
    run(pipeline, "sweep_silent_customers")
    found = pipeline.rows(
        "select arm, suppressed_because, count(*) from high_risk_history group by all order by all"
    )
    assert {arm for arm, _, _ in found} == {"holdout", "treated"}
    assert pipeline.rows(
        "select distinct holdout_percent, arm_drawn, status from high_risk_history"
    ) == [(10, "approval", "OPEN")]
    assert {(because, count) for _, because, count in found if because is None} == {(None, 1)}
    assert {because for _, because, _ in found} == {None, "the e-mail address is invalid"}
    ends = dict(pipeline.rows("select state, count(*) from alert_states group by state"))
    assert ends["INVALID_ADDRESS"] >= 49  # at most 50 alerts a run
    assert set(ends) == {"DRAFTED", "INVALID_ADDRESS"}


def score(pipeline, *customers: str) -> None:
    """Current scores in the high band, the greatest value at risk last."""
    rows = [
        (one, 0.9, "high", utc_now(), 10.0 + number, "[]", "m", "h", utc_now())
        for number, one in enumerate(customers)
    ]
    marks = ", ".join("?" for _ in rows[0])
    pipeline.connection.executemany(f"insert into churn_scores values ({marks})", rows)


def test_addresses_are_judged_of_those_only_who_are_asked_about(pipeline):
    """Not of each customer in each pass: of a hundred thousand that takes seconds."""
    raise_alerts(pipeline, "A", "B")
    _mail_address.cache_clear()
    run(pipeline, "sweep_silent_customers")
    assert move(pipeline, "APPROVED", "A") == []
    run(pipeline, "advance_alerts")
    assert pipeline.one("select count(*) from manager_outreach") == 2
    assert pipeline.rows("select suppressed_because from manager_outreach") == [(None,), (None,)]
    assert send(pipeline) == []
    score(pipeline, "C")
    run(pipeline, "sweep_silent_customers")
    assert _mail_address.cache_info().misses == 3  # A, B and C, of eight


def test_sql_has_the_function_and_no_text_stops_a_statement(pipeline):
    texts = [text for family in INVALID.values() for text in family]
    found = pipeline.rows("select mail_address(text) from (select unnest(?) as text)", texts)
    assert found == [(None,)] * len(texts)
    assert pipeline.rows("select mail_address(null), mail_address(' A@Example.com.')") == [
        (None, "A@example.com")
    ]
