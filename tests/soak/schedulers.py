"""Schedulers as processes of their own, and what they need to have something to do: a model."""

import os
import sys
import threading
from pathlib import Path

import duckdb
import numpy
import pandas
from sklearn.linear_model import LogisticRegression

from embedded import database
from embedded.database import connect, lake_path, transact
from embedded.scheduler import run
from python_models import train_churn_model as trainer
from tests.soak.forks import Fork

LOST_A_RACE = "lost a race"  # against another writer, and began the transaction again


class Scheduler(Fork):
    """One process that makes passes, as `python -m embedded up` does, until it is killed."""

    def __init__(self, log: Path, lake: Path) -> None:
        super().__init__(log, _schedule, lake)


def _schedule(lake: Path) -> None:
    os.environ["CHURN_LAKE"] = str(lake)

    def report(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    def is_conflict(error: BaseException) -> bool:
        if has_lost := found_conflict(error):
            report(LOST_A_RACE)
        return has_lost

    found_conflict, database.is_conflict = database.is_conflict, is_conflict
    with connect(create=False) as connection:
        report("scheduling")
        run(connection, threading.Event(), report)


def activate_model(connection: duckdb.DuckDBPyConnection) -> None:
    """Make a small model the active one: each problem of the last 28 days adds to the risk."""
    columns = connection.execute("describe training_snapshots").fetchall()
    features = [name for name, *_ in columns if name not in trainer.KEYS_AND_LABEL]
    draw = numpy.random.default_rng(1)
    # What is always 0 gets no weight, so that nothing but problems counts.
    rows = pandas.DataFrame(0, index=range(2_000), columns=features)
    rows["friction_count_28d"] = draw.integers(0, 6, len(rows))
    has_churned = rows["friction_count_28d"] + draw.normal(size=len(rows)) > 3.0
    sample = trainer.matrix(rows, features)
    content = trainer.export(LogisticRegression(max_iter=1_000).fit(sample, has_churned), sample)
    trainer.store(object(), content, str(lake_path() / "models"), "small.onnx")
    row = trainer.run_row(
        "small",
        "trained",
        features,
        artefact="small.onnx",
        artefact_hash=trainer.hashlib.sha256(content).hexdigest(),
    )
    transact(connection, lambda open_: _insert(open_, row))


def _insert(connection: duckdb.DuckDBPyConnection, row: pandas.DataFrame) -> None:
    names = ", ".join(row.columns)
    connection.execute(
        f"insert into train_churn_model ({names}) values ({', '.join('?' * len(row.columns))})",
        row.astype(object).iloc[0].tolist(),
    )
