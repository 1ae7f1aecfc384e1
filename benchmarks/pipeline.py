"""From Kafka to the alert: how long one event takes, and how many a second the whole keeps up with.

Loader, scheduler and outreach run in one process, as in `python -m embedded up`.
"""

import math
import multiprocessing
import os
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

import msgspec
import numpy

from benchmarks import history
from embedded.broker import broker
from embedded.engine.scheduler import run, tick
from embedded.engine.storage import Database, churn_home
from embedded.session import open_database
from ingest.libraries import KAFKA_PYTHON, LIBRDKAFKA
from ingest.loader import load
from ingest.publisher import send
from ingest.sinks.duckdb import DuckDBSink
from outreach.work import work
from runtime.clock import utc_now

_spawned = multiprocessing.get_context("spawn")
_LOOK_SECONDS = 0.02
_PACE, _PACED_SECONDS = 5_000, 60
_TOPIC = "bench.pipeline"
_FIRST = f"{_TOPIC}.first"
# A tenth of the customers get an alert with their first event, in whatever number.
_ALARMED = f"""
    insert into churn.main.alert_policy
    select * replace (
        '{history.WATCHED}' as segment,
        0 as threshold,
        1000000 as max_alerts_per_run,
        1000000 as max_alerts_per_day
    )
    from churn.main.alert_policy
    where segment = 'default'
"""
# Of the watched customers' alerts, those behind a row, and when the customer was first heard of.
_ALERTS = f"""
    select max(high_risk_history.rowid), list(published_at)
    from high_risk_history
    inner join (
        select customer_id, min(published_at) as published_at
        from churn_scores_raw
        where kafka_topic = ?
        group by customer_id
    ) using (customer_id)
    where segment = '{history.WATCHED}' and high_risk_history.rowid > ?
"""
_NEW = "select count(*) from high_risk_history where rowid > ?"


def measure(events: int) -> dict[str, float]:
    """Return seconds from an event to its alert, and events a second into CHURN_METRICS_LIVE."""
    history.build(events)
    with open_database().session() as opened:
        tick(opened)  # whoever has fallen silent is dealt with before
        opened.cursor().execute(_ALARMED)
    with broker(port=0) as address:
        figures = _seconds_until_alert(address)
        send(_messages(1, first=events), address, _FIRST)
        for client in (KAFKA_PYTHON, LIBRDKAFKA):
            topic = f"{_TOPIC}.{client}"
            send(_messages(events), address, topic, client=LIBRDKAFKA)
            figures[f"into CHURN_METRICS_LIVE, {client}: events/s"] = _rate(
                address, topic, client, events
            )
    return figures


def _seconds_until_alert(address: str) -> dict[str, float]:
    send(_messages(1), address, _TOPIC)
    count = 1 + _PACE * _PACED_SECONDS
    with _database_of_its_own() as database, _running(database, address, _TOPIC, KAFKA_PYTHON):
        _wait_for(database, _TOPIC, 1)
        with _watching(database) as seconds:
            sender = _spawned.Process(target=_send_paced, args=(address,))
            sender.start()
            sender.join()
            _wait_for(database, _TOPIC, count)
            time.sleep(2)
    middle, late = numpy.quantile(seconds, (0.5, 0.95)) if seconds else (0.0, 0.0)
    return {
        "alerts": len(seconds),
        "alert visible p50 s, 5,000/s": round(middle, 3),
        "alert visible p95 s, 5,000/s": round(late, 3),
    }


def _send_paced(address: str) -> None:
    """Send from a process of its own: producers are other machines."""
    paced = _messages(_PACE * _PACED_SECONDS, first=1, one_after_the_other=True)
    send(paced, address, _TOPIC, rate=_PACE, client=LIBRDKAFKA)


@contextmanager
def _watching(database: Database) -> Iterator[list[float]]:
    """Yield how long each alert took from the customer's first event until it could be read."""
    seconds: list[float] = []
    stop = threading.Event()
    [(last,)] = database.rows("select coalesce(max(rowid), -1) from high_risk_history")

    def watch(last: int) -> None:
        while not stop.wait(_LOOK_SECONDS):
            if not database.rows(_NEW, last)[0][0]:
                continue
            seen = utc_now()
            [(newest, published)] = database.rows(_ALERTS, _TOPIC, last)
            if newest is not None:
                last = newest
                seconds.extend((seen - one).total_seconds() for one in published)

    watcher = threading.Thread(target=watch, args=(last,))
    watcher.start()
    try:
        yield seconds
    finally:
        stop.set()
        watcher.join()


def _rate(address: str, topic: str, client: str, events: int) -> int:
    """Count from the loader's first commit, so that starting a client is no part of it.

    The scheduler runs by then, as it does when a loader comes back: one event has been through.
    """
    with _database_of_its_own() as database:
        with _running(database, address, _FIRST, client):
            _wait_for(database, _FIRST, 1)
        with _running(database, address, topic, client):
            _wait_for(database, topic, events)
            ended = utc_now()
        query = "select min(loaded_at) from ingest_batches where kafka_topic = ?"
        [(started,)] = database.rows(query, topic)
    return round(events / (ended - started).total_seconds())


@contextmanager
def _running(database: Database, address: str, topic: str, client: str) -> Iterator[None]:
    """Have loader, scheduler and outreach run, in threads as `python -m embedded up` has them."""
    stop = threading.Event()
    parts = [
        lambda: load(DuckDBSink(database), address, topic, client=client, stop=stop),
        lambda: run(database, stop, lambda _: None),
        lambda: work(database, stop),
    ]
    with ThreadPoolExecutor(len(parts)) as threads:
        running = [threads.submit(part) for part in parts]
        try:
            yield
        finally:
            stop.set()
    for part in running:
        part.result()


@contextmanager
def _database_of_its_own() -> Iterator[Database]:
    open_database().close()
    built, copy = churn_home(), Path(f"{churn_home()}-copy")
    shutil.copytree(built, copy)
    os.environ["CHURN_HOME"] = str(copy)
    try:
        yield open_database()
    finally:
        open_database().close()
        os.environ["CHURN_HOME"] = str(built)
        shutil.rmtree(copy)


def _wait_for(database: Database, topic: str, events: int) -> None:
    """Wait until so many events of the topic are in the metrics of their customers."""
    # Counted once, and asked seldom: the processors belong to what is measured.
    query = "select count(*) from churn_scores_raw where kafka_topic <> ?"
    [(others,)] = database.rows(query, topic)
    query = "select sum(events_total) from churn_metrics_live"
    while database.rows(query)[0][0] < others + events:
        time.sleep(0.2)


def _messages(
    count: int, first: int = 0, *, one_after_the_other: bool = False
) -> Iterator[tuple[bytes, bytes]]:
    """Yield events of all customers; or of few at first, of all at the end, so that first events,
    which lead to alerts, come all the time.
    """
    for number in range(first, first + count):
        share = (number - first + 1) / count if one_after_the_other else 1
        customer = f"c{hash((number, 7)) % math.ceil(history.CUSTOMERS * share)}"
        event = {
            "event_id": f"live-{number:012x}",
            "customer_id": customer,
            "event_type": "purchase" if number % 5 == 0 else "login",
            "occurred_at": datetime.now(timezone.utc).isoformat(),
            "amount": number % 1_000 / 4,
            "properties": {"feature": "reports", "device": "mobile"},
        }
        yield customer.encode(), msgspec.json.encode(event)
