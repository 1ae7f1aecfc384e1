"""A lake that needs maintenance, and who writes it as refreshes do."""

import os
import random
from collections import Counter
from pathlib import Path

import pytest
from embedded.database import connect
from embedded.registry import create_registry

from embedded import compaction, maintenance

ALWAYS = "0 seconds"


@pytest.fixture
def connection(tmp_path, monkeypatch):
    """An empty lake in which `items` counts as a dynamic table that reads `raw`."""
    monkeypatch.setenv("CHURN_LAKE", str(tmp_path / "lake"))
    with connect(None) as connection:
        create_registry(connection)
        connection.execute("create table raw (id bigint)")
        connection.execute("create table items (id bigint, value bigint)")
        connection.execute("create table unread (id bigint, value bigint)")
        connection.execute(
            "insert into embedded.dynamic_tables (name, query, refresh_key, target_lag, reads)"
            """ values ('items', 'from raw', '["id"]', '1 minute', '["raw"]')"""
        )
        connection.execute(
            "insert into embedded.refresh_states (name, refreshed_to, version)"
            " values ('items', 0, 0)"
        )
        connection.execute("insert into embedded.streams values ('changes', 'items', 0)")
        yield connection


@pytest.fixture
def eager(monkeypatch):
    """Maintain whatever there is, at once."""
    monkeypatch.setattr(maintenance, "SNAPSHOT_AGE", ALWAYS)
    monkeypatch.setattr(maintenance, "FILE_AGE", ALWAYS)
    monkeypatch.setattr(maintenance, "UNREAD_SECONDS", 0)
    monkeypatch.setattr(compaction, "FLUSHED_ROWS", 1)
    monkeypatch.setattr(compaction, "SMALL_FILES", 2)


def files() -> list[Path]:
    return list(Path(os.environ["CHURN_LAKE"], "data").rglob("*.parquet"))


def snapshots(connection) -> list[int]:
    return [
        row[0] for row in connection.execute("select snapshot_id from lake.snapshots()").fetchall()
    ]


def feed(connection, table: str, after: int, until: int) -> Counter:
    return Counter(
        connection.execute(
            f"from ducklake_table_changes('lake', 'main', '{table}', {after + 1}, {until})"
        ).fetchall()
    )


class Writer:
    """Writes as refreshes do: delete keys, insert rows; few at a time inline, many into files."""

    def __init__(self, connection, seed: int):
        self.connection, self.random = connection, random.Random(seed)
        self.items: dict[int, int] = {}
        self.raw = 0

    def write(self) -> None:
        count = self.random.choice([3, 20, 200, 1200])
        keys = self.random.sample(range(3000), count)
        gone = set(self.random.sample(keys, count // 4))
        rows = [(key, self.random.randrange(10**6)) for key in keys if key not in gone]
        execute = self.connection.execute
        execute("begin")
        execute("create or replace temp table keys as select unnest(?::bigint[]) as id", [keys])
        execute("delete from items using temp.main.keys where items.id = keys.id")
        execute(
            "insert into items select unnest(?::bigint[]), unnest(?::bigint[])",
            [[key for key, _ in rows], [value for _, value in rows]],
        )
        execute("insert into raw select * from range(?, ?)", [self.raw, self.raw + count])
        execute("update embedded.refresh_states set version = version + 1")
        execute("commit")
        self.raw += count
        for key in gone:
            self.items.pop(key, None)
        self.items.update(rows)
