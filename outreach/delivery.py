"""From the outbox to a sender, each message once.

A message is taken (HANDING_OVER) in a transaction of its own before it is handed over, and what
became of it is noted afterwards. A process that is killed in between leaves the first without the
second: the next one asks the sender what became of it, and where that cannot tell, UNKNOWN stays
for a human. Nothing is handed over twice.
"""

import uuid
from collections.abc import Callable
from email.message import EmailMessage

from embedded.engine.procedures import call
from embedded.engine.storage import Database
from outreach.mail import InvalidAddress, compose
from outreach.senders import (
    FAILED,
    INVALID_ADDRESS,
    UNKNOWN,
    Delivery,
    Sender,
    Unavailable,
)
from outreach.settings import MessageSettings


def hand_over_waiting(
    database: Database,
    sender: Sender,
    settings: MessageSettings,
    report: Callable[[str], None],
    should_stop: Callable[[], bool] = lambda: False,
) -> int:
    """Queue what was approved and hand over what waits; return how many were handed over.

    Ends early when the sender takes nothing: the rest waits in the outbox.
    """
    count = 0
    if call(database, "queue_messages", {})[0][0] == "0":
        return count
    try:
        with sender.session() as session:
            while not should_stop() and (taken := _take(database, sender.name)) is not None:
                alert_id, message_id, _, recipient, subject, body = taken
                mail = compose_or_refuse(settings, message_id, recipient, subject, body)
                delivery = mail if isinstance(mail, Delivery) else session.hand_over(mail, alert_id)
                note(database, alert_id, delivery, sender.name)
                count += delivery.step == "HANDED_OVER"
                if delivery.step != "HANDED_OVER":
                    report(f"message of alert {alert_id}: {delivery.step}, {delivery.detail}")
                # What no mail can be made of is its own fault; a sender that fails would again.
                if delivery.step in (FAILED, UNKNOWN) and delivery is not mail:
                    break
    except Unavailable as error:
        report(f"messages wait: {error}")
    return count


def resolve_interrupted(database: Database, sender: Sender, report: Callable[[str], None]) -> None:
    """Note what became of messages that a process took and did not live to note."""
    rows = database.rows(
        "select alert_id from unresolved_messages where step = 'HANDING_OVER' and sender = ?",
        sender.name,
    )
    for (alert_id,) in rows:
        delivery = sender.find(alert_id)
        note(database, alert_id, delivery, sender.name)
        report(f"message of alert {alert_id} was interrupted: {delivery.step}, {delivery.detail}")


def note(database: Database, alert_id: str, delivery: Delivery, who: str) -> list[tuple]:
    """Write back what became of a message; return a sentence where that cannot be."""
    return call(
        database,
        "note_delivery",
        {"alert_id": alert_id, "step": delivery.step, "sender": who, "detail": delivery.detail},
    )


def compose_or_refuse(
    settings: MessageSettings,
    message_id: str,
    recipient: str | None,
    subject: str | None,
    body: str | None,
) -> EmailMessage | Delivery:
    """Return the composed message, or the delivery that says in one line why there is none."""
    try:
        return compose(settings, message_id, recipient, subject, body)
    except InvalidAddress as error:
        return Delivery(INVALID_ADDRESS, str(error))
    except ValueError as error:
        return Delivery(FAILED, f"the message cannot be written: {error}")


def _take(database: Database, sender: str) -> tuple | None:
    rows = call(database, "claim_message", {"claim_id": uuid.uuid4().hex, "sender": sender})
    return rows[0] if rows else None
