"""Broker, loader, scheduler, outreach and dashboard together, until Ctrl-C: one process.

The broker, and the process in which kafka-python reads, stay processes of their own; they never
touch the database file.
"""

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from embedded.broker import broker_process, check_port
from embedded.dashboard import Place, serve_dashboard
from embedded.engine.dbt import run_dbt
from embedded.engine.scheduler import run
from embedded.engine.storage import churn_home, database_file
from embedded.parts import Parts, ending_with_the_engine
from embedded.session import open_database
from embedded.summary import scoring_line
from ingest.kafka import create_topic
from ingest.loader import load
from ingest.logs import LoadLog, set_up_logs
from ingest.sinks.duckdb import DuckDBSink
from outreach.work import work
from runtime.command_line import report
from runtime.errors import EngineError
from runtime.signals import stop_on_signals
from runtime.single_process import single_process

_LOG_SECONDS = 10.0
_LOOK_SECONDS = 0.5


def up(
    *,
    port: int,
    topic: str,
    bootstrap_servers: str | None,
    client: str,
    dashboard: Place | None,
) -> None:
    """Run everything; without a database `dbt build` comes first. Raises UserError.

    A second one for the same folder waits until the first ends, and then takes over. Ports are
    looked at before any work is done.
    """
    set_up_logs("text")
    stop, home = stop_on_signals(), churn_home()
    with (
        single_process(home, "up", f"everything of {home} is running", stop) as is_ours,
        ending_with_the_engine(),
    ):
        if not is_ours:
            return
        if dashboard is not None:
            dashboard.check()
        if bootstrap_servers is None:
            check_port(port)
        with _broker(bootstrap_servers, port, topic) as (address, process):
            if not database_file().exists():
                report("building the pipeline (dbt build): about a minute")
                run_dbt("build")
            parts = Parts(open_database(), stop)
            start_parts(parts, address, process, topic, client, recreated=bootstrap_servers is None)

            def say_ready() -> None:
                report(f"ready: {_reached(address, topic, dashboard)}; Ctrl-C ends it")
                say_scoring(parts)

            try:
                if dashboard is not None:
                    serve_dashboard(dashboard, stop, say_ready)
                else:
                    say_ready()
                    # The system may give a signal to another thread. Python then calls the handler
                    # once this one wakes, which a wait without end would not let it do.
                    while not stop.wait(_LOOK_SECONDS):
                        pass
            finally:
                parts.end()


def schedule() -> None:
    """Make passes until SIGTERM or SIGINT; wait while another process does. Raises UserError."""
    stop, home = stop_on_signals(), churn_home()
    told = f"the tables of {home} are being refreshed"
    with single_process(home, "up", told, stop) as is_ours, ending_with_the_engine():
        if is_ours:
            run(open_database(), stop, report)


def start_parts(
    parts: Parts,
    address: str,
    process: subprocess.Popen | None,
    topic: str,
    client: str,
    *,
    recreated: bool,
    say: Callable[[str], None] = report,
) -> None:
    """Start loader, scheduler and outreach, and watch the broker's process if it is an own one.

    `recreated` begins the topic anew, as a broker in memory has forgotten it at each start. `say`
    gets a line on what each pass did.
    """
    if process is not None:
        parts.start("broker", lambda: _watch(process, parts.stop))
    parts.start("loader", lambda: _load(parts, address, topic, client, recreated))
    parts.start("scheduler", lambda: run(parts.database, parts.stop, say))
    parts.start("outreach", lambda: work(parts.database, parts.stop))


def say_scoring(parts: Parts) -> None:
    """Say why nobody is scored, or that the data is of the past, if so."""
    with suppress(EngineError), parts.database.session() as opened, opened.cursor() as connection:
        if line := scoring_line(connection):
            report(line)


def _reached(address: str, topic: str, dashboard: Place | None) -> str:
    told = f"broker {address}, topic {topic}"
    return told if dashboard is None else f"dashboard {dashboard.url}, {told}"


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


def _load(parts: Parts, address: str, topic: str, client: str, recreated: bool) -> None:
    load(
        DuckDBSink(parts.database),
        address,
        topic,
        client=client,
        recreated=recreated,
        stop=parts.stop,
        on_progress=LoadLog(topic, _LOG_SECONDS, only_changes=True),
    )
