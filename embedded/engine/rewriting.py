"""The database file written anew, so that what was deleted is no longer in its bytes.

DuckDB frees the blocks of deleted rows, but their bytes stay in the file. Code that deletes what
must not stay leaves a marker file beside the database. The next process that opens the database
first copies it into a new file and replaces the old one. If that process is killed, either the old
or the new file is there, and the next one starts the copy again.
"""

import logging
import os
import shutil
from pathlib import Path

import duckdb

from embedded.engine.home import FILE_NAME, database_file, explain, is_of_the_disk
from runtime.errors import first_line
from runtime.private_files import write_whole

_DUE = "rewrite.due"

_log = logging.getLogger(__name__)


def ask_for_rewriting(home: Path) -> None:
    """Have the next process that opens the database copy it into a new file; raises OSError."""
    write_whole(home / _DUE, b"")


def is_rewriting_due(home: Path) -> bool:
    """Tell whether the file has yet to be written anew."""
    return (home / _DUE).exists()


def rewrite_if_due(home: Path) -> None:
    """Write the file anew if that is due; no process may have it open.

    If it fails, for example because the disk is full, the reason is logged and the old file stays.
    The next opening tries again.
    """
    if not is_rewriting_due(home):
        return
    file, new = database_file(home), home / f"{FILE_NAME}.new"
    try:
        _remove(new)
        if file.exists():
            _copy(file, new, home)
            new.replace(file)
            _sync(home)
        (home / _DUE).unlink(missing_ok=True)
    except (OSError, duckdb.Error) as error:
        _remove(new)
        said = explain(error, home) if is_of_the_disk(error) else first_line(error)
        _log.warning(
            "what was deleted is still in the bytes of %s, which could not be written anew: %s",
            file,
            said,
        )


def _copy(file: Path, new: Path, home: Path) -> None:
    """Copy what the file holds, in the order of its rows; leave no log beside either."""
    needed, free = file.stat().st_size, shutil.disk_usage(home).free
    if free < needed:
        raise OSError(f"No space left: a copy needs up to {needed >> 20:,} MB")
    spill = str(home / "spill").replace("'", "''")
    with duckdb.connect() as connection:
        connection.execute(f"set temp_directory = '{spill}'")
        for path, name in ((file, "old_file"), (new, "new_file")):
            quoted = str(path).replace("'", "''")
            connection.execute(f"attach '{quoted}' as {name}")
        connection.execute("checkpoint old_file")
        connection.execute("copy from database old_file to new_file")
        connection.execute("checkpoint new_file")
        connection.execute("detach old_file")
        connection.execute("detach new_file")
    if any(_log_of(path).exists() for path in (file, new)):
        raise OSError("the log could not be written into the file")
    with new.open("rb") as written:
        os.fsync(written.fileno())


def _remove(new: Path) -> None:
    for path in (new, _log_of(new)):
        path.unlink(missing_ok=True)


def _log_of(file: Path) -> Path:
    return file.with_name(f"{file.name}.wal")


def _sync(folder: Path) -> None:
    """Have the disk keep the new name, where a folder can be asked for that."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
