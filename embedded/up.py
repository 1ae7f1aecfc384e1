"""Broker, loader, scheduler and dashboard together, until Ctrl-C."""

import signal
import subprocess
import sys
import threading

from embedded.broker import broker
from embedded.database import connect, lake_path
from embedded.processes import DASHBOARD_PORT, PROJECT, run_dbt, start_dashboard
from embedded.scheduler import run
from ingest.kafka import create_topic


def up(
    *, port: int, topic: str, bootstrap_servers: str | None, client: str, dashboard: bool
) -> None:
    """Run everything; on an empty lake `dbt build` comes first. Raises LakeError, IngestError."""
    _end_in_order_on_signals()
    if not (lake_path() / "catalog.sqlite").exists():
        _report("building the pipeline (dbt build)")
        run_dbt("build")
    if bootstrap_servers is not None:
        _supervise(bootstrap_servers, topic, client, dashboard, is_own_broker=False)
        return
    with broker(port) as address:
        create_topic(address, topic)
        _report(f"broker: {address}, in memory; topic: {topic}")
        _supervise(address, topic, client, dashboard, is_own_broker=True)


def _end_in_order_on_signals() -> None:
    """Make SIGTERM and SIGINT unwind, so that no broker and no loader is left behind."""

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)


def _supervise(
    address: str, topic: str, client: str, dashboard: bool, *, is_own_broker: bool
) -> None:
    # A broker in memory forgets its topics, so each start is a new life of the topic.
    loader = [sys.executable, "-m", "ingest", "load", "--bootstrap-servers", address]
    loader += ["--topic", topic, "--client", client, *(["--recreated"] if is_own_broker else [])]
    processes = {"loader": subprocess.Popen(loader, cwd=PROJECT)}  # noqa: S603 - fixed words
    if dashboard:
        processes["dashboard"] = start_dashboard()
        _report(f"dashboard: http://localhost:{DASHBOARD_PORT}")
    stop = threading.Event()
    try:
        with connect() as connection:
            scheduler = threading.Thread(target=run, args=(connection, stop, _report))
            scheduler.start()
            try:
                _wait_for_an_end(processes)
            finally:
                stop.set()
                scheduler.join()
    finally:
        for process in processes.values():
            process.terminate()
        for process in processes.values():
            process.wait()


def _wait_for_an_end(processes: dict[str, subprocess.Popen]) -> None:
    pause = threading.Event()
    while True:
        for name, process in processes.items():
            if process.poll() is not None:
                _report(f"the {name} ended with exit code {process.returncode}: stopping the rest")
                raise SystemExit(1)
        pause.wait(0.5)


def _report(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
