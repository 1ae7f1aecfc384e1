"""How bad is it? Figures first, then where the value at risk comes from."""

from typing import Any

import charts
import columns
import layout
import pandas as pd
import polling
import streamlit as st
from charts import risk as pictures
from columns import with_words
from connection import Source
from data import outcomes, pipeline, risk
from notices import calm, is_away, says_unscored
from page import Page, begin, terms
from tables import heading, listing
from words import (
    DASH,
    GONE,
    HERE,
    about,
    count,
    interval,
    money,
    percent,
    points,
    short_money,
)

FIRST = 5  # customers of the queue that are shown here
COMPARED_DAYS = 7


def main() -> None:
    """Show the page."""
    page = begin("Overview", "How bad is it, and is it getting worse?")
    if page is None:
        return
    _live_figures(page)
    _too_new(page)
    _paused(page.figures)
    if says_unscored(page.figures):
        return
    for left_part, right_part in ((_trend, _distribution), (_first_of_queue, _reasons)):
        left, right = layout.halves()
        with left:
            left_part(page)
        with right:
            right_part(page)


def _live_figures(page: Page) -> None:
    """Show the tiles, and let them look again by themselves."""
    polling.note_run()
    seconds = polling.seconds_between_looks(page.source, page.figures)
    st.fragment(_figures_of_now, run_every=seconds)(page, seconds)
    if seconds is None:
        st.button("Look again", help="Nobody has clicked for an hour, so the tiles stand still.")


def _figures_of_now(page: Page, seconds: int | None) -> None:
    """Show the tiles as they are now: one small query, nothing else of the page."""
    with calm():
        figures = page.figures | risk.live(page.source) | {"is_away": is_away()}
        if _stage(figures) != _stage(page.figures):
            # First scores, first customers at risk, data gone stale, or another process has the
            # database: all of the page changes.
            risk.population.clear(page.source)
            polling.run_again()
        polling.note_look()
        if seconds and polling.seconds_between_looks(page.source, figures) is None:
            polling.run_again()
        _tiles(page.source, figures)
        st.caption(_here_and_gone(figures), help=terms(figures).gone_help)
        if not figures["is_away"]:
            st.caption(f"Looked at {pd.Timestamp.now('UTC'):%H:%M:%S} UTC, {_how_often(seconds)}.")


def _how_often(seconds: int | None) -> str:
    if seconds is None:
        return "and not again by itself"
    return f"every {seconds} s" if seconds < 60 else f"every {seconds / 60:g} min"


def _stage(figures: dict[str, Any]) -> tuple[bool, ...]:
    has_scores, has_risk = pd.notna(figures["last_scored_at"]), bool(figures["customers_at_risk"])
    return has_scores, has_risk, bool(figures["is_stale"]), figures["is_away"]


def _tiles(source: Source, figures: dict[str, Any]) -> None:
    words, trend = terms(figures), risk.trend(source)
    place = layout.tile_grid(3)
    layout.tile(
        place,
        words.value,
        short_money(figures["value_at_risk"]),
        f"{words.value_help} The sum over the customers at risk:"
        f" {money(figures['value_at_risk'])}.",
        **_course(trend, "value_at_risk", figures["value_at_risk"], money),
    )
    layout.tile(
        place,
        "Customers at risk",
        count(figures["customers_at_risk"]),
        f"Customers whose {words.risk.lower()}, reached the threshold of their segment and has"
        f" not fallen well below it since; {_share(figures)} scored customers, of"
        f" {count(figures['customers'])} in all.",
        **_course(trend, "customers_at_risk", figures["customers_at_risk"], int),
    )
    _effect_tile(place, source)
    layout.tile(
        place,
        "New alerts, 24 h",
        count(figures["new_alerts"]),
        "Alerts raised in the last 24 hours.",
    )
    layout.tile(
        place,
        "Waiting for approval",
        count(figures["drafted_messages"]),
        "Alerts whose drafted message waits for somebody to approve it. Nothing is sent before.",
    )
    _health_tile(place, source, figures)


def _here_and_gone(figures: dict[str, Any]) -> str:
    """Say how many of those at risk may still be kept, and how many are to be won back."""
    gone, value_gone = figures["customers_gone"], figures["value_gone"]
    return (
        f"{HERE}: {count(figures['customers_at_risk'] - gone)} customers at risk, value at risk"
        f" {money(figures['value_at_risk'] - value_gone)}. {GONE}, to be won back: {count(gone)}"
        f" customers, {money(value_gone)}."
    )


def _too_new(page: Page) -> None:
    """Say how many customers have no score because they are new, and what became of such."""
    figures = page.figures
    if not figures["new_customers"]:
        return
    words = (
        f"Too new to tell: {count(figures['new_customers'])} customers have too few active days"
        " for a score."
    )
    if pd.notna(figures["new_n"]) and figures["new_n"]:
        words += (
            f" Of {count(figures['new_n'])} customers this new, {percent(figures['new_share'])}"
            f" left within {page.terms.horizon_days} days; about"
            f" {count(round(figures['new_expected_to_leave']))} of these are expected to."
        )
    st.caption(words)


def _paused(figures: dict[str, Any]) -> None:
    """Say how many customers have no score because they pause."""
    if figures["paused_customers"]:
        st.caption(
            f"Paused: {count(figures['paused_customers'])} customers are not scored, and not"
            " written to, until they are back."
        )


def _course(trend: pd.DataFrame, name: str, now: float, form: Any) -> dict[str, Any]:
    """Return how a figure has moved: its line, and the change as far as it is known."""
    course: dict[str, Any] = {"chart_data": trend[name].tolist() if len(trend) > 1 else None}
    if (before := _days_ago(trend)) is not None:
        course |= {"delta": form(now - before[name]), "delta_color": "inverse"}
        course |= {"delta_description": f"in {COMPARED_DAYS} days"}
    return course


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


def _effect_tile(place: Any, source: Source) -> None:
    effect = outcomes.effect(source)
    if effect.empty or pd.isna(effect.iloc[0]["difference"]):
        value, basis = DASH, None
        rests_on = "Nobody's horizon has passed in both arms yet, or this role sees none."
    else:
        row = effect.iloc[0]
        value = points(row["difference"])
        basis = f"n {count(row['treated_n'])} treated, {count(row['holdout_n'])} held out"
        rests_on = (
            f"Left: {percent(row['holdout_rate'], 1)} of {count(row['holdout_n'])} held out,"
            f" {percent(row['treated_rate'], 1)} of {count(row['treated_n'])} treated."
            f" 95 % interval {interval(row)}."
        )
    layout.tile(
        place,
        "Effect of messages",
        value,
        f"Churn of the held out minus churn of the treated. {rests_on} See Outcomes.",
        basis=basis,
    )


def _health_tile(place: Any, source: Source, figures: dict[str, Any]) -> None:
    problems = pipeline.problems(source)
    late, failed = int(problems["late_tables"]), int(problems["failed_tasks"])
    words = [
        *(["data too old"] if figures["is_stale"] else []),
        *([f"{late} tables late"] if late else []),
        *([f"{failed} tasks failing"] if failed else []),
    ]
    layout.tile(
        place,
        "Pipeline",
        words[0].capitalize() if words else "Well",
        "Whether data are fresh, every dynamic table keeps its target lag and every task"
        f" succeeded: {', '.join(words) or 'all of it is so'}. More on the page Health.",
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


def _first_of_queue(page: Page) -> None:
    first = with_words(risk.first_of_queue(page.source, FIRST))
    first = first.assign(about=first["first_reason"].map(about, na_action=None))
    heading("Most value at risk, still here", first, "first_of_queue", page.terms.value_help)
    if first.empty:
        st.success("Nobody who is still here is at risk now.", icon=":material/check:")
        return
    listing(
        first,
        key="first_of_queue",
        alt="The customers with the most value at risk who are still here",
        columns={
            "name": columns.text("Name", 120),
            "percent": columns.risk(page.terms),
            "value_at_risk": columns.value_at_risk(page.terms),
            "about": columns.text("First reason", 110),
        },
    )
    queued = count(page.figures["customers_at_risk"])
    st.page_link("views/action_queue.py", label=f"Open the queue of {queued}")


def _reasons(page: Page) -> None:
    sums = risk.reasons(page.source)
    sums = sums.assign(
        reason=sums["first_reason"].map(about, na_action=None),
        words=[f"n {n:,}" for n in sums["customers"]],
    )
    heading(
        "Why they are at risk",
        sums,
        "reasons",
        "Value at risk by the strongest reason of each customer at risk.",
    )
    if not sums.empty:
        charts.show(pictures.reasons(sums, page.terms), "Value at risk by first reason", "reasons")


main()
