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
_INTERVALS = (
    *("observed_low", "observed_high"),
    *("customers", "alert_rate", "alert_rate_low", "alert_rate_high"),
)


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
        f"{count(treated)} observations of customers whose message was approved are left out,"
        f" because it may have changed what they did; {count(held_out)} of customers who were held"
        " out by chance instead stand for them."
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


def by_group(run: pd.Series, name: str) -> None:
    """Show how well a run did in each segment or region; those of few are greyed."""
    groups = pd.DataFrame(facts(run, f"by_{name}"))
    heading(
        f"By {name}, out of time",
        groups,
        f"by_{name}",
        "Whether the risk serves all alike: how many were predicted to leave, how many did, with"
        " its 95 % interval, and who had an alert within a horizon before or after the cut-off.",
    )
    if groups.empty:
        st.caption(f"This run noted no figures by {name}; the next one will.")
        return
    # Runs of before intervals were noted have none.
    groups = groups.reindex(columns=[*dict.fromkeys([*groups.columns, *_INTERVALS])])
    listing(
        groups.assign(
            group=groups[name].map(plain),
            predicted_percent=groups["predicted"] * 100,
            observed_percent=groups["observed"] * 100,
            observed_interval=_interval(groups, "observed"),
            alert_percent=groups["alert_rate"] * 100,
            alert_interval=_interval(groups, "alert_rate"),
            note=[_note(group) for _, group in groups.iterrows()],
        ),
        key=f"by_{name}",
        alt=f"Quality by {name}",
        rate_columns={
            "predicted_percent": "n",
            "observed_percent": "n",
            "roc_auc": "n",
            "alert_percent": "n",
        },
        columns={
            "group": columns.text(label(name)),
            "n": columns.number("Customers (n)"),
            "churners": columns.number("Churned"),
            "predicted_percent": columns.share("Predicted"),
            "observed_percent": columns.share("Observed"),
            "observed_interval": columns.text("95 %"),
            "roc_auc": columns.number("AUC", form="%.3f"),
            "alert_percent": columns.share("Had an alert"),
            "alert_interval": columns.text("of them, 95 %"),
            "note": columns.text("Note", 190),
        },
    )


def _interval(groups: pd.DataFrame, rate: str) -> list[str]:
    bounds = zip(groups[f"{rate}_low"], groups[f"{rate}_high"], strict=True)
    return [
        DASH if pd.isna(low) else f"{percent(low, 1)} to {percent(high, 1)}" for low, high in bounds
    ]


def _note(group: pd.Series) -> str:
    """Say in words where a prediction is off by more than chance."""
    if group["n"] < FEW:
        return "too few to tell"
    if group["predicted"] < group["observed_low"]:
        return "more left than predicted"
    if group["predicted"] > group["observed_high"]:
        return "fewer left than predicted"
    return ""


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
