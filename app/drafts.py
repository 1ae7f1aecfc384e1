"""One alert with its draft: read, check, edit and decide; on the pages Customer and Outreach."""

from typing import Any

import actions
import pandas as pd
import streamlit as st
from connection import Source
from decisions import bar, finish_edit
from words import (
    MASKED,
    NO_REASON,
    Terms,
    checks,
    day,
    label,
    marks,
    moment,
    money,
    percent,
    plain,
    reasons,
    state,
    with_brackets,
)

_EDITABLE = ("DRAFTED",)  # what may be edited is the write path's to decide: this hides a button


def facts(alert: dict[str, Any], terms: Terms) -> None:
    """Show what the draft was written from: reasons and numbers."""
    st.text(
        f"{terms.risk}: {percent(alert['score'])} (at risk: {percent(alert['threshold'])} or more),"
        f" by model {alert['model_version']}\n"
        f"{terms.value}: {money(alert['value_at_risk'])}\n"
        f"Offer: {label(alert['offer'])}: {plain(alert['offer_text'])}\n"
        f"Owner: {plain(alert['owner'], 60)}, due {day(alert['due_on'])}"
    )
    found = reasons(alert["top_reasons"])
    lines = [f"{at}. {reason['text']}" for at, reason in enumerate(found, start=1)]
    st.text("\n".join(lines or [NO_REASON]))


def draft(source: Source, alert: dict[str, Any]) -> None:
    """Show an alert's state, its draft with the checks, and what can be done with it."""
    who = f", by {plain(alert['actor'], 60)}"
    why = f": {plain(alert['state_reason'])}" if _is_said(alert["state_reason"]) else ""
    if alert["state"] == "DRAFTED":
        who = why = ""  # who wrote the draft stands beneath it
    st.text(f"{state(alert['state'])} since {moment(alert['since'])}{who}{why}")
    if _is_said(alert["suppressed_because"]):
        st.text(f"Must not be contacted: {plain(alert['suppressed_because'])}")
    if _is_said(alert["delivery"]):
        st.text(f"Delivery: {label(alert['delivery'])}. {plain(alert['delivery_detail'])}")
    if pd.isna(alert["subject"]):
        st.caption("There is no draft for this alert.")
    else:
        _text(alert)
        _checks(alert)
    if alert["state"] in _EDITABLE and alert["subject"] != MASKED:
        _edit(source, alert)
    is_shown = _is_said(alert["subject"]) and alert["subject"] != MASKED
    bar(source, pd.DataFrame([alert]), is_read=is_shown)


def _is_said(text: Any) -> bool:
    return pd.notna(text) and str(text).strip() != ""


def _text(alert: dict[str, Any]) -> None:
    found = marks(alert["marks"])
    subject = plain(with_brackets(str(alert["subject"]), found, "subject"), 500)
    body = with_brackets(str(alert["body"])[:10_000], found, "body")
    # Code is shown letter by letter: no Markdown, no HTML, no links.
    st.code(f"Subject: {subject}\n\n{body}", language=None, wrap_lines=True)
    if found:
        st.warning(
            "Read the draft before you approve it. Text in [[ ]] is not one of the company's"
            " sentences. What was marked, and why, is listed below.",
            icon=":material/report:",
        )
        st.text("\n".join(f"{one.said}\n    {', '.join(one.why)}" for one in found))


def _checks(alert: dict[str, Any]) -> None:
    revision = int(alert["revision"])
    times = "once" if revision == 1 else f"{revision} times"
    edited = f", edited {times}, last by {plain(alert['author'], 60)}" if revision else ""
    st.text(
        f"Written by {plain(alert['provider'], 60)}{edited}, {moment(alert['drafted_at'])}.\n"
        f"{checks(alert['checks'])}"
    )
    if _is_said(alert["draft_error"]):
        st.text(f"Note: {plain(alert['draft_error'])}")


def _edit(source: Source, alert: dict[str, Any]) -> None:
    revision = f"{alert['alert_id']}_{alert['revision']}"  # new words, new fields
    with st.expander("Edit the draft", key=f"editor_{revision}"), st.form(f"edit_{revision}"):
        subject = st.text_input("Subject", alert["subject"], max_chars=200, key=f"s_{revision}")
        body = st.text_area("Text", alert["body"], max_chars=4000, height=260, key=f"b_{revision}")
        if st.form_submit_button("Save as a new revision", key=f"save_{revision}"):
            refused = actions.edit_draft(source, alert["alert_id"], subject, body)
            finish_edit(alert["customer_id"], refused)
