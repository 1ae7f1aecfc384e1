"""Pictures, in Vega-Lite: told apart by shape, position or words as well as by colour."""

import altair as alt
import pandas as pd
import streamlit as st

# Told apart by everybody, on light and on dark: config.toml's first two.
CALM, LOOK, THIRD = "#4c86b8", "#d1603d", "#7a9e5f"
HEIGHT = 300

# A picture of 5,000 rows is not one: aggregates only, but a customer may have many scores.
alt.data_transformers.disable_max_rows()


def show(chart: alt.Chart | alt.LayerChart | alt.HConcatChart, says: str, key: str) -> None:
    """Show a chart; `says` is read out to those who do not see it."""
    st.altair_chart(chart, key=key, alt=says)


def room_for_words(lengths: pd.Series, share: float = 0.2) -> float:
    """Return where an axis of bars ends that leaves room for the words behind the longest one."""
    return float(lengths.max()) * (1 + share) or 1
