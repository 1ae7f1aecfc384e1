"""`make soak`: many processes killed, all that was sent counted; ends in one JSON line."""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from embedded.engine.dbt import run_dbt
from embedded.session import open_database
from tests.soak import everything
from tests.soak.brokers import broker_under_test
from tests.soak.run import FAILURES, soak
from tests.soak.small_model import activate_model
from tests.soak.stores import STORES


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--sink", choices=sorted(STORES), default="duckdb", help="of the loaders")
    parser.add_argument(
        "--everything",
        action="store_true",
        help="kill `up` and the commands that borrow the file from it instead of loaders",
    )
    parser.add_argument("--seed", type=int, default=1, help="the same seed plans the same faults")
    arguments = parser.parse_args()
    kills, seed = arguments.kills, arguments.seed
    with tempfile.TemporaryDirectory() as folder:
        if arguments.everything:
            account, failures = _everything(kills, seed, Path(folder)), everything.FAILURES
        else:
            account = soak(arguments.sink, kills, seed, Path(folder), _log)
            failures = FAILURES
        open_database().close()
    sys.stdout.write(json.dumps(account) + "\n")
    return int(any(account.get(name, 0) for name in failures))


def _everything(kills: int, seed: int, folder: Path) -> dict:
    home = folder / "home"
    os.environ["CHURN_HOME"] = str(home)
    run_dbt("build", "--exclude-resource-type", "test", "unit_test")
    with open_database().session() as opened, opened.cursor() as connection:
        activate_model(connection)
    open_database().close()
    with broker_under_test() as broker:
        return everything.Everything(broker, home, seed, folder, _log).run(kills)


def _log(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
