"""All SQL of the dashboard: one function for one question, on the managers' views only.

Every cache is keyed by the Source, and so by who asks, and in which role.
"""

import streamlit as st

# Shorter than the time between two looks, long enough for the reruns of one click.
TTL_SECONDS = 5
SLOW_TTL_SECONDS = 300  # of what changes with the day, not with the minute

fresh = st.cache_data(ttl=TTL_SECONDS, max_entries=256, show_spinner=False)
minutely = st.cache_data(ttl=60, max_entries=64, show_spinner=False)
slow = st.cache_data(ttl=SLOW_TTL_SECONDS, max_entries=64, show_spinner=False)
