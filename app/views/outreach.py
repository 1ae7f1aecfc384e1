"""What shall we say, and may it go out? Drafts beside the facts that they were written from."""

import drafts
import pandas as pd
import streamlit as st
from data import outcomes, outreach
from decisions import bar, say_done
from page import Page, begin
from tables import heading, listing, selected
from words import count, first_reason, label, moment, plain, state

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
    tiles = st.container(horizontal=True)
    for code, definition in [
        ("DRAFTED", "Drafts that passed their checks, or were made by the template; nobody has"
         " decided yet."),
        ("APPROVED", "Approved by somebody, and not handed to the outbox yet."),
        ("QUEUED", "In the outbox, waiting for the sender."),
        ("SENT", "Handed to the mail server."),
        ("SUPPRESSED", "May not be written to: no consent, unsubscribed, or contacted lately."),
        ("HELD_OUT", "Never written to, so that the effect of messages shows."),
    ]:  # fmt: skip
        tiles.metric(
            state(code), count(states.get(code, 0)), help=definition, border=True, height="stretch"
        )


def _choose(page: Page, alerts: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    states = [EVERY, *sorted(alerts["state"].unique(), key=state)]
    default = states.index(WAITING) if WAITING in states else 0
    wanted = st.selectbox(
        "State", states, index=default, format_func=lambda one: one if one == EVERY else state(one),
        key="outreach_state", width=320,
    )  # fmt: skip
    rows = alerts if wanted == EVERY else alerts[alerts["state"] == wanted]
    rows = rows.assign(
        name=rows["name"].map(plain),
        reason=rows["top_reasons"].map(first_reason),
        offer=rows["offer"].map(label),
        state_words=rows["state"].map(state),
        percent=rows["score"] * 100,
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
            "name": st.column_config.TextColumn("Name", width=140),
            "percent": st.column_config.NumberColumn(
                page.terms.risk, help=page.terms.risk_help, format="%.0f%%", width=110
            ),
            "value_at_risk": st.column_config.NumberColumn(
                "Value at risk", help=page.terms.value_help, format="%.2f", width=90
            ),
            "reason": st.column_config.TextColumn("First reason", width=240),
            "offer": st.column_config.TextColumn("Offer", width=110),
            "owner": st.column_config.TextColumn("Owner", width=90),
            "due_on": st.column_config.DateColumn("Due", width=90),
            "state_words": st.column_config.TextColumn("State", width=150),
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
    left, right = st.columns([2, 3], gap="large")
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
            "called_on": st.column_config.DateColumn("Day (UTC)", width=100),
            "provider": st.column_config.TextColumn("Provider", width=90),
            "model": st.column_config.TextColumn("Model", width=140),
            "calls": st.column_config.NumberColumn("Calls", width=70),
            "budget_calls": st.column_config.NumberColumn("Budget", width=70),
            "accepted": st.column_config.NumberColumn("Accepted", width=80),
            "refused": st.column_config.NumberColumn(
                "Broke a check", width=100, help="Replies that broke a check: not used."
            ),
            "failed": st.column_config.NumberColumn("Failed", width=70),
            "cost": st.column_config.NumberColumn("Cost", format="%.4f", width=80),
            "mean_seconds": st.column_config.NumberColumn("Mean", format="%.1f s", width=70),
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
            "occurred_at": st.column_config.DatetimeColumn("When (UTC)", format="YYYY-MM-DD HH:mm"),
            "customer_id": st.column_config.TextColumn("Customer"),
            "before": st.column_config.TextColumn("From"),
            "became": st.column_config.TextColumn("To"),
            "actor": st.column_config.TextColumn("By"),
            "reason": st.column_config.TextColumn("Why"),
        },
    )


main()
