"""What a manager does with alerts: approve, reject, suppress, assign; and what came of it."""

from collections.abc import Sequence
from typing import NamedTuple

import actions
import pandas as pd
import streamlit as st
from connection import Source
from words import plain

_DONE = "done"  # in the session: what the last action did, for the run after it
# Verb and state: what each needs is the business of the write path, which says so in words.
REJECT, SUPPRESS = ("Reject", "REJECTED"), ("Suppress", "SUPPRESSED")


class Done(NamedTuple):
    """What an action did: in words, for whom it was refused and why, and who is held out."""

    words: str
    refused: list[tuple[str, str]]
    held_out: list[str]


def say_done() -> None:
    """Say what the last action did, once; customers as text, because ids come from outside."""
    done: Done | None = st.session_state.pop(_DONE, None)
    if done is None:
        return
    if done.words:
        st.success(done.words, icon=":material/check:")
    if done.held_out:
        more = f" and {len(done.held_out) - 10:,} more" if len(done.held_out) > 10 else ""
        st.text(f"Held out: {', '.join(map(plain, done.held_out[:10]))}{more}.")
    if done.refused:
        with st.container(border=True):
            st.warning(f"Refused for {len(done.refused):,}:", icon=":material/block:")
            for customer_id, sentence in done.refused[:10]:
                st.text(f"{plain(customer_id)}: {sentence}")
            if len(done.refused) > 10:
                st.caption(f"and {len(done.refused) - 10:,} more.")


def bar(source: Source, chosen: pd.DataFrame, is_read: bool = False) -> None:
    """Show what can be done with the chosen alerts, in one row.

    chosen: alert_id, customer_id, is_marked and may_act, which is the managers' views' to say, of
    each. is_read: whether the page shows the draft; one with marks is approved only there.
    """
    if len(chosen) and not chosen["may_act"].any():
        st.caption("Your role can see these alerts, but it cannot decide on them.")
        return
    number = len(chosen)
    marked = 0 if is_read else int(chosen["is_marked"].fillna(False).astype(bool).sum())
    row = st.container(horizontal=True)
    if row.button(
        f"Approve{_of(number)}",
        type="primary",
        disabled=not number or (number == 1 and marked == 1),
        key="approve",
        help="Approved drafts may be sent. Only drafts that passed their checks can be approved."
        " Approve a draft with marked text by itself, on the page that shows it. Some customers"
        " are held out at random, to measure what messages do: nothing is sent to them.",
    ):
        read = str(int(chosen["revision"].iloc[0])) if is_read and number == 1 else None
        _move(source, chosen, "APPROVED", "", "Approved", read)
    for verb, state in (REJECT, SUPPRESS):
        _with_reason(source, chosen, row, verb, state)
    _assign(source, chosen, row)
    if marked:
        st.caption(
            f"{marked:,} of the chosen drafts {'has' if marked == 1 else 'have'} marked text: open"
            " each and approve it there."
        )


def _of(number: int) -> str:
    """Return how many a button is about, where that is not plain to see."""
    return f" {number:,}" if number > 1 else ""


def _with_reason(source: Source, chosen: pd.DataFrame, row: object, verb: str, state: str) -> None:
    number = len(chosen)
    place = row.popover(f"{verb} …", disabled=not number, key=f"open_{verb}")
    with place.form(f"form_{verb}", clear_on_submit=True, border=False):
        reason = st.text_area("Why?", max_chars=500, key=f"reason_{verb}", height=90)
        if st.form_submit_button(f"{verb}{_of(number)}", type="primary", key=f"do_{verb}"):
            _move(source, chosen, state, reason, f"{verb}ed")


def _assign(source: Source, chosen: pd.DataFrame, row: object) -> None:
    number = len(chosen)
    place = row.popover("Assign …", disabled=not number, key="open_assign")
    with place.form("form_assign", clear_on_submit=True, border=False):
        owner = st.text_input("Owner", max_chars=100, key="owner")
        due_on = st.date_input("Due on", value=None, key="due_on", format="YYYY-MM-DD")
        if st.form_submit_button(f"Assign{_of(number)}", type="primary", key="do_assign"):
            refused = actions.assign(source, chosen, owner, due_on)
            _finish(chosen, refused, "Assigned")


def _move(
    source: Source,
    chosen: pd.DataFrame,
    state: str,
    reason: str,
    verb: str,
    revision: str | None = None,
) -> None:
    answers = actions.move(source, chosen, state, reason, revision)
    _finish(chosen, answers, verb)


def finish_edit(customer_id: str, refused: Sequence[actions.Answer]) -> None:
    """Note what came of an edit, and show the page anew."""
    words = "" if refused else "The draft was changed. Its checks ran again."
    st.session_state[_DONE] = Done(words, [(customer_id, one.sentence) for one in refused], [])
    st.rerun()


def _finish(chosen: pd.DataFrame, answers: Sequence[actions.Answer], verb: str) -> None:
    customers = dict(zip(chosen["alert_id"], chosen["customer_id"], strict=True))
    refused = [one for one in answers if not one.is_held_out]
    held_out = [customers.get(one.alert_id, "?") for one in answers if one.is_held_out]
    done = len(chosen) - len(refused)
    words = f"{verb} {done:,}." if done else ""
    if held_out:
        words += f" {_held_out(len(held_out), done)}, to measure what messages do: nothing is sent."
    st.session_state[_DONE] = Done(
        words, [(customers.get(one.alert_id, "?"), one.sentence) for one in refused], held_out
    )
    st.rerun()


def _held_out(number: int, of: int) -> str:
    if of == 1:
        return "The customer is held out"
    return f"{number:,} of them {'is' if number == 1 else 'are'} held out"
