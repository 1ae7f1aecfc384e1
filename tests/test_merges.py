"""Two ids of one customer: joined whatever arrives first, and known in training from their day."""

import json
import random
from datetime import date, datetime, timedelta
from itertools import pairwise

import pandas
import pytest

from tests.conftest import EPOCH, event
from tests.dbt import render, run_dbt
from tests.recomputed import differing_rows
from training.snapshots import KEYS_AND_LABEL

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
    came = [one["customer_id"] for one in events if one["event_type"] != "customer_merged"]
    assert live == {whole.get(one, one) for one in came}
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
