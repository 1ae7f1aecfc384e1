"""Which sender takes messages over: $CHURN_OUTBOX says it."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from outreach.senders import Sender
from outreach.senders.folder import FolderSender
from outreach.senders.smtp import SmtpSender
from runtime.errors import EngineError


def open_sender(home: Path) -> Sender:
    """Return the sender that $CHURN_OUTBOX names; raises EngineError when it names none.

    A folder (the default: outbox in that folder), smtp://user@host:port (STARTTLS where the server
    has it) or smtps://user@host:port; the password is $CHURN_SMTP_PASSWORD.
    """
    where = os.environ.get("CHURN_OUTBOX") or str(home / "outbox")
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
