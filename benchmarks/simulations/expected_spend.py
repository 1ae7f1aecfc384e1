"""`python -m benchmarks.simulations.expected_spend`: expected spend beside what is then spent.

Customers buy every 14 days on average and nobody leaves. Some buy more often than others, and some
more at a time. What each is expected to spend in the next 28 days comes from the project's own SQL,
and stands beside what they do spend on average (their true rate) by days since they joined.
"""

import argparse
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy
import pandas

from benchmarks.simulations.rendered import rendered
from training.spend import SpendLevel, fit_spend_level

AS_OF = date(2026, 6, 1)
HORIZON = 28
USUAL_GAP, USUAL_AMOUNT = 14, 20.0
JOINED = (20, 30, 45, 84, 200)  # days before AS_OF
BANDS = {"new, 3-28 days": (3, 28), "29-84 days": (29, 84), "over 84 days": (85, 400)}
SAMPLE = Path(__file__).parents[2] / "ingest" / "samples" / "complete_journey_300.parquet"
# The metrics of the population as of a day, and what these customers are expected to spend.
METRICS = f"""
    with daily as (select * from given_days),
    monthly as ({{{{ monthly_activity('daily', ['customer_id']) }}}}),
    metrics as ({{{{ customer_metrics('daily', 'monthly', ['customer_id']) }}}}),
    clocked as ({{{{ with_clock_features('metrics', "date '{AS_OF}'") }}}})
    select * from clocked where {{{{ in_population("date '{AS_OF}'") }}}}
"""
# As customer_activity_daily holds them.
_GIVEN_DAYS = f"""
    select
        customer_id,
        (date '{AS_OF}' + "offset"::integer)::date as activity_date,
        date_trunc('month', activity_date)::date as activity_month,
        true as is_active,
        purchase_count as event_count,
        0 as activity_count,
        purchase_count,
        0 as friction_count,
        0 as marketing_count,
        round(purchase_amount, 4) as purchase_amount,
        activity_date::timestamp as first_event_at,
        activity_date::timestamp as last_active_at,
        null::timestamp as last_cancelled_at,
        null::timestamp as last_paused_at,
        null::timestamp as last_resumed_at
    from drawn
"""
EXPECTED = "select customer_id, {{ expected_spend() }} as expected_spend from clocked"


def draw_customers(joined: numpy.ndarray, spread: float, seed: int) -> pandas.DataFrame:
    """Return customers with the day they joined on, their true rate and their usual amount.

    `spread` is the coefficient of variation of the rates, and of the amounts, between customers.
    """
    draw, count = numpy.random.default_rng(seed), len(joined)
    shape = 1 / spread**2 if spread else None
    factors = draw.gamma(shape, 1 / shape, (2, count)) if shape else numpy.ones((2, count))
    return pandas.DataFrame(
        {
            "customer_id": [f"c{number:06}" for number in range(count)],
            "joined": joined,
            "rate": factors[0] / USUAL_GAP,
            "amount": factors[1] * USUAL_AMOUNT,
        }
    )


def draw_days(customers: pandas.DataFrame, seed: int) -> pandas.DataFrame:
    """Return their purchases as customer_activity_daily holds them, up to a horizon after AS_OF.

    The first is made on the day of joining, the others at random.
    """
    draw = numpy.random.default_rng(seed)
    span = customers["joined"].to_numpy() + HORIZON + 1
    counts = draw.poisson(customers["rate"].to_numpy() * span)
    owner = numpy.repeat(numpy.arange(len(customers)), counts)
    owner = numpy.concatenate([numpy.arange(len(customers)), owner])
    later = numpy.floor(draw.random(counts.sum()) * span[owner[len(customers) :]])
    day = numpy.concatenate([numpy.zeros(len(customers)), later])
    amounts = draw.lognormal(-0.32, 0.8, len(owner)) * customers["amount"].to_numpy()[owner]
    offset = day - customers["joined"].to_numpy()[owner]
    return (
        pandas.DataFrame({"owner": owner, "offset": offset, "purchase_amount": amounts})
        .groupby(["owner", "offset"], as_index=False)
        .agg(purchase_amount=("purchase_amount", "sum"), purchase_count=("offset", "size"))
        .assign(customer_id=lambda rows: customers["customer_id"].to_numpy()[rows["owner"]])
    )


def metrics_of(days: pandas.DataFrame, query: str) -> pandas.DataFrame:
    """Return the metrics of the population as of AS_OF, with what is spent in the horizon after."""
    with duckdb.connect() as connection:
        connection.register("drawn", days[days["offset"] <= 0])
        connection.execute(f"create table given_days as {_GIVEN_DAYS}")
        found = connection.execute(query).df()
    after = days[days["offset"].between(1, HORIZON)].groupby("customer_id")["purchase_amount"]
    spent = found["customer_id"].map(after.sum()).fillna(0.0)
    return found.assign(
        spend_after=spent, has_churned=(spent == 0).astype(int), monthly_value=numpy.nan
    )


def expected_by_sql(rows: pandas.DataFrame, level: SpendLevel, query: str) -> numpy.ndarray:
    """Return what the rows are expected to spend, by the SQL that scores are valued with."""
    with duckdb.connect() as connection:
        connection.register("clocked", rows.assign(**level.columns()))
        found = connection.execute(query).df()
    return rows["customer_id"].map(found.set_index("customer_id")["expected_spend"]).to_numpy()


def simulate(queries: tuple[str, str], each: int, spread: float, seed: int) -> dict[str, float]:
    """Return expected over true spend, by days since joining and by band of them."""
    draw = numpy.random.default_rng(seed)
    known = [numpy.full(each, days) for days in JOINED]
    banded = [draw.integers(low, high + 1, each) for low, high in BANDS.values()]
    customers = draw_customers(numpy.concatenate([*known, *banded]), spread, seed)
    customers["group"] = numpy.repeat([*(f"{days} days" for days in JOINED), *BANDS], each)
    found = metrics_of(draw_days(customers, seed), queries[0])
    found["expected"] = expected_by_sql(found, fit_spend_level(found, HORIZON), queries[1])
    found = found.merge(customers, on="customer_id")
    found["true_spend"] = found["rate"] * found["amount"] * HORIZON
    sums = found.groupby("group")[["expected", "true_spend"]].sum()
    ratios = sums["expected"] / sums["true_spend"]
    return {group: ratios[group] for group in customers["group"].unique()}


def of_events(
    queries: tuple[str, str], events: Path = SAMPLE, cutoffs: int = 10
) -> dict[str, float]:
    """Return expected over real spend of stayers, by days since joining, in a Parquet file.

    At each of the latest cut-offs the level is found on those whose horizon had closed by then.
    """
    days = duckdb.sql(
        "select customer_id, occurred_at::date as day, sum(amount) as purchase_amount,"
        " count(*) as purchase_count from read_parquet($events)"
        " where event_type = 'purchase' group by all",
        params={"events": str(events)},
    ).df()
    days["day"] = pandas.to_datetime(days["day"])
    last = days["day"].max() - timedelta(days=HORIZON + 1)
    windows = []
    for number in reversed(range(cutoffs + 1)):
        cutoff = last - timedelta(days=HORIZON * number)
        offset = (days["day"] - cutoff).dt.days
        windows.append(metrics_of(days.assign(offset=offset), queries[0]))
    for number, window in enumerate(windows[1:], start=1):
        level = fit_spend_level(pandas.concat(windows[:number]), HORIZON)
        window["expected"] = expected_by_sql(window, level, queries[1])
    tested = pandas.concat(windows[1:])
    stayed = tested[tested["has_churned"] == 0]
    found = {}
    for band, (low, high) in BANDS.items():
        rows = stayed[stayed["tenure_days"].between(low, high)]
        if len(rows):
            found[f"{band} (n {len(rows)})"] = rows["expected"].sum() / rows["spend_after"].sum()
    return found


def queries_of_the_project() -> tuple[str, str]:
    """Return METRICS and EXPECTED, rendered."""
    metrics, expected = rendered(f"{METRICS};{EXPECTED}").split(";")
    return metrics, expected


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=4_000, help="customers of each group")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--events", type=Path, default=SAMPLE, help="a Parquet file of events")
    arguments = parser.parse_args()
    queries = queries_of_the_project()
    found = {
        f"customers differ by {100 * spread:.0f} %, expected / true": simulate(
            queries, arguments.each, spread, arguments.seed
        )
        for spread in (0.0, 0.5)
    }
    found[f"{arguments.events.name}, of stayers, expected / spent"] = of_events(
        queries, arguments.events
    )
    for title, ratios in found.items():
        print(f"{title}: " + ", ".join(f"{group} {ratio:.2f}" for group, ratio in ratios.items()))


if __name__ == "__main__":
    main()
