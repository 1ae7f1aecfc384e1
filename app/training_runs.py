"""Training runs: what each noted of itself when it was tested, and who put it into use."""

import json
from typing import Any

import columns
import layout
import pandas as pd
import streamlit as st
from charts import quality as pictures
from tables import heading, listing
from words import DASH, FEW, count, day, label, moment, percent, plain

OUT_OF_TIME = "out of time"  # before it was used


def tiles(run: pd.Series) -> None:
    """Show how well a run did when it was tested, each figure with its n."""
    tested = f"on {count(run['test_rows'])} customers ({count(run['test_churners'])} churned)"
    tested += f" at the cut-off {run['test_cutoff_date']}, which it was not trained on"
    basis = f"n {count(run['test_rows'])}, {count(run['test_churners'])} churned"
    layout.tiles(
        [
            (
                "AUC, out of time",
                f"{run['roc_auc']:.3f}",
                f"How often a churner has a higher risk than one who stayed, {tested}. 95 %"
                f" interval {run['roc_auc_low']:.3f} to {run['roc_auc_high']:.3f}.",
                basis,
            ),
            (
                "Recency rule",
                f"{run['baseline_auc']:.3f}",
                "The AUC of simply sorting by days since the last activity, on the same customers.",
                basis,
            ),
            (
                "Brier score",
                f"{run['brier']:.3f}",
                f"Mean squared error of the risk, {tested}: the smaller the better.",
                basis,
            ),
            (
                "Lift, top 10 %",
                f"{run['lift_at_10_percent']:.1f}",
                "How many times more churners the riskiest tenth holds than a tenth drawn by"
                f" chance; {tested}.",
                basis,
            ),
            (
                "Trained",
                day(run["trained_at"]),
                f"Version {run['version']}, {run['trained_at']} UTC.",
            ),
        ]
    )
    _still_here(run)
    _alerts(run)


def _still_here(run: pd.Series) -> None:
    """Say how well the model tells who leaves among customers who have not left already."""
    n, churners = run["still_here_rows"], run["still_here_churners"]
    if pd.isna(n) or not n:
        return
    gone, days = run["test_rows"] - n, count(run["horizon_days"])
    words = (
        f"Still here: {count(n)} of the tested customers had been active in the {days} days before,"
        f" and {count(churners)} of them left. "
    )
    if min(churners, n - churners) < FEW:
        words += "These are too few to say how well the model tells them apart."
    else:
        words += (
            f"Among them the AUC is {run['still_here_auc']:.3f}"
            f" ({run['still_here_auc_low']:.3f} to {run['still_here_auc_high']:.3f})."
        )
    if gone:
        words += (
            f" Already gone: the other {count(gone)} had done nothing for {days} days or more;"
            " most of them stay away, which anybody can tell."
        )
    st.caption(words)


def _alerts(run: pd.Series) -> None:
    """Say who was left out because of an alert, and who stands for them."""
    treated, held_out = (run[name] for name in ("treated_rows", "held_out_rows"))
    if pd.isna(treated) or not treated + held_out:
        return
    words = (
        f"{count(treated)} observations of customers who were to get a message are left out,"
        f" because it may have changed what they did; {count(held_out)} of customers held out by"
        " chance stand for them."
    )
    if run["as_treated_share"] > 0:
        words += (
            f" Too few are held out: {percent(run['as_treated_share'], 1)} of what the model has"
            " learned is from customers who may have had a message, so their risk may be too low."
        )
    st.caption(words)


def facts(run: pd.Series, name: str) -> list[dict[str, Any]]:
    """Return what a run noted as JSON; nothing for runs that did not note it yet."""
    found = run.get(name)
    return json.loads(found) if isinstance(found, str) and found else []


def rolling(run: pd.Series) -> pd.DataFrame:
    """Return the AUC at each cut-off that a run was tested at, of the model and of the rules."""
    folds = facts(run, "rolling_origin") or [
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


def by_segment(run: pd.Series) -> None:
    """Show how well a run did in each segment; those of few are greyed."""
    segments = pd.DataFrame(facts(run, "by_segment"))
    heading("By segment, out of time", segments, "by_segment")
    if segments.empty:
        st.caption("This run noted no figures by segment; the next one will.")
        return
    listing(
        segments.assign(
            segment=segments["segment"].map(plain),
            predicted_percent=segments["predicted"] * 100,
            observed_percent=segments["observed"] * 100,
            note=["" if n >= FEW else "too few to tell" for n in segments["n"]],
        ),
        key="by_segment",
        alt="Quality by segment",
        rate_columns={"predicted_percent": "n", "observed_percent": "n", "roc_auc": "n"},
        columns={
            "segment": columns.text("Segment"),
            "n": columns.number("Customers (n)"),
            "churners": columns.number("Churned"),
            "predicted_percent": columns.share("Predicted"),
            "observed_percent": columns.share("Observed"),
            "roc_auc": columns.number("AUC", form="%.3f"),
            "note": columns.text("Note"),
        },
    )


def versions(runs: pd.DataFrame) -> None:
    """Show every run, and who put it into use."""
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
            "version": columns.text("Version", 180),
            "state": columns.text("Now", 60),
            "trained_at": columns.moment("Trained"),
            "roc_auc": columns.number("AUC", 60, form="%.3f"),
            "baseline_auc": columns.number(
                "Recency rule", 95, "AUC of sorting by recency alone.", "%.3f"
            ),
            "brier": columns.number("Brier", 60, form="%.3f"),
            "test_rows": columns.number("Tested (n)", 85),
            "status": columns.text("Run", 130),
            "decided": columns.text("Decision", 420),
        },
    )


def _decided(run: pd.Series) -> str:
    if not isinstance(run["last_decision"], str):
        return DASH
    return (
        f"{label(run['last_decision'])} by {plain(run['decided_by'])},"
        f" {moment(run['decided_at'])}: {plain(run['decision_reason'])}"
    )
