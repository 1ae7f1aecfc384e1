"""The demo: real events through a real broker to alerts and drafted messages, on this machine."""

import json
import logging
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.table import Table

from embedded.broker import broker_process
from embedded.dashboard import Place, serve_dashboard
from embedded.engine.dbt import run_dbt
from embedded.engine.scheduler import tick
from embedded.engine.storage import churn_home
from embedded.parts import Parts, ending_with_the_engine
from embedded.session import DEFAULT_ROLE, open_database, preview_as
from embedded.summary import latest_draft, riskiest, summarize
from embedded.trickle import trickle
from embedded.up import start_parts
from ingest.libraries import KAFKA_PYTHON
from ingest.loader import load
from ingest.replay import replay
from ingest.samples import FILES
from ingest.sinks.duckdb import DuckDBSink
from runtime.errors import EngineError
from runtime.private_files import write_whole
from runtime.signals import stop_on_signals

TOPIC = "churn.events"
_MARK = "made-by-the-demo"


def demo(*, as_json: bool, dashboard: Place | None) -> None:
    """Build a fresh database from the sample, print what came of it, then show the dashboard.

    While it is shown, a trickle of events keeps the data fresh. Raises EngineError rather than
    touch a database that the demo did not make.
    """
    started = time.monotonic()
    console = Console(stderr=True)
    if dashboard is not None:
        dashboard.check()
    _clear_home()
    with _step(console, "making the tables that are loaded into (dbt run -s raw)"):
        run_dbt("run", "-s", "raw")
    write_whole(churn_home() / _MARK, b"")
    with broker_process(port=0) as (address, process):
        figures = _fill(console, address, started)
        if as_json:
            sys.stdout.write(json.dumps(figures) + "\n")
            sys.stdout.flush()
        if dashboard is not None:
            _serve(console, dashboard, address, process)


def _fill(console: Console, address: str, started: float) -> dict:
    """Take the sample through the whole pipeline; print and return the figures."""
    with _step(console, "replaying real events through the broker"):
        replayed = replay(FILES, address, TOPIC, shift_to_now=True)
    with _step(console, f"loading {replayed:,} events"):
        sink = DuckDBSink(open_database())
        try:
            load(sink, address, TOPIC, until_end=True)
        finally:
            sink.close()
    with _step(console, "building the pipeline, training the model (dbt build)"):
        run_dbt("build")
    with open_database().session() as opened, opened.cursor() as connection:
        preview_as(connection, DEFAULT_ROLE)
        with _step(console, "scoring, alerting, drafting (tick)"):
            done = tick(opened)
        for line in done.summary_lines():
            console.print(f"  {line}", highlight=False)
        figures = {"events_replayed": replayed, **summarize(connection)}
        figures["seconds"] = round(time.monotonic() - started, 1)
        _show(console, figures, riskiest(connection), latest_draft(connection))
    return figures


def _clear_home() -> None:
    """Remove the database of an earlier demo; anyone else's stays, with a word on how to go on."""
    path = churn_home()
    if not path.exists() or not any(path.iterdir()):
        return
    if not (path / _MARK).exists():
        raise EngineError(
            f"{path} holds a database that the demo did not make, and it starts from an empty one:"
            " set CHURN_HOME to another folder, or move that one away"
        )
    shutil.rmtree(path)


@contextmanager
def _step(console: Console, what: str) -> Any:
    started = time.monotonic()
    with console.status(what):
        yield
    console.print(f"{what}: {time.monotonic() - started:.1f} s", highlight=False)


def _show(console: Console, figures: dict, customers: list, draft: tuple | None) -> None:
    table = Table(title="The most value at risk in the next 28 days", title_justify="left")
    for heading in ("customer", "risk", "band", "value at risk", "first reason"):
        table.add_column(heading)
    for customer in customers:
        table.add_row(*(str(value) for value in customer))
    console.print(table)
    if draft is not None:
        console.print("One drafted message:", style="bold")
        console.print(f"Subject: {draft[0]}\n\n{draft[1]}", markup=False, highlight=False)
    model = figures["model"]
    console.print(
        f"\n{figures['events_loaded']:,} events of {figures['customers']:,} customers,"
        f" {figures['alerts']} alerts, {figures['emails']} drafts;"
        f" model {model['version']}: AUC {model['roc_auc'] or 0:.3f} out of time,"
        f" recency rule {model['baseline_auc'] or 0:.3f}; {figures['seconds']} s",
        highlight=False,
    )


def _serve(console: Console, dashboard: Place, address: str, process: subprocess.Popen) -> None:
    """Serve the dashboard, with all that `up` runs and the trickle beside it."""
    logging.disable(logging.INFO)  # the trickle's own events are no news
    with ending_with_the_engine():
        parts = Parts(open_database(), stop_on_signals())
        start_parts(parts, address, process, TOPIC, KAFKA_PYTHON, recreated=False, say=_quiet)
        parts.start("trickle", lambda: trickle(parts.database, address, TOPIC, parts.stop))
        try:
            serve_dashboard(
                dashboard,
                parts.stop,
                lambda: console.print(f"ready: dashboard {dashboard.url}; Ctrl-C ends it"),
            )
        finally:
            parts.end()


def _quiet(line: str) -> None:
    """Say nothing of passes: the dashboard shows what they do."""
