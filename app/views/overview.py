"""How bad is it? Figures first, then how risk is spread."""

from typing import Any

import altair as alt
import data
import pandas as pd
import streamlit as st
from connection import Source, current_source
from notices import calm, says_empty, says_stale, says_unscored
from words import BANDS, HORIZON_DAYS, RISK, VALUE_AT_RISK, VALUE_AT_RISK_HELP, moment, money

REFRESH_SECONDS = 10


def main() -> None:
    """Show the page."""
    source = current_source()
    st.title("Overview")
    figures = data.overview(source)
    _live_figures(source, _stage(figures))
    if figures["scored_customers"]:
        _distribution(source, figures["model_version"])


@st.fragment(run_every=REFRESH_SECONDS)
def _live_figures(source: Source, stage: tuple[bool, bool]) -> None:
    with calm():
        figures = data.overview(source)
        if _stage(figures) != stage:
            st.rerun()  # the first customers, or the first scores: the rest of the page changes too
        if says_empty(figures):
            return
        says_stale(figures)
        says_unscored(source, figures)
        _tiles(figures)


def _stage(figures: dict[str, Any]) -> tuple[bool, bool]:
    return bool(figures["customers"]), bool(figures["scored_customers"])


def _tiles(figures: dict[str, Any]) -> None:
    tiles = [
        (
            "Customers",
            f"{figures['customers']:,}",
            "Customers with at least one event that this role may see.",
        ),
        (
            "At risk",
            f"{figures['customers_at_risk']:,}",
            f"Customers whose {RISK.lower()} reached the threshold of their segment, and has not"
            f" fallen well below it since; of {figures['scored_customers']:,} scored customers.",
        ),
        (
            VALUE_AT_RISK,
            money(figures["value_at_risk"]),
            f"{VALUE_AT_RISK_HELP} The sum over the customers at risk.",
        ),
        (
            "New alerts, 24 h",
            f"{figures['new_alerts']:,}",
            "Alerts raised in the last 24 hours, held-out customers included.",
        ),
        (
            "Messages drafted",
            f"{figures['drafted_messages']:,}",
            "Alerts with a drafted message that passed its checks. Nothing has been sent.",
        ),
        (
            "Data as of (UTC)",
            f"{figures['data_as_of']:%d %b, %H:%M}",
            f"When the newest event of any customer happened: {moment(figures['data_as_of'])}.",
        ),
    ]
    for row in (tiles[:3], tiles[3:]):
        for column, (label, value, definition) in zip(st.columns(3), row, strict=True):
            column.metric(label, value, help=definition, border=True)
    model = figures["model_version"]
    st.caption(
        f"Risk is the probability of no activity in the next {HORIZON_DAYS} days, "
        + (f"by model `{model}`." if pd.notna(model) else "once a model is trained.")
    )


def _distribution(source: Source, model: str) -> None:
    bins = data.risk_distribution(source)
    bins["to_percent"] = bins["from_percent"] + data.BIN_PERCENT
    bins["state"] = bins["band"].map(BANDS)
    st.subheader(f"{RISK}, scored customers")
    chart = (
        alt.Chart(bins)
        .mark_bar()
        .encode(
            x=alt.X(
                "from_percent:Q",
                bin="binned",
                title=f"{RISK} (%)",
                axis=alt.Axis(values=list(range(0, 101, data.BIN_PERCENT))),
            ),
            x2="to_percent:Q",
            y=alt.Y("customers:Q", title="Customers", stack=True),
            color=alt.Color(
                "state:N",
                title=None,
                scale=alt.Scale(domain=[BANDS["low"], BANDS["high"]]),
                legend=alt.Legend(orient="top"),
            ),
            tooltip=[
                alt.Tooltip("from_percent:Q", title="Risk from (%)"),
                alt.Tooltip("to_percent:Q", title="to (%)"),
                alt.Tooltip("state:N", title="State"),
                alt.Tooltip("customers:Q", title="Customers"),
            ],
        )
        .properties(height=280)
    )
    st.altair_chart(chart)
    st.caption(
        f"{bins['customers'].sum():,.0f} scored customers, model `{model}`. Each segment has its"
        " own threshold, so both states may share a bar."
    )


main()
