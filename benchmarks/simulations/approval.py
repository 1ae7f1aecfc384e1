"""`python -m benchmarks.simulations.approval`: what is gained by drawing the arm at the approval?

Campaigns with a known truth. Managers decide some days after the alert: about half of the alerts
are approved, more often those of customers more at risk, and none of customers who are back by
then. A message keeps some of those who would leave. The same campaigns are compared as if the arm
had been drawn when the alert was raised, where the treated include customers whose alert nobody
approved, and as it is drawn now, at the approval. In a third comparison managers know the arm
before they decide. Outcomes and spend count from the day of the alert, as in the project.
"""

import argparse

import numpy as np
import pandas as pd

from benchmarks.simulations.effect import AWAY, KEEP, STEPS, coverage, days_until, ever, judge
from benchmarks.simulations.rendered import rendered

HORIZON, DECIDED_AFTER = 28, 3.0  # days; from the alert to the decision, on average
HELD_OUT, SAVED = 0.1, 0.25  # share of customers; of those who would leave, whom a message keeps
RAISED, APPROVED = "drawn with the alert", "drawn at the approval"
LOOK = 4  # which look says how many customers are needed
KNOWN = "drawn at the approval, known before"


def campaigns(
    saved: float, runs: int, size: int, seed: int, *, is_arm_known: bool = False
) -> dict[str, np.ndarray]:
    """Return the alerts of each run in the order in which they close: a row a run.

    is_arm_known: managers approve every message that is not sent anyway.
    """
    draw = np.random.default_rng(seed)
    shape = (runs, size)
    risk = 0.1 + 0.8 * draw.beta(1.5, 2.5, shape)
    is_held_out = draw.random(shape) < HELD_OUT
    would_leave = draw.random(shape) < risk
    back_after = np.where(would_leave, np.inf, draw.uniform(0, HORIZON, shape))
    share = np.where(is_held_out & is_arm_known, 1.0, 0.2 + 0.9 * risk)
    is_approved = (draw.random(shape) < share) & (
        draw.exponential(DECIDED_AFTER, shape) < back_after
    )
    is_sent = is_approved & ~is_held_out
    has_churned = would_leave & ~(is_sent & (draw.random(shape) < saved))
    return {
        "is_held_out": is_held_out,
        "is_approved": is_approved,
        "is_sent": is_sent,
        "has_churned": has_churned,
        "would_leave": would_leave,
        "spend": 2.0 * np.maximum(HORIZON - back_after, 0),
    }


def looks(alerts: dict[str, np.ndarray], drawn: str, every: int) -> pd.DataFrame:
    """Return what both arms hold after each so many alerts: a row a run and look."""
    is_compared = alerts["is_approved"] if drawn != RAISED else np.ones_like(alerts["is_sent"])
    treated, held_out = (is_compared & (alerts["is_held_out"] == one) for one in (False, True))
    counts = {
        "treated_n": treated,
        "treated_churned": treated & alerts["has_churned"],
        "sent_n": treated & alerts["is_sent"],
        "holdout_n": held_out,
        "holdout_churned": held_out & alerts["has_churned"],
    }
    runs, size = treated.shape
    run, day = np.indices((runs, size // every))
    return pd.DataFrame(
        {
            "run": run.ravel(),
            "day": day.ravel() + 1,
            "name": drawn,
            "segment": "default",
            "holdout_percent": round(100 * HELD_OUT),
            **{
                name: flags.reshape(runs, -1, every).sum(axis=2).cumsum(axis=1).ravel()
                for name, flags in counts.items()
            },
        }
    )


def truth(alerts: dict[str, np.ndarray], drawn: str, saved: float) -> float:
    """Return what treatment takes from the churn of those who are compared."""
    would_get = alerts["is_approved"] & alerts["would_leave"]
    compared = alerts["is_approved"].sum() if drawn != RAISED else alerts["is_approved"].size
    return saved * would_get.sum() / compared


def spend_difference(alerts: dict[str, np.ndarray]) -> float:
    """Return by how much the approved of both arms differ in what they spent since the alert."""
    held_out = alerts["spend"][alerts["is_approved"] & alerts["is_held_out"]]
    return alerts["spend"][alerts["is_sent"]].mean() - held_out.mean()


def needed(judged: pd.DataFrame, look: int, every: int) -> tuple[float, float]:
    """Return how many customers a proof takes in all, as one look says, and how many alerts.

    The median of the runs.
    """
    then = judged[judged["day"] == look]
    compared = then["treated_n"] + then["holdout_n"]
    total = (compared + then["needed_n"]).median()
    return total, total * look * every / compared.mean()


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.simulations.approval", description=__doc__
    )
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--alerts", type=int, default=20_000)
    parser.add_argument("--every", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    sql = rendered(STEPS)
    for saved in (SAVED, 0.0):
        print(f"a message keeps {saved:.0%} of those who would leave; {given.runs} runs")
        for drawn in (RAISED, APPROVED, KNOWN):
            alerts = campaigns(
                saved, given.runs, given.alerts, given.seed, is_arm_known=drawn == KNOWN
            )
            judged = judge(looks(alerts, drawn, given.every), sql)
            last = judged[judged["day"] == judged["day"].max()]
            true = truth(alerts, drawn, saved)
            line = (
                f"  {drawn}: {last['sent_share'].mean():.0%} of the treated sent; difference"
                f" {100 * last['difference'].mean():+.2f} points, truth {100 * true:.2f}, in the"
                f" bar in {coverage(judged, true):.1%}"
            )
            if saved and drawn != KNOWN:
                customers, raised = needed(judged, LOOK, given.every)
                half = given.every * days_until(judged, judged["verdict"] == KEEP)
                line += (
                    f"; a proof takes {customers:,.0f} customers, of {raised:,.0f} alerts; half of"
                    f" the runs have it by {half:,.0f} alerts"
                )
            if not saved:
                line += (
                    f"; wrong at some time {ever(judged, [KEEP, AWAY]):.1%}; the treated spent"
                    f" {spend_difference(alerts):+.2f}"
                )
            print(line)


if __name__ == "__main__":
    main()
