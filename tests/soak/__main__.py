"""`make soak`: many loaders killed, every message counted; ends in one JSON line."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tests.soak.brokers import broker_under_test
from tests.soak.run import Soak, new_folder
from tests.soak.stores import STORES


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--sink", choices=sorted(STORES), default="duckdb")
    parser.add_argument("--seed", type=int, default=1, help="the same seed plans the same faults")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as parent, broker_under_test() as broker:
        store = STORES[arguments.sink](new_folder(Path(parent)), arguments.seed)
        soak = Soak(broker, store, arguments.seed, lambda line: sys.stderr.write(line + "\n"))
        account = {"seed": arguments.seed, **soak.run(arguments.kills)}
    sys.stdout.write(json.dumps(account) + "\n")
    return int(any(account[name] for name in ("duplicates", "missing", "unexpected")))


if __name__ == "__main__":
    sys.exit(main())
