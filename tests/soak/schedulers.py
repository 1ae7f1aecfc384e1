"""Schedulers as processes of their own. Each imports this file, so that it imports little."""

import os
import sys
import threading
from pathlib import Path

from embedded.engine.scheduler import run
from embedded.session import open_database
from tests.soak.forks import Fork


class Scheduler(Fork):
    """One process that makes passes, as `python -m embedded schedule`, until it is killed."""

    def __init__(self, log: Path, home: Path) -> None:
        super().__init__(log, _schedule, home)


def _schedule(home: Path) -> None:
    os.environ["CHURN_HOME"] = str(home)

    def report(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    report("scheduling")
    run(open_database(home), threading.Event(), report)
