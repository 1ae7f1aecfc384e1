"""A pipeline to look at: made-up subscribers, scored day by day, some of the drafts decided on."""

import json
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pandas as pd

from embedded.engine.dbt import run_dbt
from embedded.engine.scheduler import tick
from embedded.engine.storage import transact
from embedded.session import open_database
from ingest.simulate import simulate
from runtime.command_line import report

CUSTOMERS, DAYS, WATCHED_DAYS, SEED = 1_200, 190, 40, 8
# Who decides on drafts, one after the other, and leaves every seventh undecided for a while.
_DECIDE = """
    insert into alert_events
    with waiting as (
        select
            states.alert_id,
            ['Ada Keller', 'Ben Haas', 'Ines Abel'][(hash(states.alert_id) % 3 + 1)::integer]
                as actor,
            case
                when hash(states.alert_id) % 9 = 0 then 'REJECTED'
                when alerts.arm = 'holdout' then 'HELD_OUT'
                else 'APPROVED'
            end as decision
        from alert_states as states
        inner join high_risk_history as alerts using (alert_id)
        where state = 'DRAFTED' and hash(states.alert_id) % 7 > 0
    ),
    moves as (
        select alert_id, 'DRAFTED' as from_state, decision as to_state, actor,
            case decision
                when 'REJECTED' then 'We spoke on the phone'
                when 'HELD_OUT' then 'held out, to measure what messages do'
                else ''
            end as reason,
            1 as step
        from waiting
        union all
        select alert_id, 'APPROVED', 'QUEUED', 'outreach', '', 2 from waiting
        where decision = 'APPROVED'
        union all
        select alert_id, 'QUEUED', 'SENT', 'outreach', 'handed over', 3 from waiting
        where decision = 'APPROVED'
    )
    select
        md5(alert_id || '|' || from_state || '|' || to_state) as event_id, alert_id, from_state,
        to_state, actor, reason, $at::timestamp + to_minutes(step) as occurred_at
    from moves
"""
_ASSIGN = """
    insert into alert_assignments
    select
        alert_id, ['Ada Keller', 'Ben Haas', 'Ines Abel'][(hash(alert_id) % 3 + 1)::integer],
        ($at::timestamp + to_days((hash(alert_id) % 5)::integer + 1))::date, 'Ada Keller', $at
    from alert_states
    where state in ('OPEN', 'DRAFTED') and hash(alert_id) % 3 > 0
        and alert_id not in (select alert_id from alert_assignments)
"""
_LAST = """
    select
        uuid()::varchar as event_id, customer_id, 'login' as event_type,
        now()::timestamp as occurred_at, null::double as amount, '{}' as payload,
        (select max(kafka_offset) from churn_scores_raw) + row_number() over () as number
    from (select customer_id from churn_metrics_live order by last_activity_at desc limit 3)
"""
_INSERT = """
    insert into churn_scores_raw
    select
        event_id, customer_id, event_type, occurred_at, amount, payload, 'churn.events',
        abs(hash(customer_id) % 3)::integer, number, occurred_at, occurred_at
    from arrived
"""
_NOTE = """
    insert into ingest_batches
    select 'churn.events', 'showcase', part, 0, next_offset, next_offset, accepted, 0, $at
    from (
        select abs(hash(customer_id) % 3)::integer as part, max(number) + 1 as next_offset,
            count(*) as accepted
        from arrived group by all
    )
"""


def build(path: Path) -> None:
    """Build the pipeline: history first, a model of it, then one day after the other."""
    report(f"making up {CUSTOMERS:,} customers of {DAYS} days, and their pipeline")
    os.environ["CHURN_HOME"] = str(path)
    now = datetime.now(timezone.utc)
    events = _events(now)
    run_dbt("build", "--exclude-resource-type", "test", "unit_test")
    watched_from = pd.Timestamp(now).tz_localize(None) - timedelta(days=WATCHED_DAYS)
    with open_database().session() as opened, opened.cursor() as pipeline:
        _arrive(pipeline, events[events["occurred_at"] < watched_from])
        tick(opened, as_of=events.loc[events["occurred_at"] < watched_from, "occurred_at"].max())
    report("training")
    run_dbt("build", "--exclude-resource-type", "test", "unit_test")
    _watch(events, watched_from)
    open_database().close()


def freshen() -> None:
    """Let something happen now, so that data are not too old to be looked at."""
    with open_database().session() as opened, opened.cursor() as pipeline:
        _arrive(pipeline, pipeline.execute(_LAST).df())
        tick(opened)
    open_database().close()  # for the dashboard


def _watch(events: pd.DataFrame, watched_from: pd.Timestamp) -> None:
    """Let one day after the other come in, be scored and be decided on."""
    with open_database().session() as opened, opened.cursor() as pipeline:
        for day in range(WATCHED_DAYS):
            if day % 10 == 0:
                report(f"scoring and deciding, day {day} of {WATCHED_DAYS}")
            since, until = (watched_from + timedelta(days=day + one) for one in (0, 1))
            today = events[(events["occurred_at"] >= since) & (events["occurred_at"] < until)]
            _arrive(pipeline, today)
            at = today["occurred_at"].max()
            for line in tick(opened, as_of=at.to_pydatetime()).summary_lines():
                if "failed" in line:
                    raise RuntimeError(line)
            if day < WATCHED_DAYS - 1:
                transact(pipeline, lambda open_, at=at: open_.execute(_DECIDE, {"at": at}))
            transact(pipeline, lambda open_, at=at: open_.execute(_ASSIGN, {"at": at}))


def _events(end: datetime) -> pd.DataFrame:
    rows = [
        {
            **{name: one[name] for name in ("event_id", "customer_id", "event_type")},
            "occurred_at": one["occurred_at"],
            "amount": one.get("amount"),
            "payload": json.dumps({"properties": one.get("properties")}),
        }
        for one in simulate(CUSTOMERS, DAYS, SEED, end)
    ]
    frame = pd.DataFrame(rows).reset_index(names="number")
    moments = pd.to_datetime(frame["occurred_at"]).dt.tz_localize(None)
    # The last day goes on: what would happen later today has not happened yet.
    frame = frame.assign(occurred_at=moments)
    return frame[frame["occurred_at"] <= pd.Timestamp(end).tz_localize(None)]


def _arrive(pipeline: object, events: pd.DataFrame) -> None:
    pipeline.register("arrived", events)
    transact(pipeline, lambda open_: open_.execute(_INSERT))
    at = events["occurred_at"].max()
    transact(pipeline, lambda open_: open_.execute(_NOTE, {"at": at}))
    pipeline.unregister("arrived")


if __name__ == "__main__":
    build(Path(os.environ["CHURN_HOME"]))
