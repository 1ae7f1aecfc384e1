"""`make soak`: many loaders killed, every message counted; ends in one JSON line."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tests.soak.run import FAILURES, soak
from tests.soak.stores import STORES


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--sink", choices=sorted(STORES), default="duckdb")
    parser.add_argument("--seed", type=int, default=1, help="the same seed plans the same faults")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        account = soak(
            arguments.sink,
            arguments.kills,
            arguments.seed,
            Path(folder),
            lambda line: sys.stderr.write(line + "\n"),
        )
    sys.stdout.write(json.dumps(account) + "\n")
    return int(any(account.get(name, 0) for name in FAILURES))


if __name__ == "__main__":
    sys.exit(main())
