"""Who is held out is drawn when a manager approves, not before, and compared as it was drawn."""

import json
from datetime import datetime, timedelta

import pytest

from benchmarks.simulations import approval
from benchmarks.simulations.effect import AWAY, KEEP, STEPS, coverage, ever, judge
from benchmarks.simulations.rendered import rendered
from runtime.user import user_name
from tests.outreach_fixtures import raise_alerts, run, states

pytest_plugins = ("tests.outreach_fixtures",)
HELD_OUT = "This customer is held out, to measure what messages do: nothing is sent."
VIEWS = ("manager_outreach", "manager_messages")


def move(pipeline, to_state: str, *alerts: str) -> list[tuple]:
    arguments = {"alert_ids": json.dumps(alerts), "to_state": to_state}
    return sorted(
        pipeline.call("move_alerts", arguments | {"reason": "as asked", "revision": None})
    )


def arms(pipeline) -> list[dict[str, str | None]]:
    return [dict(pipeline.rows(f"select alert_id, arm from {view}")) for view in VIEWS]


def test_both_arms_wait_alike_and_the_approval_draws(pipeline):
    raise_alerts(pipeline, "A", "B")
    raise_alerts(pipeline, "G", "H", arm="holdout")
    assert states(pipeline) == dict.fromkeys("ABGH", "DRAFTED")
    assert arms(pipeline) == [dict.fromkeys("ABGH")] * 2
    assert pipeline.one("select count(*) from drawn_alerts") == 0
    assert move(pipeline, "APPROVED", "A", "H") == [("H", HELD_OUT, "held_out")]
    expected = {"A": "APPROVED", "B": "DRAFTED", "G": "DRAFTED", "H": "HELD_OUT"}
    assert states(pipeline) == expected
    assert arms(pipeline) == [{"A": "treated", "B": None, "G": None, "H": "holdout"}] * 2
    assert pipeline.rows(
        "select from_state, actor, reason from alert_events where to_state = 'HELD_OUT'"
    ) == [("DRAFTED", f"{user_name()} as CHURN_MANAGER", "held out, to measure what messages do")]
    before = pipeline.rows("from alert_events order by all")
    assert move(pipeline, "APPROVED", "A", "H") == [("H", HELD_OUT, "held_out")]
    assert pipeline.rows("from alert_events order by all") == before
    assert move(pipeline, "REJECTED", "H") == [("H", HELD_OUT, "refused")]
    run(pipeline, "advance_alerts")
    assert states(pipeline) == expected | {"A": "QUEUED"}


def test_the_queue_shows_no_arm_before_it_is_drawn(pipeline):
    raise_alerts(pipeline, "A", "B")
    pipeline.connection.execute(
        "insert into churn_scores select alert_id, 0.9, 'high', now(), 90, '[]', 'm', 'h', now()"
        " from high_risk_history"
    )
    assert move(pipeline, "APPROVED", "A") == []
    queue = "select customer_id, arm from manager_risk_queue order by 1"
    assert pipeline.rows(queue) == [("A", "treated"), ("B", None)]


def test_both_arms_are_approved_under_the_same_conditions(pipeline):
    raise_alerts(pipeline, "A")
    raise_alerts(pipeline, "G", "H", arm="holdout")
    for who in ("A", "H"):
        given = {"customer_id": who, "reason": "unsubscribed"}
        assert pipeline.call("suppress_customer", given) == []
    pipeline.connection.execute("update retention_emails set status = 'FAILED'")
    sentence = "Nothing may be sent: the customer is on the suppression list: unsubscribed."
    assert move(pipeline, "APPROVED", "A", "G", "H") == [
        ("A", sentence, "refused"),
        ("G", "There is no draft that passed its checks.", "refused"),
        ("H", sentence, "refused"),
    ]
    assert pipeline.one("select count(*) from drawn_alerts") == 0
    run(pipeline, "advance_alerts")
    assert states(pipeline) == {"A": "SUPPRESSED", "G": "DRAFTED", "H": "SUPPRESSED"}


@pytest.mark.parametrize("arm", ["treated", "holdout"])
def test_nobody_chooses_who_is_held_out(pipeline, arm):
    sentence = "Nobody chooses who is held out: that is drawn by chance when an alert is approved."
    raise_alerts(pipeline, "A", arm=arm)
    for _ in range(2):
        assert move(pipeline, "HELD_OUT", "A") == [("A", sentence, "refused")]
        drafted = states(pipeline)["A"]
        move(pipeline, "APPROVED", "A")
    assert drafted == {"treated": "APPROVED", "holdout": "HELD_OUT"}[arm]
    assert states(pipeline)["A"] == drafted


def insert(pipeline, table: str, *rows: tuple) -> None:
    marks = ", ".join("?" for _ in rows[0])
    pipeline.connection.executemany(f"insert into {table} values ({marks})", rows)


RAISED = datetime(2026, 3, 1)


def alert(name: str, customer: str, arm: str, day: int, drawn: str | None, because=None) -> tuple:
    at = RAISED + timedelta(days=day)
    status = "HELD_OUT" if arm == "holdout" and drawn is None else "OPEN"
    row = (name, customer, 0.5, 0.2, 10.0, "[]", "thank_you", arm, status, "m", at, "default")
    return (*row, because, 10, drawn)


def approved(alert_id: str, day: int, to_state: str = "APPROVED") -> tuple:
    at = RAISED + timedelta(days=day)
    return (alert_id + to_state, alert_id, "DRAFTED", to_state, "ann", "", at)


def test_each_customer_counts_with_its_first_drawn_alert(pipeline):
    insert(
        pipeline,
        "high_risk_history",
        alert("waits", "c1", "treated", 0, "approval"),
        alert("approved late", "c2", "treated", 0, "approval"),
        alert("approved soon", "c2", "treated", 5, "approval"),
        alert("held out", "c3", "holdout", 0, "approval"),
        alert("expired", "c4", "holdout", 0, "approval"),
        alert("the next", "c4", "holdout", 20, "approval"),
        alert("older", "c5", "treated", 0, None),
        alert("newer", "c5", "treated", 20, "approval"),
        alert("older, held out", "c6", "holdout", 0, None),
        alert("older, without consent", "c7", "treated", 0, None, "no consent"),
        alert("rejected in the end", "c8", "treated", 0, "approval"),
    )
    insert(
        pipeline,
        "alert_events",
        approved("approved late", 9),
        approved("approved soon", 6),
        approved("held out", 2, "HELD_OUT"),
        approved("the next", 21, "HELD_OUT"),
        approved("newer", 21),
        approved("rejected in the end", 1),
        ("r", "rejected in the end", "APPROVED", "REJECTED", "ann", "", RAISED),
    )
    found = pipeline.rows("select alert_id, arm, arm_drawn from compared_alerts order by 1")
    assert found == [
        ("approved soon", "treated", "approval"),
        ("held out", "holdout", "approval"),
        ("older", "treated", None),
        ("older, held out", "holdout", None),
        ("rejected in the end", "treated", "approval"),
        ("the next", "holdout", "approval"),
    ]
    drawn = dict(pipeline.rows("select alert_id, drawn_at from drawn_alerts"))
    assert drawn["approved late"] == RAISED + timedelta(days=9)
    assert drawn["older, without consent"] == RAISED
    assert set(drawn).isdisjoint({"waits", "expired"})


def test_what_was_drawn_with_the_alert_is_never_compared_with_what_was_drawn_later(pipeline):
    """In both halves as many leave in either arm; together they would differ by 30 points."""
    numbers = {  # left and all, of the treated and the held out
        None: ((20, 200), (20, 200)),
        "approval": ((40, 50), (320, 400)),
    }
    for drawn, (treated, held_out) in numbers.items():
        for arm, (left, of) in (("treated", treated), ("holdout", held_out)):
            names = [f"{drawn}-{arm}-{number}" for number in range(of)]
            insert(
                pipeline,
                "high_risk_history",
                *(alert(name, name, arm, 0, drawn) for name in names),
            )
            insert(
                pipeline,
                "outcomes",
                *((name, name, arm, int(n < left), RAISED, 28, 1) for n, name in enumerate(names)),
            )
            if drawn:
                to_state = {"treated": "APPROVED", "holdout": "HELD_OUT"}[arm]
                insert(pipeline, "alert_events", *(approved(name, 1, to_state) for name in names))
    effect = "select name, difference, left_out_n from manager_effect where dimension = '{}'"
    for dimension in ("overall", "risk_band", "offer", "segment"):
        [(_, difference, left_out)] = pipeline.rows(effect.format(dimension))
        assert (round(difference, 9), left_out) == (0, 0)
    insert(
        pipeline,
        "alert_spend",
        *(
            (name, 28, 100.0 if name.startswith("approval") else 10.0, RAISED, None)
            for (name,) in pipeline.rows("select alert_id from high_risk_history")
        ),
    )
    money = "select earned, left_out_n from manager_money where dimension = 'overall'"
    [(earned, left_out)] = pipeline.rows(money)
    assert (round(earned, 9), left_out) == (0, 0)


@pytest.fixture(scope="module")
def effect_sql() -> str:
    return rendered(STEPS)


def test_a_proof_takes_a_quarter_of_the_customers_and_half_of_the_alerts(effect_sql):
    """Managers approve half of the alerts, more often of customers more at risk."""
    alerts = approval.campaigns(approval.SAVED, runs=60, size=4000, seed=2)
    judged = {
        drawn: judge(approval.looks(alerts, drawn, 1000), effect_sql)
        for drawn in (approval.RAISED, approval.APPROVED)
    }
    before, after = (approval.needed(one, 2, 1000) for one in judged.values())
    print(f"customers and alerts that a proof takes: {before} before, {after} now")
    assert before[0] > 3.5 * after[0]
    assert before[1] > 1.8 * after[1]
    for drawn, one in judged.items():
        last = one[one["day"] == 4]
        true = approval.truth(alerts, drawn, approval.SAVED)
        error = last["difference"].std() / 60**0.5
        assert abs(last["difference"].mean() - true) < 3 * error, drawn
        assert coverage(one, true) >= 0.85, drawn


def test_without_an_effect_nothing_is_proved_as_long_as_nobody_knows_the_arm(effect_sql):
    """Approval depends on the risk, and on who is back by then, in both arms alike."""
    alerts = approval.campaigns(0.0, runs=60, size=10_000, seed=3)
    judged = judge(approval.looks(alerts, approval.APPROVED, 500), effect_sql)
    assert ever(judged, [KEEP, AWAY]) <= 0.07
    assert coverage(judged, 0) >= 0.85
    assert abs(approval.spend_difference(alerts)) < 0.3
    known = approval.campaigns(0.0, runs=60, size=10_000, seed=3, is_arm_known=True)
    judged = judge(approval.looks(known, approval.KNOWN, 500), effect_sql)
    assert ever(judged, [AWAY]) > 0.3
