"""The calm messages: what to do while there is nothing, or nothing new, to show."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import pandas as pd
import streamlit as st
from connection import AWAY_KEY, Away, Source, Unavailable, at_hand, current_source
from words import moment

_START = (
    "On a laptop, `make demo` fills a pipeline with sample events. For your own events: "
    "`dbt build`, load them, then `python -m embedded tick`."
)
_ASK_AGAIN_SECONDS = 2


@contextmanager
def calm() -> Iterator[None]:
    """Say in one message that there is no pipeline, instead of a traceback."""
    try:
        yield
    except Away as error:
        st.info(f"The database cannot be read at the moment: {error}. This page tries again.")
        _show_when_back(current_source())
    except Unavailable as error:
        st.info(f"There is no pipeline to look at yet. {_START}", icon=":material/info:")
        st.text(str(error))


def says_empty(figures: Mapping[str, Any]) -> bool:
    """Say why there are no customers to show, if there are none; return whether it did."""
    if pd.isna(figures["data_as_of"]):
        st.info(f"The pipeline is there, but has no events yet. {_START}", icon=":material/info:")
    elif not figures["customers"]:
        st.info("This role sees no customers: choose another one, or see the regions of its seed.")
    else:
        return False
    return True


def says_unscored(figures: Mapping[str, Any]) -> bool:
    """Say why nobody is scored yet, and what to do; return whether it did."""
    if figures["scored_customers"]:
        return False
    because = why_unscored(figures)
    st.info(f"No customer is scored yet: {because}.", icon=":material/info:")
    return True


def why_unscored(figures: Mapping[str, Any]) -> str:
    """Return in words why a customer, or everybody, has no score."""
    because = figures["not_scored_because"]
    return "too few active days so far" if pd.isna(because) else str(because)


def is_away() -> bool:
    """Tell whether the last question was answered from memory."""
    return AWAY_KEY in st.session_state


def says_away() -> None:
    """Say why figures are not of now, while another process has the database file."""
    if is_away():
        why = st.session_state[AWAY_KEY]
        st.warning(f"The last answers, not those of now: {why}.", icon=":material/warning:")
        _show_when_back(current_source())


@st.fragment(run_every=_ASK_AGAIN_SECONDS)
def _show_when_back(source: Source) -> None:
    """Show the whole page again as soon as the database file can be had."""
    with suppress(Unavailable), at_hand(source, patience_seconds=0):
        st.rerun()


def says_stale(figures: Mapping[str, Any]) -> None:
    """Say first of all that data are old, if they are, and whether that is as it should be."""
    if figures["is_history"]:
        st.info(
            f"History: the data ends on {moment(figures['data_as_of'])}. Everything on this page is"
            " as of then.",
            icon=":material/history:",
        )
    elif figures["is_stale"] and pd.notna(figures["data_as_of"]):
        st.warning(
            f"Data as of {moment(figures['data_as_of'])}: older than"
            f" {figures['stale_after_minutes']:.0f} minutes; nothing new is scored. See Health.",
            icon=":material/warning:",
        )
