"""How the dashboard says things: terms with their definitions, states, reasons and moments."""

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

FEW = 30  # a rate of fewer is shown, but greyed: it may be chance
DASH = "–"
NO_REASON = "No single reason"  # of a risk that no one figure explains
SURE = 100  # so many customers say how many of them leave without a word on chance
MASKED = "masked"
HERE, GONE = "Still here", "Already gone"
BANDS = {
    "high": "at risk",
    "low": "below the threshold",
    "paused": "paused: not scored, and not written to, until the customer is back",
    "left": "no longer scored: cancelled, or gone for too long",
    "unscored": "not scored",
}
STATES = {
    "OPEN": "Open",
    "DRAFTED": "Waiting for approval",
    "APPROVED": "Approved",
    "QUEUED": "Queued",
    "SENT": "Sent",
    "RETAINED": "Stayed",
    "LOST": "Left",
    "REJECTED": "Rejected",
    "SUPPRESSED": "Suppressed",
    "INVALID_ADDRESS": "Address invalid",
    "HELD_OUT": "Held out",
    "EXPIRED": "Expired",
}
ORDERS = {
    "value_at_risk": "value at risk",
    "value_kept": "what a message is expected to keep",
}
# What a browser would not show, or what would turn the order of the letters around it.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)


class Terms(NamedTuple):
    """The terms that depend on the horizon and the model: never a risk without both."""

    horizon_days: int
    model: str | None

    @property
    def risk(self) -> str:
        """The heading of a risk."""
        return f"Risk, next {self.horizon_days} days"

    @property
    def risk_help(self) -> str:
        """What a risk is."""
        return (
            "The probability that the customer does nothing, or cancels, in the next"
            f" {self.horizon_days} days, as model {self.model or '(none yet)'} sees it."
        )

    @property
    def gone_help(self) -> str:
        """Who is still here, and who is gone already."""
        return (
            f"Customers without activity for {self.horizon_days} days or more are already gone:"
            " that is what the risk predicts, so they can only be won back. All others are still"
            " here and may be kept."
        )

    @property
    def alike_help(self) -> str:
        """What is known of customers with such a risk."""
        return (
            "Customers whose risk lay in the same tenth of the scale, by the same model, in the"
            " latest week whose outcomes are known, or when the model was tested: whichever are"
            f" more. How many of them did nothing, or cancelled, in the next {self.horizon_days}"
            " days says how far the risk can be trusted."
        )

    @property
    def urgency_help(self) -> str:
        """What a risk within fewer days is."""
        return (
            f"Leaving has a day: the cancellation, or the end of {self.horizon_days} days without"
            f" activity. The risk of {self.horizon_days} days times the share of those who left,"
            " after as long a silence, within so many days."
        )

    @property
    def value(self) -> str:
        """The heading of a value at risk."""
        return f"Value at risk, next {self.horizon_days} days"

    @property
    def value_help(self) -> str:
        """What a value at risk is."""
        return (
            "Risk times what the customer is expected to spend in the next"
            f" {self.horizon_days} days by staying, in the account's currency: the profile's"
            " monthly value, else the spend of the last 12 weeks, nearer to the average the newer"
            f" the customer is. Risk by model {self.model or '(none yet)'}."
        )


def alike(customer: Mapping[str, Any], terms: Terms) -> str | None:
    """Return in a sentence what became of customers with such a risk, if there were any."""
    n, left = customer["alike_n"], customer["alike_left"]
    if pd.isna(n) or not n:
        return None
    words = (
        f"Of {count(n)} customers like this one {count(left)} left within {terms.horizon_days} days"
    )
    if n < SURE:
        words += (
            f"; so few may differ by chance: it could have been between"
            f" {count(customer['alike_left_low'])} and {count(customer['alike_left_high'])}"
        )
    return f"{words}."


def urgency(customer: Mapping[str, Any], terms: Terms) -> str | None:
    """Return in a sentence how soon a customer may leave; None where that is not known."""
    if pd.isna(customer["score_7d"]):
        return None
    return (
        f"How soon: {percent(customer['score_7d'])} within 7 days,"
        f" {percent(customer['score_14d'])} within 14, {percent(customer['score'])} within"
        f" {terms.horizon_days}."
    )


def too_new(customer: Mapping[str, Any], terms: Terms) -> str:
    """Return in a sentence what became of others as new as a customer who is not scored yet."""
    words = "Too new to tell"
    n, of_segment = customer["new_n"], customer["new_segment_n"]
    if pd.isna(n) or not n:
        return f"{words}: no outcome of customers this new is known yet."
    words += (
        f": of {count(n)} customers this new, {percent(customer['new_share'])} left within"
        f" {terms.horizon_days} days"
    )
    if of_segment:
        words += (
            f"; in this customer's segment {percent(customer['new_segment_share'])}, of"
            f" {count(of_segment)}, where few count less beside all others"
        )
    return f"{words}."


def moment(value: Any) -> str:
    """Return a moment as text in UTC, or a dash for none."""
    return DASH if pd.isna(value) else f"{pd.Timestamp(value):%Y-%m-%d %H:%M} UTC"


def day(value: Any) -> str:
    """Return the day of a moment as text, or a dash for none."""
    return DASH if pd.isna(value) else f"{pd.Timestamp(value):%Y-%m-%d}"


def percent(share: Any, digits: int = 0) -> str:
    """Return a share as percents, or a dash for none."""
    return DASH if pd.isna(share) else f"{share:.{digits}%}"


def points(difference: float) -> str:
    """Return a difference of rates in points, or a dash for none."""
    return DASH if pd.isna(difference) else f"{difference * 100:+.1f} points"


def interval(row: Mapping[str, Any], which: str = "") -> str:
    """Return the interval of a difference in points, or that there is none.

    which: "" for the one of a single look, "verdict_" for the one that the verdict goes by.
    """
    low, high = row[f"{which}low"], row[f"{which}high"]
    if pd.isna(low):
        return "not known yet"
    return f"{low * 100:+.1f} to {high * 100:+.1f} points"


def money_interval(row: Mapping[str, Any]) -> str:
    """Return the interval of what messages earn as amounts, or that there is none."""
    if pd.isna(row["verdict_low"]):
        return "not known yet"
    return f"{row['verdict_low']:+,.2f} to {row['verdict_high']:+,.2f}"


def money(value: Any) -> str:
    """Return an amount with thousands separated, or a dash for none."""
    return DASH if pd.isna(value) else f"{value:,.2f}"


def short_money(value: Any) -> str:
    """Return an amount for a tile, rounded as far as its size allows, or a dash for none."""
    if pd.isna(value):
        return DASH
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.2f}"


def count(value: Any) -> str:
    """Return a whole number with thousands separated, or a dash for none."""
    return DASH if pd.isna(value) else f"{int(value):,}"


def plain(text: Any, at_most: int = 200) -> str:
    """Return a customer's text cut to a length, with what cannot be seen written out.

    A right-to-left override would otherwise turn around the words that stand beside it.
    """
    if pd.isna(text):
        return DASH
    shown = _INVISIBLE.sub(lambda found: f"[U+{ord(found.group()):04X}]", str(text))
    shown = " ".join(shown.split())
    return shown if len(shown) <= at_most else f"{shown[: at_most - 1]}…"


def reasons(top_reasons: Any) -> list[dict[str, Any]]:
    """Return the reasons of a score, the strongest first: `text`, and `points` of risk if known."""
    try:
        found = json.loads(top_reasons)
        return [
            {"code": str(one["code"]), "text": str(one["text"]), "points": one.get("points")}
            for one in found
        ]
    except (ValueError, TypeError, KeyError, AttributeError):
        return []


def first_reason(top_reasons: Any) -> str:
    """Return the first reason of a high score in words, or that there is no single one."""
    return next((one["text"] for one in reasons(top_reasons)), NO_REASON)


def about(code: Any) -> str:
    """Return in a few words what a high score is about: the code of its first reason, if any."""
    return NO_REASON if pd.isna(code) else label(code)


def label(code: Any) -> str:
    """Return a code of the project (a reason, an offer, an action) in words."""
    return DASH if pd.isna(code) else str(code).replace("_", " ").capitalize()


def state(code: Any) -> str:
    """Return the state of an alert in words."""
    return "No alert" if pd.isna(code) else STATES.get(code, label(code))


def checks(found: Any) -> str:
    """Return in a sentence which checks a draft passed, those that it failed first."""
    try:
        results = {
            str(name).replace("_", " "): bool(one) for name, one in json.loads(found).items()
        }
    except (ValueError, TypeError, AttributeError):
        return "Not checked."
    passed = [name for name, is_passed in results.items() if is_passed]
    failed = [name for name, is_passed in results.items() if not is_passed]
    words = f"Failed checks: {', '.join(failed)}. " if failed else ""
    return f"{words}Checks passed ({len(passed)} of {len(results)}): {', '.join(passed)}."


class Mark(NamedTuple):
    """What is marked in a draft: where (subject, body, letter or name), which text, and why."""

    place: str
    start: int
    text: str
    why: list[str]

    @property
    def said(self) -> str:
        """What is marked, in words."""
        whole = {"letter": "The letter as a whole", "name": f"The name {plain(self.text, 60)}"}
        return whole.get(self.place, self.text)


def marks(found: Any) -> list[Mark]:
    """Return what is marked in a draft; nothing for no marks."""
    try:
        return [
            Mark(str(one["in"]), int(one["start"]), str(one["text"]), list(map(str, one["why"])))
            for one in json.loads(found)
        ]
    except (ValueError, TypeError, KeyError):
        return []


def with_brackets(text: str, found: list[Mark], place: str) -> str:
    """Return a subject or a body with what is marked in it in double brackets."""
    for one in sorted((one for one in found if one.place == place), reverse=True):
        end = one.start + len(one.text)
        if text[one.start : end] == one.text:
            text = f"{text[: one.start]}[[{one.text}]]{text[end:]}"
    return text


def safe_for_spreadsheets(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a copy whose texts no spreadsheet takes for a formula: customers write their names."""

    def tame(cell: Any) -> Any:
        starts = isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r"))
        return f"'{cell}" if starts else cell

    return frame.map(tame)
