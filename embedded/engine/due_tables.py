"""Which dynamic tables are due, and what becomes of those that cannot be refreshed.

A table waits for a tenth of its target lag after each refresh that found something; the refresh
itself has the rest of the lag. One that fails waits longer each time, and after some failures in a
row it is suspended, as on Snowflake; what does not read it goes on.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb

from embedded.engine.intervals import parse_target_lag
from embedded.engine.refresh_pass import (
    Refresh,
    TableError,
    refresh,
    set_failing_keys_aside,
    try_refresh,
)
from embedded.engine.registry import (
    RESUME,
    SCHEMA,
    DynamicTable,
    RefreshFailure,
    refresh_failures,
)
from embedded.engine.set_aside import is_of_rows
from embedded.engine.statements import Statements
from runtime.clock import backoff
from runtime.errors import EngineError, first_line

PARTS_OF_LAG = 10  # a table waits for one part; nine are left for the refresh itself
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.4, 30


@dataclass(frozen=True)
class Refreshed:
    """What was refreshed, and which tables could not be."""

    refreshes: list[Refresh]
    failures: list[RefreshFailure]


def due_tables(
    tables: Mapping[str, DynamicTable],
    failing: Mapping[str, RefreshFailure],
    began: Mapping[str, datetime],
    as_of: datetime,
) -> list[str]:
    """Return the tables with a time lag that are due, given when each was last refreshed."""
    waiting = {
        name
        for name, failure in failing.items()
        if failure.is_suspended
        or failure.failed_at <= as_of < failure.failed_at + pause(failure.consecutive_failures)
    }
    return [
        table.name
        for table in tables.values()
        if not _is_held_up(table, waiting) and _has_waited(table, began.get(table.name), as_of)
    ]


def refreshable_tables(
    tables: Mapping[str, DynamicTable], failing: Mapping[str, RefreshFailure]
) -> list[str]:
    """Return every table that is not suspended and reads none that is."""
    suspended = {name for name, failure in failing.items() if failure.is_suspended}
    return [table.name for table in tables.values() if not _is_held_up(table, suspended)]


def refresh_tables(
    statements: Statements,
    names: Collection[str],
    tables: Mapping[str, DynamicTable],
    failing: Mapping[str, RefreshFailure],
    as_of: datetime,
) -> Refreshed:
    """Refresh some tables and those they read, together; if that fails, one after the other.

    Then keys that fail because of their rows are set aside, see set_aside.py. Any other table
    that fails is noted and holds up only what reads it. Raises EngineError or duckdb.Error
    when it is the file that refuses, which is no table's fault.
    """
    if not names:
        return Refreshed([], [])
    failed: dict[str, str] = {}
    try:
        done = try_refresh(statements, names)
    except TableError as error:
        if _is_of_the_file(error.__cause__):
            raise error.__cause__ from None
        done, failed = _refresh_one_by_one(statements, names, tables, as_of)
    return Refreshed(done, _note(statements, names, tables, failing, failed, as_of))


def forget_failures(statements: Statements, name: str) -> None:
    """Forget that a table has failed, once it was refreshed, and resume it."""
    if name in refresh_failures(statements.connection):
        statements.transact(lambda: _forget(statements, name))


def pause(failures: int) -> timedelta:
    """Return how long a table, or a pass, waits after its n-th failure in a row."""
    return backoff(failures, FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)


def _is_held_up(table: DynamicTable, waiting: set[str]) -> bool:
    return table.name in waiting or not table.reads.isdisjoint(waiting)


def _has_waited(table: DynamicTable, began: datetime | None, as_of: datetime) -> bool:
    lag = parse_target_lag(table.target_lag)
    # A clock that was set back must not stop anything.
    return lag is not None and (began is None or not began <= as_of < began + lag / PARTS_OF_LAG)


def _is_of_the_file(error: BaseException | None) -> bool:
    """Tell whether the disk or the file refused, as transact explains it, not the table."""
    causes = (error, error.__cause__ if error else None)
    return any(
        isinstance(
            one,
            OSError | duckdb.IOException | duckdb.TransactionException | duckdb.FatalException,
        )
        for one in causes
    )


def refresh_one(statements: Statements, name: str, as_of: datetime) -> list[Refresh]:
    """Refresh one table and what it reads; keys that fail because of their rows are set aside.

    Raises what the table fails with when that is not because of some rows.
    """
    try:
        return refresh(statements, [name])
    except duckdb.Error as error:
        if not is_of_rows(error) or not set_failing_keys_aside(statements, name, as_of):
            raise
    return refresh(statements, [name])


def _refresh_one_by_one(
    statements: Statements,
    names: Collection[str],
    tables: Mapping[str, DynamicTable],
    as_of: datetime,
) -> tuple[list[Refresh], dict[str, str]]:
    wanted = {name for one in names for name in {one, *tables[one].reads} if name in tables}
    done, failed = [], {}
    # What a table reads, reads less than the table itself.
    for table in sorted((tables[name] for name in wanted), key=lambda one: len(one.reads)):
        if _is_held_up(table, set(failed)):
            continue
        try:
            done += refresh_one(statements, table.name, as_of)
        except (duckdb.Error, EngineError) as error:
            if _is_of_the_file(error):
                raise
            failed[table.name] = first_line(error)
    return done, failed


def _note(
    statements: Statements,
    names: Collection[str],
    tables: Mapping[str, DynamicTable],
    before: Mapping[str, RefreshFailure],
    failed: dict[str, str],
    as_of: datetime,
) -> list[RefreshFailure]:
    """Note which tables failed, and which no longer do; write only when one of these is so."""
    tried = {name for one in names for name in {one, *tables[one].reads}}
    held_up = {name for name in tried if name in tables and _is_held_up(tables[name], set(failed))}
    recovered = (tried & set(before)) - held_up
    failures = [_failure(tables[name], before, failed[name], as_of) for name in failed]

    def work() -> None:
        for name in recovered.union(failed):
            _forget(statements, name)
        for one in failures:
            statements.connection.execute(
                f"insert into {SCHEMA}.refresh_failures values (?, ?, ?, ?, ?)",
                [one.name, one.error, one.consecutive_failures, one.is_suspended, one.failed_at],
            )

    if recovered or failures:
        statements.transact(work)
    return failures


def _failure(
    table: DynamicTable, before: Mapping[str, RefreshFailure], error: str, as_of: datetime
) -> RefreshFailure:
    last = before.get(table.name)
    count = 1 if last is None else last.consecutive_failures + 1
    limit = table.suspend_after_failures
    return RefreshFailure(table.name, error, count, limit is not None and count >= limit, as_of)


def _forget(statements: Statements, name: str) -> None:
    statements.connection.execute(f"delete from {SCHEMA}.refresh_failures where name = ?", [name])


def summary_line(failure: RefreshFailure) -> str:
    """Return what failed, and what becomes of it, in one line."""
    count = failure.consecutive_failures
    outlook = (
        f"suspended after {count} failures in a row: {RESUME}"
        if failure.is_suspended
        else f"trying again in {pause(count).total_seconds():.1f} s"
    )
    return f"dynamic table {failure.name} failed: {failure.error}; {outlook}"
