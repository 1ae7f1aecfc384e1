"""`python -m benchmarks.simulations.ranking`: does the guard on the order by value kept hold?

Alerts of customers whose risk the score tells rightly, in two worlds: messages keep the fewer the
greater the risk, and the riskiest not at all; or they keep in proportion to the risk. In a third
they keep nobody, which shows how often chance alone proves something. As alerts close, the SQL of
the project learns the effects of the bands, judges both orders, and switches or not. What the order
in use then keeps of the better half of a fixed population is known here. It is told as a share of
what the order by value at risk keeps.
"""

import argparse
from collections.abc import Callable
from typing import NamedTuple

import duckdb
import numpy as np
import pandas as pd

from benchmarks.simulations.rendered import rendered

# What messages take from the risk of who is to get one.
WORLDS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "the effect falls with risk": lambda risk: 0.25 * np.maximum(0.85 - risk, 0),
    "the effect is proportional to risk": lambda risk: 0.2 * risk,
    "no effect": np.zeros_like,
}
# The verdict; and what the half of a population chosen by each order is worth by the true effects.
STEPS = """
with {{ ranking_steps('alerts') }} select verdict_low > 0 as has_switched from ranking
;
with strata as ({{ band_strata('alerts', "'all'") }}),
{{ effect_steps('strata') }},
placed as (
    select
        population.*,
        row_number() over (order by value desc, population.alert_id) as place_by_risk,
        row_number() over (
            order by {{ value_kept('judged.shrunken', 'value', 'score') }} desc, population.alert_id
        ) as place_by_kept
    from population
    left join judged on judged.name = {{ risk_band('score') }}
)
select
    sum(case when 2 * place_by_kept <= size then worth end) as by_kept,
    sum(case when 2 * place_by_risk <= size then worth end) as by_risk
from placed
cross join (select count(*) as size from population) as sizes
"""


class Setting(NamedTuple):
    """How alerts come: the share held out, and how much customers differ in what they spend.

    spread: the standard deviation of the logarithm of the expected spend.
    """

    holdout_percent: int = 10
    spread: float = 0.5


def alerts(
    draw: np.random.Generator,
    effect: Callable[[np.ndarray], np.ndarray],
    setting: Setting,
    size: int,
) -> pd.DataFrame:
    """Return closed alerts of a world, with what a message to each is worth: `worth`."""
    risk = 0.25 + 0.7 * draw.beta(1, 1.5, size)
    spend = draw.lognormal(np.log(50), setting.spread, size)
    is_held_out = 100 * draw.random(size) < setting.holdout_percent
    saved = effect(risk)
    return pd.DataFrame(
        {
            "alert_id": np.arange(size),
            "fold": draw.integers(0, 2, size),
            "arm": np.where(is_held_out, "holdout", "treated"),
            "score": risk,
            "value": risk * spend,
            "churned": (draw.random(size) < risk - np.where(is_held_out, 0, saved)).astype(int),
            "segment": "default",
            "holdout_percent": setting.holdout_percent,
            "arm_drawn": "approval",
            "worth": saved * spend,
        }
    )


def watch(
    world: str, setting: Setting, runs: int, size: int, every: int, seed: int, sql: str
) -> pd.DataFrame:
    """Return a row for each run and look: whether it has switched, and what each order is worth."""
    draw = np.random.default_rng(seed)
    verdict, worth = sql.split(";")
    looks = []
    with duckdb.connect() as connection:
        connection.execute("set threads = 1")
        connection.register("population", alerts(draw, WORLDS[world], setting, 4000))
        for run in range(runs):
            drawn = alerts(draw, WORLDS[world], setting, size)
            for closed in range(every, size + 1, every):
                connection.register("alerts", drawn[:closed])
                (has_switched,) = connection.execute(verdict).fetchone()
                by_kept, by_risk = connection.execute(worth).fetchone()
                looks.append((run, closed, bool(has_switched), by_kept, by_risk))
    return pd.DataFrame(looks, columns=["run", "closed", "has_switched", "by_kept", "by_risk"])


def guarded(looks: pd.DataFrame) -> pd.Series:
    """Return what the order in use keeps, as a share of what value at risk keeps."""
    return (looks["by_kept"] / looks["by_risk"]).where(looks["has_switched"], 1.0)


def ever(looks: pd.DataFrame) -> float:
    """Return the share of runs that have switched at some look."""
    return looks["has_switched"].groupby(looks["run"]).any().mean()


def closed_until(looks: pd.DataFrame) -> float:
    """Return after how many closed alerts half of the runs have switched; infinite if never."""
    first = looks["closed"].where(looks["has_switched"]).groupby(looks["run"]).min()
    return first.fillna(np.inf).quantile(0.5, interpolation="lower")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--alerts", type=int, default=30_000)
    parser.add_argument("--every", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    sql = rendered(STEPS)
    print(f"{given.runs} runs of {given.alerts:,} closed alerts, a look every {given.every}")
    for setting in (Setting(), Setting(holdout_percent=25), Setting(25, spread=1.0)):
        print(f"{setting.holdout_percent} % held out, spread of spend {setting.spread}")
        for world in WORLDS:
            looks = watch(world, setting, given.runs, given.alerts, given.every, given.seed, sql)
            line = f"  {world}: switched in {ever(looks):.0%} of runs"
            if closed_until(looks) < np.inf:
                line += f", in half of them by {closed_until(looks):,.0f} closed alerts"
            if looks["by_risk"].max() > 0:
                shares = guarded(looks)
                line += f"; what is used keeps at least {shares.min():.2f} of value at risk's"
                if ever(looks) > 0:
                    used = shares[looks["has_switched"]]
                    line += f", once switched {used.min():.2f} to {used.max():.2f}"
            print(line)


if __name__ == "__main__":
    main()
