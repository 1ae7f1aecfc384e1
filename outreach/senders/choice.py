"""Which sender takes messages over: $CHURN_OUTBOX says it."""

import os
import re
from pathlib import Path

from outreach.senders import Sender
from outreach.senders.folder import FolderSender
from outreach.senders.smtp import SmtpSender
from runtime.errors import EngineError

# Whatever may be meant as an address is never taken for a folder: its name could be a password.
# One letter before a colon is a drive of Windows.
_LIKE_AN_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:|smtps?/|[^/\\]*:[^/\\]*@", re.IGNORECASE)
_ADDRESS = re.compile(
    r"(?P<scheme>smtps?)://(?:(?P<user>[^\s:/?#]+)@)?"
    r"(?P<host>[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(?P<port>\d{1,5}))?/?",
    re.IGNORECASE,
)
_LAST_PORT = 65_535


def open_sender(home: Path) -> Sender:
    """Return the sender that $CHURN_OUTBOX names; raises EngineError when it names none.

    A folder (the default: outbox in that folder), smtp://user@host:port (STARTTLS where the server
    has it) or smtps://user@host:port; the password is $CHURN_SMTP_PASSWORD. What is wrong with an
    address is not quoted, because a password may stand in it.
    """
    where = os.environ.get("CHURN_OUTBOX") or str(home / "outbox")
    if not _LIKE_AN_ADDRESS.match(where):
        return FolderSender(Path(where))
    url = _ADDRESS.fullmatch(where)
    port = int(url["port"]) if url and url["port"] else None
    if url is None or (port or 0) > _LAST_PORT:
        raise EngineError(
            "CHURN_OUTBOX must be a folder, smtp://user@host:port or smtps://user@host:port;"
            " the password belongs into CHURN_SMTP_PASSWORD"
        )
    password = os.environ.get("CHURN_SMTP_PASSWORD")
    host, is_tls = url["host"].strip("[]"), url["scheme"].lower() == "smtps"
    return SmtpSender(host, port, url["user"], password, is_tls)
