"""`python -m benchmarks.alert_policy`: how many alerts the policy raises, beside what it spares.

The shipped sample, hour by hour through the last days of it: events in, tables refreshed, everyone
scored, alerts raised, by the pipeline itself. The model knows nothing of those days. Beside it what
other policies would have raised from the same scores. Last line: JSON.
"""

import argparse
import json
import os
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from embedded.engine.dbt import run_dbt
from embedded.engine.scheduler import tick
from embedded.engine.storage import Opened, transact
from embedded.session import open_database
from ingest.samples import EVENTS, PROFILES

_LOAD = f"""
    insert into churn.main.churn_scores_raw
    with events as (
        select
            event_id, customer_id, event_type, occurred_at, amount, properties::json as properties
        from '{EVENTS}'
        union all
        select event_id, customer_id, event_type, occurred_at::timestamp, null, properties
        from read_json('{PROFILES}', columns = {{
            event_id: 'varchar', customer_id: 'varchar', event_type: 'varchar',
            occurred_at: 'varchar', properties: 'json'
        }})
    )
    select
        event_id, customer_id, event_type, occurred_at, amount,
        json_object('properties', properties), 'sample', 0,
        hash(event_id) % 1000000000000, occurred_at, occurred_at
    from events
    where occurred_at > $since and occurred_at <= $until
"""
# A customer who is above the threshold at one score and was not at the one before.
_CROSSINGS = """
    select count(*), count(distinct customer_id)
    from (
        select customer_id, score, threshold,
            lag(score) over (partition by customer_id order by scored_at) as before
        from churn_score_history
        inner join customer_policies using (customer_id)
    )
    where score >= threshold and coalesce(before, 0) < threshold
"""
_ALERTS = """
    select count(*), count(distinct customer_id), coalesce(max(alerts), 0)
    from (select customer_id, count(*) over (partition by customer_id) as alerts
          from high_risk_history)
"""
# Entering the band again within the cool-down of 14 days.
_ENTRIES = """
    select count(*)
    from (
        select customer_id, band_since,
            lag(band_since) over (partition by customer_id order by band_since) as before
        from (select distinct customer_id, band_since from churn_score_history where band = 'high')
    )
    where band_since < before + interval 14 days
"""
_HIGH = "select count(*) from churn_scores where score is not null and band = 'high'"


def measure(days: int, folder: Path) -> dict[str, int]:
    """Return the figures of so many days, in a new pipeline in this folder."""
    start = datetime(2018, 1, 1) - timedelta(days=days)
    os.environ["CHURN_HOME"] = str(folder / "home")
    # Households sleep: a night without baskets is no broken loader here.
    variables = ["--vars", "stale_after_minutes: 1440"]
    run_dbt("run", "-s", "raw", *variables)
    with open_database().session() as opened:
        _load(opened.cursor(), datetime(2000, 1, 1), start)
    run_dbt("build", "--exclude-resource-type", "test", "unit_test", *variables)
    with open_database().session() as opened:
        return _live_through(opened, start, days)


def _load(pipeline: duckdb.DuckDBPyConnection, since: datetime, until: datetime) -> None:
    transact(pipeline, lambda open_: open_.execute(_LOAD, {"since": since, "until": until}))


def _live_through(opened: Opened, start: datetime, days: int) -> dict[str, int]:
    hourly = daily = 0
    pipeline = opened.cursor()
    for day in range(days):
        for hour in range(day * 24 + 1, day * 24 + 25):
            moment = start + timedelta(hours=hour)
            _load(pipeline, moment - timedelta(hours=1), moment)
            tick(opened, moment)
            high = pipeline.execute(_HIGH).fetchall()[0][0]
            hourly += high
        daily += high
        figures = _figures(pipeline, day + 1) | {
            "re_emission_every_hour": hourly,
            "re_emission_every_day": daily,
        }
        # A run takes an hour: whoever waits reads how far it is, and what holds so far.
        sys.stderr.write(json.dumps(figures) + "\n")
    return figures


def _figures(pipeline: duckdb.DuckDBPyConnection, days: int) -> dict[str, int]:
    alerts, customers, most = pipeline.execute(_ALERTS).fetchall()[0]
    crossings, crossed = pipeline.execute(_CROSSINGS).fetchall()[0]
    return {
        "days": days,
        "customers_scored": pipeline.execute("select count(*) from churn_scores").fetchall()[0][0],
        "scores": pipeline.execute("select count(*) from churn_score_history").fetchall()[0][0],
        "upward_crossings": crossings,
        "customers_who_crossed": crossed,
        "alerts": alerts,
        "customers_alerted": customers,
        "most_alerts_of_a_customer": most,
        "entries_within_14_days_of_another": pipeline.execute(_ENTRIES).fetchall()[0][0],
    }


def main() -> int:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.alert_policy", description=__doc__)
    parser.add_argument("--days", type=int, default=28, help="default: 28")
    parser.add_argument("--pipeline", type=Path, help="a new folder that is kept; default: removed")
    arguments = parser.parse_args()
    if arguments.days < 1:
        parser.error("--days: at least 1")
    if arguments.pipeline and arguments.pipeline.exists():
        parser.error(f"--pipeline {arguments.pipeline} is there already: name a new folder")
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(arguments.days, arguments.pipeline or Path(folder))
        open_database().close()  # who has it open makes files
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
