"""One pass, or one pass after the other: refresh what changed, then run the tasks that are due."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

import duckdb

from embedded.background_maintenance import BackgroundMaintenance
from embedded.changes import current_snapshot
from embedded.commands import Commands
from embedded.computed_task import ComputedTask
from embedded.due_tables import (
    Refreshed,
    due_tables,
    in_words,
    pause,
    refresh_tables,
    refreshable_tables,
)
from embedded.hot_tables import HotTables
from embedded.lag import Lag, measure_lags, record_lags
from embedded.refresh import Refresh
from embedded.registered import Registered, read_registered
from embedded.registry import RefreshFailure
from embedded.task_history import TaskRun
from embedded.tasks import run_due_tasks
from runtime.clock import utc_now
from runtime.errors import EngineError, first_line

PASS_SECONDS = 0.2  # between two looks; a look that finds nothing costs some milliseconds
# A note of the lags with each refresh would double the commits; this is soon enough to watch.
LAG_SECONDS = 10
# A pass that writes so many rows of a table is one of many: the loader is catching up, and has all
# of it in the sooner, the more of the processors it gets.
CATCHING_UP_ROWS = 50_000


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
    def is_calm(self) -> bool:
        """Whether there was nothing to do."""
        return not (self.refreshes or self.task_runs or self.failures)

    @property
    def has_failed(self) -> bool:
        """Whether a table could not be refreshed, or a task failed."""
        return bool(self.failures) or any(one.error for one in self.task_runs)

    def in_words(self) -> list[str]:
        """Return one line for each thing that was done, or one that says that nothing was."""
        lines = [
            f"refreshed {one.name}: {one.changed_rows:,} rows written, {one.removed_rows:,} removed"
            f" ({one.action.lower()}, {one.seconds:.2f} s)"
            for one in self.refreshes
        ]
        lines += [in_words(one) for one in self.failures]
        lines += [one.in_words() for one in self.task_runs]
        return lines or ["nothing to do"]


def tick(connection: duckdb.DuckDBPyConnection, as_of: datetime | None = None) -> Tick:
    """Make one pass as of a moment in UTC, by default now; the same lake gives the same result.

    Every dynamic table is refreshed, due or not, except those that are suspended, and commands are
    waited for.
    """
    as_of = as_of or utc_now()
    known = read_registered(connection)
    refreshed, lags = _refresh(connection, refreshable_tables(known), known, as_of)
    record_lags(connection, lags)
    commands = Commands(connection)
    known = read_registered(connection, known)
    task_runs = run_due_tasks(connection, known, as_of, commands) + commands.ended(wait=True)
    return Tick(refreshed.refreshes, task_runs, refreshed.failures)


def run(
    connection: duckdb.DuckDBPyConnection, stop: threading.Event, report: Callable[[str], None]
) -> None:
    """Make passes until `stop` is set. What a pass cannot do is reported; the next tries again.

    Raises duckdb.FatalException when the connection will answer no more.
    """
    passes = Passes(connection)
    try:
        _make_passes(passes, stop, report)
    finally:
        passes.end()


def _make_passes(passes: "Passes", stop: threading.Event, report: Callable[[str], None]) -> None:
    failures, wait = 0, 0.0
    while not stop.wait(wait if failures == 0 else pause(failures).total_seconds()):
        started = time.monotonic()
        try:
            done = passes.step(utc_now())
            if passes.is_time_to_record_lags():
                passes.record_lags()
        except duckdb.FatalException:
            raise
        except (duckdb.Error, EngineError) as error:
            failures += 1
            seconds, why = pause(failures).total_seconds(), first_line(error)
            report(f"pass failed, trying again in {seconds:.1f} s: {why}")
            continue
        # While there was something to do, more may have come.
        failures, wait = 0, PASS_SECONDS if done.is_calm else 0.0
        for line in done.in_words() if not done.is_calm else []:
            report(line)
        if done.most_rows >= CATCHING_UP_ROWS:
            passes.rest(stop, time.monotonic() - started)
        passes.maintenance.begin_if_due(report, is_calm=done.is_calm)
    with suppress(duckdb.Error, EngineError):  # the last lags are for watching only
        passes.record_lags()


class Passes:
    """What the passes of one process know of each other: when what was done last."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._commands = Commands(connection)
        self._known: Registered | None = None
        self._began: dict[str, datetime] = {}
        self._lags: list[Lag] = []
        self._lags_recorded = time.monotonic()
        self.maintenance = BackgroundMaintenance()
        self._hot = HotTables(connection)
        self._computed: dict[str, ComputedTask] = {}
        row = connection.execute("select current_setting('threads')").fetchone()
        self._processors = row[0] if row else 1

    def step(self, as_of: datetime) -> Tick:
        """Make one pass: refresh the tables that are due, and run the tasks that are."""
        known = read_registered(self._connection, self._known)
        due = due_tables(known, self._began, as_of)
        refreshed, lags = _refresh(self._connection, due, known, as_of, self._hot)
        if refreshed.refreshes:
            self._began.update(dict.fromkeys(due, as_of))
            for one in self._computed.values():
                one.follow(refreshed.refreshes, known.tables)
        self._lags += lags
        self.maintenance.note_pass(refreshed.refreshes)
        if task_runs := self._commands.ended():  # of which the registry has a note
            known = read_registered(self._connection, known)
        self._known = known.after_changes(
            one.name for one in refreshed.refreshes if one.changed_rows or one.removed_rows
        )
        task_runs += run_due_tasks(
            self._connection, self._known, as_of, self._commands, self._computed
        )
        done = Tick(refreshed.refreshes, task_runs, refreshed.failures)
        self._share_out(done)
        return done

    def _share_out(self, done: Tick) -> None:
        """Let as many processors compute the next pass as would have been worth it for this one.

        Several end a small one no sooner, and take up to a third more from the loader and all else.
        """
        processors = self._processors if done.most_rows >= CATCHING_UP_ROWS else 1
        self._connection.execute(f"set threads = {processors}")

    def rest(self, stop: threading.Event, seconds: float) -> None:
        """Leave the processors to others for so long, or until they no longer write."""
        until, snapshot = time.monotonic() + seconds, None
        with suppress(duckdb.Error, EngineError):  # the next pass will meet it too
            while time.monotonic() < until and not stop.wait(PASS_SECONDS):
                before, snapshot = snapshot, current_snapshot(self._connection)
                if snapshot == before:
                    return

    def end(self) -> None:
        """End the commands that still run, and wait for what maintenance is at."""
        self._commands.stop()
        self.maintenance.end()

    def is_time_to_record_lags(self) -> bool:
        """Tell whether the last lags were written a while ago."""
        return time.monotonic() - self._lags_recorded >= LAG_SECONDS

    def record_lags(self) -> None:
        """Write the lags that were measured since the last time."""
        record_lags(self._connection, self._lags)
        self._lags, self._lags_recorded = [], time.monotonic()


def _refresh(
    connection: duckdb.DuckDBPyConnection,
    names: list[str],
    known: Registered,
    as_of: datetime,
    hot: HotTables | None = None,
) -> tuple[Refreshed, list[Lag]]:
    refreshed = refresh_tables(connection, names, known, as_of, hot)
    return refreshed, measure_lags(refreshed.refreshes, utc_now())
