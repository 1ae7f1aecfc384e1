"""From Kafka to the alert: how long one event takes, and how many a second the whole keeps up with.

Loader, scheduler and outreach run as `python -m embedded up` starts them.
"""

import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

import msgspec

from benchmarks import history
from embedded.broker import broker
from embedded.engine.dbt import PROJECT
from embedded.engine.scheduler import tick
from embedded.engine.storage import churn_home
from embedded.session import connect
from ingest.libraries import KAFKA_PYTHON, LIBRDKAFKA
from ingest.publisher import send
from runtime.clock import utc_now

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
_SECONDS_UNTIL_ALERT = f"""
    with first_events as (
        select customer_id, min(published_at) as published_at
        from churn_scores_raw
        where kafka_topic = $topic
        group by customer_id
    ),
    alerts as (
        select customer_id, epoch(snapshot_time::timestamp) as seen_at
        from ducklake_table_insertions('pipeline', 'main', 'high_risk_history', {{since}}, {{until}})
        inner join pipeline.snapshots() using (snapshot_id)
        where segment = '{history.WATCHED}'
    )
    select
        count(*),
        quantile_cont(seen_at - epoch(published_at), 0.5),
        quantile_cont(seen_at - epoch(published_at), 0.95)
    from alerts
    inner join first_events using (customer_id)
"""


def measure(events: int) -> dict[str, float]:
    """Return seconds from an event to its alert, and events a second into CHURN_METRICS_LIVE."""
    history.build(events)
    with connect() as pipeline:
        tick(pipeline)  # whoever has fallen silent is dealt with before
        pipeline.execute(_ALARMED)
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
    up = ("embedded", "up", "--no-dashboard", "--bootstrap-servers", address, "--topic", _TOPIC)
    with _lake_of_its_own(), _started(*up, "--client", KAFKA_PYTHON), connect() as pipeline:
        _wait_for(pipeline, _TOPIC, 1)
        since = _snapshot(pipeline)
        paced = _messages(_PACE * _PACED_SECONDS, first=1, one_after_the_other=True)
        # Producers are other machines: here they should take as little of this one as they can.
        send(paced, address, _TOPIC, rate=_PACE, client=LIBRDKAFKA)
        _wait_for(pipeline, _TOPIC, 1 + _PACE * _PACED_SECONDS)
        time.sleep(2)
        query = _SECONDS_UNTIL_ALERT.format(since=since, until=_snapshot(pipeline))
        count, middle, late = pipeline.execute(query, {"topic": _TOPIC}).fetchone() or (0, 0, 0)
    return {
        "alerts": count,
        "alert visible p50 s, 5,000/s": round(middle, 3),
        "alert visible p95 s, 5,000/s": round(late, 3),
    }


def _rate(address: str, topic: str, client: str, events: int) -> int:
    """Count from the loader's first commit, so that starting Python is no part of it.

    The scheduler runs by then, as it does when a loader comes back: one event has been through.
    """
    load = ("ingest", "load", "--bootstrap-servers", address, "--client", client)
    with (
        _lake_of_its_own(),
        _started("embedded", "schedule"),
        _started("outreach", "run"),
        connect() as pipeline,
    ):
        with _started(*load, "--topic", _FIRST):
            _wait_for(pipeline, _FIRST, 1)
        with _started(*load, "--topic", topic):
            _wait_for(pipeline, topic, events)
            ended = utc_now()
        query = "select min(loaded_at) from ingest_batches where kafka_topic = ?"
        [started] = pipeline.execute(query, [topic]).fetchone() or (ended,)
    return round(events / (ended - started).total_seconds())


@contextmanager
def _started(*words: str) -> Iterator[None]:
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and fixed words
        [sys.executable, "-m", *words], cwd=PROJECT, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


@contextmanager
def _lake_of_its_own() -> Iterator[None]:
    built, copy = churn_home(), Path(f"{churn_home()}-copy")
    shutil.copytree(built, copy)
    os.environ["CHURN_HOME"] = str(copy)
    try:
        yield
    finally:
        os.environ["CHURN_HOME"] = str(built)
        shutil.rmtree(copy)


def _wait_for(pipeline: object, topic: str, events: int) -> None:
    """Wait until so many events of the topic are in the metrics of their customers."""
    # Counted once, and asked seldom: the processors belong to what is measured.
    query = "select count(*) from churn_scores_raw where kafka_topic <> ?"
    [others] = pipeline.execute(query, [topic]).fetchone()
    query = "select sum(events_total) from churn_metrics_live"
    while pipeline.execute(query).fetchone()[0] < others + events:
        time.sleep(0.2)


def _snapshot(pipeline: object) -> int:
    return pipeline.execute("select id from pipeline.current_snapshot()").fetchone()[0]


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
