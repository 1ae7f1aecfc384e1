"""A mail server. Until it is told to take the text, nothing is on its way; once it has said yes,
the message is; in between only the server knows, and nobody sends it again without being asked.
"""

import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage

from outreach.senders import (
    BOUNCED,
    FAILED,
    HANDED_OVER,
    INVALID_ADDRESS,
    UNKNOWN,
    Delivery,
    Unavailable,
)
from runtime.errors import first_line

_TIMEOUT_SECONDS = 30
_PERMANENT = 500  # codes from here on say: do not try again
# The server did not understand our conversation: a command, their order. That is no answer of the
# customer's mailbox, so it is tried again, and costs the customer nothing.
_OURS = {500, 502, 503, 504}
# The recipient's spelling was refused (RFC 5321: parameters, mailbox name, parameters of RCPT), if
# no enhanced status (RFC 3463) says what else was meant: many servers answer 553 to say no relay.
_SPELLING = {501, 553, 555}
_BAD_SPELLING, _PROTOCOL = "5.1.3", "5.5."
_STATUS = re.compile(r"(?P<status>5\.\d{1,3}\.\d{1,3})\b")


class SmtpSender:
    """Hands over by SMTP, with STARTTLS where the server has it, and a login for a named user."""

    name = "smtp"

    def __init__(
        self, host: str, port: int | None, user: str | None, password: str | None, is_tls: bool
    ) -> None:
        self._host, self._port, self._is_tls = host, port or (465 if is_tls else 25), is_tls
        self._user, self._password = user, password

    @contextmanager
    def session(self) -> Iterator["SmtpSession"]:
        """Connect and log in; raises Unavailable."""
        try:
            server = self._connect()
        except (OSError, smtplib.SMTPException) as error:
            where = f"{self._host}:{self._port}"
            raise Unavailable(f"the mail server {where} takes nothing: {_line(error)}") from error
        try:
            yield SmtpSession(server)
        finally:
            with suppress(OSError, smtplib.SMTPException):
                server.quit()

    def find(self, _: str) -> Delivery:
        """A mail server cannot be asked."""
        return Delivery(UNKNOWN, "the sender ended while it handed the message over")

    def _connect(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self._is_tls:
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port, timeout=_TIMEOUT_SECONDS, context=context
            )
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=_TIMEOUT_SECONDS)
        server.ehlo()
        if not self._is_tls and server.has_extn("starttls"):
            server.starttls(context=context)
            server.ehlo()
        if self._user:
            if not self._is_tls and not isinstance(server.sock, ssl.SSLSocket):
                raise smtplib.SMTPException("no login without TLS")
            server.login(self._user, self._password or "")
        return server


class SmtpSession:
    """One connection, several messages."""

    def __init__(self, server: smtplib.SMTP) -> None:
        self._server = server

    def hand_over(self, message: EmailMessage, _: str) -> Delivery:
        """Name sender and recipient, then the text; which of them failed says what is known."""
        try:
            if (refusal := self._introduce(message)) is not None:
                return refusal
        except (OSError, smtplib.SMTPException) as error:
            return Delivery(FAILED, _line(error))
        try:
            code, answer = self._server.data(message.as_bytes())
        except smtplib.SMTPDataError as error:
            return self._refused(error.smtp_code, error.smtp_error)
        except (OSError, smtplib.SMTPException) as error:
            return Delivery(UNKNOWN, f"no answer to the text: {_line(error)}")
        if code >= 400:
            return self._refused(code, answer)
        return Delivery(HANDED_OVER, _line(answer))

    def _introduce(self, message: EmailMessage) -> Delivery | None:
        code, answer = self._server.mail(message["From"].addresses[0].addr_spec)
        if code >= 400:
            self._server.rset()
            return Delivery(FAILED, f"the sender was refused: {code} {_line(answer)}")
        code, answer = self._server.rcpt(message["To"].addresses[0].addr_spec)
        if code < 400:
            return None
        refused = self._refused(code, answer)
        if _is_about_spelling(code, refused.detail):
            # Not a bounce: nobody was asked. Whether the customer can be written to shows with an
            # address that the server takes, so nothing may be held against the customer.
            return Delivery(INVALID_ADDRESS, refused.detail)
        return Delivery(FAILED, refused.detail) if code in _OURS else refused

    def _refused(self, code: int, answer: bytes | str) -> Delivery:
        with suppress(OSError, smtplib.SMTPException):
            self._server.rset()
        return Delivery(BOUNCED if code >= _PERMANENT else FAILED, f"{code} {_line(answer)}")


def _is_about_spelling(code: int, detail: str) -> bool:
    """Tell whether a recipient was refused for how the address is written."""
    status = found["status"] if (found := _STATUS.search(detail)) else None
    if status is None or status.startswith(_PROTOCOL):
        return code in _SPELLING
    return status == _BAD_SPELLING


def _line(said: BaseException | bytes | str) -> str:
    return first_line(said.decode("utf-8", "replace") if isinstance(said, bytes) else said)[:200]
