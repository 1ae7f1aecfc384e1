"""The folder in which everything is kept, and what is wrong when it cannot be used."""

import os
from pathlib import Path

import duckdb

from runtime.errors import first_line
from runtime.private_files import keep_private, make_folder_private, make_private

CATALOG = "churn"  # DuckDB names a database after its file
FILE_NAME = f"{CATALOG}.duckdb"
# What this project keeps in the folder; whatever else lies in it is somebody else's.
_KEPT = (f"{FILE_NAME}*", "*.lock", "*.holder", "*.due", "owner.json", "made-by-the-demo")
_KEPT_FOLDERS = ("dbt", "loaders", "models", "outbox", "spill")


def churn_home() -> Path:
    """Return the folder of all that is kept: $CHURN_HOME, or .churn in the working directory."""
    return Path(os.environ.get("CHURN_HOME") or ".churn")


def keep_churn_home() -> None:
    """Have $CHURN_HOME name the same folder when this process works in another one."""
    os.environ["CHURN_HOME"] = str(churn_home().absolute())


def database_file(home: Path | None = None) -> Path:
    """Return the database file of a folder, by default of churn_home()."""
    return (home or churn_home()) / FILE_NAME


def make_home_private(home: Path) -> None:
    """Make the folder, and have this process and no other user read and write what it keeps.

    Every process that opens the database comes by here, dbt and the dashboard included. What an
    earlier release let others read is taken from them. Raises OSError.
    """
    keep_private()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    make_folder_private(home)
    make_private(file for pattern in _KEPT for file in home.glob(pattern))
    make_private(home / name for name in _KEPT_FOLDERS)


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
