"""What messages do: outcomes from the data, treated against held out, and the truth of it."""

import hashlib
import math
from datetime import datetime, time, timedelta

import duckdb
import numpy
import pandas
import pytest

from benchmarks.simulations.effect import (
    AWAY,
    KEEP,
    SIMPSON,
    Group,
    coverage,
    days_until,
    ever,
    judge,
    pooled,
    watch,
)
from embedded.engine.storage import transact
from runtime.clock import utc_now
from tests.conftest import event
from tests.dbt import render, run_dbt
from tests.outreach_fixtures import raise_alerts, run, states

pytest_plugins = ("tests.outreach_fixtures",)
Z = 1.959963984540054
RUNS, CUSTOMERS = 500, 2000


def campaigns(effect: float, seed: int) -> dict[str, numpy.ndarray]:
    """Campaigns with a known truth: messages take `effect` from the risk of the treated.

    An alert is raised because a customer looks alarming, which is partly chance: so the risk is
    lower than it seemed, whatever is done. That is what a comparison with before takes for success.
    """
    random = numpy.random.default_rng(seed)
    risk = random.beta(3, 9, (RUNS, CUSTOMERS))
    score = numpy.clip(risk + random.normal(0, 0.15, risk.shape), 0, 1)
    is_alert, is_held_out = score >= 0.35, random.random(risk.shape) < 0.1
    saved = numpy.minimum(risk, effect)
    has_churned = random.random(risk.shape) < risk - numpy.where(is_held_out, 0, saved)
    treated, held_out = is_alert & ~is_held_out, is_alert & is_held_out
    return {
        "truth": (saved * is_alert).sum(axis=1) / is_alert.sum(axis=1),
        "treated_n": treated.sum(axis=1),
        "treated_churned": (treated & has_churned).sum(axis=1),
        "holdout_n": held_out.sum(axis=1),
        "holdout_churned": (held_out & has_churned).sum(axis=1),
        "promised": (score * treated).sum(axis=1) / treated.sum(axis=1),
    }


def wilson(k, n) -> tuple:
    p = k / n
    centre, half = p + Z**2 / (2 * n), Z * (p * (1 - p) / n + Z**2 / (4 * n**2)) ** 0.5
    return (centre - half) / (1 + Z**2 / n), (centre + half) / (1 + Z**2 / n)


@pytest.fixture(scope="module")
def effect_sql(shared_pipeline) -> str:
    """The steps of RETENTION_EFFECT themselves, over any relation `counts`."""
    inline = "with {{ effect_steps('counts') }} select * from judged"
    return render(inline)


def judged(pipeline, effect_sql: str, counts: dict[str, numpy.ndarray]):
    columns = ("treated_n", "treated_churned", "holdout_n", "holdout_churned")
    rows = zip(*(counts[name].tolist() for name in columns), strict=True)
    pipeline.connection.execute(
        "create or replace temp table counts (dimension varchar, name varchar, treated_n bigint,"
        " treated_churned bigint, holdout_n bigint, holdout_churned bigint, sent_n bigint,"
        " treated_value double, valued_n bigint, segment varchar, holdout_percent integer)"
    )
    # Each is a dimension of its own: groups of one share what may be wrong.
    pipeline.connection.executemany(
        "insert into counts values (?, ?, ?, ?, ?, ?, ?, 1, 1, 'all', 10)",
        [(str(number), str(number), *row, row[0]) for number, row in enumerate(rows)],
    )
    return pipeline.frame(f"{effect_sql} order by cast(name as integer)")


@pytest.mark.parametrize("effect", [0.0, 0.08])
def test_the_estimate_covers_the_truth_and_a_comparison_with_before_does_not(
    shared_pipeline, effect_sql, effect
):
    """In about 95 % of 500 campaigns; the bounds are four standard errors of that share away."""
    runs = campaigns(effect, seed=11)
    found = judged(shared_pipeline, effect_sql, runs)
    covered = ((found["low"] <= runs["truth"]) & (runs["truth"] <= found["high"])).mean()
    error = 4 * math.sqrt(0.95 * 0.05 / RUNS)
    print(f"effect {effect}: the interval covers the truth in {covered:.1%} of {RUNS} campaigns")
    assert abs(covered - 0.95) < error
    low, high = wilson(runs["treated_churned"], runs["treated_n"])
    naive = (runs["promised"] - high <= runs["truth"]) & (runs["truth"] <= runs["promised"] - low)
    print(f"a comparison with what the scores had promised: in {naive.mean():.1%}")
    assert naive.mean() < 0.2
    if effect == 0:
        assert (found["verdict"] == "not proved").mean() > 0.95 - error
        fooled = (runs["promised"] - high > 0).mean()
        print(f"which calls messages that do nothing a success in {fooled:.1%}")
        assert fooled > 0.8


def test_the_interval_and_the_sample_needed_are_those_of_the_books(shared_pipeline, effect_sql):
    counts = {"treated_n": 180, "treated_churned": 36, "holdout_n": 20, "holdout_churned": 8}
    row = judged(
        shared_pipeline, effect_sql, {name: numpy.array([n, 0]) for name, n in counts.items()}
    ).iloc[0]
    (low_t, high_t), (low_h, high_h) = wilson(36, 180), wilson(8, 20)
    assert row["difference"] == pytest.approx(0.2)
    assert row["low"] == pytest.approx(0.2 - math.hypot(0.4 - low_h, high_t - 0.2))
    assert row["high"] == pytest.approx(0.2 + math.hypot(high_h - 0.4, 0.2 - low_t))
    # So many that a quarter of 0.4 is as many standard errors as the interval is wide that is
    # watched, where it is narrowest, and those of a power of 80 % more.
    error = math.sqrt(0.4 * 0.6 / 20 + 0.2 * 0.8 / 180)
    wanted = error * (watched(1) + 0.8416212335729143) / (0.25 * 0.4)
    assert row["needed_n"] == math.ceil(200 * wanted**2) - 200
    assert row["verdict"] == "not proved"  # 20 held out are too few
    assert row[["verdict_low", "verdict_high"]].isna().all()


def watched(part: float, alpha: float = 0.05) -> float:
    """Robbins' mixture at a part of the customers for whom it is narrowest."""
    seen = part * (-2 * math.log(0.05) + math.log(1 - 2 * math.log(0.05)))
    return math.sqrt(2 * (seen + 1) / seen * math.log(math.sqrt(seen + 1) / alpha))


def test_the_interval_of_the_verdict_is_that_of_the_paper(shared_pipeline, effect_sql):
    counts = {"treated_n": 1350, "treated_churned": 270, "holdout_n": 150, "holdout_churned": 60}
    row = judged(
        shared_pipeline, effect_sql, {name: numpy.array([n]) for name, n in counts.items()}
    ).iloc[0]
    error = math.sqrt(0.4 * 0.6 / 150 + 0.2 * 0.8 / 1350)  # more than of both arms pooled
    assert row["verdict_low"] == pytest.approx(0.2 - watched(0.6) * error)
    assert row["verdict_high"] == pytest.approx(0.2 + watched(0.6) * error)
    assert row["verdict"] == KEEP


def strata(*rows: tuple) -> pandas.DataFrame:
    """A look at one group: name, segment, share, and treated, left, held out, left."""
    columns = "name segment holdout_percent treated_n treated_churned holdout_n holdout_churned"
    looks = pandas.DataFrame(rows, columns=columns.split())
    return looks.assign(run=0, day=1, sent_n=looks["treated_n"])


def test_arms_are_compared_within_segment_and_share_only(effect_sql):
    """Half of the wavering are held out and few of the steady, and messages do nothing."""
    looks = strata(
        ("all", "steady", 5, 1900, 190, 100, 10), ("all", "wavering", 50, 500, 250, 500, 250)
    )
    [row] = judge(looks, effect_sql).to_dict("records")
    assert row["difference"] == pytest.approx(0)
    assert row["treated_rate"] == row["holdout_rate"] == pytest.approx((2000 * 0.1 + 500) / 3000)
    assert row["verdict"] == "not proved"
    (one,) = judge(pooled(looks), effect_sql).to_dict("records")
    assert one["difference"] == pytest.approx(260 / 600 - 440 / 2400)
    assert one["verdict"] == KEEP
    # Wilson's bounds of each stratum, weighed, as those of one are put together by Newcombe.
    squares = 0
    for weight, treated, held_out in [
        (2 / 3, (190, 1900), (10, 100)), (1 / 3, (250, 500), (250, 500)),
    ]:  # fmt: skip
        up, down = wilson(*treated)[1] - treated[0] / treated[1], wilson(*held_out)[0]
        squares += weight**2 * (up**2 + (held_out[0] / held_out[1] - down) ** 2)
    assert row["low"] == pytest.approx(-math.sqrt(squares))


def test_a_stratum_without_both_arms_is_left_out_and_counted(effect_sql):
    """An alert from before the share was stored is of no other stratum than such alerts."""
    looks = strata(
        ("all", "a", 10, 90, 18, 10, 4),
        ("all", "b", 10, 40, 39, 0, 0),
        ("all", "a", None, 0, 0, 5, 5),
    )
    [row] = judge(looks, effect_sql).to_dict("records")
    assert (row["treated_n"], row["holdout_n"], row["left_out_n"]) == (130, 15, 45)
    assert row["difference"] == pytest.approx(0.2)
    assert (row["treated_rate"], row["holdout_rate"]) == pytest.approx((0.2, 0.4))
    looks = looks[1:].reset_index(drop=True)
    [row] = judge(looks, effect_sql).to_dict("records")
    assert row["verdict"] == "nothing to compare yet"
    assert row["left_out_n"] == 45
    assert row["treated_rate"] == pytest.approx(39 / 40)


@pytest.mark.parametrize("groups", SIMPSON.values(), ids=SIMPSON)
def test_other_shares_among_others_are_no_effect(effect_sql, groups):
    looks = watch(groups, 0, runs=60, days=180, seed=7)
    in_strata, all_together = judge(looks, effect_sql), judge(pooled(looks), effect_sql)
    assert ever(in_strata, [KEEP, AWAY]) <= 0.05
    assert ever(all_together, [KEEP, AWAY]) > 0.9
    assert coverage(in_strata, 0) >= 0.85  # of 60 bars: four standard errors below 95 %


def test_whoever_looks_every_day_is_seldom_wrong(effect_sql):
    """Half a year without an effect: the interval of one look is wrong at some time in 45 %."""
    looks = judge(watch([Group(20, 0.1, 0.25)], 0, runs=100, days=180, seed=3), effect_sql)
    wrong = ever(looks, [KEEP, AWAY])
    at_one_look = looks["at_one_look"].groupby(looks["run"]).any().mean()
    print(f"wrong at some time: {wrong:.1%} of verdicts, {at_one_look:.1%} of single looks")
    assert wrong <= 0.05
    assert at_one_look > 0.25


def test_an_arm_in_which_nobody_has_left_yet_proves_nothing(effect_sql):
    looks = judge(watch([Group(5, 0.1, 0.05)], 0, runs=100, days=180, seed=4), effect_sql)
    assert ever(looks, [KEEP, AWAY]) <= 0.05


def test_eight_groups_are_no_more_often_wrong_than_one(effect_sql):
    eight = [Group(6, 0.2, 0.1 + 0.05 * number, str(number)) for number in range(8)]
    looks = judge(watch(eight, 0, runs=40, days=100, seed=5), effect_sql)
    assert ever(looks, [KEEP, AWAY]) <= 0.05
    assert looks["at_one_look"].groupby(looks["run"]).any().mean() > 0.5


def test_a_true_effect_is_proved_in_the_end(effect_sql):
    looks = judge(watch([Group(30, 0.1, 0.27)], 0.08, runs=60, days=240, seed=6), effect_sql)
    assert 40 < days_until(looks, looks["verdict"] == KEEP) < 150
    assert ever(looks, [AWAY]) == 0


@pytest.mark.parametrize("sent", [1.0, 0.5])
def test_so_many_as_are_needed_are_enough_in_four_cases_of_five(effect_sql, sent):
    """Messages save a quarter of the churn of who gets one; a look after 30 days says how many."""
    group = Group(30 / sent**2, 0.1, 0.4)
    looks = judge(watch([group], 0.1, runs=100, days=140, seed=8, sent=sent), effect_sql)
    early = looks[looks["day"] == 30]
    needed = (early["treated_n"] + early["holdout_n"] + early["needed_n"]).median()
    then = looks[looks["day"] == round(needed / group.alerts_a_day)]
    proved = (then["verdict"] == KEEP).mean()
    print(f"{sent:.0%} sent: {needed:.0f} are needed; with them it is proved in {proved:.0%}")
    assert 0.68 <= proved <= 0.92  # three standard errors of a share of 100 runs


def test_without_a_message_sent_nobody_knows_how_many_are_needed(effect_sql):
    looks = strata(("all", "a", 10, 900, 180, 100, 40))
    [all_sent] = judge(looks, effect_sql).to_dict("records")
    [some_sent] = judge(looks.assign(sent_n=300), effect_sql).to_dict("records")
    [none_sent] = judge(looks.assign(sent_n=0), effect_sql).to_dict("records")
    assert some_sent["sent_share"] == pytest.approx(1 / 3)
    assert some_sent["needed_n"] + 1000 == pytest.approx(9 * (all_sent["needed_n"] + 1000), abs=9)
    assert pandas.isna(none_sent["needed_n"])
    for one in (some_sent, none_sent):
        assert one["difference"] == pytest.approx(0.2)
        assert one["verdict_low"] == all_sent["verdict_low"]


def test_nobody_to_compare_is_said_so_and_no_error(shared_pipeline, effect_sql):
    nobody = {name: numpy.array([0]) for name in ("treated_n", "treated_churned", "holdout_n",
                                                  "holdout_churned")}  # fmt: skip
    row = judged(shared_pipeline, effect_sql, nobody).iloc[0]
    assert row["verdict"] == "nothing to compare yet"
    assert row[["difference", "low", "high", "needed_n"]].isna().all()


def note_as_sent(pipeline, *alerts: str) -> None:
    for alert in alerts:
        transact(
            pipeline.connection,
            lambda open_, alert=alert: open_.execute(
                "insert into alert_events select md5(?), ?, 'APPROVED', 'SENT', 'x', 'x', now()",
                [alert, alert],
            ),
        )


def test_outcomes_close_with_the_data_and_count_each_customer_once(pipeline):
    """A stays away, B comes back on the last day, H is held out and stays away."""
    raise_alerts(pipeline, "A", "B")
    raise_alerts(pipeline, "H", arm="holdout")
    raised = pipeline.one("select max(created_at) from high_risk_history")
    raised = datetime.combine(raised, time())  # midnight of that day
    arguments = {"alert_ids": '["A", "B", "H"]', "to_state": "APPROVED"}
    [(held_out, _, kind)] = pipeline.call(
        "move_alerts", arguments | {"reason": "", "revision": None}
    )
    assert (held_out, kind) == ("H", "held_out")
    note_as_sent(pipeline, "A", "B")
    later = utc_now() + timedelta(days=40)
    run(pipeline, "advance_alerts", as_of=later)
    assert pipeline.one("select count(*) from outcomes") == 0  # the clock alone closes nothing
    pipeline.add(
        event("back", "B", "purchase", raised + timedelta(days=28), amount=1.0),
        event("end", "Z", "login", raised + timedelta(days=29)),
    )
    pipeline.tick()
    run(pipeline, "advance_alerts", as_of=later)
    assert pipeline.rows("select alert_id, arm, churned from outcomes order by 1") == [
        ("A", "treated", 1),
        ("B", "treated", 0),
        ("H", "holdout", 1),
    ]
    assert pipeline.rows("select alert_id, days, spend from alert_spend order by 1") == [
        ("A", 28, 0.0),
        ("B", 28, 1.0),
        ("H", 28, 0.0),
    ]
    # A message to each of the treated cost 1, and one of them bought for 1.
    assert pipeline.rows(
        "select treated_n, treated_spend, cost, holdout_n, holdout_spend, earned, verdict"
        " from manager_money where dimension = 'overall'"
    ) == [(2, 0.5, 1.0, 1, 0.0, -0.5, "not proved")]
    assert states(pipeline) == {"A": "LOST", "B": "RETAINED", "H": "HELD_OUT"}
    raise_alerts(pipeline, "again", arm_drawn=None)
    pipeline.connection.execute(
        "update high_risk_history set customer_id = 'A' where alert_id = 'again'"
    )
    pipeline.connection.execute(
        "insert into outcomes values ('again', 'A', 'treated', 0, now(), 28, 1)"
    )
    run(pipeline, "advance_alerts", as_of=later)
    overall = pipeline.rows(
        "select treated_n, treated_churned, sent_n, holdout_n, holdout_churned from manager_effect"
        " where dimension = 'overall'"
    )
    assert overall == [(2, 1, 2, 1, 1)]
    assert pipeline.one("select count(*) from outcomes") == 4
    # The other alert of A is closed and counts nowhere; the 84 days have not passed for anybody.
    assert pipeline.rows("select count(*), max(days) from alert_spend") == [(4, 28)]
    assert pipeline.one("select treated_n from manager_money where dimension = 'segment'") == 2


def test_a_visit_that_arrives_late_corrects_the_outcome_for_some_weeks(pipeline):
    """A and B are said to be lost; then a purchase of A arrives late, and months later one of B."""
    raise_alerts(pipeline, "A", "B")
    raised = datetime.combine(utc_now(), time())
    arguments = {"alert_ids": '["A", "B"]', "to_state": "APPROVED"}
    arguments |= {"reason": "", "revision": None}
    assert pipeline.call("move_alerts", arguments) == []
    note_as_sent(pipeline, "A", "B")

    def after(days: int, *events: dict) -> tuple[dict, list[tuple], list[tuple]]:
        pipeline.add(*events, event(f"end{days}", "Z", "login", raised + timedelta(days=days)))
        pipeline.tick()
        run(pipeline, "advance_alerts", as_of=utc_now() + timedelta(days=days))
        run(pipeline, "advance_alerts", as_of=utc_now() + timedelta(days=days))
        return (
            states(pipeline),
            pipeline.rows("select alert_id, churned from outcomes order by 1"),
            pipeline.rows("select * exclude closed_at from alert_spend order by 1, 2"),
        )

    def bought(customer: str, day: int) -> dict:
        moment = raised + timedelta(days=day)
        return event(f"{customer}{day}", customer, "purchase", moment, amount=2.0)

    nothing = [("A", 28, 0.0, None), ("B", 28, 0.0, None)]
    assert after(29) == ({"A": "LOST", "B": "LOST"}, [("A", 1), ("B", 1)], nothing)
    corrected = ({"A": "RETAINED", "B": "LOST"}, [("A", 0), ("B", 1)])
    bought_once = [("A", 28, 2.0, None), ("B", 28, 0.0, None)]
    assert after(56, bought("A", 28)) == (*corrected, bought_once)
    # After four weeks B's comes too late; but by 84 days B is here, and A no longer.
    states_, outcomes_, spends = after(85, bought("B", 28), bought("B", 60))
    assert (states_, outcomes_) == corrected
    assert spends == [("A", 28, 2.0, None), ("A", 84, 2.0, 1), ("B", 28, 0.0, None),
                      ("B", 84, 4.0, 0)]  # fmt: skip
    [later] = pipeline.rows(
        "select name, treated_n, treated_churned, holdout_n, verdict from manager_effect"
        " where dimension = 'later'"
    )
    assert later == ("84", 2, 1, 0, "nothing to compare yet")


def test_the_bucket_is_the_same_everywhere():
    """The first 32 bits of MD5, mod 100, by Python's hashlib: what both engines' SQL says."""
    sql = render("{{ hash_bucket('name') }}").strip()
    snowflake = run_dbt(
        "compile", "-q", "--no-populate-cache", "--no-introspect", "--inline",
        "{{ hash_bucket('name') }}", target="snowflake",
    ).stdout.strip()  # fmt: skip
    # Each X of Snowflake's format stands for a hexadecimal digit.
    assert snowflake == "mod(try_to_number(substr(md5(name), 1, 8), 'XXXXXXXX'), 100)"
    names = [f"C{number}|churn-2026" for number in range(2000)]
    buckets = [int(hashlib.md5(name.encode()).hexdigest()[:8], 16) % 100 for name in names]  # noqa: S324
    relation = duckdb.connect()
    found = relation.execute(f"select {sql} from (select unnest(?) as name)", [names]).fetchall()
    assert [row[0] for row in found] == buckets
    assert buckets[:3] == [66, 14, 15]
    assert abs(sum(bucket < 10 for bucket in buckets) / 2000 - 0.1) < 0.02
