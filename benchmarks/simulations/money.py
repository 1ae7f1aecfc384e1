"""`python -m benchmarks.simulations.money`: is the verdict on money right, whenever one looks?

Customers of whom many spend nothing and a few very much, in both arms, and managers who look every
day for a year: how often the verdict on what messages earn is wrong at some time, beside an
interval of 95 % for a single look (Welch's), and on which day a true gain is proved.
"""

import argparse
from collections.abc import Sequence
from typing import NamedTuple

import duckdb
import numpy as np
import pandas as pd

from benchmarks.simulations.effect import days_until, ever
from benchmarks.simulations.rendered import rendered

STEPS = "with {{ money_steps('sums') }} select * from judged"
EARNS, COSTS = "messages earn more than they cost", "messages cost more than they earn"


class Spenders(NamedTuple):
    """Customers who are alike: approved alerts that close in a day, the held out, who spends what.

    spread: the standard deviation of the logarithm of what is spent. name: the group that is shown.
    """

    alerts_a_day: float
    holdout_share: float
    spending: float
    spread: float
    mean: float = 50.0
    name: str = "all"
    segment: str = "default"


def watch(groups: Sequence[Spenders], gain: float, runs: int, days: int, seed: int) -> pd.DataFrame:
    """Return the sums of both arms at each look: a row a run, day and group.

    gain: how much more the treated spend, as a share. Messages cost nothing.
    """
    draw = np.random.default_rng(seed)
    run, day = np.indices((runs, days))
    return pd.concat(
        pd.DataFrame(
            {
                "run": run.ravel(),
                "day": day.ravel() + 1,
                "name": group.name,
                "segment": group.segment,
                "holdout_percent": round(100 * group.holdout_share),
                **_sums(draw, group, gain, (runs, days)),
            }
        )
        for group in groups
    )


def _sums(
    draw: np.random.Generator, group: Spenders, gain: float, shape: tuple[int, int]
) -> dict[str, np.ndarray]:
    place = np.repeat(
        np.arange(shape[0] * shape[1]), draw.poisson(group.alerts_a_day, shape).ravel()
    )
    is_held_out = draw.random(place.size) < group.holdout_share
    amounts = draw.lognormal(np.log(group.mean) - group.spread**2 / 2, group.spread, place.size)
    spend = (
        amounts * (draw.random(place.size) < group.spending) * np.where(is_held_out, 1, 1 + gain)
    )
    sums = {}
    for arm, of_arm in (("treated", ~is_held_out), ("holdout", is_held_out)):
        for what, values in (("n", np.ones_like(spend)), ("sum", spend), ("squares", spend**2)):
            by_day = np.bincount(place[of_arm], values[of_arm], shape[0] * shape[1])
            total = by_day.reshape(shape).cumsum(axis=1).ravel()
            sums[f"{arm}_{what}"] = total.astype(int) if what == "n" else total
    return sums


def judge(looks: pd.DataFrame, sql: str) -> pd.DataFrame:
    """Return the verdict of the project's SQL at each look, with `run` and `day`."""
    with duckdb.connect() as connection:
        connection.register("looks", looks)
        connection.execute("""
            create table sums as
            select run || ' ' || day as dimension, *, 28 as days, 0.0 as cost_sum from looks
        """)
        found = connection.execute(sql).df()
    moments = found.pop("dimension").str.split(" ", expand=True).astype(int)
    return found.assign(run=moments[0], day=moments[1])


def ever_off_zero(looks: pd.DataFrame) -> float:
    """Return in which share of runs Welch's interval of 95 % is off zero at some time."""
    means, errors = [], 0
    for arm in ("treated", "holdout"):
        n = looks[f"{arm}_n"].where(looks[f"{arm}_n"] >= 30)
        means.append(looks[f"{arm}_sum"] / n)
        errors = errors + (looks[f"{arm}_squares"] / n - means[-1] ** 2) / n
    is_off = (means[0] - means[1]).abs() > 1.96 * np.sqrt(errors)
    return is_off.groupby(looks["run"]).any().mean()


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    size, sql = (given.runs, given.days, given.seed), rendered(STEPS)
    print(f"{given.runs} runs of {given.days} days, looked at every day, 10 % held out")
    print("messages earn nothing: wrong at some time, by the verdict | by Welch's interval")
    for alerts_a_day, spread in ((5, 1.0), (5, 2.0), (20, 1.0), (20, 2.0)):
        looks = watch([Spenders(alerts_a_day, 0.1, 0.5, spread)], 0, *size)
        print(
            f"  {alerts_a_day} alerts a day, spread {spread}:"
            f" {ever(judge(looks, sql), [EARNS, COSTS]):.1%} | {ever_off_zero(looks):.1%}"
        )
    print("the treated spend 30 % more: half of the runs have the proof by day")
    for alerts_a_day in (10, 30):
        judged = judge(watch([Spenders(alerts_a_day, 0.1, 0.5, 1.0)], 0.3, *size), sql)
        proved = ever(judged, [EARNS])
        print(
            f"  {alerts_a_day} alerts a day: {days_until(judged, judged['verdict'] == EARNS):.0f};"
            f" proved in a year {proved:.1%}"
        )


if __name__ == "__main__":
    main()
