"""Where a soak run loads to: the laptop's pipeline, or the stand-in for Snowflake."""

import json
import os
import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from embedded.engine.refresh_pass import refresh
from embedded.engine.statements import Statements
from embedded.session import open_database
from ingest import sinks
from ingest.sinks.snowflake import SnowflakeSink
from tests.dbt import run_dbt
from tests.snowflake.streaming_standin import Faults, StandInAccount

PLACES = "select kafka_partition, kafka_offset from {table} where kafka_topic = '{topic}'"
EVENTS = """
    select kafka_partition, kafka_offset, event_id, customer_id, event_type, amount
    from churn_scores_raw where kafka_topic = '{topic}' order by all
"""
FAULTS = Faults(saturated=0.05, invalidated=0.02, late=0.2, delay=0.05)
RAW = ("churn_scores_raw", "churn_events_rejected")


class DuckDBStore:
    """A database with the raw tables and the metrics."""

    name = "duckdb"

    def __init__(self, folder: Path, seed: int = 0) -> None:
        self._path = folder / "home"
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CHURN_HOME", str(self._path))
            run_dbt("run", "-q", "-s", "raw", "+metrics")
        self._database = open_database(self._path)

    def prepare(self, number: int) -> Callable[[], None]:
        """Return what a loader's process does first."""
        return partial(use_home, self._path)

    def metrics(self) -> list[tuple]:
        """Refresh the live metrics and return them: what each customer is seen as."""
        with self._database.session() as opened:
            refresh(Statements(opened))
        return self._database.rows("select * from churn_metrics_live order by all")

    def places(self, topic: str) -> list[tuple[int, int]]:
        query = " union all ".join(PLACES.format(table=table, topic=topic) for table in RAW)
        return self._database.rows(query)

    def events(self, topic: str) -> list[tuple]:
        return self._database.rows(EVENTS.format(topic=topic))

    def spans(self, topic: str) -> list[tuple[int, int, int]]:
        return self._database.rows(
            "select kafka_partition, first_offset, next_offset from ingest_batches"
            f" where kafka_topic = '{topic}' order by all"
        )

    def lock(self, seconds: float) -> None:
        """Have the file for a while, as dbt has."""
        with self._database.session():
            time.sleep(seconds)


class StandInStore:
    """The stand-in for Snowflake: what its server keeps, in one file."""

    name = "snowflake"

    def __init__(self, folder: Path, seed: int) -> None:
        self._file, self._seed = folder / "standin.sqlite", seed
        self._account = StandInAccount(self._file)

    def prepare(self, number: int) -> Callable[[], None]:
        """Return what a loader's process does first."""
        return partial(_stand_in, self._file, self._seed * 1_000 + number)

    def _rows(self, query: str) -> list[tuple]:
        with self._account.transaction() as open_:
            return open_.execute(query).fetchall()

    def places(self, topic: str) -> list[tuple[int, int]]:
        query = " union all ".join(PLACES.format(table=table, topic=topic) for table in RAW)
        return self._rows(query)

    def events(self, topic: str) -> list[tuple]:
        query = EVENTS.format(topic=topic).replace("order by all", "order by 1, 2")
        return self._rows(query)

    def spans(self, topic: str) -> list[tuple[int, int, int]]:
        return self._rows(
            "select kafka_partition, first_offset, next_offset from ingest_batches"
            f" where kafka_topic = '{topic}' order by 1, 2, 3"
        )

    def lock(self, seconds: float) -> None:
        """Answer nobody for a while."""
        with self._account.transaction():
            time.sleep(seconds)


def use_home(path: Path) -> None:
    """Make a folder the one that this process opens."""
    os.environ["CHURN_HOME"] = str(path)


def _stand_in(file: Path, seed: int) -> None:
    account = StandInAccount(file, seed, FAULTS)
    sinks.SINKS["snowflake"] = lambda: SnowflakeSink(account)


Store = DuckDBStore | StandInStore
STORES = {store.name: store for store in (DuckDBStore, StandInStore)}


def message(number: int, chance: random.Random) -> bytes:
    """Return an event, now and then one that came before, or no event at all."""
    kind = chance.random()
    if kind < 0.02:
        return b"{not json %d" % number
    if kind < 0.05:
        number = chance.randrange(number + 1)
    draw = random.Random(number)
    event = {
        "event_id": f"e{number}",
        "customer_id": f"c{draw.randrange(40)}",
        "event_type": draw.choice(("login", "purchase", "ticket_opened")),
        "occurred_at": f"2026-0{draw.randint(1, 9)}-{draw.randint(10, 28)}T12:00:00Z",
        "amount": draw.randrange(1_000) / 4,
    }
    return json.dumps(event).encode()
