"""`python -m ingest` over the stand-in for Snowflake; first arguments: its file and a seed."""

import sys
from pathlib import Path

from ingest import sinks
from ingest.__main__ import main
from ingest.sinks.snowflake import SnowflakeSink
from tests.snowflake.streaming_standin import Faults, StandInAccount

FAULTS = Faults(saturated=0.05, invalidated=0.02, late=0.2, delay=0.05)

if __name__ == "__main__":
    store, seed = Path(sys.argv[1]), int(sys.argv[2])
    sinks.SINKS["snowflake"] = lambda: SnowflakeSink(StandInAccount(store, seed, FAULTS))
    sys.argv[1:3] = []
    sys.exit(main())
