"""The managers' dashboard: how bad is it, who and why, and does what we do help.

The pages lie in views/: a folder named pages/ would be shown without this script by the first
deep link to a fresh server.
"""

import gc

import streamlit as st
from connection import DEFAULT_ROLE, DUCKDB, ROLE_KEY, current_source, open_connection
from notices import calm

PREVIEWED_ROLES = (
    DEFAULT_ROLE,
    "MARKETING_ANALYST",
    "DATA_ENGINEER",
    "CHURN_MANAGER_NORTH",
    "CHURN_MANAGER_EAST",
    "CHURN_MANAGER_SOUTH",
    "CHURN_MANAGER_WEST",
)


def main() -> None:
    """Show the chosen page, as the chosen role."""
    open_connection()
    st.set_page_config(page_title="Customer churn", layout="wide", initial_sidebar_state=230)
    # Pages without icons: the browser would fetch them, for its tab, from the network.
    page = st.navigation(
        {
            "Act": [
                st.Page("views/overview.py", title="Overview", default=True),
                st.Page("views/action_queue.py", title="Action queue"),
                st.Page("views/customer.py", title="Customer"),
                st.Page("views/outreach.py", title="Outreach"),
            ],
            "Judge": [
                st.Page("views/outcomes.py", title="Outcomes"),
                st.Page("views/cohorts.py", title="Cohorts"),
                st.Page("views/model.py", title="Model"),
            ],
            "Watch": [st.Page("views/health.py", title="Health")],
        }
    )
    if current_source().backend == DUCKDB:
        _preview_role()
    with calm():
        page.run()
    _set_aside()


@st.cache_resource(show_spinner=False)
def _set_aside() -> None:
    """Spare what is loaded by now, and stays, the garbage collection after every run.

    Streamlit collects before it is done with a run: over all modules, a tenth of a second.
    """
    gc.freeze()


def _preview_role() -> None:
    with st.sidebar:
        st.selectbox(
            "Preview as role",
            PREVIEWED_ROLES,
            key=ROLE_KEY,
            help="What this role would see on Snowflake. A preview, not protection: whoever can"
            " open the database file can read all of it.",
        )
        st.caption("A preview, not protection.")


main()
