"""One customer: how great the risk is, why, what happened, and what has been drafted.

Names, drafts and event types come from outside: they are shown as text or cells, never as markdown.
"""

from typing import Any

import altair as alt
import data
import pandas as pd
import streamlit as st
from connection import Source, current_source
from notices import says_empty, says_stale
from words import (
    BANDS,
    RISK,
    RISK_HELP,
    VALUE_AT_RISK,
    VALUE_AT_RISK_HELP,
    alert_state,
    checks,
    day,
    moment,
    money,
    percent,
    reasons,
)

# In this order they take the theme's colours: friction is the one to look at.
CATEGORIES = ["purchase", "friction", "marketing", "profile", "activity", "cancellation"]
CHOICE = "customer_choice"
REMEMBERED = "customer_id"  # in the address, and in the session for when pages change


def main() -> None:
    """Show the page."""
    source = current_source()
    st.title("Customer")
    figures = data.overview(source)
    if says_empty(figures):
        return
    says_stale(figures)
    customer_id = _choose(source)
    if not customer_id:
        st.info("Choose a customer here, or select one in the risk queue.")
        return
    customer = data.customer(source, customer_id)
    if customer is None:
        st.info("This role sees no customer with that id.")
        return
    _score(customer)
    left, right = st.columns(2)
    with left:
        _reasons(customer)
        _facts(customer)
    with right:
        _messages(source, customer_id)
    _timeline(source, customer_id)


def _choose(source: Source) -> str | None:
    """Return the id that the address names, else the last one, and let people choose another."""
    asked = st.query_params.get(REMEMBERED) or st.session_state.get(REMEMBERED)
    names = dict(data.customer_names(source).itertuples(index=False))
    options = list(names) if asked in names or not asked else [asked, *names]
    st.session_state[CHOICE] = asked
    st.selectbox(
        "Customer",
        options,
        key=CHOICE,
        index=None,
        placeholder="Choose by id or name",
        format_func=lambda one: f"{one} · {names[one]}" if pd.notna(names.get(one)) else one,
        on_change=lambda: _remember(st.session_state[CHOICE]),
    )
    _remember(asked)
    return asked


def _remember(customer_id: str | None) -> None:
    st.session_state[REMEMBERED] = customer_id
    if customer_id:
        st.query_params[REMEMBERED] = customer_id
    else:
        st.query_params.pop(REMEMBERED, None)


def _score(customer: dict[str, Any]) -> None:
    name = customer["name"]
    st.text(name if pd.notna(name) else "No name known")
    tiles = st.container(horizontal=True)  # wraps where columns would cut the figures
    tiles.metric(RISK, percent(customer["score"]), help=RISK_HELP, border=True, width="content")
    tiles.metric(
        VALUE_AT_RISK,
        money(customer["value_at_risk"]),
        help=VALUE_AT_RISK_HELP,
        border=True,
        width="content",
    )
    tiles.metric(
        "Last activity",
        day(customer["last_activity_at"]),
        help="The day (UTC) of the last event that the customer caused.",
        border=True,
        width="content",
    )
    state = BANDS.get(customer["band"], customer["band"])
    if pd.notna(customer["score"]):
        st.caption(
            f"State: {state}, since {moment(customer['band_since'])}. Scored"
            f" {moment(customer['scored_at'])} by model `{customer['model_version']}`."
        )
    else:
        st.caption(f"State: {state}.")


def _reasons(customer: dict[str, Any]) -> None:
    st.subheader("Why")
    found = reasons(customer["top_reasons"])
    for number, reason in enumerate(found, start=1):
        st.text(f"{number}. {reason}")
    if not found:
        st.caption("No reasons: this customer has no score.")


def _facts(customer: dict[str, Any]) -> None:
    st.subheader("Facts")
    has_consent = customer["has_marketing_consent"]
    facts = {
        "E-mail": customer["email"],
        "Consent to marketing": "yes" if has_consent else "no: no message is drafted",
        "Region": customer["region"],
        "Segment": customer["segment"],
        "First seen": moment(customer["first_seen_at"]),
        "Active days, 4 weeks": f"{customer['active_days_28d']:.0f}",
        "Spent, 4 weeks": money(customer["purchase_amount_28d"]),
        "Cancelled": moment(customer["cancelled_at"]),
    }
    table = pd.DataFrame(
        {"fact": facts.keys(), "value": ["–" if pd.isna(v) else str(v) for v in facts.values()]}
    )
    st.dataframe(
        table, hide_index=True, column_config={"fact": "What is known", "value": " "}, key="facts"
    )
    st.caption("4 weeks: those up to the last visit.")


def _messages(source: Source, customer_id: str) -> None:
    st.subheader("Alerts and drafts")
    found = data.messages(source, customer_id)
    if found.empty:
        st.caption("No alert has been raised for this customer.")
    for message in found.to_dict("records"):
        with st.container(border=True):
            st.text(f"{alert_state(message['status'])} · alert of {moment(message['alerted_at'])}")
            if pd.isna(message["subject"]):
                continue
            st.code(
                f"Subject: {message['subject']}\n\n{message['body']}",
                language=None,
                wrap_lines=True,
            )
            st.text(
                f"Written by: {message['provider']}, {moment(message['drafted_at'])}."
                f" Checks: {checks(message['checks'])}."
            )


def _timeline(source: Source, customer_id: str) -> None:
    st.subheader("Events")
    weeks = data.weekly_events(source, customer_id)
    if weeks.empty:
        st.caption("No events.")
        return
    weeks["week_end"] = weeks["week"] + pd.Timedelta(days=6.5)  # half a day apart
    today = pd.Timestamp.now("UTC").tz_localize(None)
    chart = (
        alt.Chart(weeks)
        .mark_bar()
        .encode(
            x=alt.X(
                "week:T",
                bin="binned",
                title="Week",
                scale=alt.Scale(domain=[weeks["week"].min(), today]),  # silence shows, too
            ),
            x2="week_end:T",
            y=alt.Y("events:Q", title="Events", stack=True),
            color=alt.Color(
                "category:N",
                title=None,
                scale=alt.Scale(domain=CATEGORIES),
                legend=alt.Legend(orient="top"),
            ),
            tooltip=[
                alt.Tooltip("week:T", title="Week of"),
                alt.Tooltip("category:N", title="Category"),
                alt.Tooltip("events:Q", title="Events"),
            ],
        )
        .properties(height=220)
    )
    st.altair_chart(chart)
    st.dataframe(
        data.last_events(source, customer_id),
        key="last_events",
        hide_index=True,
        height=320,
        column_config={
            "occurred_at": st.column_config.DatetimeColumn("When (UTC)", format="YYYY-MM-DD HH:mm"),
            "event_type": st.column_config.TextColumn("Event"),
            "category": st.column_config.TextColumn("Category"),
            "amount": st.column_config.NumberColumn("Amount", format="%.2f"),
        },
    )


main()
