"""Who is at risk, and why? The most value at risk first; a selected row opens the customer."""

import data
import pandas as pd
import streamlit as st
from connection import current_source
from notices import says_empty, says_stale, says_unscored
from words import (
    HORIZON_DAYS,
    RISK,
    RISK_HELP,
    VALUE_AT_RISK_HELP,
    alert_state,
    first_reason,
    safe_for_spreadsheets,
)

TABLE = "risk_queue"
SHOWN_IDS = "risk_queue_ids"
CSV_RISK = f"risk_in_the_next_{HORIZON_DAYS}_days"  # beside the model's version in every row


def main() -> None:
    """Show the page."""
    source = current_source()
    st.title("Risk queue")
    figures = data.overview(source)
    if says_empty(figures):
        return
    says_stale(figures)
    if says_unscored(source, figures):
        return
    queue = data.risk_queue(source)
    if queue.empty:
        st.success("Nobody is at risk now.", icon=":material/check:")
        return
    models = ", ".join(f"`{model}`" for model in sorted(queue["model_version"].unique()))
    st.caption(
        f"{len(queue):,} customers at risk, the most value first. Risk is the probability of no"
        f" activity in the next {HORIZON_DAYS} days, by model {models}."
    )
    selected = _keep_selection(queue["customer_id"].tolist())
    rows = _in_words(queue)
    _actions(rows, selected)
    _table(rows)


def _keep_selection(ids: list[str]) -> str | None:
    """Return the id of the selected customer. Rows are positions, and move when data change."""
    positions = st.session_state.get(TABLE, {}).get("selection", {}).get("rows", [])
    shown = st.session_state.get(SHOWN_IDS, ids)  # what the table showed when it was clicked
    st.session_state[SHOWN_IDS] = ids
    if not positions or positions[0] >= len(shown):
        return None
    selected = shown[positions[0]]
    kept = [ids.index(selected)] if selected in ids else []
    if kept != positions:
        st.session_state[TABLE] = {"selection": {"rows": kept, "columns": [], "cells": []}}
    return selected if kept else None


def _in_words(queue: pd.DataFrame) -> pd.DataFrame:
    return queue.assign(
        reason=queue["top_reasons"].map(first_reason),
        alert=queue["alert_status"].map(alert_state, na_action=None),
    )[
        [
            *("customer_id", "name", "region", "segment", "score", "value_at_risk", "reason"),
            *("last_activity_at", "alert", "model_version"),
        ]
    ]


def _actions(rows: pd.DataFrame, selected: str | None) -> None:
    open_page, refresh, download, _ = st.columns([3, 1, 2, 4])
    label = f"Open customer {selected}" if selected else "Select a row to open its customer"
    if open_page.button(
        label, type="primary", disabled=selected is None, width="stretch", key="open_customer"
    ):
        st.session_state["customer_id"] = selected
        st.switch_page("views/customer.py")
    refresh.button("Refresh", width="stretch", help="Asks again; the selection stays.")
    download.download_button(
        "Download CSV",
        safe_for_spreadsheets(rows).rename(columns={"score": CSV_RISK}).to_csv(index=False),
        file_name="risk_queue.csv",
        mime="text/csv",
        width="stretch",
        on_click="ignore",
    )


def _table(rows: pd.DataFrame) -> None:
    st.dataframe(
        rows.assign(score=rows["score"] * 100),
        key=TABLE,
        on_select="rerun",
        selection_mode="single-row",
        hide_index=True,
        height=560,
        column_order=[name for name in rows.columns if name != "model_version"],
        column_config={
            "customer_id": st.column_config.TextColumn("Customer", width=65),
            "name": st.column_config.TextColumn("Name", width=105),
            "region": st.column_config.TextColumn("Region", width=55),
            "segment": st.column_config.TextColumn("Segment", width=70),
            "score": st.column_config.ProgressColumn(
                RISK, help=RISK_HELP, format="%.0f%%", min_value=0, max_value=100, width=150
            ),
            "value_at_risk": st.column_config.NumberColumn(
                "Value at risk", help=VALUE_AT_RISK_HELP, format="%.2f", width=85
            ),
            "reason": st.column_config.TextColumn("First reason", width=187),
            "last_activity_at": st.column_config.DatetimeColumn(
                "Last activity", format="YYYY-MM-DD", width=85
            ),
            "alert": st.column_config.TextColumn(
                "Alert",
                width=135,
                help="Held-out customers get no message, so that the effect of messages shows.",
            ),
        },
    )


main()
