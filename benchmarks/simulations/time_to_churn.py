"""`python -m benchmarks.simulations.time_to_churn`: is the risk within 7 and 14 days right?

Customers visit at rates of their own and cancel by chance, so that the risk within the horizon is
known and stands for a score. How it is spread over time is learnt of one half of the customers and
compared with what became of the other half, by days of silence.
"""

import argparse
from datetime import date, timedelta

import duckdb
import numpy as np
import pandas as pd

from benchmarks.simulations.rendered import rendered
from training.timing import WITHIN_DAYS, compared_timing, timing_bands

HORIZON, WINDOW = 28, 84  # days
CUTOFF = date(2026, 4, 1)
LABELS = """
with outcomes as (
    {{ churn_outcomes('cutoffs', 'daily') }}
)
select
    customers.*,
    {{ has_churned('outcomes') }} as has_churned,
    {{ churn_day('outcomes', 'customers.last_activity_at', 'customers.cutoff_date') }} as churn_day
from customers
left join outcomes on customers.customer_id = outcomes.customer_id
order by customers.customer_id
"""


def customers(number: int, seed: int, sql: str) -> pd.DataFrame:
    """Return customers at a cut-off: silence, true risk, and the labels of the project's SQL."""
    draw = np.random.default_rng(seed)
    visiting = draw.choice([0.02, 0.05, 0.1, 0.3], number)
    cancelling = draw.choice([0.0, 0.002, 0.01], number)
    visits = draw.random((number, WINDOW + HORIZON)) < visiting[:, None]
    cancels = draw.random((number, WINDOW + HORIZON)) < cancelling[:, None]
    cancels[:, :WINDOW] = False  # who has cancelled before is in no population
    visits[np.arange(number), draw.integers(0, WINDOW, number)] = True
    before = visits[:, :WINDOW]
    silence = before[:, ::-1].argmax(axis=1)
    place, day = np.nonzero(visits | cancels)
    daily = pd.DataFrame(
        {
            "customer_id": place,
            "activity_date": [CUTOFF + timedelta(days=int(one) - WINDOW + 1) for one in day],
            "is_active": visits[place, day],
            "purchase_amount": 0.0,
        }
    )
    days = pd.to_datetime(daily["activity_date"])
    daily["last_cancelled_at"] = days.where(cancels[place, day])
    daily["last_paused_at"] = daily["last_resumed_at"] = pd.NaT
    rows = pd.DataFrame(
        {
            "customer_id": np.arange(number),
            "cutoff_date": CUTOFF,
            "last_activity_at": [CUTOFF - timedelta(days=int(one)) for one in silence],
            "days_since_last_activity": silence,
            "risk": 1 - _staying(visiting, cancelling),
        }
    )
    with duckdb.connect() as connection:
        connection.register("daily", daily)
        connection.register("customers", rows)
        connection.execute("create table cutoffs as select distinct cutoff_date from customers")
        return connection.execute(sql).df()


def _staying(visiting: np.ndarray, cancelling: np.ndarray) -> np.ndarray:
    """Return the probability of a visit within the horizon that no cancellation follows.

    Summed over the day of the last visit: it takes back the cancellations of earlier days.
    """
    quiet = (1 - visiting) * (1 - cancelling)
    return visiting * (1 - cancelling) * (1 - quiet**HORIZON) / (1 - quiet)


def compared(rows: pd.DataFrame) -> pd.DataFrame:
    """Return expected and observed churners within so many days, by the band of silence."""
    learnt, tested = rows.iloc[::2], rows.iloc[1::2]
    bands, found = timing_bands(learnt, HORIZON), []
    for band in bands:
        silence = tested["days_since_last_activity"]
        part = tested[(silence >= band["from"]) & (silence < (band["to"] or WINDOW))]
        for one in compared_timing(bands, part, part["risk"].to_numpy(), HORIZON):
            found.append({"silent from": band["from"], "n": len(part), **one})
    return pd.DataFrame(found)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    found = compared(customers(given.customers, given.seed, rendered(LABELS)))
    for silence, part in found.groupby("silent from"):
        words = ", ".join(
            f"{days:.0f} days {expected:,.0f} / {observed:,.0f}"
            for days, expected, observed in zip(
                part["days"], part["expected"], part["observed"], strict=True
            )
        )
        print(f"silent for {silence} days or more, n {part['n'].iloc[0]:,}: {words}")
    print(f"expected / observed within {WITHIN_DAYS[0]}, {WITHIN_DAYS[1]} and {HORIZON} days")


if __name__ == "__main__":
    main()
