"""`python -m benchmarks.simulations.alert_rules`: alerts by score and by value, what they pay.

Scores are right on average, and what customers spend is skewed. A contact costs the same for all
and keeps a share of those who would have left.
"""

import argparse

import numpy

from training.thresholds import Window, paid_by_rule

MEAN_VALUE = 40.0


def draw_window(customers: int, skew: float, seed: int) -> Window:
    """Return customers whose values are lognormal; `skew` is the standard deviation of the log."""
    draw = numpy.random.default_rng(seed)
    score = draw.beta(0.7, 4, customers)
    value = draw.lognormal(numpy.log(MEAN_VALUE) - skew**2 / 2, skew, customers)
    has_churned = (draw.random(customers) < score).astype(int)
    return Window(score, has_churned, numpy.ones(customers), value)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=50_000)
    parser.add_argument("--cost", type=float, default=1.0)
    parser.add_argument("--success-share", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    for skew in (0.5, 1.0, 1.5):
        window = draw_window(arguments.customers, skew, arguments.seed)
        for one in paid_by_rule(window, arguments.cost, arguments.success_share):
            print(
                f"skew {skew}, by {one['rule']}: {one['net_benefit']:,.0f}"
                f" with {one['contacts']:,} contacts"
            )


if __name__ == "__main__":
    main()
