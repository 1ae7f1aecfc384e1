"""What may be wrong with a database file or its folder: each is one line that says what to do."""

import os
from pathlib import Path

import duckdb
import pytest

from embedded.engine.home import explain, is_of_the_disk
from embedded.engine.storage import Database, database
from runtime.errors import EngineError
from tests.soak.forks import Fork
from tests.storage_fixtures import another, ask_as_nobody, notes, open_by_itself

pytest_plugins = ("tests.storage_fixtures",)


def one_line(home: Path) -> str:
    """Return what somebody is told who opens the file."""
    with pytest.raises(EngineError) as refused, Database(home).session(1):
        pass
    said = str(refused.value)
    assert "\n" not in said
    assert str(home) in said
    return said


def checksum(header: bytes) -> int:
    """Return what DuckDB writes before the header of a file."""
    found = 5381
    for at in range(0, len(header), 8):
        word = int.from_bytes(header[at : at + 8], "little")
        found ^= word * 0xBF58476D1CE4E5B9 % 2**64
    return found


def test_a_file_of_another_version_of_duckdb(home):
    database(home).close()
    content = bytearray((home / "churn.duckdb").read_bytes())
    content[12:20] = (9_999).to_bytes(8, "little")
    content[:8] = checksum(content[8:4096]).to_bytes(8, "little")
    (home / "churn.duckdb").write_bytes(content)
    assert "was made by another version of DuckDB: " in one_line(home)
    assert (home / "churn.duckdb").read_bytes() == content


def test_a_file_that_is_none_of_duckdb(home):
    database(home).close()
    (home / "churn.duckdb").write_text("precious, and longer than a header" * 1_000)
    assert one_line(home).endswith(
        "is no DuckDB database: move it away, or set CHURN_HOME to another folder"
    )
    assert (home / "churn.duckdb").read_text().startswith("precious")


def test_a_file_that_is_open_in_another_program(home, tmp_path):
    database(home).close()
    with another(open_by_itself, home, tmp_path / "release"):
        assert one_line(home).endswith(
            "churn.duckdb is open in another program: close it there and run the command again"
        )
    assert notes(home) == []


def test_a_folder_that_cannot_be_written(home, tmp_path):
    database(home).close()
    home.chmod(0o555)
    for one in home.iterdir():
        if one.is_file():
            one.chmod(0o444)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.getuid() and not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o001)
    asking = Fork(tmp_path / "log", ask_as_nobody, home)
    code = asking.wait(30)
    home.chmod(0o755)
    assert code == 1
    assert asking.said() == (
        f"{home / 'churn.duckdb'} cannot be written: check its permissions, or set CHURN_HOME\n"
    )


def test_a_folder_where_none_can_be(tmp_path):
    (tmp_path / "file").write_text("")
    assert "cannot be used: " in one_line(tmp_path / "file" / "home")


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"),
        duckdb.IOException("IO Error: Could not write file: No space left on device\nmore"),
        duckdb.IOException("Disk quota exceeded"),
        duckdb.TransactionException("Failed to commit: Could not write file: No space left"),
    ],
)
def test_a_disk_that_is_full(tmp_path, error):
    assert is_of_the_disk(error)
    file = tmp_path / "churn.duckdb"
    said = f"the disk is full at {file}: free some space and run the command again"
    assert explain(error, tmp_path) == said
