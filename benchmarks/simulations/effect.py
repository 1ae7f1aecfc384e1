"""`python -m benchmarks.simulations.effect`: is the verdict on messages right, whenever one looks?

Runs of a year in which some alerts close every day and managers look at the verdict every day, with
a known effect: how often it is wrong at some time, and on which day a true effect is proved. Beside
it stands what an interval made for one look (Newcombe's, the bar drawn) would have said.
"""

import argparse
from collections.abc import Sequence
from typing import NamedTuple

import duckdb
import numpy as np
import pandas as pd

from benchmarks.simulations.rendered import rendered

_COUNTS = ("treated_n", "treated_churned", "sent_n", "holdout_n", "holdout_churned")
STEPS = "with {{ effect_steps('counts') }} select * from judged"


class Group(NamedTuple):
    """Customers who are alike: approved alerts that close in a day, the held out, who leaves.

    segment and holdout_share are its stratum; its alerts close from first_day on, until last_day.
    """

    alerts_a_day: float
    holdout_share: float
    churn: float
    name: str = "all"
    segment: str = "default"
    first_day: int = 1
    last_day: int = 1_000_000


def watch(
    groups: Sequence[Group], saved: float, runs: int, days: int, seed: int, sent: float = 1.0
) -> pd.DataFrame:
    """Return what both arms hold at each look: a row a run, day and group.

    saved: how much a message takes from the risk of who gets one. sent: the share of the treated
    who do.
    """
    draw = np.random.default_rng(seed)
    looks = []
    for group in groups:
        run, day = np.indices((runs, days))
        day += 1
        is_open = (group.first_day <= day) & (day <= group.last_day)
        closed = draw.poisson(group.alerts_a_day, (runs, days)) * is_open
        held_out = draw.binomial(closed, group.holdout_share)
        arms = {
            "treated_n": closed - held_out,
            "treated_churned": draw.binomial(closed - held_out, max(group.churn - saved * sent, 0)),
            "holdout_n": held_out,
            "holdout_churned": draw.binomial(held_out, group.churn),
            "sent_n": draw.binomial(closed - held_out, sent),
        }
        looks.append(
            pd.DataFrame(
                {
                    "run": run.ravel(),
                    "day": day.ravel(),
                    "name": group.name,
                    "segment": group.segment,
                    "holdout_percent": round(100 * group.holdout_share),
                    **{name: arms[name].cumsum(axis=1).ravel() for name in _COUNTS},
                }
            )
        )
    return pd.concat(looks, ignore_index=True)


def pooled(looks: pd.DataFrame) -> pd.DataFrame:
    """Return the same looks without strata: what a comparison of all with all would go by."""
    return (
        looks.groupby(["run", "day", "name"], as_index=False)[list(_COUNTS)]
        .sum()
        .assign(segment="all", holdout_percent=0)
    )


# Who leaves more often is held out more often; the same, because a share was changed on a day.
SIMPSON = {
    "two segments": [
        Group(20, 0.05, 0.1, segment="steady"), Group(10, 0.3, 0.5, segment="wavering"),
    ],
    "a share that changed": [
        Group(20, 0.3, 0.4, last_day=90), Group(20, 0.05, 0.15, first_day=91),
    ],
}  # fmt: skip


def judge(looks: pd.DataFrame, sql: str) -> pd.DataFrame:
    """Return the verdict of the project's SQL at each look, with `run`, `day` and `at_one_look`."""
    with duckdb.connect() as connection:
        connection.register("looks", looks)
        connection.execute("""
            create table counts as
            select
                run || ' ' || day as dimension, *, 0.0 as treated_value, 0 as valued_n
            from looks
        """)
        found = connection.execute(sql).df()
    moments = found.pop("dimension").str.split(" ", expand=True).astype(int)
    is_off_zero = (found["low"] > 0) | (found["high"] < 0)
    return found.assign(run=moments[0], day=moments[1], at_one_look=is_off_zero)


def ever(judged: pd.DataFrame, verdicts: Sequence[str]) -> float:
    """Return the share of runs in which one of these verdicts stands at some time, on any group."""
    return judged["verdict"].isin(verdicts).groupby(judged["run"]).any().mean()


def days_until(judged: pd.DataFrame, is_proved: pd.Series) -> float:
    """Return the day by which half of the runs have a proof; infinite where fewer ever do."""
    first = judged["day"].where(is_proved).groupby(judged["run"]).min()
    return first.fillna(np.inf).median()


KEEP, AWAY = "messages keep customers", "messages drive customers away"


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    size, sql = (given.runs, given.days, given.seed), rendered(STEPS)
    print(f"{given.runs} runs of {given.days} days, looked at every day, 10 % held out")
    print("no effect: wrong at some time, by the verdict | by Newcombe's interval")
    for alerts_a_day in (5, 30):
        for churn in (0.05, 0.25, 0.5):
            judged = judge(watch([Group(alerts_a_day, 0.1, churn)], 0, *size), sql)
            at_one_look = judged["at_one_look"].groupby(judged["run"]).any().mean()
            print(
                f"  {alerts_a_day} alerts a day, {churn:.0%} leave:"
                f" {ever(judged, [KEEP, AWAY]):.1%} | {at_one_look:.1%}"
            )
    eight = [Group(4, 0.1, 0.1 + 0.05 * number, str(number)) for number in range(8)]
    judged = judge(watch(eight, 0, given.runs // 4, *size[1:]), sql)
    at_one_look = judged["at_one_look"].groupby(judged["run"]).any().mean()
    print(f"  any of eight groups: {ever(judged, [KEEP, AWAY]):.1%} | {at_one_look:.1%}")
    print("no effect, other shares held out among others: wrong at some time, in strata | pooled")
    for what, groups in SIMPSON.items():
        looks = watch(groups, 0, given.runs // 4, *size[1:])
        figures = []
        for one in (looks, pooled(looks)):
            judged = judge(one, sql)
            last = judged[judged["day"] == given.days]
            figures += [ever(judged, [KEEP, AWAY]), 100 * last["difference"].mean()]
        print(
            f"  {what}: {figures[0]:.1%}, mean difference {figures[1]:+.1f} points"
            f" | {figures[2]:.1%}, {figures[3]:+.1f}"
        )
    print("27 % leave, messages take 8 points: half of the runs have the proof by day")
    for alerts_a_day in (10, 30):
        judged = judge(watch([Group(alerts_a_day, 0.1, 0.27)], 0.08, *size), sql)
        fixed = days_until(judged, judged["low"] > 0)
        print(
            f"  {alerts_a_day} alerts a day: {days_until(judged, judged['verdict'] == KEEP):.0f}"
            f" | {fixed:.0f}; proved in a year {ever(judged, [KEEP]):.1%}, half width then"
            f" {_half_width(judged, 'verdict_'):.1f} | {_half_width(judged, ''):.1f} points"
        )


def coverage(judged: pd.DataFrame, saved: float) -> float:
    """Return the share of runs whose bar holds the truth at the last look."""
    last = judged[judged["day"] == judged["day"].max()]
    return ((last["low"] <= saved) & (saved <= last["high"])).mean()


def _half_width(judged: pd.DataFrame, prefix: str) -> float:
    last = judged[judged["day"] == judged["day"].max()]
    return 50 * (last[f"{prefix}high"] - last[f"{prefix}low"]).median()


if __name__ == "__main__":
    main()
