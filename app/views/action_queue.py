"""Who is at risk, why, and who does what about it? In the order in which alerts are raised."""

import datetime
from typing import Any

import columns
import pandas as pd
import streamlit as st
from columns import with_words
from data import outreach, risk
from decisions import bar, say_done
from page import Page, begin
from tables import export, listing, selected
from words import DASH, GONE, HERE, ORDERS, about, count, money, plain, state

TABLE, CLICK = "queue", "queue_open"
ANY_OWNER, NOBODY = "Anybody", "Nobody yet"
OPENED = "opened_customer"  # in the session: the row whose button was clicked


def main() -> None:
    """Show the page."""
    if customer_id := st.session_state.pop(OPENED, None):
        st.session_state["customer_id"] = customer_id
        st.switch_page("views/customer.py")
    page = begin("Action queue", "Who is at risk, why, and who does what?", needs_scores=True)
    if page is None:
        return
    say_done()
    queue = risk.queue(page.source)
    if queue.empty:
        st.success("Nobody is at risk now.", icon=":material/check:")
        return
    rows = _filtered(_one_list(page, _in_words(queue)))
    chosen = rows[rows["customer_id"].isin(selected(TABLE, rows["customer_id"].tolist()))]
    _actions(page, rows, chosen, queue["order_used"].iloc[0])
    if rows.empty:
        st.info("Nobody in this list fits these filters.")
        return
    _table(page, rows)
    _held_out(page)


def _in_words(queue: pd.DataFrame) -> pd.DataFrame:
    now = pd.Timestamp.now("UTC").tz_localize(None)
    late = queue["due_on"] < pd.Timestamp(datetime.date.today())
    due = queue["due_on"].dt.strftime("%Y-%m-%d").where(queue["due_on"].notna(), DASH)
    return with_words(queue).assign(
        about=queue["first_reason"].map(about, na_action=None),
        percent_7d=queue["score_7d"].astype("float64") * 100,
        alike=[
            DASH if pd.isna(n) else f"{count(left)} of {count(n)}"
            for left, n in zip(queue["alike_left"], queue["alike_n"], strict=True)
        ],
        state=queue["alert_status"].map(state, na_action=None),
        change=(queue["score"] - queue["score_a_week_ago"]) * 100,
        days_since_contact=(now - queue["last_contact_at"]).dt.days,
        due=due + late.map({True: " late", False: ""}),
        open="Open",
    )


def _one_list(page: Page, queue: pd.DataFrame) -> pd.DataFrame:
    """Let people choose who is shown: who may be kept, or who is to be won back."""
    is_gone = queue["has_lapsed"].astype(bool)
    here, gone = queue[~is_gone], queue[is_gone]
    chosen = st.radio(
        "List", [HERE, GONE], key="queue_list", horizontal=True, help=page.terms.gone_help
    )
    st.caption(
        f"{HERE}: {len(here):,} customers, {money(here['value_at_risk'].sum())} at risk. {GONE}, to"
        f" be won back: {len(gone):,} customers, {money(gone['value_at_risk'].sum())}."
    )
    return gone if chosen == GONE else here


def _filtered(rows: pd.DataFrame) -> pd.DataFrame:
    places = st.columns(4)
    for place, title, column in [
        (places[0], "Segment", "segment"),
        (places[1], "Reason", "about"),
        (places[2], "State", "state"),
    ]:
        chosen = place.multiselect(
            title,
            sorted(rows[column].unique()),
            key=f"queue_{column}",
            placeholder="All",
            format_func=plain,
        )
        if chosen:
            rows = rows[rows[column].isin(chosen)]
    owners = sorted(rows["owner"].dropna().unique())
    owner = places[3].selectbox(
        "Owner", [ANY_OWNER, NOBODY, *owners], key="queue_owner", format_func=plain
    )
    if owner == NOBODY:
        return rows[rows["owner"].isna()]
    return rows if owner == ANY_OWNER else rows[rows["owner"] == owner]


def _actions(page: Page, rows: pd.DataFrame, chosen: pd.DataFrame, order: str) -> None:
    left, right = st.columns([5, 2], vertical_alignment="bottom")
    with left:
        bar(page.source, chosen[chosen["alert_id"].notna()])
        if len(chosen) == 1:
            st.button("Open the customer", key="open_one", on_click=_remember,
                      args=(chosen["customer_id"].iloc[0],))  # fmt: skip
    with right.container(horizontal=True, horizontal_alignment="right"):
        st.button("Refresh", key="refresh", help="Asks again; the selection stays.")
        export(_for_export(page, rows), "action_queue")
    st.caption(
        f"{len(rows):,} customers at risk, value at risk {money(rows['value_at_risk'].sum())};"
        f" {len(chosen):,} selected. Sorted by {ORDERS[order]}."
    )


def _for_export(page: Page, rows: pd.DataFrame) -> pd.DataFrame:
    risk_name = f"risk_next_{page.terms.horizon_days}_days"  # beside the model in every row
    return rows[
        [
            *("customer_id", "name", "region", "segment", "score", "value_at_risk", "reason"),
            *("state", "owner", "due_on", "last_contact_at", "last_activity_at", "model_version"),
        ]
    ].rename(columns={"score": risk_name})


def _table(page: Page, rows: pd.DataFrame) -> None:
    terms = page.terms
    listing(
        rows,
        key=TABLE,
        alt="Customers at risk, whom to see to first",
        height=560,
        on_select="rerun",
        selection_mode="multi-row",
        columns={
            **_button(rows["customer_id"].tolist()),
            "name": columns.text("Name", 115),
            "percent": st.column_config.ProgressColumn(
                terms.risk,
                help=terms.risk_help,
                format="%.0f%%",
                min_value=0,
                max_value=100,
                width=125,
            ),
            "change": columns.number(
                "7-day change",
                70,
                "Change of the risk in points; a dash for who was not scored then.",
                "%+.0f",
            ),
            "percent_7d": columns.number("Leaves in 7 days", 105, terms.urgency_help, "%.0f%%"),
            "alike": columns.text("Like this one, left", 110, terms.alike_help),
            "value_at_risk": columns.value_at_risk(terms),
            "about": columns.text("First reason", 95, "In words in the last column."),
            "state": columns.text(
                "State",
                140,
                "Held-out customers get no message, so that the effect of messages shows. Who is"
                " held out is drawn by chance when an alert is approved.",
            ),
            "owner": columns.text("Owner", 85),
            "due": columns.text("Due", 85),
            "days_since_contact": columns.number(
                "Contact", 75, "Days since a message was last sent; a dash: never.", "%d d ago"
            ),
            "segment": columns.text("Segment", 75),
            "reason": columns.text("First reason, in words", 420),
        },
    )


def _button(customer_ids: list[str]) -> dict[str, Any]:
    """Return the column of buttons, where Streamlit has one; a selected row can be opened, too."""
    if not hasattr(st.column_config, "ButtonColumn"):
        return {}
    button = st.column_config.ButtonColumn(
        "Open",
        key=CLICK,
        on_click=lambda: _remember(customer_ids[st.session_state[CLICK]["row"]]),
        type="tertiary",
        width=55,
        help="Opens the customer's page.",
    )
    return {"open": button}


def _remember(customer_id: str) -> None:
    """Remember whose page was asked for: a callback cannot change the page itself."""
    st.session_state[OPENED] = customer_id


def _held_out(page: Page) -> None:
    alerts = outreach.alerts(page.source)
    held_out = int((alerts["state"] == "HELD_OUT").sum())
    st.caption(
        f"Of {len(alerts):,} alerts so far {held_out:,} were held out: those customers get no"
        " message, and show on the page Outcomes whether messages help. Who is held out is drawn"
        " by chance when an alert is approved, and cannot be seen before."
    )


main()
