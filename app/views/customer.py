"""One customer: how great the risk is, why, what happened, and what has been drafted.

Names, drafts and event types come from outside: they are shown as text or cells, never as markdown.
"""

from typing import Any

import charts
import columns
import drafts
import layout
import pandas as pd
import streamlit as st
from charts import customer as pictures
from connection import Source
from data import customers, outreach
from decisions import say_done
from notices import why_unscored
from page import Page, begin
from tables import heading, listing
from words import (
    BANDS,
    DASH,
    GONE,
    NO_REASON,
    alike,
    count,
    day,
    moment,
    money,
    percent,
    plain,
    reasons,
    short_money,
    state,
    too_new,
    urgency,
)

CHOICE = "customer_choice"
REMEMBERED = "customer_id"  # in the address, and in the session for when pages change


def main() -> None:
    """Show the page."""
    page = begin("Customer", "How great is the risk, why, and what was done?")
    if page is None:
        return
    customer_id = _choose(page.source)
    if not customer_id:
        st.info("Choose a customer here, or open one from the action queue.")
        return
    customer = customers.profile(page.source, customer_id)
    if customer is None and (other := customers.surviving_id(page.source, customer_id)):
        st.text(f"{plain(customer_id)} was merged into this customer, {plain(other)}.")
        customer_id, customer = other, customers.profile(page.source, other)
    if customer is None:
        st.info("This role sees no customer with that id.")
        return
    say_done()
    _head(customer, page)
    _merged_ids(page.source, customer_id)
    left, right = layout.halves()
    with left:
        _reasons(customer)
        _facts(customer)
    with right:
        _alert(page, customer_id)
    _risk_history(page, customer_id)
    _timeline(page, customer_id)


def _choose(source: Source) -> str | None:
    """Return the id that the address names, else the last one, and let people choose another."""
    asked = st.query_params.get(REMEMBERED) or st.session_state.get(REMEMBERED)
    names = dict(customers.names(source).itertuples(index=False))
    options = list(names) if asked in names or not asked else [asked, *names]
    st.session_state[CHOICE] = asked
    st.selectbox(
        "Customer",
        options,
        key=CHOICE,
        index=None,
        placeholder="Choose by id or name",
        format_func=lambda one: (
            f"{plain(one)} · {plain(names[one])}" if one in names else plain(one)
        ),
        on_change=lambda: _remember(st.session_state[CHOICE]),
        width=480,
    )
    _remember(asked)
    return asked


def _remember(customer_id: str | None) -> None:
    st.session_state[REMEMBERED] = customer_id
    if customer_id:
        st.query_params[REMEMBERED] = customer_id
    else:
        st.query_params.pop(REMEMBERED, None)


def _head(customer: dict[str, Any], page: Page) -> None:
    terms = page.terms
    layout.tiles(
        [
            (terms.risk, percent(customer["score"]), terms.risk_help),
            (terms.value, short_money(customer["value_at_risk"]), terms.value_help),
            (
                "Last activity",
                day(customer["last_activity_at"]),
                "The day (UTC) of the last event that the customer caused.",
            ),
            (
                "Active days, 4 weeks",
                count(customer["active_days_28d"]),
                "Days with activity in the 4 weeks up to the last one.",
            ),
        ]
    )
    words = f"State: {BANDS.get(customer['band'], customer['band'])}"
    if customer["band"] == "paused":
        words += f"; since {moment(customer['paused_at'])}"
    elif customer["band"] == "unscored":
        words += f": {why_unscored(page.figures)}"
    elif pd.notna(customer["score"]):
        words += (
            f", since {moment(customer['band_since'])}. Scored {moment(customer['scored_at'])} by"
            f" model {customer['model_version']}"
        )
    st.caption(f"{words}.")
    if customer["is_too_new"]:
        st.caption(too_new(customer, terms))
    elif pd.notna(customer["score"]) and (known := alike(customer, terms)):
        st.caption(known, help=terms.alike_help)
    if pd.notna(customer["score"]) and customer["has_lapsed"]:
        st.caption(f"{GONE}: no activity for {terms.horizon_days} days or more.")
    elif pd.notna(customer["score"]) and (soon := urgency(customer, terms)):
        st.caption(soon, help=terms.urgency_help)


def _merged_ids(source: Source, customer_id: str) -> None:
    merged = customers.merged_ids(source, customer_id)
    ids = [f"{plain(one)} since {day(at)}" for one, at in merged.itertuples(index=False)]
    if ids:
        st.text(f"Includes {', '.join(ids)}.")


def _reasons(customer: dict[str, Any]) -> None:
    st.header("Why", anchor=False)
    found = reasons(customer["top_reasons"])
    for number, reason in enumerate(found, start=1):
        points = reason["points"]
        adds = f" (adds {float(points):.0f} points)" if points is not None else ""
        st.text(f"{number}. {reason['text']}{adds}")
    if found:
        return
    if customer["band"] == "high":
        st.caption(f"{NO_REASON}: the risk comes from several figures together.")
    else:
        st.caption("No reasons: this customer has no score, or a low one.")


def _facts(customer: dict[str, Any]) -> None:
    st.header("Facts", anchor=False)
    has_consent = customer["has_marketing_consent"]
    facts = {
        "Name": plain(customer["name"]),
        "E-mail": plain(customer["email"]),
        "Consent to marketing": "yes" if has_consent else "no: no message is drafted",
        "Region": plain(customer["region"]),
        "Segment": plain(customer["segment"]),
        "First seen": moment(customer["first_seen_at"]),
        "Spent, 4 weeks": money(customer["purchase_amount_28d"]),
        "Cancelled": moment(customer["cancelled_at"]),
        "Paused": moment(customer["paused_at"]),
    }
    table = pd.DataFrame({"fact": facts.keys(), "value": facts.values()})
    listing(
        table,
        key="facts",
        alt="What is known of the customer",
        columns={
            "fact": columns.text("What is known", 150),
            "value": columns.text("Value", 230),
        },
    )


def _alert(page: Page, customer_id: str) -> None:
    st.header("Latest alert", anchor=False)
    found = outreach.of_customer(page.source, customer_id)
    if found.empty:
        st.caption("No alert has been raised for this customer.")
        return
    alert = found.iloc[0].to_dict()
    with st.container(border=True):
        st.text(f"Alert of {moment(alert['alerted_at'])}")
        drafts.draft(page.source, alert)


def _risk_history(page: Page, customer_id: str) -> None:
    scores = customers.scores(page.source, customer_id)
    heading("Risk so far", scores, "risk_history", page.terms.risk_help)
    if len(scores) < 2:
        st.caption("The line begins with the second score.")
        return
    charts.show(
        pictures.risk_history(scores, page.terms), "Risk and threshold over time", "risk_history"
    )


def _timeline(page: Page, customer_id: str) -> None:
    weeks = customers.weekly_events(page.source, customer_id)
    moves = outreach.moves_of_customer(page.source, customer_id)
    last = customers.last_events(page.source, customer_id)
    heading("What happened", last, "last_events")
    if weeks.empty:
        st.caption("No events.")
        return
    now = pd.Timestamp.now("UTC").tz_localize(None)
    charts.show(
        pictures.timeline(weeks, _marks(moves), weeks["week"].min(), now),
        "Events by week, with alerts and messages",
        "timeline",
    )
    left, right = layout.halves()
    with left:
        listing(
            last,
            key="last_events",
            alt="The last events",
            height=320,
            columns={
                "occurred_at": columns.moment("When"),
                "event_type": columns.text("Event", 150),
                "category": columns.text("Category", 95),
                "amount": columns.number("Amount", 80, form="%.2f"),
            },
        )
    with right:
        _moves(moves)


def _marks(moves: pd.DataFrame) -> pd.DataFrame:
    """Name the moments that the timeline marks; the other moves stand in the list beside it."""
    kinds = {"": "Alert", "DRAFTED": "Draft", "SENT": "Message"}
    kinds |= {"RETAINED": "Outcome", "LOST": "Outcome"}
    named = moves.assign(
        kind=[
            kinds.get("" if not before else after)
            for before, after in zip(moves["from_state"], moves["to_state"], strict=True)
        ],
        words=moves["to_state"].map(state),
        at=moves["occurred_at"],
    )
    return named.loc[named["kind"].notna(), ["at", "kind", "words"]]


def _moves(moves: pd.DataFrame) -> None:
    if moves.empty:
        st.caption("No alert has been raised, so nothing was decided.")
        return
    listing(
        moves.assign(
            became=moves["to_state"].map(state),
            who=moves["actor"].map(plain),
            why=moves["reason"].map(lambda reason: plain(reason) if reason else DASH),
        ),
        key="moves",
        alt="What was done with the customer's alerts",
        height=320,
        columns={
            "occurred_at": columns.moment("When"),
            "became": columns.text("Alert became", 145),
            "who": columns.text("By", 120),
            "why": columns.text("Why", 320),
        },
    )


main()
