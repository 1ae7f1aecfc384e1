"""Lists: each with its export, each readable without colour, a selection that survives new data."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st
from words import DASH, FEW, safe_for_spreadsheets

_SHOWN = "shown by "  # before a table's key: the ids of the rows that were last shown


def heading(title: str, frame: pd.DataFrame, file_name: str, note: str | None = None) -> None:
    """Show a list's heading, with the export of its rows beside it."""
    row = st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"
    )
    row.header(title, anchor=False, help=note, width="content")
    export(frame, file_name, row)


def export(frame: pd.DataFrame, file_name: str, place: Any = st) -> None:
    """Offer rows as CSV, with texts that no spreadsheet takes for a formula."""
    place.download_button(
        "Export CSV",
        lambda: safe_for_spreadsheets(frame).to_csv(index=False).encode(),
        file_name=f"{file_name}.csv",
        mime="text/csv",
        key=f"export_{file_name}",
        on_click="ignore",
        disabled=frame.empty,
    )


def listing(
    frame: pd.DataFrame,
    *,
    key: str,
    alt: str,
    columns: Mapping[str, Any],
    rate_columns: Mapping[str, str] | None = None,
    height: int | str = "auto",
    **more: Any,
) -> Any:
    """Show rows with only the named columns; `rate_columns` says which column counts for a rate.

    Rates of few are greyed. What is greyed is so in words as well: the count stands beside it.
    """
    shown: Any = frame[list(columns)]
    if rate_columns:
        shown = shown.style.apply(lambda row: _greys(row, rate_columns), axis=1)
    return st.dataframe(
        shown,
        key=key,
        alt=alt,
        hide_index=True,
        height=height,
        placeholder=DASH,
        column_config=dict(columns),
        **more,
    )


def _greys(row: pd.Series, rate_columns: Mapping[str, str]) -> list[str]:
    return [
        "color: #8a8f98" if name in rate_columns and row[rate_columns[name]] < FEW else ""
        for name in row.index
    ]


def selected(key: str, ids: Sequence[str]) -> list[str]:
    """Return the ids that are selected in the table `key`, and keep them selected in new rows.

    A table knows positions only, and rows move when data change: call this before the table is
    shown, with the ids of its rows in their order.
    """
    positions = st.session_state.get(key, {}).get("selection", {}).get("rows", [])
    shown = st.session_state.get(_SHOWN + key, ids)  # what the table showed when it was clicked
    st.session_state[_SHOWN + key] = list(ids)
    chosen = [shown[at] for at in positions if at < len(shown)]
    place = {one: at for at, one in enumerate(ids)}
    kept = [place[one] for one in chosen if one in place]
    if kept != list(positions):
        st.session_state[key] = {"selection": {"rows": kept, "columns": [], "cells": []}}
    return [ids[at] for at in kept]
