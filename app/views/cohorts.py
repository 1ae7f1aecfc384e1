"""Who stays? Retention by joining month, and what each month's customers are to it."""

import charts
import pandas as pd
import streamlit as st
from charts import retention as pictures
from data import cohorts
from page import begin
from tables import heading
from words import FEW, plain

ALL = "All segments"
BY_SEGMENT, BY_COHORT = "Segment", "Joining month"
MOST_LINES = 6  # more lines than this nobody tells apart


def main() -> None:
    """Show the page."""
    page = begin("Cohorts", "Who stays, and is a change one of the mix or of behaviour?")
    if page is None:
        return
    found = cohorts.retention(page.source)
    if found.empty:
        st.info("No customer has been active yet: cohorts begin with the first active day.")
        return
    segments = sorted(found["segment"].unique())
    chosen = st.selectbox(
        "Segment", [ALL, *segments], key="cohort_segment", width=320, format_func=plain
    )
    one = found if chosen == ALL else found[found["segment"] == chosen]
    _triangle(one)
    _curves(found, one)
    _lifecycle(page.source, chosen)


def _with_rate(frame: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Sum cohorts over what is not a key; the last month goes on, and has no rate yet."""
    sums = (
        frame[~frame["is_unfinished"] | (frame["month_number"] == 0)]
        .groupby(keys, as_index=False, sort=True)[["customers", "active_customers"]]
        .sum()
    )
    return sums.assign(rate=sums["active_customers"] / sums["customers"])


def _triangle(found: pd.DataFrame) -> None:
    cells = _with_rate(found, ["join_month", "is_first_month", "month_number"])
    cells["cohort"] = [
        f"{month:%b %Y}{' or before' if first else ''} · n {size:,}"
        for month, first, size in zip(
            cells["join_month"], cells["is_first_month"], cells["customers"], strict=True
        )
    ]
    cells["note"] = ["too few to tell" if n < FEW else "" for n in cells["customers"]]
    heading(
        "Retention triangle",
        cells[["join_month", "month_number", "customers", "active_customers", "rate"]],
        "retention",
        "Of the customers whose first active day lies in a month, the share that was active in"
        " each later month. The month that goes on is left out.",
    )
    charts.show(pictures.triangle(cells), "Retention by joining month and month since", "triangle")
    st.caption(
        f"n is the size of a cohort; cells of fewer than {FEW} customers are faint. The first"
        " cohort holds everyone who came before the data begin, too."
    )


def _curves(found: pd.DataFrame, one: pd.DataFrame) -> None:
    st.header("Retention curves", anchor=False)
    by = st.radio("One line for each", [BY_SEGMENT, BY_COHORT], horizontal=True, key="curves_by")
    if by == BY_SEGMENT:
        lines = _with_rate(found, ["segment", "month_number"]).rename(columns={"segment": "group"})
        largest = lines[lines["month_number"] == 0].nlargest(MOST_LINES, "customers")["group"]
        lines = lines[lines["group"].isin(largest)]
    else:
        lines = _with_rate(one, ["join_month", "month_number"])
        latest = sorted(lines["join_month"].unique())[-MOST_LINES:]
        lines = lines[lines["join_month"].isin(latest)]
        lines["group"] = pd.to_datetime(lines["join_month"]).dt.strftime("%b %Y")
    charts.show(pictures.curves(lines, by), "Active share by months since joining", "curves")
    st.caption(
        "Every point says its n when pointed at; later months rest on fewer cohorts. At most"
        f" {MOST_LINES} lines: the largest segments, or the latest months."
    )


def _lifecycle(source: object, chosen: str) -> None:
    months = cohorts.lifecycle(source)
    if chosen != ALL:
        months = months[months["segment"] == chosen]
    months = months.groupby(["activity_month", "stage", "is_unfinished"], as_index=False)[
        "customers"
    ].sum()
    heading(
        "New, kept, returned, paused, dormant",
        months,
        "lifecycle",
        "New: the first active month. Kept: active the month before, too. Returned: active again"
        " after a month or more without. Dormant: active the month before, and not in this one."
        " Paused: the same of those who said that they pause.",
    )
    finished = months[~months["is_unfinished"]]
    if finished.empty:
        st.info("The first month goes on: come back when it is over.")
        return
    charts.show(pictures.lifecycle(finished), "Customers of each month by stage", "lifecycle")


main()
