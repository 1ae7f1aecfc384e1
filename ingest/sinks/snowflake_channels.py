"""Channels of Snowpipe Streaming: one a table and partition, opened, filled, waited for, reopened.

A channel's offset token is the Kafka offset of the last row that Snowflake has committed from it.
Opening a channel shuts out whoever had it open, and forgets what was not committed.
"""

import logging
from collections.abc import Sequence
from typing import Any

from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from ingest.sinks.snowflake_account import Account
from runtime.errors import IngestError

COMMIT_SECONDS = 60
_BACK_OFF_SECONDS = 300
_ROWS_AT_ONCE = 5_000
# Snowflake or the SDK is full: the same call succeeds later.
_FULL = {
    "RECEIVER_SATURATED",
    "MEMORY_THRESHOLD_EXCEEDED",
    "MEMORY_THRESHOLD_EXCEEDED_IN_CONTAINER",
}
# No second try helps: the account, the role or the names are wrong.
_REFUSALS = {
    "CONFIG_ERROR",
    "INVALID_ARGUMENT",
    "AUTH_TOKEN_ERROR",
    "SF_API_AUTH_ERROR",
    "SF_API_NOT_FOUND_ERROR",
    "SF_API_USER_ERROR",
}

_log = logging.getLogger(__name__)


class ChannelLostError(Exception):
    """What a channel holds is not known any more: it must be opened again."""


class Channel:
    """One open channel; every method raises ChannelLostError or IngestError."""

    def __init__(self, client: Any, table: str, name: str, next_offset: int | None) -> None:
        """Open the channel for rows from `next_offset` on, or from where it stands.

        A channel that was once further is made anew: its token would pass for a commit otherwise.
        """
        self.table, self.name = table, name
        self._channel, status = _call(client.open_channel, name)
        if next_offset is not None and _offset(status.latest_committed_offset_token) >= next_offset:
            _call(self._channel.close, wait_for_flush=False)
            _call(client.drop_channel, name)
            self._channel, status = _call(client.open_channel, name)
        if status.status_code != "SUCCESS":
            raise ChannelLostError(f"channel {name} opened as {status.status_code}")
        self._errors_before = status.rows_error_count
        self._sent = self.committed = _offset(status.latest_committed_offset_token)

    def append(self, rows: Sequence[dict], offsets: Sequence[int]) -> None:
        """Hand over rows that were not sent yet; they are stored once `wait` returns."""
        unsent = [pair for pair in zip(offsets, rows, strict=True) if pair[0] > self._sent]
        for start in range(0, len(unsent), _ROWS_AT_ONCE):
            offsets, rows = zip(*unsent[start : start + _ROWS_AT_ONCE], strict=True)
            _call(self._channel.append_rows, list(rows), str(offsets[0]), str(offsets[-1]))
            self._sent = offsets[-1]
        if unsent:
            _call(self._channel.initiate_flush)

    def wait(self) -> None:
        """Wait until all that was appended is stored; raises IngestError if rows were dropped."""
        sent = self._sent
        if self.committed == sent:
            return
        try:
            _call(self._channel.wait_for_commit, lambda told: _offset(told) >= sent, COMMIT_SECONDS)
        finally:
            self._check_errors()
        self.committed = sent

    def _check_errors(self) -> None:
        status = _call(self._channel.get_channel_status)
        if dropped := status.rows_error_count - self._errors_before:
            raise IngestError(
                f"Snowflake dropped {dropped} rows of channel {self.name} for table {self.table},"
                f" up to offset {status.last_error_offset_token_upper_bound}:"
                f" {status.last_error_message}; make the table take them and start the loader"
                " again: it loads them from the topic"
            )


def _offset(token: str | None) -> int:
    """Return the offset of a token, below every offset if there is none. Tokens are texts."""
    return -1 if token is None else int(token)


def _call(function: Any, *arguments: Any, **options: Any) -> Any:
    """Call the SDK, waiting while it is full; raises ChannelLostError or IngestError."""
    from snowflake.ingest.streaming import StreamingIngestError

    def is_full(error: BaseException) -> bool:
        return isinstance(error, StreamingIngestError) and error.error_code.name in _FULL

    retrying = Retrying(
        retry=retry_if_exception(is_full),
        wait=wait_random_exponential(multiplier=0.1, max=10),
        stop=stop_after_delay(_BACK_OFF_SECONDS),
        reraise=True,
    )
    try:
        return retrying(function, *arguments, **options)
    except StreamingIngestError as error:
        if error.error_code.name in _REFUSALS:
            raise IngestError(f"Snowflake refuses the loader's rows: {error}") from error
        raise ChannelLostError(str(error)) from error
    except TimeoutError as error:
        raise ChannelLostError(f"no answer within {COMMIT_SECONDS} s") from error


class Clients:
    """One SDK client a table, opened when it is first needed."""

    def __init__(self, account: Account) -> None:
        """Open nothing yet."""
        self._account = account
        self._clients: dict[str, Any] = {}

    def channel(self, table: str, name: str, next_offset: int | None) -> Channel:
        """Open a channel of a table; raises ChannelLostError or IngestError."""
        if table not in self._clients:
            self._clients[table] = self._account.streaming_client(table)
        try:
            return Channel(self._clients[table], table, name, next_offset)
        except ChannelLostError:
            self._drop(table)  # the client itself may be what is broken
            raise

    def committed_offsets(self, table: str, names: Sequence[str]) -> dict[str, int]:
        """Return the offset that each channel has committed, for those that have any."""
        if table not in self._clients:
            self._clients[table] = self._account.streaming_client(table)
        tokens = _call(self._clients[table].get_latest_committed_offset_tokens, list(names))
        return {name: int(token) for name, token in tokens.items() if token is not None}

    def _drop(self, table: str) -> None:
        client = self._clients.pop(table)
        try:
            client.close(wait_for_flush=False)
        except Exception as error:
            _log.warning("a client for table %s did not close: %s", table, error)

    def close(self) -> None:
        """Let go of all clients; what was not committed is forgotten."""
        for table in list(self._clients):
            self._drop(table)
