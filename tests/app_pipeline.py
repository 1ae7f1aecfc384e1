"""A pipeline with so many customers for the dashboard's tests, some at risk, some not scored."""

import json
from datetime import datetime

from embedded.engine.scheduler import tick
from embedded.engine.storage import Database, transact
from runtime.clock import utc_now

MODEL = "forest-test"
NASTY = (
    '<img src=x onerror="alert(1)"><script>alert(2)</script> **bold** [x](http://x) =1+1'
    " \u202eright to left\u202c " + "long " * 2_000
)
REASONS = json.dumps([{"code": "silent", "text": "No activity for 20 days, usually every 3"}])
# Customer n is in region n % 4 and at risk if n % 10 = 0, held out if approved and n % 100 = 90,
# not scored if n % 10 = 5; the first one has the nasty name, and the greatest value; no figure
# explains the risk of customer 20.
_EVENTS = """
    insert into churn_scores_raw
    with customers as (
        select
            number,
            format('c{:04d}', number) as customer_id,
            to_json({
                'properties': {
                    'name': case number when 0 then $nasty else 'Customer ' || number end,
                    'email': 'c' || number || '@example.com',
                    'region': ['north', 'east', 'south', 'west'][number % 4 + 1],
                    'segment': case number when 0 then $nasty else
                        ['premium', 'standard', 'budget'][number % 3 + 1] end,
                    'marketing_consent': true
                }
            }) as profile
        from range($customers) as numbers (number)
    ),
    events as (
        select customer_id, 'profile_updated' as event_type,
            $now::timestamp - interval 90 day as happened_at,
            null as amount, profile as payload
        from customers
        union all
        select customer_id, 'purchase', $now::timestamp - to_days((visit * 10)::integer), 20, '{}'
        from customers
        cross join range(6) as visits (visit)
    )
    select 'e' || row_number() over (), customer_id, event_type, happened_at, amount, payload,
        'churn.events', 0, row_number() over (), happened_at, $now
    from events
"""
_SCORED = """
    select
        customer_id,
        cast(substr(customer_id, 2) as integer) as number,
        number % 10 = 0 as is_at_risk,
        number % 100 = 90 as is_held_out,
        case when number = 20 then '[]' else $reasons end as reasons,
        'alert-' || customer_id as alert_id
    from churn_metrics_live
"""
_STATEMENTS = [
    f"""
    insert into churn_scores
    select
        customer_id,
        case when is_at_risk then 0.61 else 0.04 end,
        case when is_at_risk then 'high' else 'low' end,
        $now, 300.25 - number / 100, reasons, '{MODEL}', 'hash', $now
    from ({_SCORED}) where number % 10 <> 5
    """,
    "insert into churn_score_history by name select * from churn_scores",
    f"""
    insert into high_risk_history
    select alert_id, customer_id, 0.61, 0.2, 300.25 - number / 100, reasons, 'welcome_back',
        case when is_held_out then 'holdout' else 'treated' end,
        'OPEN', '{MODEL}', $now, 'default', null, 10, 'approval'
    from ({_SCORED}) where is_at_risk
    """,
    f"""
    insert into alert_events
    select md5(alert_id || 'new'), alert_id, '', 'OPEN', 'process_alerts', '', $now
    from ({_SCORED}) where is_at_risk
    """,
    f"""
    insert into alert_events
    select md5(alert_id || 'drafted'), alert_id, 'OPEN', 'DRAFTED', 'template', '', $now
    from ({_SCORED}) where is_at_risk
    """,
    f"""
    insert into retention_emails
    select alert_id, case number when 0 then $nasty || ', we have missed you' else 'Hello' end,
        'Dear customer', 'template', 'none', '1', '{{"length":true}}', 'DRAFTED', null, $now, 0,
        'template', case number when 40 then $marks else '[]' end
    from ({_SCORED}) where is_at_risk
    """,
]


def fill(database: Database, customers: int) -> None:
    """Load events of so many customers, refresh, and leave behind what the tasks would have."""
    now = utc_now()
    given = {
        "customers": customers,
        "now": now,
        "nasty": NASTY,
        "reasons": REASONS,
        "marks": json.dumps(
            [
                {"in": "body", "start": 0, "text": "Dear", "why": ["not one of ours", "odd"]},
                {"in": "letter", "start": 0, "text": "", "why": ["too short"]},
            ]
        ),
    }

    def run(open_, statement):
        names = [name for name in given if f"${name}" in statement]
        open_.execute(statement, {name: given[name] for name in names})

    with database.session() as opened, opened.cursor() as connection:
        transact(connection, lambda open_: run(open_, _EVENTS))
        tick(opened)
        transact(connection, _train)
        for statement in _STATEMENTS:
            transact(connection, lambda open_, statement=statement: run(open_, statement))


def _train(connection) -> None:
    """Leave a run behind that has measured itself; which model gave the scores is all the same."""
    figures = {
        "reliability": [{"from": 0.0, "to": 0.1, "n": 90, "predicted": 0.05, "observed": 0.06}],
        "lift_curve": [{"share": 0.1, "lift": 3.0, "recall": 0.3}],
        "paid_by_rule": [
            {"rule": "score", "contacts": 90, "net_benefit": 166.1},
            {"rule": "value", "contacts": 41, "net_benefit": 427.3},
        ],
        "by_segment": [
            {"segment": NASTY, "n": 12, "churners": 2, "roc_auc": 0.7, "predicted": 0.1,
             "observed": 0.2},
        ],
        "by_region": [
            {"region": "north", "n": 120, "churners": 36, "roc_auc": 0.7, "predicted": 0.1,
             "observed": 0.3, "observed_low": 0.23, "observed_high": 0.39, "customers": 130,
             "alert_rate": 0.2, "alert_rate_low": 0.14, "alert_rate_high": 0.28},
        ],
    }  # fmt: skip
    given = {"version": MODEL, "status": "trained", "roc_auc": 0.81, "roc_auc_low": 0.77}
    given |= {"roc_auc_high": 0.85, "baseline_auc": 0.74, "challenger_auc": 0.8, "brier": 0.07}
    given |= {"suggested_threshold_cost": 0.22}
    given |= {"lift_at_10_percent": 3.1, "test_rows": 400, "test_churners": 31}
    given |= {"test_cutoff_date": "2026-01-01", "trained_at": datetime(2026, 1, 30)}
    given |= {name: json.dumps(value) for name, value in figures.items()}
    marks = ", ".join("?" for _ in given)
    connection.execute(
        f"insert into train_churn_model ({', '.join(given)}) values ({marks})", list(given.values())
    )
    connection.execute(
        "insert into model_promotions values (?, 'promoted', 'the first version', 'test', ?)",
        [MODEL, datetime(2026, 1, 30)],
    )
