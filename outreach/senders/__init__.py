"""Who takes messages over: a mail server, or a folder. $CHURN_OUTBOX says which."""

import os
from contextlib import AbstractContextManager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from embedded.database import lake_path
from runtime.errors import EngineError

HANDED_OVER, FAILED, UNKNOWN, BOUNCED = "HANDED_OVER", "FAILED", "UNKNOWN", "BOUNCED"
INVALID_ADDRESS = "INVALID_ADDRESS"


@dataclass(frozen=True)
class Delivery:
    """How one hand-over ended: one of the steps above, and the details in one line."""

    step: str
    detail: str


class Unavailable(Exception):
    """The sender takes nothing at the moment; the message is one line that says why."""


class Session(Protocol):
    """An open way to a sender."""

    def hand_over(self, message: EmailMessage, alert_id: str) -> Delivery:
        """Hand one message over, once; never raises."""


class Sender(Protocol):
    """One way out."""

    name: str

    def session(self) -> AbstractContextManager[Session]:
        """Open the way before any message is taken from the outbox; raises Unavailable."""

    def find(self, alert_id: str) -> Delivery:
        """Say what became of a hand-over that a killed process began."""


def open_sender() -> Sender:
    """Return the sender that $CHURN_OUTBOX names; raises EngineError when it names none.

    A folder (the default: outbox in the lake), smtp://user@host:port (STARTTLS where the server
    has it) or smtps://user@host:port; the password is $CHURN_SMTP_PASSWORD.
    """
    from outreach.senders.folder import FolderSender
    from outreach.senders.smtp import SmtpSender

    where = os.environ.get("CHURN_OUTBOX") or str(lake_path() / "outbox")
    if "://" not in where:
        return FolderSender(Path(where))
    url = urlsplit(where)
    if url.scheme not in ("smtp", "smtps") or not url.hostname or url.password:
        raise EngineError(
            "CHURN_OUTBOX must be a folder, smtp://user@host:port or smtps://user@host:port;"
            " the password belongs into CHURN_SMTP_PASSWORD"
        )
    password = os.environ.get("CHURN_SMTP_PASSWORD")
    return SmtpSender(url.hostname, url.port, url.username, password, url.scheme == "smtps")
