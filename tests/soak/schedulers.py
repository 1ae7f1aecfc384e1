"""Schedulers as processes of their own. Each imports this file, so that it imports little."""

import os
import sys
import threading
from pathlib import Path

from embedded import database
from embedded.engine.scheduler import run
from embedded.session import connect
from tests.soak.forks import Fork

LOST_A_RACE = "lost a race"  # against another writer, and began the transaction again


class Scheduler(Fork):
    """One process that makes passes, as `python -m embedded up` does, until it is killed."""

    def __init__(self, log: Path, pipeline: Path) -> None:
        super().__init__(log, _schedule, pipeline)


def _schedule(pipeline: Path) -> None:
    os.environ["CHURN_HOME"] = str(pipeline)

    def report(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    def is_conflict(error: BaseException) -> bool:
        if has_lost := found_conflict(error):
            why = " ".join(str(error).split()) or type(error).__name__
            report(f"{LOST_A_RACE} ({threading.current_thread().name}): {why}")
        return has_lost

    found_conflict, database.is_conflict = database.is_conflict, is_conflict
    with connect() as connection:
        report("scheduling")
        run(connection, threading.Event(), report)
