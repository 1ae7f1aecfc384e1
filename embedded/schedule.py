"""`python -m embedded schedule`: the scheduler as a process of its own, one for a lake."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from embedded.database import connect, lake_path
from embedded.scheduler import run
from runtime.command_line import report
from runtime.errors import first_line
from runtime.signals import stop_on_signals
from runtime.single_process import single_process

# Of a process that another one in its place may do better; sysexits.h calls it EX_TEMPFAIL.
ENGINE_FAILED = 75


def schedule() -> None:
    """Make passes until SIGTERM or SIGINT; wait while another process does. Raises EngineError."""
    stop = stop_on_signals()
    with (
        connect(create=False) as connection,
        single_process(lake_path(), "scheduler", "this lake is being scheduled", stop) as is_ours,
        ending_with_the_engine(),
    ):
        if is_ours:
            run(connection, stop, report)


@contextmanager
def ending_with_the_engine() -> Iterator[None]:
    """End the process at once, with exit code ENGINE_FAILED, when DuckDB can do nothing more.

    After a fatal error a connection answers no statement, and the process crashes closing it.
    What was not committed is not in the lake, so that the next process begins where this one did.
    """
    try:
        yield
    except duckdb.FatalException as error:
        report(f"the engine failed: {first_line(error)}")
        os._exit(ENGINE_FAILED)
