"""What shall we say, and may it go out? Drafts beside the facts that they were written from."""

import columns
import drafts
import layout
import pandas as pd
import streamlit as st
from columns import with_words
from data import outcomes, outreach
from decisions import bar, say_done
from page import Page, begin
from tables import heading, listing, selected
from words import count, label, moment, plain, state

TABLE = "outreach"
WAITING = "DRAFTED"
EVERY = "All states"


def main() -> None:
    """Show the page."""
    page = begin("Outreach", "What shall we say, and may it go out?")
    if page is None:
        return
    say_done()
    alerts = outreach.alerts(page.source)
    if alerts.empty:
        st.info("No alert has been raised yet, so there is nothing to write.")
        return
    _tiles(alerts)
    rows, chosen = _choose(page, alerts)
    if not rows.empty:
        _one_or_many(page, rows, chosen)
    _usage(page)
    _moves(page)


def _tiles(alerts: pd.DataFrame) -> None:
    states = alerts["state"].value_counts()
    layout.tiles(
        (state(code), count(states.get(code, 0)), definition)
        for code, definition in [
            ("DRAFTED", "Drafts that passed their checks, or were made by the template; nobody has"
             " decided yet."),
            ("APPROVED", "Approved by somebody, and not handed to the outbox yet."),
            ("QUEUED", "In the outbox, waiting for the sender."),
            ("SENT", "Handed to the mail server."),
            ("SUPPRESSED", "Must not be contacted: no consent, unsubscribed, or contacted lately."),
            ("INVALID_ADDRESS", "The e-mail address is invalid. The next alert can be sent once"
             " the profile has a valid one."),
            ("HELD_OUT", "Drawn by chance when the alert was approved: nothing is sent, so that the"
             " effect of messages shows."),
        ]
    )  # fmt: skip


def _choose(page: Page, alerts: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    states = [EVERY, *sorted(alerts["state"].unique(), key=state)]
    default = states.index(WAITING) if WAITING in states else 0
    wanted = st.selectbox(
        "State", states, index=default, format_func=lambda one: one if one == EVERY else state(one),
        key="outreach_state", width=320,
    )  # fmt: skip
    rows = alerts if wanted == EVERY else alerts[alerts["state"] == wanted]
    rows = with_words(rows).assign(
        offer=rows["offer"].map(label), state_words=rows["state"].map(state)
    )
    chosen = rows[rows["alert_id"].isin(selected(TABLE, rows["alert_id"].tolist()))]
    heading(f"{len(rows):,} alerts, {len(chosen):,} selected", rows, "outreach")
    if rows.empty:
        st.info("No alert is in this state now.")
        return rows, chosen
    listing(
        rows,
        key=TABLE,
        alt="Alerts with their drafts, the most value at risk first",
        height=min(38 + 35 * len(rows), 320),
        on_select="rerun",
        selection_mode="multi-row",
        columns={
            "name": columns.text("Name", 130),
            "percent": columns.risk(page.terms),
            "value_at_risk": columns.value_at_risk(page.terms),
            "offer": columns.text("Offer", 110),
            "owner": columns.text("Owner", 90),
            "due_on": columns.day("Due"),
            "state_words": columns.text("State", 145),
            "reason": columns.text("First reason", 420),
        },
    )
    return rows, chosen


def _one_or_many(page: Page, rows: pd.DataFrame, chosen: pd.DataFrame) -> None:
    if len(chosen) > 1:
        st.caption("Several are selected: what is decided now is decided for all of them.")
        bar(page.source, chosen)
        return
    first = (chosen if len(chosen) else rows).iloc[0]
    alert = outreach.alert(page.source, first["alert_id"])
    if alert is None:
        return
    left, right = layout.halves()
    with left:
        st.header("Facts", anchor=False)
        st.text(plain(alert["name"]))
        drafts.facts(alert, page.terms)
        st.caption(f"Alert of {moment(alert['alerted_at'])}. Only these facts reach the writer.")
        if st.button("Open the customer", key="open_customer"):
            st.session_state["customer_id"] = alert["customer_id"]
            st.switch_page("views/customer.py")
    with right:
        st.header("Draft", anchor=False)
        drafts.draft(page.source, alert)


def _usage(page: Page) -> None:
    usage = outcomes.llm_usage(page.source)
    heading(
        "What the writer cost",
        usage,
        "llm_usage",
        "Calls of language models by day. What they write is checked like every other draft, and"
        " the template stands in where a check fails, a call fails or the budget is spent.",
    )
    if usage.empty:
        st.caption("No language model was asked: drafts are the template's, and cost nothing.")
        return
    listing(
        usage,
        key="llm_usage",
        alt="Calls of language models by day",
        columns={
            "called_on": columns.day("Day (UTC)", 100),
            "provider": columns.text("Provider", 90),
            "model": columns.text("Model", 140),
            "purpose": columns.text(
                "To", 70, "Write a letter, or review what it says in words of its own."
            ),
            "calls": columns.number("Calls", 70),
            "budget_calls": columns.number("Budget", 70),
            "accepted": columns.number("Accepted", 80),
            "refused": columns.number(
                "Broke a check", 100, "Replies that broke a check: not used."
            ),
            "failed": columns.number("Failed", 70),
            "cost": columns.number("Cost", 80, form="%.4f"),
            "mean_seconds": columns.seconds("Mean", "Of one call."),
        },
    )


def _moves(page: Page) -> None:
    moves = outreach.last_moves(page.source)
    moves = moves.assign(
        before=moves["from_state"].map(lambda code: state(code) if code else "New"),
        became=moves["to_state"].map(state),
        actor=moves["actor"].map(plain),
        reason=moves["reason"].map(lambda reason: plain(reason) if reason else ""),
    )
    heading("Who did what", moves, "moves", "The last moves of alerts, the newest first.")
    listing(
        moves,
        key="all_moves",
        alt="The last moves of alerts",
        height=280,
        columns={
            "occurred_at": columns.moment("When"),
            "customer_id": columns.text("Customer", 120),
            "before": columns.text("From", 145),
            "became": columns.text("To", 145),
            "actor": columns.text("By", 150),
            "reason": columns.text("Why", 320),
        },
    )


main()
