"""The dashboard on a large pipeline: what its first page, its live part and its memory cost.

`python -m benchmarks.dashboard` builds the pipeline in $CHURN_HOME, unless there is one, looks at
it in the system's Chromium, and prints a table, then one line of JSON.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import duckdb
from playwright.sync_api import Browser, BrowserContext
from rich.console import Console
from rich.table import Table

from benchmarks.history import event_type
from benchmarks.memory import peak
from embedded.engine.dbt import run_dbt
from embedded.engine.scheduler import tick
from embedded.engine.storage import database_file
from embedded.session import connect, open_database
from tests.browser.driver import PAGES, browser, chromium, serving_process, settle

CUSTOMERS = 100_000
_ROUNDS, _REFRESHES = 5, 6
_FORGOTTEN_SECONDS = 6  # longer than what changes by the minute is remembered
_BARS = {"first paint s": "1.5", "live refresh ms": "150", "memory peak MB": "600"}
# When the sixth tile of the overview is there, in milliseconds since the address was asked for.
_WATCH_TILES = """
    new MutationObserver(() => {
        const tiles = document.querySelectorAll('[data-testid="stMetricValue"]').length;
        if (tiles >= 6 && !window.tiles) window.tiles = performance.now();
    }).observe(document, {childList: true, subtree: true});
"""
# When the page asked its server for something, and when the last part of the answer came.
_WATCH_SOCKET = """
    window.asked = [];
    const send = WebSocket.prototype.send;
    WebSocket.prototype.send = function (data) {
        window.asked.push([performance.now(), performance.now()]);
        if (!this.watched) {
            this.watched = true;
            this.addEventListener('message', () => {
                if (window.asked.length) window.asked.at(-1)[1] = performance.now();
            });
        }
        return send.call(this, data);
    };
"""
_DAYS, _SCORED_DAYS = 240, 28
# Every eighth customer has stopped, on a day of its own; everyone has a profile.
_EVENTS = f"""
    insert into churn.main.churn_scores_raw
    with numbered as (
        select
            number,
            (hash(number) % $customers)::integer as customer,
            now()::timestamp - to_seconds(({_DAYS} * 86_400 * (1 - number / $events))::bigint)
                as happened_at
        from range($events) as numbers (number)
    ),
    behaviour as (
        select
            format('e-{{:x}}', number) as event_id,
            customer,
            {event_type("number").replace("'profile_updated'", "'login'")} as event_type,
            happened_at,
            number % 1_000 / 10 as amount,
            '{{}}' as payload
        from numbered
        where
            customer % 8 > 0
            or happened_at
            < now()::timestamp - to_days((customer * 7_919 % ({_DAYS} / 3))::integer)
    ),
    profiles as (
        select
            format('p-{{:x}}', customer),
            customer,
            'profile_updated',
            now()::timestamp - to_days({_DAYS}),
            null,
            format(
                '{{{{"properties":{{{{"name":"Customer {{}}","email":"c{{}}@example.com",'
                || '"region":"{{}}","segment":"{{}}","marketing_consent":"{{}}"}}}}}}}}',
                customer, customer,
                ['north', 'east', 'south', 'west'][customer % 4 + 1],
                ['standard', 'standard', 'premium'][customer % 3 + 1],
                customer % 10 > 0
            )
        from range($customers) as customers (customer)
    ),
    events as (select * from behaviour union all select * from profiles)
    select
        event_id, format('c{{:06d}}', customer), event_type, happened_at, amount, payload,
        'past', 0, row_number() over (), happened_at, now()::timestamp
    from events
"""
# What the tasks would have left behind, had they run on each of the days.
_PAST_SCORES = f"""
    insert into churn_score_history
    select
        customer_id,
        least(1, score * (0.7 + 0.3 * day / {_SCORED_DAYS})),
        band, band_since, value_at_risk * (0.7 + 0.3 * day / {_SCORED_DAYS}),
        top_reasons, model_version, features_hash,
        scored_at - to_days(({_SCORED_DAYS} - day)::integer),
        null
    from churn_scores
    cross join range({_SCORED_DAYS}) as days (day)
    where score is not null
    order by scored_at
"""


def build(events: int, customers: int = CUSTOMERS) -> None:
    """Build a pipeline of so many customers, scored, with the scores of four weeks."""
    run_dbt("run", "-s", "raw")
    with connect() as pipeline:
        _insert(pipeline, events, customers)
    run_dbt("build", "--vars", "{training_cutoffs: 3}", "--exclude-resource-type", "test")
    with open_database().session() as opened:
        tick(opened)
        opened.cursor().execute(_PAST_SCORES)
    open_database().close()  # for the dashboard's process


def _insert(pipeline: duckdb.DuckDBPyConnection, events: int, customers: int) -> None:
    pipeline.execute(_EVENTS, {"events": events, "customers": customers})


def measure(pipeline: Path) -> dict[str, float]:
    """Return seconds to first paint, milliseconds of a live refresh, and megabytes of memory."""
    with serving_process(pipeline) as (address, process), browser() as chrome:
        visitor = chrome.new_context(viewport={"width": 1440, "height": 1100})
        first = _first_paint(visitor, address)
        later = [_first_paint(visitor, address) for _ in range(_ROUNDS)]
        live = _live_milliseconds(chrome, address)
        _visit_every_page(chrome, address)
        megabytes = peak(process.pid) / 1024
    return {
        "first paint, first visit after a start s": round(first, 2),
        "first paint s": round(statistics.median(later), 2),
        "live refresh ms": round(statistics.median(live)),
        "live refresh, slowest ms": round(max(live)),
        "memory peak MB": round(megabytes),
    }


def _first_paint(visitor: BrowserContext, address: str) -> float:
    """Open the overview in a new tab; return the seconds until all of its tiles show."""
    time.sleep(_FORGOTTEN_SECONDS)
    page = visitor.new_page()
    page.add_init_script(_WATCH_TILES)
    page.goto(address)
    settle(page)
    milliseconds = page.evaluate("window.tiles")
    page.close()
    return milliseconds / 1000


def _live_milliseconds(chrome: Browser, address: str) -> list[float]:
    """Return how long each refresh of the tiles took, from asking to the end of the answer."""
    page = chrome.new_page(viewport={"width": 1440, "height": 1100})
    page.add_init_script(_WATCH_SOCKET)
    page.goto(address)
    settle(page)
    page.evaluate("window.asked = []")
    page.wait_for_function(f"window.asked.length > {_REFRESHES}", timeout=_REFRESHES * 60_000)
    asked = page.evaluate("window.asked")[:_REFRESHES]
    page.close()
    return [answered - at for at, answered in asked]


def _visit_every_page(chrome: Browser, address: str) -> None:
    page = chrome.new_page(viewport={"width": 1440, "height": 1100})
    for path in PAGES.values():
        page.goto(f"{address}/{path}")
        settle(page)
    page.close()


def main() -> int:
    """Measure on the pipeline in $CHURN_HOME, or on one that is built for it and thrown away."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dashboard", description=__doc__)
    parser.add_argument("--events", type=int, default=5_000_000)
    arguments = parser.parse_args()
    if chromium() is None:
        sys.exit("no Chromium on this machine: install one (apt-get install chromium)")
    with tempfile.TemporaryDirectory() as folder:
        pipeline = Path(os.environ.setdefault("CHURN_HOME", str(Path(folder) / "home")))
        if not database_file(pipeline).exists():
            build(arguments.events)
        figures = measure(pipeline)
    table = Table(
        title=f"{CUSTOMERS:,} customers, {arguments.events:,} events, {os.cpu_count()} processors"
    )
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_column("bar", justify="right")
    for figure, value in figures.items():
        table.add_row(figure, f"{value:,}", _BARS.get(figure, ""))
    Console(stderr=True).print(table)
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
