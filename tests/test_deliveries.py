"""From the outbox to a sender: each message once, whatever is killed; what is unknown is said."""

import email
import email.policy
import json
import socket

import pytest
from aiosmtpd.controller import Controller

from embedded.engine.storage import churn_home
from outreach import delivery
from outreach.delivery import hand_over_waiting, note, resolve_interrupted
from outreach.senders import Delivery
from outreach.senders.choice import open_sender
from outreach.settings import read_settings
from runtime.errors import EngineError
from tests.outreach_fixtures import raise_alerts, run, states

pytest_plugins = ("tests.outreach_fixtures",)


class Mailbox:
    """A mail server; `answers` says what it answers to a text, by default that it took it."""

    def __init__(self):
        self.messages, self.answers, self.refused_recipients = [], [], {}

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refused_recipients:
            return self.refused_recipients[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.messages.append(email.message_from_bytes(envelope.content, policy=email.policy.SMTP))
        answer = self.answers.pop(0) if self.answers else "250 taken"
        if answer is None:  # the line breaks after the text was sent
            server.transport.close()
            return "250 nobody hears this"
        return answer


@pytest.fixture
def mailbox(monkeypatch):
    box = Mailbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    monkeypatch.setenv("CHURN_OUTBOX", f"smtp://127.0.0.1:{port}")
    yield box
    controller.stop()


def approve(pipeline, *alerts: str) -> None:
    raise_alerts(pipeline, *alerts)
    arguments = {"alert_ids": json.dumps(alerts), "to_state": "APPROVED"}
    assert pipeline.call("move_alerts", arguments | {"reason": "", "revision": None}) == []


def send(pipeline) -> list[str]:
    said: list[str] = []
    sender = open_sender(churn_home())
    resolve_interrupted(pipeline.database, sender, said.append)
    settings = read_settings(pipeline.connection)
    hand_over_waiting(pipeline.database, sender, settings, said.append)
    return said


def steps(pipeline, alert_id: str) -> list[str]:
    rows = pipeline.rows("select step from outbox where alert_id = ? order by noted_at", alert_id)
    return [row[0] for row in rows]


def test_a_mail_server_gets_each_message_once_with_its_headers(pipeline, mailbox):
    approve(pipeline, "A", "B")
    assert send(pipeline) == send(pipeline) == []
    run(pipeline, "advance_alerts")
    assert states(pipeline) == {"A": "SENT", "B": "SENT"}
    assert steps(pipeline, "A") == ["QUEUED", "HANDING_OVER", "HANDED_OVER"]
    by_recipient = {message["To"]: message for message in mailbox.messages}
    assert set(by_recipient) == {"a@example.org", "b@example.org"}
    message = by_recipient["a@example.org"]
    assert message["Message-ID"] == "<A@example.com>"
    assert message["From"] == "Your customer team <team@example.com>"
    assert message["List-Unsubscribe"] == "<mailto:unsubscribe@example.com?subject=A>"
    assert message.get_content_type() == "text/plain"
    assert message.get_content().replace("\r\n", "\n").strip() == pipeline.one(
        "select body from current_drafts where alert_id = 'A'"
    )


def test_a_folder_gets_each_message_as_a_file_once(pipeline):
    approve(pipeline, "A")
    assert send(pipeline) == send(pipeline) == []
    files = list((pipeline.path / "outbox").iterdir())
    assert [file.name for file in files] == ["A.eml"]
    assert email.message_from_bytes(files[0].read_bytes())["To"] == "a@example.org"


def kill(pipeline, monkeypatch, step: str, when: str) -> None:
    """Hand over, and die before or after a step of it."""
    whole = delivery.call

    def killed(database, name, arguments):
        if (name, when) == (step, "before"):
            raise KeyboardInterrupt
        answer = whole(database, name, arguments)
        if name == step:
            raise KeyboardInterrupt
        return answer

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(delivery, "call", killed)
        send(pipeline)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", ["queue_messages", "claim_message", "note_delivery"])
def test_a_crash_between_any_two_steps_hands_over_once(pipeline, monkeypatch, step, when):
    """A folder can tell what became of it, so that every message arrives, and once."""
    approve(pipeline, "A", "B")
    kill(pipeline, monkeypatch, step, when)
    for _ in range(2):
        send(pipeline)
    assert states(pipeline) == {"A": "SENT", "B": "SENT"}
    assert len(list((pipeline.path / "outbox").glob("*"))) == 2
    assert pipeline.one("select count(*) from outbox where step = 'HANDED_OVER'") == 2


@pytest.mark.parametrize("step", ["claim_message", "note_delivery"])
def test_a_mail_servers_message_is_never_sent_twice_after_a_crash(
    pipeline, mailbox, monkeypatch, step
):
    """A mail server cannot be asked: a human looks, and says what became of it."""
    approve(pipeline, "A")
    kill(pipeline, monkeypatch, step, "after" if step == "claim_message" else "before")
    said = send(pipeline)
    assert said == [
        "message of alert A was interrupted: UNKNOWN,"
        " the sender ended while it handed the message over"
    ]
    assert send(pipeline) == []
    arrived = len(mailbox.messages)
    assert arrived == (0 if step == "claim_message" else 1)
    assert states(pipeline) == {"A": "QUEUED"}
    assert pipeline.rows("select alert_id, step from unresolved_messages") == [("A", "UNKNOWN")]
    became = "HANDED_OVER" if arrived else "FAILED"
    assert note(pipeline.database, "A", Delivery(became, "looked it up"), "ann") == []
    send(pipeline)
    assert len(mailbox.messages) == 1
    assert states(pipeline) == {"A": "SENT"}


@pytest.mark.parametrize(
    ("answer", "step", "sent_at_last"),
    [
        ("451 try later", "FAILED", True),
        ("554 no such text", "BOUNCED", False),
        (None, "UNKNOWN", False),
    ],
)
def test_what_a_mail_server_answers_decides(pipeline, mailbox, answer, step, sent_at_last):
    approve(pipeline, "A")
    mailbox.answers = [answer]
    assert send(pipeline)[0].startswith(f"message of alert A: {step}")
    assert step in steps(pipeline, "A")
    send(pipeline)
    assert len(mailbox.messages) == 1 + sent_at_last
    wanted = {"FAILED": "SENT", "BOUNCED": "SUPPRESSED", "UNKNOWN": "QUEUED"}[step]
    assert states(pipeline) == {"A": wanted}


def test_a_recipient_that_is_refused_is_not_written_to_again(pipeline, mailbox):
    approve(pipeline, "A", "B")
    mailbox.refused_recipients = {"a@example.org": "550 unknown"}
    send(pipeline)
    assert states(pipeline) == {"A": "SUPPRESSED", "B": "SENT"}
    assert pipeline.rows("select customer_id, reason from suppressions") == [("A", "bounced")]


@pytest.mark.parametrize(
    ("answer", "state", "is_held_against"),
    [
        # How the address is written, as servers say it: Postfix, Gmail, Exchange, qmail.
        ("501 5.1.3 Bad recipient address syntax", "INVALID_ADDRESS", False),
        ("555 5.5.2 Syntax error", "INVALID_ADDRESS", False),
        ("501 5.5.4 Invalid Address", "INVALID_ADDRESS", False),
        ("550 5.1.3 bad destination mailbox address syntax", "INVALID_ADDRESS", False),
        ("553 mailbox name not allowed", "INVALID_ADDRESS", False),
        # What the status says otherwise, is otherwise.
        ("553 5.1.1 no such user", "SUPPRESSED", True),
        ("550 5.1.1 no such user", "SUPPRESSED", True),
        ("550 unknown", "SUPPRESSED", True),
    ],
)
def test_a_refused_spelling_is_no_bounce(pipeline, mailbox, answer, state, is_held_against):
    approve(pipeline, "A", "B")
    mailbox.refused_recipients = {"a@example.org": answer}
    said = send(pipeline)
    assert len(said) == 1
    assert said[0].endswith(answer)
    assert states(pipeline) == {"A": state, "B": "SENT"}  # the others are not held up
    assert pipeline.rows("select customer_id from suppressions") == [("A",)] * is_held_against
    assert pipeline.one("select reason from alert_states where alert_id = 'A'") == answer
    mailbox.refused_recipients = {}
    assert send(pipeline) == []
    assert len(mailbox.messages) == 1


@pytest.mark.parametrize("answer", ["500 line too long", "503 5.5.1 bad sequence of commands"])
def test_a_server_that_does_not_understand_us_is_asked_again(pipeline, mailbox, answer):
    approve(pipeline, "A")
    mailbox.refused_recipients = {"a@example.org": answer}
    assert send(pipeline) == [f"message of alert A: FAILED, {answer}"]
    mailbox.refused_recipients = {}
    assert send(pipeline) == []
    assert states(pipeline) == {"A": "SENT"}
    assert pipeline.one("select count(*) from suppressions") == 0


def test_a_server_that_is_away_costs_no_attempt(pipeline, monkeypatch):
    approve(pipeline, "A")
    monkeypatch.setenv("CHURN_OUTBOX", "smtp://127.0.0.1:9")
    assert send(pipeline)[0].startswith("messages wait: the mail server 127.0.0.1:9 takes nothing")
    assert steps(pipeline, "A") == ["QUEUED"]


def test_consent_is_asked_again_when_a_message_is_handed_over(pipeline):
    approve(pipeline, "A")
    run(pipeline, "advance_alerts")
    assert states(pipeline) == {"A": "QUEUED"}
    pipeline.call("suppress_customer", {"customer_id": "A", "reason": "x"})
    send(pipeline)
    assert states(pipeline) == {"A": "SUPPRESSED"}
    assert not list((pipeline.path / "outbox").glob("*"))


def test_bounces_replies_and_unsubscribes_are_written_back_once(pipeline):
    approve(pipeline, "A", "B")
    send(pipeline)
    for _ in range(2):
        note(pipeline.database, "A", Delivery("REPLIED", "thank you"), "ann")
        note(pipeline.database, "A", Delivery("UNSUBSCRIBED", ""), "ann")
        note(pipeline.database, "B", Delivery("BOUNCED", "mailbox full"), "ann")
    assert steps(pipeline, "A")[-2:] == ["REPLIED", "UNSUBSCRIBED"]
    assert pipeline.rows("select customer_id, reason from suppressions order by 1") == [
        ("A", "unsubscribed"),
        ("B", "bounced"),
    ]
    assert dict(pipeline.rows("select alert_id, delivery from manager_outreach")) == {
        "A": "UNSUBSCRIBED",
        "B": "BOUNCED",
    }
    assert note(pipeline.database, "A", Delivery("NONSENSE", ""), "ann") == [
        (
            "A",
            "There is no step NONSENSE: the steps are UNKNOWN, FAILED, INVALID_ADDRESS,"
            " HANDED_OVER, BOUNCED, REPLIED, UNSUBSCRIBED.",
        )
    ]


def test_a_sender_that_is_none_is_said_so(monkeypatch):
    for where in ("ftp://host", "smtp://user:secret@host", "smtp://"):
        monkeypatch.setenv("CHURN_OUTBOX", where)
        with pytest.raises(EngineError, match="CHURN_OUTBOX must be") as raised:
            open_sender(churn_home())
        assert "secret" not in str(raised.value)
