"""Maintenance of the lake: few files, little history, and all that a stream still needs.

The changes from every stream's offset and from where every dynamic table stands are the same before
and after, and nothing past the oldest of these is expired: see tests/test_change_feed.py. Readers
keep their files for a grace period.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import duckdb
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from embedded.compaction import (
    Part,
    Step,
    UnreadChangesError,
    flush,
    merge,
    nothing,
    rewrite,
)
from embedded.database import CATALOG, METADATA, connect, transact
from embedded.registry import SCHEMA, dynamic_tables, streams
from embedded.streams import renew_views
from runtime.errors import EngineError, first_line

# No transaction of the pipeline lasts this long: who has begun to read or write can end in peace.
SNAPSHOT_AGE = "1 hour"
FILE_AGE = "1 hour"
# A loader that was killed leaves files of which the lake knows nothing.
ORPHAN_AGE = "1 day"
# Nobody else may write while a part tries again; what loses its races can wait for next time.
PATIENCE_SECONDS = 1
# A pass and a half: between its refresh and its task, what the refresh changed is still to be read.
UNREAD_SECONDS, _LOOK_SECONDS = 2, 0.1
# As long as Snowflake keeps the history of refreshes.
HISTORY = "7 days"


@dataclass
class Maintained:
    """What maintenance did: a count for each step, and what went wrong.

    `unread` names the tables that are left as they are until their changes have been read.
    """

    counts: dict[str, int] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)

    @property
    def is_nothing(self) -> bool:
        """Whether there was nothing to do."""
        return not self.errors and not any(self.counts.values())

    def in_words(self) -> str:
        """Return one line."""
        done = [f"{count:,} {what}" for what, count in self.counts.items() if count]
        left = [f"{', '.join(self.unread)} left until all changes are read"] if self.unread else []
        failed = [f"failed: {what}: {error}" for what, error in self.errors.items()]
        return "maintenance: " + ("; ".join(done + left + failed) or "nothing to do")


def maintain(
    pause: Callable[[float], bool] = lambda seconds: False,
    steps: Mapping[str, Step] | None = None,
) -> Maintained:
    """Run steps on the lake, by default all; one that fails is noted and does not stop the others.

    `pause` is called after each part with the seconds that it took, so that others who write the
    lake can have as long; it returns whether to stop there. Raises EngineError only when the lake
    cannot be opened.
    """
    done = Maintained()
    # Of its own: an internal error of DuckDB ends all that its instance does, and the scheduler's
    # must live on.
    connection = connect(None, create=False)
    try:
        for what, step in (STEPS if steps is None else steps).items():
            done.counts[what] = 0
            try:
                for part in step(connection):
                    began = time.monotonic()
                    try:
                        done.counts[what] += _retrying()(_do, connection, part)
                    except UnreadChangesError as error:
                        done.unread.append(str(error))
                    if pause(time.monotonic() - began):
                        return done
            except (duckdb.Error, EngineError) as error:
                done.errors[what] = first_line(error)
                connection.close()
                connection = connect(None, create=False)
    finally:
        connection.close()
    return done


def _retrying() -> Retrying:
    """Try again while somebody reads; others write in between."""
    return Retrying(
        retry=retry_if_exception_type(UnreadChangesError),
        wait=wait_fixed(_LOOK_SECONDS),
        stop=stop_after_delay(UNREAD_SECONDS),
        reraise=True,
    )


def _do(connection: duckdb.DuckDBPyConnection, part: Part) -> int:
    before = partial(part.before, connection)
    return transact(connection, part.work, before=before, patience_seconds=PATIENCE_SECONDS)


def oldest_needed_snapshot(connection: duckdb.DuckDBPyConnection) -> int | None:
    """Return the oldest snapshot whose changes are still to be read; None when nobody reads any."""
    needed = [one.offset_snapshot for one in streams(connection).values()]
    needed += [one.refreshed_to for one in dynamic_tables(connection).values()]
    return min((one for one in needed if one is not None), default=None)


def _prune_history(connection: duckdb.DuckDBPyConnection) -> int:
    deleted = 0
    for table, moment in (
        ("refresh_history", "refreshed_at"),
        ("refresh_lags", "refreshed_at"),
        ("task_history", "started_at"),
    ):
        row = connection.execute(
            f"delete from {SCHEMA}.{table} where {moment} < now()::timestamp - interval '{HISTORY}'"
        ).fetchone()
        deleted += int(row[0]) if row else 0
    return deleted


def _at_once(
    work: Callable[[duckdb.DuckDBPyConnection], int],
    before: Callable[[duckdb.DuckDBPyConnection], None] = nothing,
) -> Step:
    return lambda _: [Part(work, before)]


def _expire(connection: duckdb.DuckDBPyConnection) -> int:
    """Forget old snapshots, by number: the clock does not tell which came before an offset."""
    needed = oldest_needed_snapshot(connection)
    rows = connection.execute(
        f"""
        select snapshot_id from {METADATA}.ducklake_snapshot
        where
            snapshot_id < coalesce(?, (select id from {CATALOG}.current_snapshot()))
            and cast(snapshot_time as timestamptz) < now() - interval '{SNAPSHOT_AGE}'
        """,
        [needed],
    ).fetchall()
    if rows:
        renew_views(connection)
        numbers = ", ".join(str(number) for (number,) in rows)
        connection.execute(f"call ducklake_expire_snapshots('{CATALOG}', versions => [{numbers}])")
    return len(rows)


def _make_comparable(connection: duckdb.DuckDBPyConnection) -> None:
    """Write the moments since when files are unneeded as DuckLake writes the one it compares with.

    DuckLake 1.0 on SQLite compares them as texts, of which one has a space where the other has a T:
    without this, what is unneeded since today is deleted at once, under its readers.
    """
    connection.execute(
        f"update {METADATA}.ducklake_files_scheduled_for_deletion"
        " set schedule_start = replace(schedule_start, ' ', 'T')"
        " where schedule_start like '% %'"
    )


def _delete_old_files(connection: duckdb.DuckDBPyConnection) -> int:
    return len(
        connection.execute(
            f"call ducklake_cleanup_old_files('{CATALOG}',"
            f" older_than => now() - interval '{FILE_AGE}')"
        ).fetchall()
    )


def _delete_orphans(connection: duckdb.DuckDBPyConnection) -> int:
    """Delete what writers left behind; raises EngineError rather than touch a file of the lake.

    The lake's own files and those in the folder are told apart by their paths, and paths have been
    spelled in two ways before.
    """
    call = (
        f"call ducklake_delete_orphaned_files('{CATALOG}',"
        f" older_than => now() - interval '{ORPHAN_AGE}'"
    )
    found = [row[0] for row in connection.execute(f"{call}, dry_run => true)").fetchall()]
    if not found:
        return 0
    known = connection.execute(
        f"""
        select count(*) from (
            select path from {METADATA}.ducklake_data_file
            union all select path from {METADATA}.ducklake_delete_file
        ) where parse_filename(path) in (select parse_filename(unnest(?::varchar[])))
        """,
        [found],
    ).fetchone()
    if known and known[0]:
        raise EngineError("files of the lake look like orphans: none was deleted")
    return len(connection.execute(f"{call})").fetchall())


COMPACTION: dict[str, Step] = {
    "inlined rows written into files": flush,
    "files rewritten without deleted rows": rewrite,
    "small files merged": merge,
}
STEPS: dict[str, Step] = {
    "old notes deleted": _at_once(_prune_history),
    **COMPACTION,
    "snapshots expired": _at_once(_expire),
    "unneeded files deleted": _at_once(_delete_old_files, before=_make_comparable),
    "orphaned files deleted": _at_once(_delete_orphans),
}
