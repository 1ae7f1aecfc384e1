"""The folder in which everything is kept, and what is wrong when it cannot be used."""

import os
from pathlib import Path

import duckdb

from runtime.errors import first_line

CATALOG = "churn"  # DuckDB names a database after its file
FILE_NAME = f"{CATALOG}.duckdb"


def churn_home() -> Path:
    """Return the folder of all that is kept: $CHURN_HOME, or .churn in the working directory."""
    return Path(os.environ.get("CHURN_HOME") or ".churn")


def keep_churn_home() -> None:
    """Have $CHURN_HOME name the same folder when this process works in another one."""
    os.environ["CHURN_HOME"] = str(churn_home().absolute())


def database_file(home: Path | None = None) -> Path:
    """Return the database file of a folder, by default of churn_home()."""
    return (home or churn_home()) / FILE_NAME


def is_of_the_disk(error: BaseException) -> bool:
    """Tell whether the disk or the file refused, and not what was asked of the database.

    A commit that cannot write its log fails as a transaction.
    """
    return isinstance(error, OSError | duckdb.IOException) or "Could not write" in str(error)


def explain(error: BaseException, home: Path | None = None) -> str:
    """Turn an error of the disk or of the file into one line that says what to do."""
    path, text = database_file(home), str(error)
    if "No space left" in text or "disk is full" in text or "Disk quota" in text:
        return f"the disk is full at {path}: free some space and run the command again"
    if "storage version" in text or "database file version" in text or "version number" in text:
        return f"{path} was made by another version of DuckDB: {first_line(error)}"
    if "not a valid DuckDB database" in text:
        return f"{path} is no DuckDB database: move it away, or set CHURN_HOME to another folder"
    if "Conflicting lock" in text or "Could not set lock" in text:
        return f"{path} is open in another program: close it there and run the command again"
    if isinstance(error, PermissionError) or any(
        words in text
        for words in ("Permission denied", "read-only", "Read-only", "readonly", "Cannot open file")
    ):
        return f"{path} cannot be written: check its permissions, or set CHURN_HOME"
    return f"{path} cannot be used: {first_line(error)}"
