"""Customers drawn at random, as CHURN_METRICS_LIVE holds them, and a model that all of it moves."""

import hashlib
from datetime import date

import numpy
import pandas

from embedded.engine.storage import churn_home, transact
from embedded.functions import load_churn_model
from tests.conftest import Pipeline
from tests.dbt import render
from training import artefacts, forest
from training.references import feature_reference
from training.registry import run_row
from training.snapshots import KEYS_AND_LABEL, are_numbers, matrix
from training.status import TRAINED

TODAY = date(2026, 6, 1)
STAYERS_GAP = 3.04  # 3.0 as it is shown
# What amounts may hold: small, taken back, at the bound of one event, and beyond all sense.
AMOUNTS = (
    *(0.0, 0.4, 0.5, 5.0, 20.0, 47.49, 47.5, 180.0, 2_500.0),
    *(-0.3, -5.0, -1e9, 1e9, 3e11, 1e15, 1e18, 3e38, 4e38, 1e308, numpy.inf, numpy.nan),
)


def random_customers(count: int, seed: int) -> pandas.DataFrame:
    """Customers as CHURN_METRICS_LIVE holds them, the edges of every figure included."""
    draw = numpy.random.default_rng(seed)
    away = draw.choice([0, 1, 2, 3, 9, 30, 83], count)
    span = draw.choice([0, 1, 5, 27, 28, 83, 99, 364, 3_000], count)
    density = draw.choice([0.0, 0.03, 0.1, 0.3, 0.6, 0.95, 1.0], count)  # 1: active every day
    days = {n: numpy.minimum(span + 1, n) for n in (7, 28, 84)}
    active = {84: numpy.maximum(draw.binomial(days[84], density), 1)}
    active[28] = numpy.clip(draw.binomial(days[28], density), 1, active[84])
    active[7] = numpy.clip(draw.binomial(days[7], density), 1, active[28])
    total = numpy.maximum(draw.binomial(span + 1, density), active[84] + (span > 83))
    is_daily = density == 1
    for window, known in days.items():
        active[window] = numpy.where(is_daily, known, active[window])
    total = numpy.where(is_daily, span + 1, numpy.minimum(total, span + 1))
    gaps = total - 1
    mean = numpy.where(gaps > 0, numpy.round(span / numpy.maximum(gaps, 1), 6), numpy.nan)
    mean = numpy.where(draw.random(count) < 0.01, 0.0, mean)
    frame = pandas.DataFrame({"customer_id": [f"c{number}" for number in range(count)]})
    last = pandas.Timestamp(TODAY) - pandas.to_timedelta(away, "D")
    frame["first_seen_at"] = last - pandas.to_timedelta(span, "D")
    frame["last_activity_at"] = last
    frame["active_days_total"] = total
    for window in (7, 28, 84):
        frame[f"active_days_{window}d"] = active[window]
        frame[f"activity_count_{window}d"] = active[window] * draw.integers(1, 4, count)
        frame[f"marketing_count_{window}d"] = draw.integers(0, 3, count)
    for kind in ("purchase", "friction"):
        counts = numpy.sort(draw.choice([0, 0, 0, 1, 2, 40], (count, 3)), axis=1)
        for place, window in enumerate((7, 28, 84)):
            frame[f"{kind}_count_{window}d"] = counts[:, place]
    for window in ("7d", "28d", "84d", "total"):
        is_odd = draw.random(count) < 0.3
        usual = numpy.round(draw.lognormal(3, 1.5, count), 2)
        frame[f"purchase_amount_{window}"] = numpy.where(is_odd, draw.choice(AMOUNTS, count), usual)
    for kind in ("friction", "marketing"):
        frame[f"{kind}_count_since_last_activity"] = draw.choice([0, 0, 0, 1, 5], count)
    frame["gap_days_mean"] = mean
    frame["gap_days_max"] = pandas.array(numpy.where(gaps > 0, numpy.ceil(mean), 0), dtype="Int64")
    frame["gap_days_stddev"] = numpy.where(gaps > 1, draw.uniform(0, 20, count), numpy.nan)
    for trend in ("active_days_trend_7d_28d", "active_days_trend_28d_84d"):
        frame[trend] = draw.uniform(0, 4, count)
    frame["purchase_amount_trend_28d_84d"] = draw.uniform(0, 3, count)
    for column in (*frame.columns[frame.dtypes == "float64"], "gap_days_max"):
        frame.loc[draw.random(count) < 0.01, column] = None
    return frame


def keep(pipeline: Pipeline, table: str, customers: pandas.DataFrame) -> None:
    """Keep customers in a table with the columns of CHURN_METRICS_LIVE."""
    pipeline.connection.register("given", customers)
    pipeline.connection.execute(
        f"create or replace temp table {table} as select * from churn_metrics_live limit 0"
    )
    pipeline.connection.execute(f"insert into {table} by name select * from given")
    pipeline.connection.unregister("given")


def compiled(query: str) -> str:
    text = render(query)
    return text[text.index("with banded") :]


def banded(table: str) -> str:
    """The CTE that reasons are made from: everybody is in the high band."""
    day = f"\"date '{TODAY}'\""
    return (
        "with banded as (select *, 'high' as new_band from"
        f" ({{{{ with_clock_features('{table}', {day}) }}}}) as clocked), "
    )


def feature_names(pipeline: Pipeline) -> list[str]:
    """What the model sees, in its order."""
    columns = pipeline.rows("describe training_snapshots")
    return [name for name, *_ in columns if name not in KEYS_AND_LABEL]


def activate_forest(pipeline: Pipeline) -> None:
    """Make a forest the active model that every group of features moves, up and down."""
    features = feature_names(pipeline)
    day = f"\"date '{TODAY}'\""
    query = (
        "with banded as ({{ with_clock_features('learned', " + day + ") }})"
        " select {{ feature_columns('banded') }} from banded order by customer_id"
    )
    compiled_query = compiled(query)  # before the table, which ends with the connection
    keep(pipeline, "learned", random_customers(3_000, seed=2))
    rows = pipeline.frame(compiled_query)
    rows = rows[are_numbers(rows, features)].reset_index(drop=True)
    rows["has_churned"] = numpy.random.default_rng(4).integers(0, 2, len(rows))
    content = forest.to_artefact(forest.fit(rows, features), None, matrix(rows, features))
    artefacts.store(object(), content, str(churn_home() / "models"), "noise.onnx")
    reference = feature_reference(rows, features)
    reference["gap_days_mean"]["median_of_stayers"] = STAYERS_GAP
    row = run_row(
        "noise",
        TRAINED,
        features,
        artefact="noise.onnx",
        artefact_hash=hashlib.sha256(content).hexdigest(),
        feature_reference=reference,
    )
    names, marks = ", ".join(row.columns), ", ".join("?" * len(row.columns))

    def insert(connection):
        connection.execute(
            f"insert into train_churn_model ({names}) values ({marks})",
            row.astype(object).iloc[0].tolist(),
        )
        connection.execute(
            "insert into model_promotions values ('noise', 'promoted', 'noise', 'test', now())"
        )

    transact(pipeline.connection, insert)
    assert load_churn_model(pipeline.connection).version == "noise"
