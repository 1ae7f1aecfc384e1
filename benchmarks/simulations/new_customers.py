"""`python -m benchmarks.simulations.new_customers`: what is best said of whoever is too new?

Segments of different sizes, in which a known share of the new customers leaves. Beside it stand the
share that was observed in the segment, everybody's, and the project's, which draws the one towards
the other: by how many points each is off on average (the root of the mean square).
"""

import argparse
from collections.abc import Sequence

import duckdb
import numpy as np
import pandas as pd

from benchmarks.simulations.rendered import rendered

SHARES = "{{ shrunken_shares('outcomes') }}"
SIZES = (5, 10, 20, 40, 80, 160, 320)
MEAN = 0.4


def draw_outcomes(spread: float, sizes: Sequence[int], draw: np.random.Generator) -> pd.DataFrame:
    """Return new customers with their segment, its true share, and what became of them.

    spread: the standard deviation of the true shares; 0 makes all segments alike.
    """
    truth = np.full(len(sizes), MEAN)
    if spread:
        customers = MEAN * (1 - MEAN) / spread**2 - 1  # of the Beta distribution
        truth = draw.beta(MEAN * customers, (1 - MEAN) * customers, len(sizes))
    rows = pd.DataFrame(
        {
            "segment": np.repeat([f"segment {size}" for size in sizes], sizes),
            "truth": np.repeat(truth, sizes),
            "weight": 1.0,
        }
    )
    return rows.assign(has_churned=(draw.random(len(rows)) < rows["truth"]).astype(int))


def errors(spread: float, runs: int, seed: int, sql: str) -> pd.Series:
    """Return by how much each way to tell a segment's share is off, over so many runs."""
    draw, found = np.random.default_rng(seed), []
    with duckdb.connect() as connection:
        for _ in range(runs):
            outcomes = draw_outcomes(spread, SIZES, draw)
            connection.register("outcomes", outcomes)
            shown = connection.execute(sql).df().dropna(subset="segment").set_index("segment")
            by_segment = outcomes.groupby("segment")
            truth = by_segment["truth"].first()
            said = {
                "own": by_segment["has_churned"].mean(),
                "everybody's": outcomes["has_churned"].mean(),
                "shrunken": shown["share"],
            }
            found.append({name: ((share - truth) ** 2).mean() for name, share in said.items()})
    return pd.DataFrame(found).mean() ** 0.5


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    sql = rendered(SHARES)
    print(
        f"{given.runs} runs, segments of {', '.join(map(str, SIZES))} customers; off by, in points"
    )
    for spread in (0.0, 0.05, 0.1, 0.2):
        off = errors(spread, given.runs, given.seed, sql) * 100
        words = ", ".join(f"{name} {value:.1f}" for name, value in off.items())
        print(f"  segments differ by {spread:.0%}: {words}")


if __name__ == "__main__":
    main()
