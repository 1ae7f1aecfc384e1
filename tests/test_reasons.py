"""Reasons: what they say is so, in the direction in which they say it, whatever the figures are."""

import json
import re
from collections import Counter
from datetime import timedelta

import numpy
import pandas
import pytest

from tests.conftest import Pipeline
from tests.drawn_customers import (
    STAYERS_GAP,
    TODAY,
    activate_forest,
    banded,
    compiled,
    keep,
    random_customers,
)

CUSTOMERS = 10_000
NUMBER = r"(\d+(?:\.\d)?)"  # what a text holds: plain digits, no sign, exponent or word
TEXTS = {
    "silent": f"No activity for {NUMBER} days, usually every {NUMBER} days, so far at most"
    f" {NUMBER}",
    "fewer_active_days": f"Active on {NUMBER} days in the 4 weeks up to the last visit, usually on"
    f" {NUMBER}",
    "lower_spend": f"Bought {NUMBER} times for {NUMBER} in the 4 weeks up to the last visit,"
    f" usually for {NUMBER}",
    "friction": rf"Problems \(tickets, failed payments\): {NUMBER} since 4 weeks before the last"
    f" visit, {NUMBER} since 12 weeks before",
    "few_visits": f"A customer for {NUMBER} days, active on {NUMBER} of them: every {NUMBER} days;"
    f" customers who stayed come every {NUMBER} days",
}


def points_its_way(code: str, numbers: list[float]) -> bool:
    """Whether the numbers of a text say what its words say."""
    if code == "silent":
        return numbers[0] > numbers[1]
    if code == "fewer_active_days":
        return numbers[0] < numbers[1]
    if code == "lower_spend":
        return numbers[1] < numbers[2]
    if code == "friction":
        return numbers[1] > 0
    return numbers[2] > numbers[3] and numbers[1] < numbers[0]


@pytest.fixture(scope="module")
def pipeline(empty_pipelines, tmp_path_factory):
    """A built pipeline without customers."""
    path = empty_pipelines.copy("all", tmp_path_factory.mktemp("reasons") / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHURN_HOME", str(path))
        pipeline = Pipeline(path)
        yield pipeline
        pipeline.close()


@pytest.fixture(scope="module")
def told(pipeline) -> pandas.DataFrame:
    """Ten thousand customers with what the task's own SQL tells of them, in one query."""
    activate_forest(pipeline)
    query = compiled(
        banded("drawn") + "{{ reason_steps('banded', ref('active_churn_model')) }}"
        " select banded.*, coalesce(reasons.top_reasons, '[]') as top_reasons"
        " from banded left join reasons using (customer_id)"
    )
    keep(pipeline, "drawn", random_customers(CUSTOMERS, seed=1))
    found = pipeline.frame(query)
    assert len(found) == CUSTOMERS
    return found


def each_reason(told: pandas.DataFrame):
    """Yield (row, code, the numbers of the text) of every reason that was told."""
    for row in told.itertuples():
        for reason in json.loads(row.top_reasons):
            match = re.fullmatch(TEXTS[reason["code"]], reason["text"])
            assert match, reason
            yield row, reason["code"], [float(number) for number in match.groups()]


def test_every_number_of_every_reason_points_its_way(told):
    wrong, counted = [], Counter()
    for row, code, numbers in each_reason(told):
        counted[code] += 1
        if not points_its_way(code, numbers):
            wrong.append((code, numbers, row.customer_id))
    print(f"{sum(counted.values())} reasons: {dict(counted)}; wrong: {len(wrong)}")
    assert wrong == []
    assert set(counted) == set(TEXTS)
    assert min(counted.values()) > 150


def test_numbers_are_the_customers_own(told):
    def near(shown: float, figure: float, step: float) -> bool:
        return abs(shown - figure) <= step / 2 + 1e-9 * abs(figure)

    for row, code, numbers in each_reason(told):
        known = max(28, (row.last_activity_at - row.first_seen_at).days + 1)
        if code == "silent":
            assert numbers[0] == row.days_since_last_activity
            assert near(numbers[1], row.gap_days_mean, 0.1)
            assert numbers[2] == row.gap_days_max
        elif code == "fewer_active_days":
            recent, life = row.active_days_84d / min(84, known), row.active_days_total / known
            assert numbers[0] == row.active_days_28d
            assert near(numbers[1], 28 * max(recent, life), 1)
        elif code == "lower_spend":
            recent, life = (
                row.purchase_amount_84d / min(84, known),
                row.purchase_amount_total / known,
            )
            assert numbers[0] == row.purchase_count_28d
            assert near(numbers[1], max(row.purchase_amount_28d, 0), 1)
            assert near(numbers[2], 28 * numpy.nanmax([recent, life]), 1)
        elif code == "friction":
            since = row.friction_count_since_last_activity
            assert numbers == [row.friction_count_28d + since, row.friction_count_84d + since]
        else:
            assert numbers[:2] == [row.tenure_days + 1, row.active_days_total]
            assert near(numbers[2], row.gap_days_mean, 0.1)
            assert numbers[3] == 3.0


def test_who_comes_every_day_is_never_told_to_come_seldom(told):
    daily = told[told.active_days_total == (told.last_activity_at - told.first_seen_at).dt.days + 1]
    daily = daily[(daily.active_days_total > 84) & (daily.gap_days_mean == 1)]
    assert len(daily) > 300
    texts = daily.top_reasons.str
    assert not texts.contains("few_visits").any()
    assert not texts.contains("fewer_active_days").any()
    # Away for longer than a day they may be silent, if the model says so.
    assert texts.contains("silent").any()


def test_what_no_figure_explains_has_no_reason(told):
    assert 100 < (told.top_reasons == "[]").sum() < CUSTOMERS / 2


def days_ago(days: int) -> pandas.Timestamp:
    return pandas.Timestamp(TODAY - timedelta(days=days))


# Who was active on 100 of 100 days, up to today, and bought once: nothing can be told of them.
DAILY = {name: 0 for name in random_customers(1, seed=1).columns} | {
    "first_seen_at": days_ago(99),
    "last_activity_at": days_ago(0),
    "active_days_total": 100,
    "active_days_7d": 7,
    "active_days_28d": 28,
    "active_days_84d": 84,
    "gap_days_mean": 1.0,
    "gap_days_max": 1,
    "purchase_count_28d": 1,
    "purchase_amount_28d": 20.0,
    "purchase_amount_84d": 20.0,
    "purchase_amount_total": 20.0,
}
SILENT = {
    "last_activity_at": days_ago(20),
    "active_days_84d": 80,
    "active_days_total": 80,
    "gap_days_mean": 3.04,
    "gap_days_max": 9,
}
SILENT_TEXT = "No activity for 20 days, usually every 3.0 days, so far at most 9"
RARE = {
    "first_seen_at": days_ago(119),
    "last_activity_at": days_ago(9),
    "active_days_total": 12,
    "active_days_28d": 3,
    "active_days_84d": 9,
    "gap_days_mean": 10.0,
    "gap_days_max": 14,
}
RARE_TEXT = (
    "A customer for 120 days, active on 12 of them: every 10.0 days; customers who stayed come"
    " every 3.0 days"
)


def spending(last_28_days: float | None, usual: float, times: int = 1) -> dict:
    """Figures of who spends `usual` in four weeks, over all of life."""
    return {
        "purchase_count_28d": times,
        "purchase_amount_28d": last_28_days,
        "purchase_amount_84d": usual * 3,
        "purchase_amount_total": usual * 100 / 28,
    }


def spent(times: int, amount: int, usual: int) -> list[str]:
    return [
        f"Bought {times} times for {amount} in the 4 weeks up to the last visit, usually for"
        f" {usual}"
    ]


def problems(since: int, last_28_days: int, last_84_days: int) -> dict:
    return {
        "friction_count_since_last_activity": since,
        "friction_count_28d": last_28_days,
        "friction_count_84d": last_84_days,
    }


EXAMPLES = {
    "100 of 100 days": ({}, []),
    "away as long as usual": ({**SILENT, "last_activity_at": days_ago(3)}, []),
    "away for longer": (SILENT, [SILENT_TEXT]),
    "no usual gap": ({**SILENT, "gap_days_mean": None, "gap_days_max": None}, []),
    "10 days apart": (RARE, [RARE_TEXT]),
    "as often as who stays": ({**RARE, "last_activity_at": days_ago(1), "gap_days_mean": 3.04}, []),
    "more often": ({**RARE, "last_activity_at": days_ago(1), "gap_days_mean": 2.0}, []),
    "fewer days": (
        {"active_days_28d": 3, "active_days_84d": 24, "active_days_total": 28},
        ["Active on 3 days in the 4 weeks up to the last visit, usually on 8"],
    ),
    "as many days": ({"active_days_28d": 8, "active_days_84d": 25, "active_days_total": 28}, []),
    "more spend": (spending(20.0, 5.0), []),
    "less spend": (spending(0.4, 47.0, times=0), spent(0, 0, 47)),
    "as much spend": (spending(46.6, 47.4), []),
    "paid back": (spending(-5.0, 47.0), spent(1, 0, 47)),
    "paid back and nothing else": (spending(-5.0, -7.0), []),
    "rich": (spending(1e9, 3e14, times=2), spent(2, 1_000_000_000, 300_000_000_000_000)),
    "beyond what can be told": (spending(20.0, 1e18), []),
    "spend without end": (spending(20.0, numpy.inf), []),
    "no number": (spending(numpy.nan, 47.0), []),
    "unknown spend": (spending(None, 47.0), []),
    "problems": (
        problems(1, 0, 2),
        ["Problems (tickets, failed payments): 1 since 4 weeks before the last visit, 3 since 12"
         " weeks before"],
    ),
    "no problems": (problems(0, 0, 0), []),
}  # fmt: skip


def reasons_of(
    pipeline, figures: list[dict], effects: list[dict], stayers_gap=STAYERS_GAP
) -> list[str]:
    """What is told of customers whose groups have these effects, as the JSON text of each."""
    ids = [f"c{number:02}" for number in range(len(figures))]
    rows = [DAILY | one | {"customer_id": name} for one, name in zip(figures, ids, strict=True)]
    query = compiled(
        banded("drawn")
        + f"stayers as (select {stayers_gap} as gap_days_mean_of_stayers),"
        + " group_effects as (select * from given_effects),"
        + " {{ told_reasons('banded') }} select coalesce(top_reasons, '[]') as told from banded"
        + " left join reasons using (customer_id) order by customer_id"
    )
    keep(pipeline, "drawn", pandas.DataFrame(rows))
    pipeline.connection.register("given", pandas.DataFrame(effects).assign(customer_id=ids))
    pipeline.connection.execute("create or replace temp table given_effects as from given")
    return [row[0] for row in pipeline.rows(query)]


def test_each_reason_is_told_when_it_is_so_and_not_when_it_is_not(pipeline):
    effects = dict.fromkeys(TEXTS, 0.204)
    found = reasons_of(pipeline, [figures for figures, _ in EXAMPLES.values()], [effects] * 21)
    texts = [[one["text"] for one in json.loads(one)] for one in found]
    assert dict(zip(EXAMPLES, texts, strict=True)) == {
        name: expected for name, (_, expected) in EXAMPLES.items()
    }
    assert found[2] == (
        f'[{{"code":"silent","text":"{SILENT_TEXT}","points":20.4,"facts":{{"weeks_away":2}}}}]'
    )


def test_nobody_is_compared_with_stayers_who_are_not_known(pipeline):
    effects = dict.fromkeys(TEXTS, 0.2)
    assert reasons_of(pipeline, [RARE], [effects], stayers_gap="cast(null as double)") == ["[]"]
    assert 'every 1.0 days"' in reasons_of(pipeline, [RARE], [effects], stayers_gap="1.0")[0]


def test_what_is_not_so_is_left_out_before_the_strongest_are_chosen(pipeline):
    every = {**SILENT, **spending(1.0, 47.0), **problems(1, 1, 1), "active_days_28d": 3}
    effects = {
        "few_visits": 0.9,  # the strongest, but it is not so
        "silent": 0.1,
        "lower_spend": 0.3,
        "friction": 0.2,
        "fewer_active_days": 0.05,
    }
    weak = dict.fromkeys(TEXTS, 0.001) | {"few_visits": 0.9, "friction": 0.004}
    odd = effects | {"lower_spend": numpy.nan, "friction": 1e300, "silent": -0.1}
    found = reasons_of(pipeline, [every, every, every], [effects, weak, odd])
    told = [[(one["code"], one["points"]) for one in json.loads(text)] for text in found]
    assert told == [
        [("lower_spend", 30.0), ("friction", 20.0), ("silent", 10.0)],
        [("friction", 0.4)],
        [("fewer_active_days", 5.0)],
    ]
