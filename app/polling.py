"""How often a page looks again by itself, and until when.

No more often than the data can change. On Snowflake each look wakes a warehouse for a minute: a tab
that somebody has left open stops looking.
"""

from collections.abc import Mapping
from typing import Any

import streamlit as st
from connection import SNOWFLAKE, Source

LEAST_SECONDS = 10
UNATTENDED_SECONDS = 3600
_LOOKS, _BY_ITSELF = "looks since somebody clicked", "this run was asked for by the page"


def note_run() -> None:
    """Note that somebody has opened the page or clicked, unless the page runs again by itself."""
    if not st.session_state.pop(_BY_ITSELF, False):
        st.session_state[_LOOKS] = 0


def note_look() -> None:
    """Note that the page has looked again."""
    st.session_state[_LOOKS] = st.session_state.get(_LOOKS, 0) + 1


def run_again() -> None:
    """Show the whole page again, which is no sign that somebody is there."""
    st.session_state[_BY_ITSELF] = True
    st.rerun()


def seconds_between_looks(source: Source, figures: Mapping[str, Any]) -> int | None:
    """Return how long to wait before the next look; None for as long as nobody is there."""
    seconds = max(LEAST_SECONDS, int(figures["target_lag_seconds"]))
    unattended = st.session_state.get(_LOOKS, 0) * seconds
    if source.backend == SNOWFLAKE and unattended > UNATTENDED_SECONDS:
        return None
    return seconds
