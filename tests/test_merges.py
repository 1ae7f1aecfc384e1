"""Two ids of one customer: joined whatever arrives first, and known in training from their day."""

import json
import random
from datetime import date, datetime, timedelta
from itertools import pairwise

import pandas
import pytest

from runtime.clock import utc_now
from tests.conftest import EPOCH, event
from tests.dbt import render, run_dbt
from tests.outreach_fixtures import raise_alerts, run, states
from tests.recomputed import differing_rows
from training.snapshots import KEYS_AND_LABEL

pytest_plugins = ("tests.outreach_fixtures",)
HOPS = 3
IDENTITIES = "select customer_id, surviving_id, merged_at from customer_identities"
CUTOFF = '"churn"."main"."training_cutoffs"'


def at(day: float) -> datetime:
    return EPOCH + timedelta(days=day)


def merge(number, into: str, merged: str, day: float) -> dict:
    """`into` is the id that stays, `merged` the one that goes."""
    properties = {"merged_id": merged}
    return event(f"m{number}", into, "customer_merged", at(day), properties=properties)


def links(events: list[dict], until: datetime) -> dict[str, tuple[str, datetime]]:
    """Follow the merges up to a moment one after the other, as the documentation says it."""
    merges = [
        (one["occurred_at"], one["event_id"], one["customer_id"], one["properties"]["merged_id"])
        for one in events
        if one["event_type"] == "customer_merged" and one["occurred_at"] <= until
    ]
    found, ignored = {}, set()
    for moment, _, into, merged in sorted(merges):
        if merged in found or merged in ignored or merged == into:
            continue
        end = into
        while end in found:
            end = found[end][0]
        if end == merged:
            ignored.add(merged)
        else:
            found[merged] = into, moment
    return found


def surviving(known: dict[str, tuple[str, datetime]], customer: str) -> str:
    for _ in range(HOPS):
        if customer not in known:
            break
        customer = known[customer][0]
    return customer


def drawn_events(seed: int, ids: int, days: int, merges: int) -> list[dict]:
    """Visits, purchases and cancellations of some ids, and merges: chains, circles, second ones."""
    draw = random.Random(seed)
    names, events = [f"c{number}" for number in range(ids)], []
    for number in range(merges):
        into, merged = draw.sample(names, 2)
        events.append(merge(f"{seed}-{number}", into, merged, draw.randrange(days * 24) / 24))
    for name in names:
        share = draw.choice([0.1, 0.3, 0.6])
        for day in range(days):
            if draw.random() < share:
                kind = draw.choice(["purchase", "purchase", "login", "ticket_opened"])
                moment = at(day + draw.random())
                amount = draw.randrange(400) / 4 if kind == "purchase" else None
                events.append(event(f"{name}-{day}", name, kind, moment, amount=amount))
    return events


def purchases_by_day(rows) -> dict[tuple[str, date], float]:
    found: dict[tuple[str, date], float] = {}
    for customer, day, amount in rows:
        found[customer, day] = found.get((customer, day), 0.0) + amount
    return {key: amount for key, amount in found.items() if amount}


def check_metrics(pipeline, events: list[dict]) -> None:
    """Compare with what the events say, and with the tables computed from nothing."""
    known = links(events, datetime.max)
    whole = {one: surviving(known, one) for one in known}
    found = pipeline.rows(IDENTITIES)
    assert {row[0]: row[1] for row in found} == whole
    assert {row[0]: row[2] for row in found} == {one: known[one][1] for one in known}
    expected = purchases_by_day(
        (whole.get(one["customer_id"], one["customer_id"]), one["occurred_at"].date(),
         one.get("amount") or 0.0)
        for one in events
    )  # fmt: skip
    days = "select customer_id, activity_date, purchase_amount from customer_activity_daily"
    assert purchases_by_day(pipeline.rows(days)) == expected
    live = {customer for (customer,) in pipeline.rows("select customer_id from churn_metrics_live")}
    assert live == {whole.get(one["customer_id"], one["customer_id"]) for one in events}
    assert differing_rows(pipeline.connection) == {}


@pytest.mark.parametrize("order", ["as sent", "merges first", "merges last", "shuffled"])
def test_the_order_of_arrival_changes_nothing(empty_pipeline, order):
    for seed in range(3):
        empty_pipeline.rows("delete from churn_scores_raw")
        events = drawn_events(seed, ids=14, days=30, merges=12)
        known = links(events, datetime.max)
        assert any(into in known for into, _ in known.values())  # a chain
        if order == "shuffled":
            random.Random(seed).shuffle(events)
        else:
            merges_at = {"as sent": 0, "merges first": -1, "merges last": 1}[order]
            events.sort(
                key=lambda one, sign=merges_at: (
                    sign * (one["event_type"] == "customer_merged"), one["occurred_at"],
                )
            )  # fmt: skip
        for first, last in pairwise(range(0, len(events) + 40, 40)):
            empty_pipeline.add(*events[first:last])
            empty_pipeline.refresh()
        check_metrics(empty_pipeline, events)


def test_what_becomes_of_each_kind_of_merge(empty_pipeline):
    events = [
        *[event(f"v{one}", one, "purchase", at(1), amount=1.0) for one in "abcdefghijkmnpqrs"],
        merge(1, "b", "a", 2),
        merge(2, "c", "b", 3),  # a chain: a and b are c
        merge(3, "c", "a", 4),  # says again what is known
        merge(4, "d", "a", 5),  # another one: a was merged before
        merge(5, "e", "f", 2),
        merge(6, "g", "e", 3),
        merge(7, "f", "g", 4),  # would close the circle f e g
        *[merge(f"8{n}", into, merged, 2) for n, (merged, into) in enumerate(pairwise("hijkmn"))],
        merge(9, "p", "q", 2),
        merge(9, "p", "q", 2),  # the same message twice
    ]
    for one in events:
        empty_pipeline.add(one)
        empty_pipeline.refresh()
    found = {one: stays for one, stays, _ in empty_pipeline.rows(IDENTITIES)}
    assert found == {
        "a": "c", "b": "c", "f": "g", "e": "g", "q": "p",
        "h": "k", "i": "m", "j": "n", "k": "n", "m": "n",
    }  # fmt: skip
    check_metrics(empty_pipeline, events[:-1])
    apart = "select count(*) from customer_events where customer_id in ('r', 's')"
    assert empty_pipeline.one(apart) == 2
    run_dbt("run", "-q", "-s", "unfollowed_merges")
    unfollowed = "select merged_id, reason from unfollowed_merges order by 1"
    assert empty_pipeline.rows(unfollowed) == [
        ("a", "the id was merged into another one before"),
        ("g", "the merge would close a circle"),
        *[(one, "the id is more than 3 merges away from the last one") for one in "hi"],
    ]


def test_ids_of_a_customer_are_listed(empty_pipeline):
    empty_pipeline.add(merge(1, "b", "a", 2), merge(2, "c", "b", 3), merge(3, "z", "y", 3))
    empty_pipeline.refresh()
    asked = "\"(select 'c' as customer_id union all select 'x')\""
    query = render("select * from {{ ids_of_customers(" + asked + ") }} as ids order by all")
    assert empty_pipeline.rows(query[query.index("select") :]) == [
        ("c", "a"), ("c", "b"), ("c", "c"), ("x", "x"),
    ]  # fmt: skip


def test_a_profile_is_merged_field_by_field_and_a_refusal_stays(empty_pipeline):
    def told(number, customer, day, **properties):
        moment = at(day)
        return event(number, customer, "profile_updated", moment, properties=properties)

    empty_pipeline.add(
        told(1, "visitor", 2, marketing_consent=False, region="north"),
        told(2, "account", 1, marketing_consent=True, name="Ada", region="west"),
        told(3, "guest", 2, marketing_consent=False),
        told(4, "member", 3, marketing_consent=True),
        merge(1, "account", "visitor", 3),
        merge(2, "member", "guest", 4),
    )
    empty_pipeline.refresh()
    query = "select customer_id, name, region, has_marketing_consent from customer_profiles"
    assert empty_pipeline.rows(f"{query} order by 1") == [
        ("account", "Ada", "north", False),
        ("member", None, None, True),
    ]


# -- training --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def features_sql() -> str:
    names = "customer_id, first_seen_at, last_activity_at, cancelled_at, "
    return render(
        "select " + names + "{{ feature_columns('features') }}"
        " from {{ ref('training_features') }} as features"
    )


@pytest.fixture(scope="module")
def serving_sql() -> str:
    names = "customer_id, first_seen_at, last_activity_at, cancelled_at, "
    return render(
        "select " + names + "{{ feature_columns('features') }} from ("
        "{{ with_clock_features(ref('churn_metrics_live'), \"cutoff_date\") }}"
        " cross join temp.main.cutoff) as features"
    )


def set_cutoff(pipeline, day: date) -> None:
    pipeline.rows("create or replace temp table cutoff as select ?::date as cutoff_date", day)


def frame(pipeline, sql: str) -> pandas.DataFrame:
    found = pipeline.frame(
        sql[min(sql.index(word) for word in ("with", "select") if word in sql) :]
    )
    return found.sort_values("customer_id").reset_index(drop=True)


@pytest.mark.parametrize("seed", [1, 2])
def test_training_sees_at_a_cutoff_what_was_served_then(
    empty_pipeline, features_sql, serving_sql, seed
):
    """Those who were two ids then are two customers, with what was known of each."""
    pipeline, days = empty_pipeline, 150
    events = drawn_events(seed, ids=20, days=days, merges=18)
    pipeline.add(*events)
    pipeline.refresh()
    merged = {moment.date() for _, moment in links(events, datetime.max).values()}
    trained = {}
    for day in range(100, days, 7):
        cutoff = at(day).date()
        set_cutoff(pipeline, cutoff)
        trained[cutoff] = frame(pipeline, features_sql.replace(CUTOFF, "temp.main.cutoff"))
    assert any(moment > min(trained) for moment in merged)
    assert any(moment < max(trained) for moment in merged)
    for cutoff in sorted(trained, reverse=True):
        later = "delete from churn_scores_raw where occurred_at >= ?::date + 1"
        pipeline.rows(later, cutoff)
        pipeline.refresh()
        set_cutoff(pipeline, cutoff)
        served = frame(pipeline, serving_sql)
        pandas.testing.assert_frame_equal(served, trained[cutoff])


def snapshots(pipeline, **variables) -> pandas.DataFrame:
    run_dbt("run", "-s", "training_cutoffs", "training_snapshots", "--vars", json.dumps(variables))
    return pipeline.frame("from training_snapshots order by cutoff_date, customer_id")


@pytest.mark.parametrize("label", ["lapse", "half_spend"])
def test_a_merge_changes_no_feature_of_an_earlier_cutoff_and_labels_know_the_future(
    empty_pipeline, label
):
    """A visitor who signs in has not left, and neither has the account that goes on as another."""
    pipeline, variables = empty_pipeline, {"churn_label": label}
    usual = [
        event(f"r{c}-{day}", f"c{c}", "purchase", at(day + c / 24), amount=10.0 + c)
        for c in range(6)
        for day in range(0, 200, c + 2)
    ]
    # The visitor is last seen on day 172, as the account from the next day on.
    usual += [
        event(f"v-{day}", "visitor", "purchase", at(day), amount=8.0) for day in range(90, 173, 3)
    ]
    usual += [
        event(f"a-{day}", "account", "purchase", at(day), amount=8.0) for day in range(173, 200, 3)
    ]
    pipeline.add(*usual, event("end", "clock", "login", at(201)))
    pipeline.refresh()
    before = snapshots(pipeline, **variables)
    pipeline.add(merge(1, "account", "visitor", 173.5))
    pipeline.refresh()
    after = snapshots(pipeline, **variables)
    cutoff = before.cutoff_date.max()
    assert cutoff == at(172)
    keys = ["cutoff_date", "customer_id"]
    features = [column for column in before.columns if column not in KEYS_AND_LABEL]
    pandas.testing.assert_frame_equal(before[keys + features], after[keys + features])
    changed = before[(before.has_churned != after.has_churned)]
    assert changed[keys].values.tolist() == [[cutoff, "visitor"]]
    assert after.has_churned[changed.index].tolist() == [0]
    assert "account" not in set(after.customer_id)  # nothing was known of it by then
    # Later cut-offs see one customer, with the past of both.
    pipeline.add(*[event(f"l-{day}", "c1", "login", at(day)) for day in range(202, 240)])
    pipeline.refresh()
    later = snapshots(pipeline, **variables)
    latest = later[later.cutoff_date == later.cutoff_date.max()].set_index("customer_id")
    assert latest.index.name == "customer_id"
    assert "visitor" not in latest.index
    assert latest.active_days_total["account"] == len(range(90, 173, 3)) + len(range(173, 200, 3))


# -- scores, alerts and messages -------------------------------------------------------------------


def sign_in(pipeline, into: str, merged: str) -> None:
    """Have one of the fixture's customers sign in as another one, now."""
    properties = {"merged_id": merged}
    now = utc_now()
    number = f"{into}-{merged}"
    pipeline.add(event(number, into, "customer_merged", now, properties=properties))
    pipeline.refresh()
    run(pipeline, "process_alerts")


def decide(pipeline, to_state: str, *alerts: str) -> list[tuple]:
    arguments = {"alert_ids": json.dumps(alerts), "to_state": to_state, "reason": "as asked"}
    return pipeline.call("move_alerts", arguments | {"revision": None})


def test_the_id_that_goes_is_neither_scored_nor_written_to(pipeline):
    raise_alerts(pipeline, "A", "B", "C", "D")
    assert decide(pipeline, "APPROVED", "B") == []
    pipeline.rows(
        "insert into churn_scores select alert_id, 0.9, 'high', now(), 90, '[]', 'm', 'h',"
        " now()::timestamp - interval 1 hour from high_risk_history where alert_id <> 'D'"
    )
    sign_in(pipeline, "E", "A")
    sign_in(pipeline, "E", "B")
    assert states(pipeline) == {
        "A": "SUPPRESSED", "B": "SUPPRESSED", "C": "DRAFTED", "D": "DRAFTED",
    }  # fmt: skip
    why = "select alert_id, actor, reason from alert_events where to_state = 'SUPPRESSED'"
    assert sorted(pipeline.rows(why)) == [
        ("A", "process_alerts", "merged into customer E"),
        ("B", "process_alerts", "merged into customer E"),
    ]
    bands = "select customer_id, band, score from churn_scores order by 1"
    assert pipeline.rows(bands) == [("A", "left", None), ("B", "left", None), ("C", "high", 0.9)]
    run(pipeline, "sweep_silent_customers")
    left = "select customer_id, count(*) from churn_score_history where band = 'left' group by 1"
    assert sorted(pipeline.rows(left)) == [("A", 1), ("B", 1)]  # once, however often tasks run
    assert decide(pipeline, "APPROVED", "A") != []
    run(pipeline, "advance_alerts")
    assert pipeline.one("select count(*) from outbox") == 0
    # What was done with the alerts stands on the page of the one customer.
    moves = "select distinct customer_id, alert_id from manager_alert_history order by 2"
    assert pipeline.rows(moves)[:2] == [("E", "A"), ("E", "B")]
    ids = "select customer_id, merged_id from manager_merged_ids order by 2"
    assert pipeline.rows(ids) == [("E", "A"), ("E", "B")]


def test_a_queued_message_to_the_id_that_goes_is_not_handed_over(pipeline):
    raise_alerts(pipeline, "A", "B")
    assert decide(pipeline, "APPROVED", "A", "B") == []
    run(pipeline, "advance_alerts")
    assert states(pipeline) == {"A": "QUEUED", "B": "QUEUED"}
    sign_in(pipeline, "E", "A")
    claimed = [
        pipeline.call("claim_message", {"claim_id": one, "sender": "test"}) for one in ("1", "2")
    ]
    assert [row[0] for rows in claimed for row in rows] == ["B"]
    assert states(pipeline) == {"A": "SUPPRESSED", "B": "QUEUED"}


@pytest.mark.parametrize("noted", ["unsubscribed", "written to"])
def test_what_was_noted_of_one_id_holds_for_the_other(pipeline, noted):
    if noted == "unsubscribed":
        given = {"customer_id": "A", "reason": "unsubscribed"}
        assert pipeline.call("suppress_customer", given) == []
        expected = "the customer is on the suppression list: unsubscribed"
    else:
        pipeline.rows(
            "insert into outbox select 'm', 'x', 'A', 'HANDED_OVER', 1, 's', '',"
            " now()::timestamp - interval 1 day"
        )
        expected = "the customer was written to less than 14 days ago"
    raise_alerts(pipeline, "E", "F")
    sign_in(pipeline, "E", "A")
    assert states(pipeline) == {"E": "SUPPRESSED", "F": "DRAFTED"}
    reason = pipeline.one("select reason from alert_events where to_state = 'SUPPRESSED'")
    assert reason == expected


@pytest.mark.parametrize("is_merged", [False, True])
def test_the_outcome_of_an_alert_is_what_the_one_customer_did(pipeline, is_merged):
    """The visitor A was alerted, signed in as E and bought: kept, with the arm that was drawn."""
    raise_alerts(pipeline, "A", days_ago=100, arm="holdout")
    now = utc_now()
    if is_merged:
        sign_in(pipeline, "E", "A")
    pipeline.add(
        *[
            event(f"buy-{n}", "E", "purchase", now - timedelta(days=n), amount=5.0)
            for n in (79, 20)
        ],
        event("end", "H", "login", now),
    )
    pipeline.refresh()
    run(pipeline, "advance_alerts")
    found = pipeline.rows("select alert_id, customer_id, arm, churned from outcomes")
    assert found == [("A", "A", "holdout", 0 if is_merged else 1)]
    spent = pipeline.rows("select days, spend, has_left from alert_spend order by 1")
    assert spent == [(28, 5.0, None), (84, 10.0, 0)] if is_merged else [(28, 0, None), (84, 0, 1)]


def test_the_first_arm_of_one_customer_of_two_ids_counts(pipeline):
    """A was treated as a visitor; what is drawn of E after both are one comes after that."""
    raise_alerts(pipeline, "A", "B")
    assert decide(pipeline, "APPROVED", "A", "B") == []
    raise_alerts(pipeline, "F")
    assert decide(pipeline, "APPROVED", "F") == []
    sign_in(pipeline, "E", "A")
    sign_in(pipeline, "F", "B")  # both had an arm before anybody knew
    raise_alerts(pipeline, "E")
    assert decide(pipeline, "APPROVED", "E") == []
    compared = pipeline.rows("select alert_id from compared_alerts order by 1")
    assert compared == [("A",), ("B",), ("F",)]
