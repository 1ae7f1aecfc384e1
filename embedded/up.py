"""Broker, loader, scheduler, outreach and dashboard together, until Ctrl-C: one process.

The broker, and the process in which kafka-python reads, stay processes of their own; they never
touch the database file.
"""

import logging
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import duckdb

from embedded.broker import broker_process
from embedded.dashboard import DASHBOARD_PORT, serve_dashboard
from embedded.engine.dbt import run_dbt
from embedded.engine.scheduler import run
from embedded.engine.storage import Database, churn_home, database_file
from embedded.session import open_database
from ingest.kafka import create_topic
from ingest.loader import load
from ingest.logs import LoadLog, set_up_logs
from ingest.sinks.duckdb import DuckDBSink
from outreach.work import work
from runtime.command_line import report
from runtime.errors import EngineError, UserError, first_line
from runtime.signals import stop_on_signals
from runtime.single_process import single_process

# Of a process that another one in its place may do better; sysexits.h calls it EX_TEMPFAIL.
ENGINE_FAILED = 75
_LOG_SECONDS = 10.0
_LOOK_SECONDS = 0.5


def up(
    *, port: int, topic: str, bootstrap_servers: str | None, client: str, dashboard: bool
) -> None:
    """Run everything; without a database `dbt build` comes first. Raises UserError.

    A second one for the same folder waits until the first ends, and then takes over.
    """
    set_up_logs("text")
    stop, home = stop_on_signals(), churn_home()
    with (
        single_process(home, "up", f"everything of {home} is running", stop) as is_ours,
        ending_with_the_engine(),
    ):
        if not is_ours:
            return
        with _broker(bootstrap_servers, port, topic) as (address, process):
            if not database_file().exists():
                report("building the pipeline (dbt build)")
                run_dbt("build")
            parts = _Parts(open_database(), stop)
            if process is not None:
                parts.start("broker", lambda: _watch(process, stop))
            parts.start("loader", lambda: _load(parts, address, topic, client, bootstrap_servers))
            parts.start("scheduler", lambda: run(parts.database, stop, report))
            parts.start("outreach", lambda: work(parts.database, stop))
            try:
                if dashboard:
                    report(f"dashboard: http://localhost:{DASHBOARD_PORT}")
                    serve_dashboard()
                else:
                    stop.wait()
            finally:
                parts.end()


def schedule() -> None:
    """Make passes until SIGTERM or SIGINT; wait while another process does. Raises UserError."""
    stop, home = stop_on_signals(), churn_home()
    told = f"the tables of {home} are being refreshed"
    with single_process(home, "up", told, stop) as is_ours, ending_with_the_engine():
        if is_ours:
            run(open_database(), stop, report)


class _Parts:
    """What runs beside the dashboard, in threads; when one ends of its own accord, all end."""

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
        os.kill(os.getpid(), signal.SIGTERM)  # the dashboard waits for nothing else

    def end(self) -> None:
        """End all parts in order; raises EngineError when one had ended of its own accord."""
        self.stop.set()
        for thread in self._threads:
            thread.join()
        self.database.close()
        if self._failed is not None:
            raise EngineError(self._failed)


@contextmanager
def _broker(
    bootstrap_servers: str | None, port: int, topic: str
) -> Iterator[tuple[str, subprocess.Popen | None]]:
    """Yield the address of the cluster that was named, or of an own broker and its process."""
    if bootstrap_servers is not None:
        yield bootstrap_servers, None
        return
    with broker_process(port) as (address, process):
        create_topic(address, topic)
        report(f"broker: {address}, in memory; topic: {topic}")
        yield address, process


def _watch(process: subprocess.Popen, stop: threading.Event) -> None:
    """Return with `stop`; raises EngineError when the process has ended before."""
    while not stop.wait(_LOOK_SECONDS):
        if process.poll() is not None:
            raise EngineError(f"its exit code is {process.returncode}")


def _load(
    parts: _Parts, address: str, topic: str, client: str, bootstrap_servers: str | None
) -> None:
    load(
        DuckDBSink(parts.database),
        address,
        topic,
        client=client,
        # A broker in memory forgets its topics, so each start is a new life of the topic.
        recreated=bootstrap_servers is None,
        stop=parts.stop,
        on_progress=LoadLog(topic, _LOG_SECONDS),
    )


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
