"""Who is at risk, why, and who does what about it? The most value at risk first."""

import datetime

import pandas as pd
import streamlit as st
from data import outreach, risk
from decisions import bar, say_done
from page import Page, begin
from tables import export, listing, selected
from words import DASH, first_reason, plain, reason_code, state

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
    rows = _filtered(_in_words(queue))
    chosen = rows[rows["customer_id"].isin(selected(TABLE, rows["customer_id"].tolist()))]
    _actions(page, rows, chosen)
    if rows.empty:
        st.info("Nobody in the queue fits these filters.")
        return
    _table(page, rows)
    _held_out(page)


def _in_words(queue: pd.DataFrame) -> pd.DataFrame:
    now = pd.Timestamp.now("UTC").tz_localize(None)
    return queue.assign(
        name=queue["name"].map(plain),
        reason=queue["top_reasons"].map(first_reason),
        reason_code=queue["top_reasons"].map(reason_code),
        state=queue["alert_status"].map(state, na_action=None),
        percent=queue["score"] * 100,
        change=(queue["score"] - queue["score_a_week_ago"]) * 100,
        days_since_contact=(now - queue["last_contact_at"]).dt.days,
        open="Open",
    )


def _filtered(rows: pd.DataFrame) -> pd.DataFrame:
    places = st.columns(4)
    for place, label, column in [
        (places[0], "Segment", "segment"),
        (places[1], "Reason", "reason_code"),
        (places[2], "State", "state"),
    ]:
        chosen = place.multiselect(label, sorted(rows[column].unique()), key=f"queue_{column}")
        if chosen:
            rows = rows[rows[column].isin(chosen)]
    owners = sorted(rows["owner"].dropna().unique())
    owner = places[3].selectbox("Owner", [ANY_OWNER, NOBODY, *owners], key="queue_owner")
    if owner == NOBODY:
        return rows[rows["owner"].isna()]
    return rows if owner == ANY_OWNER else rows[rows["owner"] == owner]


def _actions(page: Page, rows: pd.DataFrame, chosen: pd.DataFrame) -> None:
    left, right = st.columns([5, 2], vertical_alignment="bottom")
    with left:
        bar(page.source, chosen[chosen["alert_id"].notna()])
    with right.container(horizontal=True, horizontal_alignment="right"):
        st.button("Refresh", key="refresh", help="Asks again; the selection stays.")
        export(_for_export(page, rows), "action_queue")
    value = rows["value_at_risk"].sum()
    st.caption(
        f"{len(rows):,} customers at risk, value at risk {value:,.2f}; {len(chosen):,} selected."
        " Sorted by value at risk."
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
    terms, late = page.terms, rows["due_on"] < pd.Timestamp(datetime.date.today())
    listing(
        rows.assign(due=rows["due_on"].dt.strftime("%Y-%m-%d").where(rows["due_on"].notna(), DASH)
                    + late.map({True: " late", False: ""})),
        key=TABLE,
        alt="Customers at risk, the most value at risk first",
        height=560,
        on_select="rerun",
        selection_mode="multi-row",
        columns={
            "open": st.column_config.ButtonColumn(
                "Customer", key=CLICK, on_click=_open, args=(rows["customer_id"].tolist(),),
                type="tertiary", width=70, help="Opens the customer's page.",
            ),
            "name": st.column_config.TextColumn("Name", width=130),
            "percent": st.column_config.ProgressColumn(
                terms.risk, help=terms.risk_help, format="%.0f%%", min_value=0, max_value=100,
                width=130,
            ),
            "change": st.column_config.NumberColumn(
                "In 7 days",
                help="Change of the risk in points; a dash for who was not scored then.",
                format="%+.0f", width=75,
            ),
            "value_at_risk": st.column_config.NumberColumn(
                "Value at risk", help=terms.value_help, format="%.2f", width=90,
            ),
            "reason": st.column_config.TextColumn("First reason", width=250),
            "segment": st.column_config.TextColumn("Segment", width=80),
            "days_since_contact": st.column_config.NumberColumn(
                "Contact", help="Days since a message was last sent; a dash: never.",
                format="%d d ago", width=80,
            ),
            "owner": st.column_config.TextColumn("Owner", width=90),
            "due": st.column_config.TextColumn("Due", width=90),
            "state": st.column_config.TextColumn(
                "State", width=140,
                help="Held-out customers get no message, so that the effect of messages shows.",
            ),
        },
    )  # fmt: skip


def _open(customer_ids: list[str]) -> None:
    """Remember whose button was clicked: the row is a position in what was shown."""
    st.session_state[OPENED] = customer_ids[st.session_state[CLICK]["row"]]


def _held_out(page: Page) -> None:
    alerts = outreach.alerts(page.source)
    held_out = int((alerts["state"] == "HELD_OUT").sum())
    st.caption(
        f"Of {len(alerts):,} alerts so far {held_out:,} were held out: those customers get no"
        " message, and show on the page Outcomes whether messages help."
    )


main()
