"""What an outcome counts for when messages are sent: the held out stand for the treated."""

import json

import duckdb
import numpy
import pytest

from benchmarks.simulations.rendered import rendered
from benchmarks.simulations.snapshot_weights import WEIGHTS, by_band
from tests.model_rows import made_up
from training.model_card import model_card
from training.run import Settings, train


@pytest.fixture(scope="module")
def sql() -> str:
    """The macro itself, over any relations `cutoffs`, `alerts` and `policies`."""
    return rendered(WEIGHTS)


def test_the_risk_that_is_learnt_is_the_one_without_messages(sql):
    found = by_band(30_000, 0.1, draws=20, seed=1, sql=sql)
    # Leaving out whoever got a message halves the risk of those who are about to fall silent.
    assert found["left out"]["1-2"] < found["truth"]["1-2"] / 2
    assert (found["weighted"] - found["truth"]).abs().max() < 0.02
    error = (found[["forest", "left out"]].sub(found["truth"], axis=0)).abs().loc["1-2"]
    assert error["forest"] < error["left out"] / 2


ALERTS = [
    ("treated", "treated", "2026-03-10", 10, 0.0),
    ("held out", "holdout", "2026-03-10", 10, 10.0),
    ("everybody held out", "holdout", "2026-03-10", 100, 1.0),
    ("treated without a hold-out", "treated", "2026-03-10", 0, 1.0),
    ("treated of few", "treated", "2026-03-10", 1, 20 * 4 / 99),
    ("held out of few", "holdout", "2026-03-10", 1, 20.0),
    ("older alert", "holdout", "2026-03-10", None, 4.0),
    ("older alert", "holdout", "2026-03-11", 50, 4.0),
    ("both", "holdout", "2026-03-10", 30, 0.0),
    ("both", "treated", "2026-03-11", 10, 0.0),
    ("last day", "holdout", "2026-03-29 23:59:59", 20, 5.0),
    ("first day", "holdout", "2026-02-02", 20, 5.0),
]


def test_weights_follow_from_the_arm_and_the_share_held_out(sql):
    with duckdb.connect() as connection:
        connection.execute("create table cutoffs as select date '2026-03-01' as cutoff_date")
        connection.execute(
            "create table policies as from (values ('default', 10), ('gold', 25)) as given"
            " (segment, holdout_percent)"
        )
        connection.execute(
            "create table alerts (customer_id varchar, arm varchar, drawn_at timestamp,"
            " holdout_percent integer, segment varchar)"
        )
        given = [(*alert[:4], "gold") for alert in ALERTS]
        given += [("unknown segment", "holdout", "2026-03-10", None, None)]
        given += [("too early", "holdout", "2026-02-01 23:59:59", 10, "gold")]
        given += [("too late", "holdout", "2026-03-30", 10, "gold")]
        connection.executemany("insert into alerts values (?, ?, ?, ?, ?)", given)
        found = connection.execute(
            f"select customer_id, alert_arm, snapshot_weight from ({sql})"
        ).fetchall()
    weights = {customer: weight for customer, _, weight in found}
    expected = {customer: weight for customer, *_, weight in ALERTS} | {"unknown segment": 10.0}
    assert len(found) == len(weights)
    assert weights == pytest.approx(expected)
    assert {customer: arm for customer, arm, _ in found}["both"] == "treated"
    # Whatever the share, the weights of all add up to their number.
    for percent in (1, 10):
        of_share = {arm: weight for _, arm, _, share, weight in ALERTS if share == percent}
        of_share |= {"treated": 0.0} if percent == 10 else {}
        mean = of_share["holdout"] * percent / 100 + of_share["treated"] * (1 - percent / 100)
        assert mean == pytest.approx(1)


def test_a_run_learns_from_the_held_out_and_says_so(tmp_path):
    rows = made_up()
    alerted = rows.index % 4 == 1
    held_out = alerted & (rows.index % 40 == 1)
    rows["alert_arm"] = numpy.select([held_out, alerted], ["holdout", "treated"], None)
    rows["snapshot_weight"] = numpy.select([held_out, alerted], [10.0, 0.0], 1.0)
    rows.loc[alerted & ~held_out, "has_churned"] = 0  # their messages worked wonders
    settings = Settings(rolling_origins=0)
    found = train(object(), rows, str(tmp_path), settings).iloc[0]
    assert (found.treated_rows, found.held_out_rows) == (270, 30)
    assert found.as_treated_share == 0
    bins = json.loads(found.reliability)
    latest = rows[rows.cutoff_date == rows.cutoff_date.max()]
    assert sum(one["n"] for one in bins) == (latest.snapshot_weight > 0).sum() == found.test_rows
    observed = sum(one["weight"] * one["observed"] for one in bins)
    assert observed == pytest.approx((latest.has_churned * latest.snapshot_weight).sum())
    # Their outcomes change nothing: neither the version's name nor a figure.
    other = rows.assign(has_churned=rows.has_churned.where(rows.snapshot_weight > 0, 1))
    again = train(object(), other, str(tmp_path), settings).iloc[0]
    assert again.roc_auc == found.roc_auc
    assert again.artefact_hash == found.artefact_hash
    card = model_card(found.to_dict(), settings)[f"{found.version}.md"].decode()
    assert "300 of the rows, tested ones included, are of customers whose message was" in card
    assert "Too few held out" not in card

    nobody = rows.assign(snapshot_weight=1.0).assign(
        alert_arm=rows.alert_arm.replace("holdout", "treated")
    )
    found = train(object(), nobody, str(tmp_path), settings).iloc[0]
    assert found.as_treated_share == 0.25
    card = model_card(found.to_dict(), settings)[f"{found.version}.md"].decode()
    assert "25.0 % of all weight had to be left with treated customers" in card
