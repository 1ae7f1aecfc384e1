"""How the dashboard says things: the horizon, states, reasons and moments, in words."""

import json
from typing import Any

import pandas as pd

HORIZON_DAYS = 28  # dbt's var churn_horizon_days
STALE_AFTER_MINUTES = 10  # dbt's var stale_after_minutes

RISK = f"Risk in the next {HORIZON_DAYS} days"
RISK_HELP = (
    f"The model's probability that the customer does nothing in the next {HORIZON_DAYS} days."
)
VALUE_AT_RISK = f"Value at risk in the next {HORIZON_DAYS} days"
VALUE_AT_RISK_HELP = (
    f"Risk times the spend expected in the next {HORIZON_DAYS} days, in the account's currency."
)
BANDS = {
    "high": "at risk",
    "low": "below the threshold",
    "left": "no longer scored: cancelled, or gone for too long",
    "unscored": "not scored: too few active days so far",
}
ALERT_STATES = {
    "OPEN": "Open, no draft",
    "DRAFTED": "Message drafted",
    "HELD_OUT": "Held out, no message",
}


def moment(value: Any) -> str:
    """Return a moment as text in UTC, or a dash for none."""
    return "–" if pd.isna(value) else f"{pd.Timestamp(value):%Y-%m-%d %H:%M} UTC"


def day(value: Any) -> str:
    """Return the day of a moment as text, or a dash for none."""
    return "–" if pd.isna(value) else f"{pd.Timestamp(value):%Y-%m-%d}"


def percent(score: Any) -> str:
    """Return a risk as whole percents, or a dash for none."""
    return "–" if pd.isna(score) else f"{score:.0%}"


def money(value: Any) -> str:
    """Return an amount with thousands separated, or a dash for none."""
    return "–" if pd.isna(value) else f"{value:,.2f}"


def reasons(top_reasons: Any) -> list[str]:
    """Return the reasons of a score in words, the first one first."""
    try:
        return [str(reason["text"]) for reason in json.loads(top_reasons)]
    except (ValueError, TypeError, KeyError):
        return []


def first_reason(top_reasons: Any) -> str:
    """Return the first reason of a score in words, or a dash."""
    return next(iter(reasons(top_reasons)), "–")


def alert_state(status: Any) -> str:
    """Return the state of an alert in words."""
    if pd.isna(status):
        return "No alert"
    return ALERT_STATES.get(status, str(status).replace("_", " ").capitalize())


def checks(found: Any) -> str:
    """Return in words which checks a draft passed."""
    try:
        passed = json.loads(found)
    except (ValueError, TypeError):
        return "not checked"
    return ", ".join(
        f"{name.replace('_', ' ')} {'passed' if is_passed else 'FAILED'}"
        for name, is_passed in passed.items()
    )


def safe_for_spreadsheets(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a copy whose texts no spreadsheet takes for a formula: customers write their names."""

    def tame(cell: Any) -> Any:
        starts = isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r"))
        return f"'{cell}" if starts else cell

    return frame.map(tame)
