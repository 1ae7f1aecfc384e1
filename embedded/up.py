"""Broker, loader, scheduler, outreach and dashboard together, until Ctrl-C."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable

from embedded.broker import broker
from embedded.database import lake_path
from embedded.due_tables import pause
from embedded.processes import DASHBOARD_PORT, PROJECT, run_dbt, start_dashboard
from embedded.schedule import ENGINE_FAILED
from ingest.kafka import create_topic
from runtime.command_line import report

_LOOK_SECONDS = 0.2
_CALM_SECONDS = 60  # a process that has run so long has recovered

Start = Callable[[], subprocess.Popen]


def up(
    *, port: int, topic: str, bootstrap_servers: str | None, client: str, dashboard: bool
) -> None:
    """Run everything; on an empty lake `dbt build` comes first. Raises EngineError, IngestError."""
    _end_in_order_on_signals()
    if not (lake_path() / "catalog.sqlite").exists():
        report("building the pipeline (dbt build)")
        run_dbt("build")
    if bootstrap_servers is not None:
        _run_processes(bootstrap_servers, topic, client, dashboard, is_own_broker=False)
        return
    with broker(port) as address:
        create_topic(address, topic)
        report(f"broker: {address}, in memory; topic: {topic}")
        _run_processes(address, topic, client, dashboard, is_own_broker=True)


def _end_in_order_on_signals() -> None:
    """Make SIGTERM and SIGINT unwind, so that no broker and no loader is left behind."""

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)


def _run_processes(
    address: str, topic: str, client: str, dashboard: bool, *, is_own_broker: bool
) -> None:
    # A broker in memory forgets its topics, so each start is a new life of the topic.
    load = ["ingest", "load", "--bootstrap-servers", address, "--topic", topic, "--client", client]
    load += ["--recreated"] if is_own_broker else []
    starts = {
        "loader": lambda: _start(load),
        "scheduler": lambda: _start(["embedded", "schedule"]),
        "outreach": lambda: _start(["outreach", "run"]),
    }
    if dashboard:
        starts["dashboard"] = start_dashboard
        report(f"dashboard: http://localhost:{DASHBOARD_PORT}")
    supervised = [_Supervised(name, start) for name, start in starts.items()]
    try:
        while True:
            for one in supervised:
                one.look()
            time.sleep(_LOOK_SECONDS)
    finally:
        for one in supervised:
            one.process.terminate()
        for one in supervised:
            one.process.wait()


def _start(words: list[str]) -> subprocess.Popen:
    # Our own interpreter and modules, and no shell: an address or a topic stays one argument.
    return subprocess.Popen([sys.executable, "-m", *words], cwd=PROJECT)  # noqa: S603 - our own parts


class _Supervised:
    """A process that is started again when it was killed, later each time."""

    def __init__(self, name: str, start: Start) -> None:
        self._name, self._start = name, start
        self._failures, self._started = 0, time.monotonic()
        self._starts_again: float | None = None
        self.process = start()

    def look(self) -> None:
        """See to it that the process runs; raises SystemExit when it ended of its own accord."""
        now = time.monotonic()
        if self._starts_again is not None:
            if now >= self._starts_again:
                self.process, self._started, self._starts_again = self._start(), now, None
            return
        code = self.process.poll()
        if code is None:
            return
        if code >= 0 and code != ENGINE_FAILED:
            report(f"the {self._name} ended with exit code {code}: stopping the rest")
            raise SystemExit(1)
        self._failures = 1 if now - self._started > _CALM_SECONDS else self._failures + 1
        seconds = pause(self._failures).total_seconds()
        why = "" if code == ENGINE_FAILED else f" by {signal.Signals(-code).name}"
        report(f"the {self._name} was ended{why}: starting it again in {seconds:.1f} s")
        self._starts_again = now + seconds
