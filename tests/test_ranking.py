"""The order of alerts by value kept: judged on held-out customers, and used once it is proved."""

import math

import duckdb
import numpy
import pandas
import pytest

from benchmarks.simulations.ranking import (
    STEPS,
    WORLDS,
    Setting,
    alerts,
    closed_until,
    guarded,
    watch,
)
from benchmarks.simulations.rendered import rendered
from tests.dbt import run_dbt
from tests.outreach_fixtures import run
from tests.test_effect import watched
from tests.test_risk_bands import drawn_together

pytest_plugins = ("tests.outreach_fixtures",)
FALLS, PROPORTIONAL, NONE = WORLDS
BOUNDS = (0.4, 0.6, 0.8)
VALUE_KEPT = ("--vars", "{alert_order: value_kept}")


@pytest.fixture(scope="module")
def sql() -> dict[str, str]:
    """The steps of ALERT_RANKING, and those of the simulation."""
    whole = "with {{ ranking_steps('alerts') }} select * from ranking\n;" + STEPS
    ranking, *steps = rendered(whole).split(";")
    return {"ranking": ranking, "steps": ";".join(steps)}


def judged_by_hand(drawn: pandas.DataFrame) -> dict[str, float]:
    """The same by numpy: effects from one fold, halves and inverse weights of the other."""
    band = numpy.digitize(drawn["score"], BOUNDS)
    is_treated, churned = (drawn["arm"] == "treated").to_numpy(), drawn["churned"].to_numpy()
    share = numpy.where(is_treated, 0.75, -0.25)
    kept = drawn["value"] / drawn["score"] * (drawn["score"] - churned) / share
    chosen = {name: numpy.zeros(len(drawn)) for name in ("value", "value_kept")}
    for fold in (0, 1):
        is_other, is_own = (drawn["fold"] != fold).to_numpy(), (drawn["fold"] == fold).to_numpy()
        effects = []
        for one in range(4):
            of_band = is_other & (band == one)
            arms = [of_band & ~is_treated, of_band & is_treated]
            rates, counts = [churned[arm].mean() for arm in arms], [arm.sum() for arm in arms]
            both = (churned[of_band].sum() + 0.5) / (of_band.sum() + 1)
            apart = sum(p * (1 - p) / n for p, n in zip(rates, counts, strict=True))
            pooled = both * (1 - both) * sum(1 / n for n in counts)
            effects.append((rates[0] - rates[1], math.sqrt(max(apart, pooled))))
        effect = drawn_together(*numpy.array(effects).T)[band]
        for name, worth in [
            ("value", drawn["value"]),
            ("value_kept", effect * drawn["value"] / drawn["score"]),
        ]:
            own = worth[is_own].sort_values(ascending=False).index
            chosen[name][own[: math.ceil(len(own) / 2)]] = 1
    gain = 200 * kept * (chosen["value_kept"] - chosen["value"])
    half = watched(len(drawn) / 2500) * gain.std(ddof=0) / math.sqrt(len(drawn))
    return {
        "kept_by_value_at_risk": (200 * kept * chosen["value"]).mean() - 100,
        "kept_by_value_kept": (200 * kept * chosen["value_kept"]).mean() - 100,
        "difference": gain.mean(),
        "verdict_low": gain.mean() - half,
        "verdict_high": gain.mean() + half,
    }


def test_both_orders_are_judged_on_customers_from_whom_nothing_was_learnt(sql):
    drawn = alerts(numpy.random.default_rng(2), WORLDS[FALLS], Setting(25), 2001)
    with duckdb.connect() as connection:
        connection.register("alerts", drawn)
        [row] = connection.execute(sql["ranking"]).df().to_dict("records")
        connection.register("alerts", drawn[:40])
        [early] = connection.execute(sql["ranking"]).df().to_dict("records")
        connection.register("alerts", drawn[:0])
        [nobody] = connection.execute(sql["ranking"]).df().to_dict("records")
    for name, expected in judged_by_hand(drawn).items():
        assert row[name] == pytest.approx(expected), name
    assert row["compared_n"] == 2001
    assert (early["verdict"], nobody["verdict"]) == ("not proved", "nothing to compare yet")
    assert math.isnan(early["verdict_low"])


def test_the_order_switches_where_it_keeps_more_and_nowhere_else(sql):
    """A quarter is held out. Without an effect and with one in proportion nothing is gained."""
    size = {"setting": Setting(25), "runs": 3, "size": 12_000, "every": 4000, "sql": sql["steps"]}
    falls = watch(FALLS, seed=1, **size)
    assert closed_until(falls) <= 12_000
    assert (guarded(falls)[falls["has_switched"]] >= 1.3).all()
    for world in (PROPORTIONAL, NONE):
        looks = watch(world, seed=1, **size)
        assert not looks["has_switched"].any()
        assert (guarded(looks) >= 0.95).all()


def test_value_kept_leads_caps_and_queue_once_it_is_proved(pipeline):
    """A has the greater value at risk; messages keep nothing in the band of A, and much in B's."""
    pipeline.close()
    run_dbt(
        "-q", "run", *VALUE_KEPT,
        "-s", "alert_ranking", "manager_risk_queue", "manager_ranking", "sweep_silent_customers",
    )  # fmt: skip
    pipeline.connection.execute(
        "insert into churn_scores values"
        " ('A', 0.9, 'high', now(), 90.0, '[]', 'm', 'h', now()),"
        " ('B', 0.5, 'high', now(), 40.0, '[]', 'm', 'h', now()),"
        " ('C', 0.3, 'high', now(), 80.0, '[]', 'm', 'h', now())"
    )
    queue = "select customer_id, order_used from manager_risk_queue order by priority desc"
    assert [row[0] for row in pipeline.rows(queue)] == ["A", "C", "B"]
    assert pipeline.rows("select alert_order, order_used, verdict from manager_ranking") == [
        ("value_kept", "value_at_risk", "nothing to compare yet")
    ]
    pipeline.connection.execute(
        "create or replace view alert_ranking as select 'value_kept' as order_used"
    )
    pipeline.connection.execute("""
        create or replace view retention_effect as
        from (values ('risk_band', '80 to 100 %', 0.0), ('risk_band', '40 to 60 %', 0.2))
            as bands (dimension, name, shrunken)
    """)
    # B keeps 0.2 of 80; nothing is known of the band of C.
    assert pipeline.rows(queue) == [(name, "value_kept") for name in "BAC"]
    pipeline.connection.execute("update alert_policy set max_alerts_per_run = 1")
    run(pipeline, "sweep_silent_customers")
    assert pipeline.rows("select customer_id from high_risk_history") == [("B",)]
