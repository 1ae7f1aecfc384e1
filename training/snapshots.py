"""Rows of training_snapshots: what is a feature, which window tests, what is refused."""

import numpy
import pandas

from training import minimum
from training.status import of_customers

# Every other column of training_snapshots is a feature, in its order.
KEYS_AND_LABEL = (
    *("customer_id", "cutoff_date", "label_until_date", "segment", "region", "has_churned"),
    "churn_day",
    *("alert_arm", "snapshot_weight", "has_lapsed"),
    *("monthly_value", "spend_after"),
)
STAYED, CHURNED = 0, 1  # has_churned
OUTCOMES = {CHURNED: "churned", STAYED: "stayed"}
# A few rows that are no numbers come from a few senders' mistakes, and the others teach the same
# without them. Beyond this share a source is broken: a model of what is left would be one of other
# customers than those who are scored.
MOST_LEFT_OUT = 0.05
# A missing value counts as 0. A feature that was 0 for at most half of the customers before, and
# is for nearly all of them now, has lost its source.
USUAL_SHARE_MISSING, EXPLODED_SHARE_MISSING = 0.5, 0.95


def feature_names(snapshots: pandas.DataFrame) -> list[str]:
    """Return the columns that a model may learn from."""
    return [column for column in snapshots.columns if column not in KEYS_AND_LABEL]


def in_order(snapshots: pandas.DataFrame) -> pandas.DataFrame:
    """Sort the rows: a forest draws them by position, and a table has no order of its own."""
    return snapshots.sort_values(["cutoff_date", "customer_id"], ignore_index=True)


def matrix(rows: pandas.DataFrame, features: list[str]) -> numpy.ndarray:
    """Return the features as the model takes them: 32 bits, in their stated order."""
    return rows[features].to_numpy(dtype="float32")


def weights(rows: pandas.DataFrame) -> numpy.ndarray:
    """Return how many snapshots each one stands for: 1 where no message was approved.

    See macros/training/snapshot_weights.sql.
    """
    if "snapshot_weight" not in rows:
        return numpy.ones(len(rows))
    return rows["snapshot_weight"].to_numpy("float64")


def are_still_here(rows: pandas.DataFrame) -> numpy.ndarray:
    """Return for each row whether its customer had not lapsed already by the cut-off.

    See macros/metrics/has_lapsed.sql.
    """
    return ~rows["has_lapsed"].to_numpy(dtype=bool)


def counting(rows: pandas.DataFrame) -> pandas.DataFrame:
    """Return the rows whose outcomes count: without the treated, for whom the held out stand."""
    return rows[weights(rows) > 0]


def about_alerts(rows: pandas.DataFrame) -> dict[str, float]:
    """Return how many rows are of drawn alerts, treated and held out, and who stands for whom.

    `as_treated_share` is the share of all weight that lies on treated rows, for want of enough
    customers who were held out: of them the outcomes are learnt that messages left.
    """
    arm = rows["alert_arm"] if "alert_arm" in rows else pandas.Series(None, rows.index, "object")
    weight, is_treated = weights(rows), (arm == "treated").to_numpy()
    return {
        "treated_rows": int(is_treated.sum()),
        "held_out_rows": int((arm == "holdout").sum()),
        "as_treated_share": float(weight[is_treated].sum() / weight.sum()),
    }


def are_numbers(rows: pandas.DataFrame, features: list[str]) -> numpy.ndarray:
    """Return for each row whether all of its features are finite as the model takes them."""
    return _finite(rows, features).all(axis=1)


def why_too_many_left_out(
    train: pandas.DataFrame, test: pandas.DataFrame, features: list[str]
) -> str | None:
    """Return in words why so many rows are no numbers that nothing can be learned, or None."""
    for name, rows in (("training", train), ("test", test)):
        finite = _finite(rows, features)
        left_out = rows[~finite.all(axis=1)]
        if len(left_out) > MOST_LEFT_OUT * len(rows):
            return (
                f"features have values that are no numbers: {_named(features, ~finite.all(axis=0))}"
                f" in {len(left_out):,} of {len(rows):,} {name} rows, more than"
                f" {100 * MOST_LEFT_OUT:.0f} %{of_customers(left_out['customer_id'])}"
            )
    return None


def split_at(
    snapshots: pandas.DataFrame, cutoff: object
) -> tuple[pandas.DataFrame, pandas.DataFrame]:
    """Return what may train for one cut-off, and the cut-off's own rows.

    Only windows whose labels had closed by then may train: anything later would be hindsight.
    """
    train = snapshots[snapshots["label_until_date"] <= cutoff]
    return train, snapshots[snapshots["cutoff_date"] == cutoff]


def earlier_cutoffs(snapshots: pandas.DataFrame, at_most: int) -> list[object]:
    """Return the latest cut-offs that can be tested and were settled before the tested one.

    What is decided on them, such as a threshold, knows nothing of the tested window.
    """
    settled = snapshots[snapshots["label_until_date"] <= snapshots["cutoff_date"].max()]
    cutoffs = sorted(settled["cutoff_date"].unique())
    testable = [one for one in cutoffs if why_not(*split_at(snapshots, one)) is None]
    return testable[-at_most:] if at_most else []


def why_not(train: pandas.DataFrame, test: pandas.DataFrame) -> str | None:
    """Return in words why these rows, all numbers, cannot be trained on, or None if they can."""
    if reason := minimum.too_few_rows(len(train)):
        return f"waiting for data: {reason}"
    for outcome, verb in OUTCOMES.items():
        if reason := minimum.too_few_who(verb, int((train["has_churned"] == outcome).sum())):
            return f"waiting for data: {reason}; {_windows(train)}"
        if not (test["has_churned"] == outcome).any():
            instead = _instead(train, test, outcome)
            return f"waiting for data: nobody {verb} in {_windows(test)}{instead}"
    features = feature_names(train)
    known, latest = matrix(train, features), matrix(test, features)
    if (known == known[0]).all():
        return "no feature tells one customer from another: check var event_categories"
    was_missing, is_missing = (known == 0).mean(axis=0), (latest == 0).mean(axis=0)
    if lost := _named(
        features,
        (was_missing <= USUAL_SHARE_MISSING) & (is_missing >= EXPLODED_SHARE_MISSING),
    ):
        return (
            f"missing in the latest window, though not before: {lost}; has a source of events"
            " stopped, or an event type been renamed (var event_categories)?"
        )
    return None


def _windows(rows: pandas.DataFrame) -> str:
    """Name the label windows of rows: after which day, up to which."""
    cutoffs = sorted({str(one)[:10] for one in rows["cutoff_date"]})
    days = f"the {_horizon(rows)} days after"
    return f"{days} {cutoffs[-1]}" if len(cutoffs) == 1 else f"{days} {', '.join(cutoffs)}"


def _instead(train: pandas.DataFrame, test: pandas.DataFrame, outcome: int) -> str:
    """Say which earlier cut-off has an outcome that the tested window lacks, or which horizon.

    Renewals on one day of the month, for example, fall between windows that are shorter than it.
    """
    having = train[train["has_churned"] == outcome]
    latest = having[having["cutoff_date"] == having["cutoff_date"].max()]
    words = (
        ": some did after the cut-off of"
        f" {str(latest['cutoff_date'].max())[:10]} (var training_latest_cutoff)"
    )
    if outcome == CHURNED and "churn_day" in latest and latest["churn_day"].notna().any():
        last = pandas.Timestamp(latest["cutoff_date"].max()) + pandas.Timedelta(
            days=int(latest["churn_day"].max())
        )
        # A longer window ends on the same day, the last one of the data, and begins earlier.
        days = (pandas.Timestamp(test["label_until_date"].max()) - last).days + 1
        words += f", and a window of {days} days or more would hold them (var churn_horizon_days)"
    return words


def _horizon(rows: pandas.DataFrame) -> int:
    row = rows.iloc[0]
    return (pandas.Timestamp(row["label_until_date"]) - pandas.Timestamp(row["cutoff_date"])).days


def _finite(rows: pandas.DataFrame, features: list[str]) -> numpy.ndarray:
    with numpy.errstate(over="ignore"):
        return numpy.isfinite(matrix(rows, features))


def _named(features: list[str], chosen: numpy.ndarray) -> str:
    return ", ".join(features[at] for at in numpy.flatnonzero(chosen))
