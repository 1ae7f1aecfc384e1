"""Is the score any good? Tested out of time, live, beside the rule that anybody could use."""

import charts
import layout
import pandas as pd
import streamlit as st
import training_runs
from charts import quality as pictures
from data import quality
from page import Page, begin
from tables import heading
from training_runs import OUT_OF_TIME
from words import FEW, count, label, money, percent, plain

MOST_FEATURES = 15  # of the drift strip: those that moved most
LIVE = "live, after labels closed"


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
    training_runs.tiles(run)
    _over_time(page, run)
    left, right = layout.halves()
    with left:
        _reliability(page, run)
    with right:
        _lift(run)
    _threshold(page, run)
    _drift(page)
    training_runs.by_group(run, "segment")
    training_runs.by_group(run, "region")
    training_runs.versions(runs)


def _due(page: Page) -> None:
    health = quality.health(page.source)
    if health["retrain_due"]:
        st.warning("The model should be trained again.", icon=":material/model_training:")
        st.text(plain(health["why"], 1000))


def _over_time(page: Page, run: pd.Series) -> None:
    points = pd.concat([training_runs.rolling(run), _live(page)], ignore_index=True)
    heading(
        "Quality over time",
        points,
        "quality_over_time",
        "AUC of the model when it was tested at earlier cut-offs, and of each week's scores once"
        " the horizon has passed; bars are 95 % intervals.",
    )
    charts.show(pictures.over_time(points), "AUC over time, model and rules", "over_time")
    st.caption("Every point says its n when pointed at. 0.5 is chance, 1 is perfect.")


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
    out_of_time = pd.DataFrame(training_runs.facts(run, "reliability"))
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
    points = pd.DataFrame(training_runs.facts(run, "lift_curve"))
    heading("How much is found how early?", points, "lift", "Out of time, riskiest first.")
    if points.empty:
        st.caption("This run noted no lift curve; the next one will.")
        return
    charts.show(pictures.lift(points), "Churners found by share of customers", "lift")
    st.caption(f"{count(run['test_rows'])} customers, {count(run['test_churners'])} churned.")


def _threshold(page: Page, run: pd.Series) -> None:
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
        f" {money(above['value_at_risk'].sum())} of the value at risk (model {page.terms.model})."
    )
    st.caption("A preview: thresholds in force stand in seeds/alert_policy.csv, by segment.")
    paid = {one["rule"]: one for one in training_runs.facts(run, "paid_by_rule")}
    if paid:
        by_score, by_value = paid["score"], paid["value"]
        st.text(
            "On earlier cut-offs, less what contacts and offers cost, contacting everybody above"
            f" the best threshold ({percent(run['suggested_threshold_cost'])}) would have paid"
            f" {money(by_score['net_benefit'])} with {by_score['contacts']:,} contacts; contacting"
            " those whose risk times expected spend is worth the contact"
            f" {money(by_value['net_benefit'])} with {by_value['contacts']:,}. The second is the"
            " alert_rule value of seeds/alert_policy.csv."
        )


def _drift(page: Page) -> None:
    drift = quality.drift(page.source)
    drift = drift[drift["model_version"] == page.terms.model]
    heading(
        "Drift",
        drift,
        "drift",
        "How far customers have moved from those the model learned from, feature by feature"
        " (population stability index, PSI). A feature is marked as moved, some or much, when"
        " chance does not explain it with so many customers.",
    )
    if drift.empty:
        st.caption("No week has been compared with the training rows yet.")
        return
    worst = drift.groupby("feature")["psi"].max().nlargest(MOST_FEATURES).index
    cells = drift[drift["feature"].isin([*worst, "score"])].assign(
        words=lambda rows: rows["feature"].map(label)
    )
    order = {name: at for at, name in enumerate(worst)} | {"score": -1}
    cells = cells.sort_values("feature", key=lambda names: names.map(order))
    charts.show(pictures.drift(cells), "Drift by feature and week", "drift")
    st.caption(
        f"Of {count(drift['n'].min())} to {count(drift['n'].max())} customers a week."
        f" The score and the {MOST_FEATURES} features that moved most. What grows by nature"
        " (tenure, totals) drifts in every young business."
    )


main()
