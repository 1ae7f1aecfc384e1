"""What runs beside the dashboard in one process: threads that all end when one of them does."""

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import duckdb

from embedded.engine.storage import Database
from runtime.command_line import report
from runtime.errors import EngineError, UserError, first_line

# Of a process that another one in its place may do better; sysexits.h calls it EX_TEMPFAIL.
ENGINE_FAILED = 75


class Parts:
    """Threads on one database; when one ends of its own accord, all end."""

    def __init__(self, database: Database, stop: threading.Event) -> None:
        self.database, self.stop = database, stop
        self._threads: list[threading.Thread] = []
        self._failed: str | None = None

    def start(self, name: str, part: Callable[[], None]) -> None:
        """Start a part in a thread of its own."""

        def run_part() -> None:
            with ending_with_the_engine():
                try:
                    part()
                except UserError as error:
                    self._fail(name, str(error))
                except duckdb.FatalException:
                    raise
                except Exception as error:
                    logging.exception("the %s failed", name)
                    self._fail(name, first_line(error))
                else:
                    if not self.stop.is_set():
                        self._fail(name, "it ended")

        thread = threading.Thread(target=run_part, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _fail(self, name: str, why: str) -> None:
        if self._failed is None:
            self._failed = f"the {name} ended, and everything with it: {why}"
        self.stop.set()

    def end(self) -> None:
        """End all parts in order; raises EngineError when one had ended of its own accord."""
        self.stop.set()
        for thread in self._threads:
            thread.join()
        self.database.close()
        if self._failed is not None:
            raise EngineError(self._failed)


@contextmanager
def ending_with_the_engine() -> Iterator[None]:
    """End the process at once, with exit code ENGINE_FAILED, when DuckDB can do nothing more.

    After a fatal error a connection answers no statement, and the process crashes closing it.
    What was not committed is not in the file, so that the next process begins where this one did.
    """
    try:
        yield
    except duckdb.FatalException as error:
        report(f"the engine failed: {first_line(error)}")
        os._exit(ENGINE_FAILED)
