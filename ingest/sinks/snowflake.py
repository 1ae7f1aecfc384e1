"""The production sink: Snowpipe Streaming, one channel a table and partition.

Offsets follow their rows: a batch's row in ingest_batches is sent once Snowflake has committed the
batch's events and rejected messages. A loader that ends in between starts again at the earlier
offset, asks the tables which rows they have from there on, and sends the others.
"""

import getpass
import logging
import tempfile
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from tenacity import (
    RetryError,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from ingest.batches import Batch, Span
from ingest.forgotten import FORGOTTEN, Forgotten
from ingest.sinks import Stored, stored
from ingest.sinks import snowflake_sql as sql
from ingest.sinks.snowflake_account import Account
from ingest.sinks.snowflake_channels import ChannelLostError, Clients
from ingest.sinks.snowflake_partition import (
    EVENTS,
    OFFSETS,
    REJECTED,
    Partition,
    Rows,
    channel_name,
    send_offsets,
)
from runtime.errors import IngestError
from runtime.private_files import own_folder
from runtime.single_process import single_process

_MOST_REOPENINGS = 6
_UNREADABLE = "the message holds a number that the database does not read"


_log = logging.getLogger(__name__)


class SnowflakeSink:
    """Appends batches to the raw tables of a Snowflake schema."""

    def __init__(self, account: Account) -> None:
        """Connect when first needed."""
        self._account = account
        self._clients = Clients(account)
        self._partitions: dict[str, Partition] = {}  # by the name of their channels
        self._unconfirmed: dict[str, list[dict]] = {}

    def hold(self, topic: str, stop: threading.Event) -> AbstractContextManager[bool]:
        """Be the only loader of a topic on this machine: wait for another one, or until `stop`.

        A loader on another machine shuts this one out of its channels: see `write`.
        """
        folder = own_folder(Path(tempfile.gettempdir()) / f"churn-loaders-{getpass.getuser()}")
        return single_process(
            folder / self._account.name, topic, f"topic {topic} is being loaded", stop
        )

    def lives(self, topic: str) -> dict[str | None, str]:
        """Return the stored name of every life of a topic, by the broker's id of that life."""
        rows = self._ask(sql.LIVES)
        return {life: name for life, name in rows if name.partition("@")[0] == topic}

    def next_offsets(self, stored_name: str) -> dict[int, int]:
        """Return where to go on, by partition.

        Snowflake forgets the token of a channel that was idle for 30 days, the table does not.
        """
        stands = dict(self._ask(sql.NEXT_OFFSETS, stored_name))
        names = {channel_name(stored_name, partition): partition for partition in stands}
        try:
            committed = self._clients.committed_offsets(OFFSETS, list(names)) if names else {}
        except ChannelLostError as error:
            raise IngestError(f"Snowflake does not say what it has committed: {error}") from error
        for name, offset in committed.items():
            stands[names[name]] = max(stands[names[name]], offset + 1)
        return stands

    def write(self, batch: Batch) -> Stored:
        """Store rows, then offsets, each exactly once; return what became of the messages.

        A channel that is lost is opened again. Raises IngestError when that goes on, because
        another loader takes the channels each time, and when Snowflake drops rows.
        """
        judged, (batch, rows) = batch, _rows(batch.without(self._forgotten))
        try:
            _retrying()(self._deliver, batch, rows)
        except RetryError as error:
            raise IngestError(
                f"the channels of topic {batch.topic.name} in {self._account.name} were lost"
                f" {_MOST_REOPENINGS} times in a row ({error.last_attempt.exception()}): let only"
                " one loader run, and start it again"
            ) from error
        return stored(judged, batch)

    def _deliver(self, batch: Batch, rows: Rows) -> None:
        try:
            partitions = [self._partition(batch.topic.name, span) for span in batch.spans]
            for one in partitions:
                one.append(rows)
            for one in partitions:
                one.wait()
            for one in partitions:
                one.append_offsets(rows[OFFSETS][one.number])
        except ChannelLostError as error:
            _log.warning("opening the channels of %s again: %s", batch.topic.name, error)
            self._partitions.clear()
            raise

    def _partition(self, topic: str, span: Span) -> Partition:
        number = span.partition
        name = channel_name(topic, number)
        if name not in self._partitions:
            resumed_from = span.first_offset if span.resumed_from is None else span.resumed_from
            channels = {
                EVENTS: self._clients.channel(EVENTS, name, resumed_from),
                REJECTED: self._clients.channel(REJECTED, name, resumed_from),
                OFFSETS: self._clients.channel(OFFSETS, name, None),
            }
            # Only now is it certain that no other loader adds rows.
            stored = self._ask(sql.STORED, *(topic, number, resumed_from) * 2)
            unconfirmed = self._unconfirmed.setdefault(name, [])
            stored_offsets = {offset for (offset,) in stored}
            self._partitions[name] = Partition(number, channels, stored_offsets, unconfirmed)
        return self._partitions[name]

    def rejected(self, topic: str | None) -> Iterator[pa.Table]:
        """Return the rejected messages of one topic or of all, in pieces (REJECTED_SCHEMA)."""
        with closing(self._account.sql_connection()) as connection:
            yield from sql.rejected(connection, topic)

    def accept(self, events: pa.Table) -> int:
        """Move messages that are events now from the rejected to the raw table; return how many."""
        events = self._forgotten.kept(events)
        payloads = [_payload(text) for text in events["payload"].to_pylist()]
        carried = events.filter(pa.array([one is not None for one in payloads], pa.bool_()))
        rows = _with_payloads(carried, payloads)
        with closing(self._account.sql_connection()) as connection:
            return sql.accept(connection, rows)

    @cached_property
    def _forgotten(self) -> Forgotten:
        """Who was forgotten until this loader was started; delete_expired finds who is later.

        Asking again and again would keep a warehouse awake.
        """
        return Forgotten.of_rows(self._ask(FORGOTTEN))

    def _ask(self, query: str, *parameters: Any) -> list[tuple]:
        with closing(self._account.sql_connection()) as connection, connection.cursor() as cursor:
            cursor.execute(query, parameters)
            return cursor.fetchall()

    def close(self) -> None:
        """Wait for the last offsets, then let go of the connections."""
        try:
            _retrying()(self._confirm)
        except RetryError as error:  # the next start finds the rows without their offsets
            _log.warning("the last offsets were not confirmed: %s", error.last_attempt.exception())
        finally:
            self._clients.close()

    def _confirm(self) -> None:
        for name, rows in self._unconfirmed.items():
            if rows:
                send_offsets(self._clients.channel(OFFSETS, name, None), rows)


def _retrying() -> Retrying:
    return Retrying(
        retry=retry_if_exception_type(ChannelLostError),
        wait=wait_random_exponential(multiplier=0.2, max=10),
        stop=stop_after_attempt(_MOST_REOPENINGS),
    )


def _rows(batch: Batch) -> tuple[Batch, Rows]:
    """Return the batch's rows as Snowflake takes them, by table and partition.

    What this encoding cannot carry is turned down, never a failed batch.
    """
    payloads = [_payload(text) for text in batch.events["payload"].to_pylist()]
    is_carried = pa.array([payload is not None for payload in payloads], pa.bool_())
    batch = batch.turn_down(pc.invert(is_carried), _UNREADABLE)
    return batch, {
        EVENTS: _by_partition(_with_payloads(batch.events, payloads)),
        REJECTED: _by_partition(batch.rejected.to_pylist()),
        OFFSETS: _by_partition(batch.offsets().drop_columns(["resumed_from"]).to_pylist()),
    }


def _with_payloads(events: pa.Table, payloads: list[Any]) -> list[dict]:
    """Return the events as rows with those payloads that this encoding can carry."""
    rows = events.drop_columns(["payload"]).to_pylist()
    carried = [payload for payload in payloads if payload is not None]
    return [row | {"payload": payload} for row, payload in zip(rows, carried, strict=True)]


def _payload(text: str) -> Any:
    """Return the message as nested values, which become a VARIANT; a text would stay a text."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None


def _by_partition(rows: list[dict]) -> dict[int, list[dict]]:
    grouped: dict[int, list[dict]] = {}
    for row in rows:
        grouped.setdefault(row["kafka_partition"], []).append(row)
    return grouped
