"""`python -m benchmarks.simulations.snapshot_weights`: the risk that is learnt beside messages.

Customers visit at gaps of their own and leave by chance. Whoever is silent for twice the usual gap
gets an alert. Some days later a manager approves it or not: not for customers who are back by then,
and more often for customers who have left, as if managers knew more than the model. Of the approved
some are held out, the others get a message, and messages do nothing. So the risk without messages
is known, by silence in usual gaps. Beside it stands what is learnt when customers with a message
are left out, and what is learnt with the project's weights.
"""

import argparse
from datetime import datetime, timedelta

import duckdb
import numpy
import pandas

from benchmarks.simulations.rendered import rendered
from training import forest
from training.snapshots import counting, weights

CUTOFF, HORIZON, WINDOW = 120, 28, 84  # days
EPOCH = datetime(2026, 1, 1)
ALERT_AT, DECIDED_AFTER = 2.0, 3.0  # usual gaps; days from the alert to the decision, on average
APPROVED, APPROVED_OF_GONE = 0.5, 0.9  # shares of the alerts, of customers who will visit and not
EDGES, BANDS = (0.5, 1, 2, 3), ("< 0.5", "0.5-1", "1-2", "2-3", "> 3")
FEATURES = ["days_since_last_activity", "gap_days_mean", "gaps_away"]


def customers(number: int, draw: numpy.random.Generator) -> pandas.DataFrame:
    """Draw the population at the cut-off: silence, approval and outcome of each customer."""
    gap = draw.uniform(3, 14, number)
    visits = numpy.cumsum(draw.gamma(3, gap[:, None] / 3, (number, 64)), axis=1)
    visits[visits > draw.exponential(250, number)[:, None]] = numpy.inf
    before = numpy.where(visits <= CUTOFF, visits, -numpy.inf)
    last = before.max(axis=1)
    in_window = (before > CUTOFF - WINDOW).sum(axis=1)
    is_after = (visits > CUTOFF) & (visits <= CUTOFF + HORIZON)
    # Silences within reach of the label window: each visit's, if the next one comes late enough.
    following = numpy.concatenate([visits[:, 1:], numpy.full((number, 1), numpy.inf)], axis=1)
    decided = visits + ALERT_AT * gap[:, None] + draw.exponential(DECIDED_AFTER, visits.shape)
    share = numpy.where(numpy.isinf(following), APPROVED_OF_GONE, APPROVED)
    is_approved = (decided < following) & (draw.random(visits.shape) < share)
    is_drawn = is_approved & (numpy.abs(decided - CUTOFF) < HORIZON)
    rows = pandas.DataFrame(
        {
            "customer_id": [f"c{one}" for one in range(number)],
            "days_since_last_activity": CUTOFF - last,
            "gap_days_mean": gap,
            "gaps_away": (CUTOFF - last) / gap,
            "has_churned": (~is_after.any(axis=1)).astype(int),
            "drawn_at": numpy.where(is_drawn, decided, numpy.inf).min(axis=1),
        }
    )
    return rows[in_window >= 3].reset_index(drop=True)


# Over the relations of `weighted`.
WEIGHTS = "{{ snapshot_weights('cutoffs', 'alerts', 'policies') }}"


def weighted(rows: pandas.DataFrame, held_out: float, sql: str) -> pandas.DataFrame:
    """Return the rows with the weights that the project's SQL gives their drawn alerts."""
    drawn = rows[numpy.isfinite(rows["drawn_at"])]
    alerts = pandas.DataFrame(
        {
            "customer_id": drawn["customer_id"],
            "arm": drawn["arm"],
            "segment": "default",
            "holdout_percent": round(100 * held_out),
            "drawn_at": EPOCH + pandas.to_timedelta(drawn["drawn_at"], "D"),
        }
    )
    policies = pandas.DataFrame({"segment": ["default"], "holdout_percent": [50]})
    cutoffs = pandas.DataFrame({"cutoff_date": [EPOCH + timedelta(days=CUTOFF)]})
    with duckdb.connect() as connection:
        for name, table in (("alerts", alerts), ("policies", policies), ("cutoffs", cutoffs)):
            connection.register(f"given_{name}", table)
            connection.execute(f"create table {name} as select * from given_{name}")
        connection.execute("alter table cutoffs alter cutoff_date type date")
        found = connection.execute(sql).df()
    found = rows.merge(found.drop(columns="cutoff_date"), on="customer_id", how="left")
    return found.fillna({"snapshot_weight": 1.0})


def by_band(number: int, held_out: float, draws: int, seed: int, sql: str) -> pandas.DataFrame:
    """Return the churn of each band of silence: in truth, and as it is learnt in several ways.

    Who is held out is drawn several times, because one draw of few is noise; `noise` is the
    standard deviation of `weighted` among them. The forest is fitted on the last draw.
    """
    draw = numpy.random.default_rng(seed)
    rows = customers(number, draw)
    band = pandas.Series(BANDS)[numpy.digitize(rows["gaps_away"], EDGES)].to_numpy()
    weighted_shares, left_out = [], []
    for _ in range(draws):
        arm = numpy.where(draw.random(len(rows)) < held_out, "holdout", "treated")
        found = weighted(rows.assign(arm=arm), held_out, sql)
        parts = found.assign(churned=found["has_churned"] * weights(found)).groupby(band)
        weighted_shares.append(parts["churned"].sum() / parts["snapshot_weight"].sum())
        has_message = found["alert_arm"] == "treated"
        left_out.append(found["has_churned"].where(~has_message).groupby(band).mean())
    fitted = forest.fit(counting(found), FEATURES)
    learnt = pandas.Series(forest.predict(fitted, rows, FEATURES))
    table = {
        "n": rows.groupby(band).size(),
        "truth": rows["has_churned"].groupby(band).mean(),
        "left out": pandas.concat(left_out, axis=1).mean(axis=1),
        "weighted": pandas.concat(weighted_shares, axis=1).mean(axis=1),
        "noise": pandas.concat(weighted_shares, axis=1).std(axis=1),
        "forest": learnt.groupby(band).mean(),
    }
    return pandas.DataFrame(table).loc[list(BANDS)]


def main() -> None:
    """Print the table, and how far off the worst band is."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.simulations.snapshot_weights", description=__doc__
    )
    parser.add_argument("--customers", type=int, default=150_000)
    parser.add_argument("--held-out", type=float, default=0.1, help="share, default: 0.1")
    parser.add_argument("--draws", type=int, default=20, help="of who is held out")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    sql = rendered(WEIGHTS)
    found = by_band(given.customers, given.held_out, given.draws, given.seed, sql)
    print(found.round(3).to_string())
    for way in ("left out", "weighted"):
        print(f"{way}: off by {(found[way] - found['truth']).abs().max():.3f} at most")


if __name__ == "__main__":
    main()
