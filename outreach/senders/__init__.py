"""Who takes messages over, a mail server or a folder: what both have in common."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Protocol

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
