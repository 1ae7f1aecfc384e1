"""How bad is it? Figures first, then where the value at risk comes from."""

from typing import Any

import charts
import pandas as pd
import streamlit as st
from charts import risk as pictures
from connection import Source
from data import outcomes, pipeline, risk
from notices import calm, says_unscored
from page import Page, begin, terms
from tables import heading, listing
from words import (
    DASH,
    count,
    first_reason,
    interval,
    money,
    percent,
    plain,
    points,
    reason_code,
    short_money,
)

REFRESH_SECONDS = 10
FIRST = 5  # customers of the queue that are shown here
COMPARED_DAYS = 7


def main() -> None:
    """Show the page."""
    page = begin("Overview", "How bad is it, and is it getting worse?")
    if page is None:
        return
    _live_figures(page.source, _stage(page.figures))
    if says_unscored(page.source, page.figures):
        return
    queue = risk.queue(page.source)
    left, right = st.columns(2, gap="large")
    with left:
        _trend(page)
    with right:
        _distribution(page)
    left, right = st.columns(2, gap="large")
    with left:
        _first_of_queue(page, queue)
    with right:
        _reasons(page, queue)


@st.fragment(run_every=REFRESH_SECONDS)
def _live_figures(source: Source, stage: tuple[bool, bool, bool]) -> None:
    """Show the tiles, and again every few seconds: one small query, nothing else of the page."""
    with calm():
        figures = risk.overview(source)
        if _stage(figures) != stage:
            st.rerun()  # first customers, first scores, or data gone stale: all of the page changes
        _tiles(source, figures)
        st.caption(f"Looked at {pd.Timestamp.now('UTC'):%H:%M:%S} UTC, every {REFRESH_SECONDS} s.")


def _stage(figures: dict[str, Any]) -> tuple[bool, bool, bool]:
    has_customers, has_scores = bool(figures["customers"]), bool(figures["scored_customers"])
    return has_customers, has_scores, bool(figures["is_stale"])


def _tiles(source: Source, figures: dict[str, Any]) -> None:
    words, trend = terms(figures), risk.trend(source)
    tiles = st.container(horizontal=True)
    before = _days_ago(trend)
    tiles.metric(
        words.value,
        short_money(figures["value_at_risk"]),
        delta=None if before is None else money(figures["value_at_risk"] - before["value_at_risk"]),
        delta_color="inverse",
        delta_description=None if before is None else f"in {COMPARED_DAYS} days",
        chart_data=trend["value_at_risk"].tolist() if len(trend) > 1 else None,
        help=f"{words.value_help} The sum over the customers at risk:"
        f" {money(figures['value_at_risk'])}.",
        border=True,
        height="stretch",
    )
    tiles.metric(
        "Customers at risk",
        count(figures["customers_at_risk"]),
        delta=None
        if before is None
        else int(figures["customers_at_risk"] - before["customers_at_risk"]),
        delta_color="inverse",
        delta_description=None if before is None else f"in {COMPARED_DAYS} days",
        chart_data=trend["customers_at_risk"].tolist() if len(trend) > 1 else None,
        help=f"Customers whose {words.risk.lower()}, reached the threshold of their segment and has"
        f" not fallen well below it since; {_share(figures)} scored customers, of"
        f" {count(figures['customers'])} in all.",
        border=True,
        height="stretch",
    )
    tiles.metric(
        "New alerts, 24 h",
        count(figures["new_alerts"]),
        help="Alerts raised in the last 24 hours, held-out customers included.",
        border=True,
        height="stretch",
    )
    tiles.metric(
        "Waiting for approval",
        count(figures["drafted_messages"]),
        help="Alerts whose drafted message waits for somebody to approve it. Nothing is sent"
        " before.",
        border=True,
        height="stretch",
    )
    _effect_tile(tiles, source)
    _health_tile(tiles, source, figures)


def _share(figures: dict[str, Any]) -> str:
    scored = figures["scored_customers"]
    if not scored:
        return "0 of 0"
    return f"{percent(figures['customers_at_risk'] / scored, 1)} of {count(scored)}"


def _days_ago(trend: pd.DataFrame) -> pd.Series | None:
    """Return the figures of the last noted moment that lies so many days back, if there is one."""
    if trend.empty:
        return None
    then = trend["taken_at"].max() - pd.Timedelta(days=COMPARED_DAYS)
    before = trend[trend["taken_at"] <= then + pd.Timedelta(hours=12)]
    return None if before.empty else before.iloc[-1]


def _effect_tile(tiles: Any, source: Source) -> None:
    effect = outcomes.effect(source)
    if effect.empty or pd.isna(effect.iloc[0]["difference"]):
        value, basis = DASH, "Nobody's horizon has passed in both arms yet, or this role sees none."
    else:
        row = effect.iloc[0]
        value = points(row["difference"])
        basis = (
            f"Left: {percent(row['holdout_rate'], 1)} of {count(row['holdout_n'])} held out,"
            f" {percent(row['treated_rate'], 1)} of {count(row['treated_n'])} treated."
            f" 95 % interval {interval(row)}."
        )
    tiles.metric(
        "Effect of messages",
        value,
        help=f"Churn of the held out minus churn of the treated. {basis} See Outcomes.",
        border=True,
        height="stretch",
    )


def _health_tile(tiles: Any, source: Source, figures: dict[str, Any]) -> None:
    problems = pipeline.problems(source)
    late, failed = int(problems["late_tables"]), int(problems["failed_tasks"])
    words = [
        *(["data too old"] if figures["is_stale"] else []),
        *([f"{late} tables late"] if late else []),
        *([f"{failed} tasks failing"] if failed else []),
    ]
    tiles.metric(
        "Pipeline",
        words[0].capitalize() if words else "Well",
        help="Whether data are fresh, every dynamic table keeps its target lag and every task"
        f" succeeded: {', '.join(words) or 'all of it is so'}. More on the page Health.",
        border=True,
        height="stretch",
    )


def _trend(page: Page) -> None:
    trend = risk.trend(page.source)
    heading("Value at risk, day by day", trend, "value_at_risk", page.terms.value_help)
    if len(trend) < 2:
        st.caption(
            "The trend begins with the second day: the sums are noted every hour, from the first"
            " score on."
        )
        return
    charts.show(pictures.trend(trend, page.terms), "Value at risk at the end of each day", "trend")


def _distribution(page: Page) -> None:
    bins = risk.distribution(page.source)
    heading("How risk is spread", bins, "risk_distribution", page.terms.risk_help)
    charts.show(
        pictures.distribution(bins, risk.BIN_PERCENT, page.terms),
        "Scored customers by risk",
        "distribution",
    )
    st.caption(
        f"{bins['customers'].sum():,.0f} scored customers. Each segment has its own threshold, so"
        " both states may share a bar."
    )


def _first_of_queue(page: Page, queue: pd.DataFrame) -> None:
    first = queue.head(FIRST).assign(
        name=lambda rows: rows["name"].map(plain),
        reason=lambda rows: rows["top_reasons"].map(first_reason),
        percent=lambda rows: rows["score"] * 100,
    )
    heading("Most value at risk", first, "first_of_queue", page.terms.value_help)
    if queue.empty:
        st.success("Nobody is at risk now.", icon=":material/check:")
        return
    listing(
        first,
        key="first_of_queue",
        alt="The customers with the most value at risk",
        columns={
            "name": st.column_config.TextColumn("Name", width=110),
            "percent": st.column_config.NumberColumn(
                page.terms.risk, help=page.terms.risk_help, format="%.0f%%", width=110
            ),
            "value_at_risk": st.column_config.NumberColumn(
                "Value at risk", help=page.terms.value_help, format="%.2f", width=90
            ),
            "reason": st.column_config.TextColumn("First reason", width=260),
        },
    )
    st.page_link("views/action_queue.py", label=f"Open the queue of {len(queue):,}")


def _reasons(page: Page, queue: pd.DataFrame) -> None:
    sums = (
        queue.assign(reason=queue["top_reasons"].map(reason_code))
        .groupby("reason", as_index=False)
        .agg(value_at_risk=("value_at_risk", "sum"), customers=("customer_id", "count"))
    )
    sums["words"] = [f"n {n:,}" for n in sums["customers"]]
    heading(
        "What it is about",
        sums,
        "reasons",
        "Value at risk by the strongest reason of each customer at risk.",
    )
    if not sums.empty:
        charts.show(pictures.reasons(sums, page.terms), "Value at risk by first reason", "reasons")


main()
