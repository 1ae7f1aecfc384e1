"""The benchmark table: loading, refreshing, scoring, all of it; last line JSON."""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import ingest, pipeline, refresh, scoring
from embedded.session import open_database

_PARTS = {"ingest": ingest, "refresh": refresh, "scoring": scoring, "pipeline": pipeline}
_LEAST_EVENTS = 100_000  # a change sends some of the last 50,000 again


def main() -> int:
    """Run the parts, each on a pipeline of its own; print the table, then one JSON line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="events of each part")
    parser.add_argument("--only", choices=list(_PARTS), help="one part instead of all")
    arguments = parser.parse_args()
    if arguments.events < _LEAST_EVENTS:
        parser.error(f"--events: at least {_LEAST_EVENTS:,}")
    figures: dict[str, float] = {}
    table = Table(title=f"{arguments.events:,} events, {os.cpu_count()} processors")
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name in [arguments.only] if arguments.only else _PARTS:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["CHURN_HOME"] = str(Path(folder) / "home")
            figures |= _PARTS[name].measure(arguments.events)
            open_database().close()  # who has it open makes files
    for figure, value in figures.items():
        table.add_row(figure, f"{value:,}" if isinstance(value, int) else f"{value:,.3f}")
    Console(stderr=True).print(table)
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
