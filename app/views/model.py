"""Is the score any good? Tested out of time, live, beside the rule that anybody could use."""

import json
from typing import Any

import charts
import pandas as pd
import streamlit as st
from charts import quality as pictures
from data import quality
from page import Page, begin
from tables import heading, listing
from words import DASH, FEW, count, day, label, moment, percent, plain

MOST_FEATURES = 15  # of the drift strip: those that moved most
OUT_OF_TIME, LIVE = "out of time, before it was used", "live, after labels closed"


def main() -> None:
    """Show the page."""
    page = begin("Model", "Is the score any good, and is it still?")
    if page is None:
        return
    runs = quality.runs(page.source)
    active = runs[runs["is_active"].fillna(False).astype(bool)]
    if active.empty:
        st.info(
            "No model is active yet: `dbt build` trains one when there is history enough."
            + (f" The last run said: {plain(runs.iloc[0]['status'])}" if len(runs) else "")
        )
        return
    run = active.iloc[0]
    _due(page)
    _tiles(run)
    _over_time(page, run)
    left, right = st.columns(2, gap="large")
    with left:
        _reliability(page, run)
    with right:
        _lift(run)
    _threshold(page)
    _drift(page)
    _segments(run)
    _versions(runs)


def _due(page: Page) -> None:
    health = quality.health(page.source)
    if health["retrain_due"]:
        st.warning("The model should be trained again.", icon=":material/model_training:")
        st.text(plain(health["why"], 1000))


def _tiles(run: pd.Series) -> None:
    tested = f"on {count(run['test_rows'])} customers ({count(run['test_churners'])} churned)"
    tested += f" at the cut-off {run['test_cutoff_date']}, which it was not trained on"
    tiles = st.container(horizontal=True)
    for title, value, definition in [
        (
            "AUC, out of time",
            f"{run['roc_auc']:.3f}",
            f"How often a churner has a higher risk than one who stayed, {tested}. 95 % interval"
            f" {run['roc_auc_low']:.3f} to {run['roc_auc_high']:.3f}.",
        ),
        (
            "Recency rule",
            f"{run['baseline_auc']:.3f}",
            "The AUC of simply sorting by days since the last activity, on the same customers.",
        ),
        (
            "Brier score",
            f"{run['brier']:.3f}",
            f"Mean squared error of the risk, {tested}: the smaller the better.",
        ),
        (
            "Lift, top 10 %",
            f"{run['lift_at_10_percent']:.1f}",
            "How many times more churners the riskiest tenth holds than a tenth drawn by chance;"
            f" {tested}.",
        ),
        ("Trained", day(run["trained_at"]), f"Version {run['version']}, {run['trained_at']} UTC."),
    ]:
        tiles.metric(title, value, help=definition, border=True, height="stretch")


def _facts(run: pd.Series, name: str) -> list[dict[str, Any]]:
    """Return what a run noted as JSON; nothing for runs that did not note it yet."""
    found = run.get(name)
    return json.loads(found) if isinstance(found, str) and found else []


def _over_time(page: Page, run: pd.Series) -> None:
    points = pd.concat([_rolling(run), _live(page)], ignore_index=True)
    heading(
        "Quality over time",
        points,
        "quality_over_time",
        "AUC of the model when it was tested at earlier cut-offs, and of each week's scores once"
        " the horizon has passed; bars are 95 % intervals.",
    )
    charts.show(pictures.over_time(points), "AUC over time, model and rules", "over_time")
    st.caption("Every point says its n when pointed at. 0.5 is chance, 1 is perfect.")


def _rolling(run: pd.Series) -> pd.DataFrame:
    folds = _facts(run, "rolling_origin") or [
        {
            "cutoff": run["test_cutoff_date"],
            "n": run["test_rows"],
            "churners": run["test_churners"],
            "roc_auc": run["roc_auc"],
            "baseline_auc": run["baseline_auc"],
            "challenger_auc": run["challenger_auc"],
        }
    ]
    names = {"roc_auc": pictures.MODEL, "baseline_auc": pictures.RECENCY}
    names |= {"challenger_auc": pictures.LINEAR}
    points = pd.DataFrame(folds).melt(
        ["cutoff", "n", "churners"], list(names), "who", "auc", ignore_index=True
    )
    points = points.assign(at=pd.to_datetime(points["cutoff"]), who=points["who"].map(names))
    points[["low", "high"]] = float("nan")
    is_tested = (points["who"] == pictures.MODEL) & (points["cutoff"] == run["test_cutoff_date"])
    points.loc[is_tested, ["low", "high"]] = [run["roc_auc_low"], run["roc_auc_high"]]
    return points.assign(kind=OUT_OF_TIME).rename(columns={"auc": "roc_auc"}).drop(columns="cutoff")


def _live(page: Page) -> pd.DataFrame:
    live = quality.live(page.source)
    return pd.DataFrame(
        {
            "at": pd.to_datetime(live["week"]),
            "who": pictures.MODEL,
            "roc_auc": live["roc_auc"],
            "low": live["roc_auc_low"],
            "high": live["roc_auc_high"],
            "n": live["n"],
            "churners": live["churners"],
            "kind": LIVE,
        }
    )


def _reliability(page: Page, run: pd.Series) -> None:
    out_of_time = pd.DataFrame(_facts(run, "reliability"))
    calibration = quality.calibration(page.source)
    live = calibration[calibration["model_version"] == run["version"]]
    bins = pd.concat(
        [
            bins.assign(tested=tested)[["tested", "predicted", "observed", "n"]]
            for bins, tested in ((out_of_time, OUT_OF_TIME), (live, LIVE))
            if len(bins)
        ]
        or [pd.DataFrame(columns=["tested", "predicted", "observed", "n"])],
        ignore_index=True,
    )
    bins = bins[bins["n"] > 0]
    heading(
        "Do risks mean what they say?",
        bins,
        "reliability",
        "Customers by tenth of their risk: how many were predicted to leave, and how many did.",
    )
    if bins.empty:
        st.caption("This run noted no reliability; the next one will.")
        return
    charts.show(pictures.reliability(bins), "Predicted and observed churn by tenth", "reliability")
    st.caption(f"On the dashed line both agree. Points of fewer than {FEW} customers are faint.")


def _lift(run: pd.Series) -> None:
    points = pd.DataFrame(_facts(run, "lift_curve"))
    heading("How much is found how early?", points, "lift", "Out of time, riskiest first.")
    if points.empty:
        st.caption("This run noted no lift curve; the next one will.")
        return
    charts.show(pictures.lift(points), "Churners found by share of customers", "lift")
    st.caption(f"{count(run['test_rows'])} customers, {count(run['test_churners'])} churned.")


def _threshold(page: Page) -> None:
    """Let people try a threshold: it is a staffing decision."""
    found = quality.by_score(page.source)
    st.header("What would another threshold mean?", anchor=False)
    if found.empty:
        st.caption("Nobody is scored yet.")
        return
    left, middle, right = st.columns([2, 1, 3], gap="large", vertical_alignment="bottom")
    threshold = left.slider("At risk from (%)", 1, 99, 25, key="threshold")
    minutes = middle.number_input("Minutes each", 1, 240, 10, key="minutes")
    above = found[found["percent"] >= threshold]
    customers, expected = above["customers"].sum(), above["expected_churners"].sum()
    recall = expected / found["expected_churners"].sum()
    right.text(
        f"{customers:,} of {found['customers'].sum():,} scored customers would be at risk:"
        f" {customers * minutes / 60:,.1f} hours of work. They are expected to hold"
        f" {percent(recall)} of those who leave in the next {page.terms.horizon_days} days, and"
        f" {above['value_at_risk'].sum():,.2f} of the value at risk (model {page.terms.model})."
    )
    st.caption("A preview: thresholds in force stand in seeds/alert_policy.csv, by segment.")


def _drift(page: Page) -> None:
    drift = quality.drift(page.source)
    drift = drift[drift["model_version"] == page.terms.model]
    heading(
        "Drift",
        drift,
        "drift",
        "Population stability index of each feature against the training rows:"
        f" from {pictures.SOME_SHIFT} on some, from {pictures.MUCH_SHIFT} on much has changed.",
    )
    if drift.empty:
        st.caption("No week has been compared with the training rows yet.")
        return
    worst = drift.groupby("feature")["psi"].max().nlargest(MOST_FEATURES).index
    cells = drift[drift["feature"].isin([*worst, "score"])]
    order = {"score": -1} | {name: at for at, name in enumerate(worst)}
    cells = cells.sort_values("feature", key=lambda names: names.map(order))
    charts.show(pictures.drift(cells), "Drift by feature and week", "drift")
    st.caption(
        f"The score and the {MOST_FEATURES} features that moved most. What grows by nature (tenure,"
        " totals) drifts in every young business."
    )


def _segments(run: pd.Series) -> None:
    segments = pd.DataFrame(_facts(run, "by_segment"))
    heading("By segment, out of time", segments, "by_segment")
    if segments.empty:
        st.caption("This run noted no figures by segment; the next one will.")
        return
    listing(
        segments.assign(
            segment=segments["segment"].map(plain),
            note=["" if n >= FEW else "too few to tell" for n in segments["n"]],
        ),
        key="by_segment",
        alt="Quality by segment",
        rate_columns={"predicted": "n", "observed": "n", "roc_auc": "n"},
        columns={
            "segment": st.column_config.TextColumn("Segment"),
            "n": st.column_config.NumberColumn("Customers (n)", format="localized"),
            "churners": st.column_config.NumberColumn("Churned", format="localized"),
            "predicted": st.column_config.NumberColumn("Predicted", format="percent"),
            "observed": st.column_config.NumberColumn("Observed", format="percent"),
            "roc_auc": st.column_config.NumberColumn("AUC", format="%.3f"),
            "note": st.column_config.TextColumn("Note"),
        },
    )


def _versions(runs: pd.DataFrame) -> None:
    shown = runs.assign(
        state=["active" if one else "" for one in runs["is_active"].fillna(False)],
        status=runs["status"].map(plain),
        decided=[_decided(run) for _, run in runs.iterrows()],
    )
    heading("Versions", shown, "versions", "Every training run, and who put it into use.")
    listing(
        shown,
        key="versions",
        alt="Training runs",
        columns={
            "version": st.column_config.TextColumn("Version", width="medium"),
            "state": st.column_config.TextColumn("Now", width=60),
            "trained_at": st.column_config.DatetimeColumn(
                "Trained (UTC)", format="YYYY-MM-DD HH:mm", width=130
            ),
            "roc_auc": st.column_config.NumberColumn("AUC", format="%.3f", width=60),
            "baseline_auc": st.column_config.NumberColumn(
                "Recency rule", format="%.3f", width=90, help="AUC of sorting by recency alone."
            ),
            "brier": st.column_config.NumberColumn("Brier", format="%.3f", width=60),
            "test_rows": st.column_config.NumberColumn("Tested (n)", format="localized", width=80),
            "status": st.column_config.TextColumn("Run", width=120),
            "decided": st.column_config.TextColumn("Decision", width=260),
        },
    )


def _decided(run: pd.Series) -> str:
    if not isinstance(run["last_decision"], str):
        return DASH
    return (
        f"{label(run['last_decision'])} by {plain(run['decided_by'])},"
        f" {moment(run['decided_at'])}: {plain(run['decision_reason'])}"
    )


main()
