"""One pass, or one pass after the other: refresh what changed, then run the tasks that are due."""

import math
import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

import duckdb

from embedded.engine.dbt_commands import Commands
from embedded.engine.due_tables import (
    due_tables,
    pause,
    refresh_tables,
    refreshable_tables,
    summary_line,
)
from embedded.engine.home import FILE_NAME
from embedded.engine.refresh_pass import Refresh
from embedded.engine.registry import (
    SCHEMA,
    RefreshFailure,
    dynamic_tables,
    refresh_failures,
    tasks,
)
from embedded.engine.statements import Statements
from embedded.engine.storage import Database, Opened, threads
from embedded.engine.task_history import TaskRun
from embedded.engine.tasks import run_due_tasks
from runtime.clock import utc_now
from runtime.errors import EngineError, first_line

PASS_SECONDS = 0.2  # between two looks; a look that finds nothing costs some milliseconds
# A note of the lags with each refresh would double the commits; this is soon enough to watch.
LAG_SECONDS = 10
# A pass that writes so many rows of a table is one of many: the loader is catching up, and has all
# of them in sooner if it is left the processors.
CATCHING_UP_ROWS = 50_000
# After so much was written, or so long after the last time, a calm moment is used for a checkpoint.
CHECKPOINT_BYTES, CHECKPOINT_SECONDS = 64 * 1024**2, 300
# So much is written into the file even when there is no calm moment.
LARGE_WAL_BYTES = 128 * 1024**2
# Rows that were deleted from working tables stay in memory until these are checkpointed as well;
# after so many it takes less time than it saves.
WORKING_ROWS = 20_000
HISTORY = "7 days"  # as long as Snowflake keeps the history of refreshes
PRUNE_SECONDS = 3600


@dataclass(frozen=True)
class Tick:
    """What one pass did."""

    refreshes: list[Refresh] = field(default_factory=list)
    task_runs: list[TaskRun] = field(default_factory=list)
    failures: list[RefreshFailure] = field(default_factory=list)

    @property
    def most_rows(self) -> int:
        """How many rows the refresh that wrote most of them has written."""
        return max((one.changed_rows for one in self.refreshes), default=0)

    @property
    def rows(self) -> int:
        """How many rows all refreshes have written."""
        return sum(one.changed_rows for one in self.refreshes)

    @property
    def is_calm(self) -> bool:
        """Whether there was nothing to do."""
        return not (self.refreshes or self.task_runs or self.failures)

    @property
    def has_failed(self) -> bool:
        """Whether a table could not be refreshed, or a task failed."""
        return bool(self.failures) or any(one.error for one in self.task_runs)

    def summary_lines(self) -> list[str]:
        """Return one line for each thing that was done, or one that says that nothing was."""
        lines = [
            f"refreshed {one.name}: {one.changed_rows:,} rows written, {one.removed_rows:,} removed"
            f" ({one.action.lower()}, {one.seconds:.2f} s)"
            for one in self.refreshes
        ]
        lines += [summary_line(one) for one in self.failures]
        lines += [one.summary_line() for one in self.task_runs]
        return lines or ["nothing to do"]


def tick(opened: Opened, as_of: datetime | None = None) -> Tick:
    """Make one pass as of a moment in UTC, by default now; the same data give the same result.

    Every dynamic table is refreshed, due or not, except those that are suspended, and commands are
    waited for.
    """
    passes = Passes(opened, Commands())
    done = passes.make(as_of or utc_now(), due_only=False)
    prune_history(passes.statements)
    return done


def run(database: Database, stop: threading.Event, report: Callable[[str], None]) -> None:
    """Make passes until `stop` is set. What a pass cannot do is reported; the next tries again.

    Between two passes another process may have the file. Raises duckdb.FatalException when the
    connection will answer no more.
    """
    passes, commands = None, Commands()
    failures, wait = 0, 0.0
    while not stop.wait(wait if failures == 0 else pause(failures).total_seconds()):
        try:
            with database.session() as opened:
                if passes is None or passes.opened is not opened:
                    passes = Passes(opened, commands)
                started = time.monotonic()
                done = passes.make(utc_now())
                seconds = time.monotonic() - started
                passes.keep_house(is_calm=done.is_calm)
        except duckdb.FatalException:
            raise
        except (duckdb.Error, EngineError) as error:
            failures, passes = failures + 1, None
            again = pause(failures).total_seconds()
            report(f"pass failed, trying again in {again:.1f} s: {first_line(error)}")
            continue
        # While there was something to do, more may have come.
        failures, wait = 0, PASS_SECONDS if done.is_calm else 0.0
        for line in done.summary_lines() if not done.is_calm else []:
            report(line)
        if done.most_rows >= CATCHING_UP_ROWS:
            passes.wait_while_written(seconds, stop)
    with suppress(duckdb.Error, EngineError), database.session(0) as opened:
        if passes is not None and passes.opened is opened:
            passes.record_lags()  # the last ones are for watching only


class Passes:
    """What the passes on one open file know of each other: when what was done last."""

    def __init__(self, opened: Opened, commands: Commands) -> None:
        self.opened, self._commands = opened, commands
        self.statements = Statements(opened)
        self._began: dict[str, datetime] = {}
        self._lags: list[tuple[str, float]] = []
        self._lags_recorded = self._checkpointed = time.monotonic()
        self._pruned = -math.inf
        self._processors = threads() or os.cpu_count() or 1
        self._used: int | None = None
        self._working_rows = 0

    def make(self, as_of: datetime, *, due_only: bool = True) -> Tick:
        """Make one pass: refresh the tables that are due, and run the tasks that are."""
        connection = self.statements.connection
        tables, failing = dynamic_tables(connection), refresh_failures(connection)
        names = (
            due_tables(tables, failing, self._began, as_of)
            if due_only
            else refreshable_tables(tables, failing)
        )
        refreshed = refresh_tables(self.statements, names, tables, failing, as_of)
        if refreshed.refreshes:
            self._began.update(dict.fromkeys(names, as_of))
            self._lags += measure_lags(refreshed.refreshes, utc_now())
            tables = dynamic_tables(self.statements.connection)
        runs = self._commands.ended(self.statements)
        runs += run_due_tasks(
            self.statements, tasks(self.statements.connection), tables, as_of, self._commands
        )
        done = Tick(refreshed.refreshes, runs, refreshed.failures)
        self._working_rows += done.rows
        if due_only:
            self._share_out(done)
        else:
            runs += self._commands.ended(self.statements, wait=True)
            self.record_lags()
        return done

    def _share_out(self, done: Tick) -> None:
        """Let as many processors compute the next pass as would have been worth it for this one.

        Several end a small one hardly sooner, and take from the loader and all else.
        """
        processors = self._processors if done.most_rows >= CATCHING_UP_ROWS else 1
        if processors != self._used:
            self.statements.connection.execute(f"set global threads = {processors}")
            self._used = processors

    def keep_house(self, *, is_calm: bool) -> None:
        """Do what can wait for a calm moment, unless that has not come for long."""
        now = time.monotonic()
        if self._working_rows >= WORKING_ROWS:
            self.statements.connection.execute("checkpoint temp")
            self._working_rows = 0
        if now - self._lags_recorded >= LAG_SECONDS:
            self.record_lags()
        size = self._wal_bytes()
        is_due = size >= CHECKPOINT_BYTES or (
            size and now - self._checkpointed > CHECKPOINT_SECONDS
        )
        if (is_calm and is_due) or size >= LARGE_WAL_BYTES:
            self.checkpoint()
        if is_calm and now - self._pruned > PRUNE_SECONDS:
            self._pruned = now
            prune_history(self.statements)

    def checkpoint(self) -> bool:
        """Write the log into the file, unless somebody writes: then the next look tries again."""
        self._checkpointed = time.monotonic()
        try:
            self.statements.connection.execute("checkpoint")
        except duckdb.TransactionException:
            return False
        return True

    def wait_while_written(self, seconds: float, stop: threading.Event) -> None:
        """Leave the processors to whoever writes, until a look finds nothing new or time is up."""
        until, size = time.monotonic() + seconds, -1
        while size != self._wal_bytes() and time.monotonic() < until:
            size = self._wal_bytes()
            stop.wait(PASS_SECONDS)

    def record_lags(self) -> None:
        """Write the lags that were measured since the last time."""
        if self._lags:
            rows = ", ".join(["(?, now()::timestamp, ?)"] * len(self._lags))
            values = [value for lag in self._lags for value in lag]
            self.statements.transact(
                lambda: self.statements.connection.execute(
                    f"insert into {SCHEMA}.refresh_lags values {rows}", values
                )
            )
        self._lags, self._lags_recorded = [], time.monotonic()

    def _wal_bytes(self) -> int:
        try:
            return (self.opened.home / f"{FILE_NAME}.wal").stat().st_size
        except FileNotFoundError:  # everything is in the file
            return 0


def measure_lags(refreshes: Sequence[Refresh], now: datetime) -> list[tuple[str, float]]:
    """Return the actual lag of each refresh in seconds, at the moment when it could be read.

    It is how long ago the oldest row arrived that the refresh took in. A table that was filled for
    the first time has none.
    """
    changes = {one.name: one.oldest_change for one in refreshes if one.oldest_change is not None}
    return [(name, max(0.0, (now - at).total_seconds())) for name, at in changes.items()]


def prune_history(statements: Statements) -> None:
    """Delete the notes of runs that are older than Snowflake would keep them."""

    def work() -> None:
        for table, moment in (
            ("refresh_history", "refreshed_at"),
            ("refresh_lags", "refreshed_at"),
            ("task_history", "started_at"),
        ):
            statements.connection.execute(
                f"delete from {SCHEMA}.{table}"
                f" where {moment} < now()::timestamp - interval '{HISTORY}'"
            )

    statements.transact(work)
