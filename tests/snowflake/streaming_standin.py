"""A stand-in for Snowpipe Streaming that keeps the SDK's signatures and fails like a network does.

What Snowflake would have committed lies in an SQLite file and outlives the loader's process; what
was only appended lies in the process and dies with it. By a seeded chance it commits early but
tells late, loses what was not committed, shuts channels, and answers that it is full.
"""

import json
import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

os.environ.setdefault("SS_LOG_LEVEL", "error")

from snowflake.ingest.streaming import StreamingIngestError, StreamingIngestErrorCode

_TABLES = """
create table if not exists channels (
    pipe text, name text, sequencer integer, token text,
    rows_error_count integer, last_error text, last_error_token text,
    primary key (pipe, name)
);
create table if not exists churn_scores_raw (
    event_id, customer_id, event_type, occurred_at, amount, payload,
    kafka_topic, kafka_partition, kafka_offset, published_at, loaded_at
);
create table if not exists churn_events_rejected (
    message, reason, kafka_topic, kafka_partition, kafka_offset, published_at, loaded_at
);
create table if not exists ingest_batches (
    kafka_topic, kafka_topic_id, kafka_partition, first_offset, next_offset, end_offset,
    accepted_count, rejected_count, loaded_at
);
create table if not exists forgotten_customers (id_hash, salt, forgotten_at, actor);
"""


@dataclass(frozen=True)
class Faults:
    """How often what goes wrong, as shares of the calls; delays in seconds at most."""

    saturated: float = 0.0
    invalidated: float = 0.0
    late: float = 0.0
    delay: float = 0.0


class StandInAccount:
    """An `Account` whose tables are in an SQLite file; `refuses` names an event type it drops."""

    def __init__(
        self, store: Path, seed: int = 0, faults: Faults | None = None, refuses: str | None = None
    ) -> None:
        self.name = f"standin.{store.stem}"
        self.store, self.faults, self.refuses = store, faults or Faults(), refuses
        self.chance = random.Random(seed)
        with self.transaction() as open_:
            open_.executescript(_TABLES)

    def streaming_client(self, table: str) -> "StreamingIngestClient":
        return StreamingIngestClient.from_table("loader", "CHURN", "MAIN", table, properties=self)

    def sql_connection(self) -> "SqlConnection":
        return SqlConnection(self._connect())

    @contextmanager
    def transaction(self):
        connection = self._connect()
        try:
            connection.execute("begin immediate")
            yield connection
            connection.commit()
        finally:
            connection.close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.store, timeout=30, isolation_level=None)
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = off")
        return connection

    def strikes(self, share: float) -> bool:
        return self.chance.random() < share


class SqlConnection:
    """Python's database interface with Snowflake's parameter style, over SQLite."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @contextmanager
    def cursor(self):
        yield SqlCursor(self._connection.cursor())

    def close(self) -> None:
        self._connection.close()


class SqlCursor:
    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor

    def execute(self, statement: str, parameters: tuple = ()) -> None:
        self._cursor.execute(statement.replace("%s", "?"), parameters)

    def fetchall(self) -> list[tuple]:
        return self._cursor.fetchall()

    def fetchmany(self, size: int) -> list[tuple]:
        return self._cursor.fetchmany(size)


class StreamingIngestClient:
    """Stands in for snowflake.ingest.streaming.StreamingIngestClient."""

    def __init__(
        self,
        client_name: str,
        db_name: str,
        schema_name: str,
        pipe_name: str,
        profile_json: str | None = None,
        properties: Any = None,
        _is_table_mode: bool = False,
    ):
        self.pipe_name, self._account = pipe_name, properties

    @classmethod
    def from_table(
        cls,
        client_name: str,
        db_name: str,
        schema_name: str,
        table_name: str,
        profile_json: str | None = None,
        properties: Any = None,
    ) -> "StreamingIngestClient":
        return cls(client_name, db_name, schema_name, f"{table_name}-STREAMING", None, properties)

    def open_channel(
        self, channel_name: str, offset_token: str | None = None
    ) -> tuple["StreamingIngestChannel", "ChannelStatus"]:
        with self._account.transaction() as open_:
            open_.execute(
                "insert into channels values (?, ?, 0, ?, 0, null, null) on conflict do nothing",
                [self.pipe_name, channel_name, offset_token],
            )
            open_.execute(
                "update channels set sequencer = sequencer + 1 where pipe = ? and name = ?",
                [self.pipe_name, channel_name],
            )
        channel = StreamingIngestChannel(self._account, self.pipe_name, channel_name)
        return channel, channel.get_channel_status()

    def drop_channel(self, channel_name: str) -> None:
        with self._account.transaction() as open_:
            # The row stays as a tombstone: a sequencer is never given twice.
            open_.execute(
                "update channels set sequencer = sequencer + 1, token = null where pipe = ?"
                " and name = ?",
                [self.pipe_name, channel_name],
            )

    def get_latest_committed_offset_tokens(self, channel_names: list[str]) -> dict[str, str | None]:
        with self._account.transaction() as open_:
            rows = open_.execute(
                "select name, token from channels where pipe = ?", [self.pipe_name]
            ).fetchall()
        tokens = dict(rows)
        return {name: tokens.get(name) for name in channel_names}

    def close(self, wait_for_flush: bool = True, timeout_seconds: int | None = None) -> None:
        pass


@dataclass(frozen=True)
class ChannelStatus:
    """Stands in for snowflake.ingest.streaming.ChannelStatus: what the sink reads of it."""

    status_code: str
    latest_committed_offset_token: str | None
    rows_error_count: int
    last_error_message: str | None
    last_error_offset_token_upper_bound: str | None


class StreamingIngestChannel:
    """Stands in for snowflake.ingest.streaming.StreamingIngestChannel."""

    def __init__(self, account: StandInAccount, pipe: str, name: str) -> None:
        self._account, self._pipe, self._name = account, pipe, name
        self._table = pipe.removesuffix("-STREAMING")
        self._buffered: list[tuple[float, list[dict], str]] = []
        self._lock = threading.Lock()
        self._told, self._silent_until = None, 0.0
        self._sequencer = self._row("sequencer")
        self._told = self._row("token")

    def append_rows(
        self,
        rows: list[dict[str, Any]],
        start_offset_token: str | None = None,
        end_offset_token: str | None = None,
    ) -> None:
        account = self._account
        if account.strikes(account.faults.saturated):
            raise error(StreamingIngestErrorCode.RECEIVER_SATURATED, "try again later", 429)
        if account.strikes(account.faults.invalidated):
            self._invalidate()
        self._check()
        with self._lock:
            due = time.monotonic() + account.chance.random() * account.faults.delay
            self._buffered.append((due, rows, end_offset_token))
        # Snowflake may have committed long before anybody asks.
        if account.strikes(0.5):
            self._commit(everything=True)

    def initiate_flush(self) -> None:
        self._check()

    def get_channel_status(self) -> ChannelStatus:
        self._check()
        account = self._account
        if account.strikes(account.faults.late):
            self._silent_until = time.monotonic() + account.chance.random() * account.faults.delay
        self._commit()
        if time.monotonic() >= self._silent_until:
            self._told = self._row("token")
        return ChannelStatus(
            "SUCCESS",
            self._told,
            self._row("rows_error_count"),
            self._row("last_error"),
            self._row("last_error_token"),
        )

    def wait_for_commit(
        self,
        token_checker: Callable[[str], bool],
        timeout_seconds: int | None = None,
    ) -> None:
        deadline = time.monotonic() + (timeout_seconds or float("inf"))
        while time.monotonic() < deadline:
            if self._account.strikes(self._account.faults.invalidated):
                self._invalidate()
            if token_checker(self.get_channel_status().latest_committed_offset_token):
                return
            time.sleep(0.005)
        raise TimeoutError("Wait for commit timed out")

    def close(
        self,
        drop: bool = False,
        wait_for_flush: bool = True,
        timeout_seconds: int | None = None,
    ) -> None:
        self._buffered.clear()

    def _commit(self, everything: bool = False) -> None:
        """Move what is due into the tables, with its token, as one transaction of the server."""
        with self._lock, self._account.transaction() as open_:
            if self._current(open_) != self._sequencer:
                return
            while self._buffered and (everything or self._buffered[0][0] <= time.monotonic()):
                _, rows, token = self._buffered.pop(0)
                kept = [row for row in rows if row.get("event_type", "") != self._account.refuses]
                for row in kept:
                    values = {name: _stored(value) for name, value in row.items()}
                    open_.execute(
                        f"insert into {self._table} ({', '.join(values)})"
                        f" values ({', '.join('?' * len(values))})",
                        list(values.values()),
                    )
                open_.execute(
                    "update channels set token = ? where pipe = ? and name = ?",
                    [token, self._pipe, self._name],
                )
                if dropped := len(rows) - len(kept):
                    open_.execute(
                        "update channels set rows_error_count = rows_error_count + ?,"
                        " last_error = 'the column does not take it', last_error_token = ?"
                        " where pipe = ? and name = ?",
                        [dropped, token, self._pipe, self._name],
                    )

    def _invalidate(self) -> None:
        with self._account.transaction() as open_:
            open_.execute(
                "update channels set sequencer = sequencer + 1 where pipe = ? and name = ?",
                [self._pipe, self._name],
            )

    def _check(self) -> None:
        with self._account.transaction() as open_:
            if self._current(open_) != self._sequencer:
                raise error(StreamingIngestErrorCode.INVALID_CHANNEL_ERROR, "opened elsewhere", 409)

    def _current(self, open_: sqlite3.Connection) -> int:
        [row] = open_.execute(
            "select sequencer from channels where pipe = ? and name = ?", [self._pipe, self._name]
        ).fetchall()
        return row[0]

    def _row(self, column: str) -> Any:
        with self._account.transaction() as open_:
            [row] = open_.execute(
                f"select {column} from channels where pipe = ? and name = ?",
                [self._pipe, self._name],
            ).fetchall()
        return row[0]


def error(code: StreamingIngestErrorCode, message: str, status: int) -> StreamingIngestError:
    return StreamingIngestError(code, message, status, "")


def _stored(value: Any) -> Any:
    if isinstance(value, dict):
        return json.dumps(value)
    return value.isoformat() if isinstance(value, datetime) else value
