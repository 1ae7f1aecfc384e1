"""Who pauses, cancels, comes back or unsubscribes: from the event to message and outcome."""

import json
from datetime import datetime, time, timedelta

import pytest

from runtime.clock import utc_now
from tests.conftest import event
from tests.outreach_fixtures import raise_alerts, run, states

pytest_plugins = ("tests.outreach_fixtures",)
PAUSED, CANCELLED, RESUMED = (
    "subscription_paused",
    "subscription_cancelled",
    "subscription_resumed",
)


def happen(pipeline, moment: datetime, **moves: tuple[str, ...]) -> None:
    """Load moves of customers, in their order within one minute, and let tasks run."""
    pipeline.add(
        *(
            event(f"{customer}-{name}-{moment}", customer, name, moment + timedelta(seconds=place))
            for customer, names in moves.items()
            for place, name in enumerate(names)
        )
    )
    pipeline.tick()


def approve(pipeline, *alerts: str) -> dict[str, str]:
    given = {"alert_ids": json.dumps(alerts), "to_state": "APPROVED", "reason": "x"}
    answers = pipeline.call("move_alerts", given | {"revision": None})
    return {alert: sentence for alert, sentence, _ in answers}


def reasons(pipeline) -> dict[str, str]:
    query = "select alert_id, reason from alert_states where state = 'SUPPRESSED'"
    return dict(pipeline.rows(query))


def test_nobody_is_written_to_while_they_pause_or_after_they_unsubscribed(pipeline):
    raise_alerts(pipeline, *"ABCDEF")
    now = utc_now()
    happen(
        pipeline, now, A=(PAUSED,), B=("unsubscribed",), C=(PAUSED, RESUMED),
        D=(CANCELLED, RESUMED), E=(CANCELLED,),
    )  # fmt: skip
    run(pipeline, "advance_alerts")
    paused, unwilling = "the customer has paused", "the customer has not agreed to marketing"
    assert reasons(pipeline) == {"A": paused, "B": unwilling, "E": "the customer has cancelled"}
    assert approve(pipeline, "C", "D", "F") == {}
    # Days may lie between approval and the outbox.
    happen(
        pipeline, now + timedelta(minutes=1), F=(PAUSED,), C=(PAUSED,), A=(RESUMED,), E=(RESUMED,)
    )
    run(pipeline, "advance_alerts")
    assert states(pipeline) == dict.fromkeys("ABCEF", "SUPPRESSED") | {"D": "QUEUED"}
    # Whoever is back may be written to again, by an alert of their own.
    pipeline.connection.execute("update high_risk_history set customer_id = alert_id || ''")
    raise_alerts(pipeline, "G", "H")
    pipeline.connection.execute(
        "update high_risk_history set customer_id = case alert_id when 'G' then 'A' else 'E' end"
        " where alert_id in ('G', 'H')"
    )
    run(pipeline, "advance_alerts")
    assert approve(pipeline, "G", "H") == {}


def test_managers_see_since_when_a_customer_pauses(pipeline):
    now = utc_now().replace(microsecond=0)
    happen(pipeline, now, A=(PAUSED,), B=(PAUSED, CANCELLED), C=(PAUSED, RESUMED), D=(CANCELLED,))
    query = "select customer_id, band, paused_at, cancelled_at, has_lapsed from manager_customers"
    found = {one: row for one, *row in pipeline.rows(f"{query} where customer_id <= 'D'")}
    second = timedelta(seconds=1)
    assert found == {
        "A": ["paused", now, None, False],
        "B": ["unscored", now, now + second, False],
        "C": ["unscored", None, None, False],
        "D": ["unscored", None, now, False],
    }
    [figures] = pipeline.rows(
        "select customers, paused_customers, new_customers from manager_overview"
    )
    assert figures == (8, 1, 5)  # too new are neither A, nor B and D


# What a customer does, by day after the alert: the outcome by 28 days, and by 84.
LIVES = {
    "A": ({0: (PAUSED,)}, 0, 0),
    "B": ({3: (CANCELLED,), 20: ("login",)}, 0, 1),
    "C": ({3: (CANCELLED,), 60: ("login",)}, 1, 0),
    "D": ({3: (PAUSED, CANCELLED), 70: (PAUSED,)}, 1, 1),
    "E": ({10: (PAUSED,), 15: (RESUMED,)}, 0, 1),
    "F": ({3: ("login",), 28: (CANCELLED, RESUMED), 80: (PAUSED,)}, 0, 0),
    "G": ({3: ("login", "invoice_issued"), 60: ("invoice_issued",)}, 0, 1),
    "H": ({2: ("invoice_issued",)}, 1, 1),
}


def test_outcomes_tell_who_pauses_from_who_has_left(pipeline):
    raise_alerts(pipeline, *LIVES)
    raised = datetime.combine(utc_now(), time(23, 59))
    for after in (29, 85):
        for customer, (moves, *_) in LIVES.items():
            for day, names in moves.items():
                if after - 57 < day < after:
                    happen(pipeline, raised + timedelta(days=day), **{customer: names})
        happen(pipeline, raised + timedelta(days=after), Z=("login",))
        run(pipeline, "advance_alerts", as_of=utc_now() + timedelta(days=after))
    assert dict(pipeline.rows("select alert_id, churned from outcomes")) == {
        one: churned for one, (_, churned, _) in LIVES.items()
    }
    assert dict(pipeline.rows("select alert_id, has_left from alert_spend where days = 84")) == {
        one: has_left for one, (*_, has_left) in LIVES.items()
    }


@pytest.mark.parametrize(
    ("moves", "stages"),
    [
        ({3: (PAUSED,)}, ["new", "paused"]),
        ({40: (PAUSED,)}, ["new", "paused"]),
        ({3: (PAUSED,), 4: ("login",)}, ["new", "dormant"]),
        ({40: (PAUSED, CANCELLED)}, ["new", "dormant"]),
        ({3: (PAUSED,), 40: (RESUMED,)}, ["new", "kept", "dormant"]),
        ({40: ("invoice_issued",)}, ["new", "dormant"]),
    ],
)
def test_who_pauses_is_not_dormant(pipeline, moves, stages):
    first = datetime(2026, 1, 2)
    pipeline.rows("delete from churn_scores_raw")
    happen(pipeline, first, x=("login",))
    for day, names in moves.items():
        happen(pipeline, first + timedelta(days=day), x=names)
    happen(pipeline, datetime(2026, 4, 1), clock=("login",))
    found = pipeline.rows(
        "select stage from manager_lifecycle where activity_month < '2026-04-01'"
        " order by activity_month"
    )
    assert [stage for (stage,) in found] == stages
