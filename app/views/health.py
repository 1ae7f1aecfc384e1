"""Is the pipeline well? Loading, tables, tasks, rejected messages."""

from typing import Any

import charts
import pandas as pd
import streamlit as st
from charts import pipeline as pictures
from data import pipeline
from page import Page, begin
from tables import heading, listing
from words import count, moment

NEVER = "never"


def main() -> None:
    """Show the page."""
    page = begin("Health", "Is the pipeline well, and can today's figures be trusted?")
    if page is None:
        return
    _tiles(page)
    _tables(page)
    _tasks(page)
    _loading(page)
    _rejected(page)


def _tiles(page: Page) -> None:
    figures = page.figures
    tables, tasks = pipeline.dynamic_tables(page.source), pipeline.tasks(page.source)
    in_time = len(tables) - int((tables["is_overdue"] | tables["is_suspended"]).sum())
    well = len(tasks) - int((tasks["last_state"] == "FAILED").sum())
    tiles = st.container(horizontal=True)
    for label, value, definition in [
        (
            "Data as of (UTC)",
            f"{figures['data_as_of']:%d %b, %H:%M}",
            f"When the newest event of any customer happened: {moment(figures['data_as_of'])}.",
        ),
        (
            "Last score (UTC)",
            f"{figures['last_scored_at']:%d %b, %H:%M}"
            if pd.notna(figures["last_scored_at"])
            else NEVER,
            "When any customer was last scored. Only customers whose metrics changed are.",
        ),
        (
            "Tables in time",
            f"{in_time} of {len(tables)}",
            "Dynamic tables that are not older than their target lag, and not suspended.",
        ),
        (
            "Tasks well",
            f"{well} of {len(tasks)}",
            "Tasks whose last run of the last seven days did not fail.",
        ),
        (
            "Rejected messages",
            count(figures["rejected_events"]),
            "Messages that broke the event contract. They are kept, and can be loaded after a fix.",
        ),
    ]:
        tiles.metric(label, value, help=definition, border=True, height="stretch")


def _tables(page: Page) -> None:
    tables = pipeline.dynamic_tables(page.source)
    tables["state"] = [
        "suspended" if suspended else "overdue" if overdue else "in time"
        for suspended, overdue in zip(tables["is_suspended"], tables["is_overdue"], strict=True)
    ]
    heading("Dynamic tables", tables, "dynamic_tables")
    listing(
        tables,
        key="dynamic_tables",
        alt="Dynamic tables with their lag",
        columns={
            "name": st.column_config.TextColumn("Table", width=190),
            "state": st.column_config.TextColumn("State", width=80),
            "target_lag_seconds": _seconds("Target lag", "Empty: it follows what reads it."),
            "lag_seconds": _seconds("Lag now", "Age of the oldest change that is not taken in."),
            "mean_lag_seconds": _seconds(
                "Mean lag", "Of the last seven days' refreshes that took in a change."
            ),
            "max_lag_seconds": _seconds("Longest lag", "Of the same refreshes."),
            "refreshed_at": _when("Refreshed (UTC)"),
            "last_error": st.column_config.TextColumn("Error", width=160),
        },
    )


def _tasks(page: Page) -> None:
    tasks = pipeline.tasks(page.source)
    tasks["state"] = [
        "suspended" if suspended is True else (NEVER if pd.isna(last) else str(last).lower())
        for suspended, last in zip(tasks["is_suspended"], tasks["last_state"], strict=True)
    ]
    heading("Tasks", tasks, "tasks", "Runs and failures are those of the last seven days.")
    listing(
        tasks,
        key="tasks",
        alt="Tasks with their last run",
        columns={
            "name": st.column_config.TextColumn("Task", width=190),
            "state": st.column_config.TextColumn("Last run", width=90),
            "trigger_text": st.column_config.TextColumn("Runs when", width=250),
            "last_run_at": _when("Ran (UTC)"),
            "last_seconds": _seconds("Took", "Of the last run."),
            "runs": st.column_config.NumberColumn("Runs", width=60),
            "failures": st.column_config.NumberColumn("Failed", width=60),
            "last_error": st.column_config.TextColumn("Error", width=160),
        },
    )


def _loading(page: Page) -> None:
    hours, partitions = pipeline.loading(page.source), pipeline.partitions(page.source)
    heading("Loading", partitions, "partitions")
    if hours.empty:
        st.info("The loader has noted no batch yet: see `python -m ingest load --help`.")
        return
    charts.show(pictures.loading(hours), "Messages loaded and rejected by hour", "loading")
    listing(
        partitions,
        key="partitions",
        alt="Partitions with their offsets",
        columns={
            "kafka_topic": st.column_config.TextColumn("Topic", width="medium"),
            "kafka_partition": st.column_config.NumberColumn("Partition", width="small"),
            "next_offset": st.column_config.NumberColumn("Next offset", format="localized"),
            "messages_behind": st.column_config.NumberColumn(
                "Behind",
                format="localized",
                help="Messages on the topic that were not loaded yet when the last batch was.",
            ),
            "messages_per_second": st.column_config.NumberColumn("Messages/s", format="%.1f"),
            "accepted_count": st.column_config.NumberColumn("Accepted", format="localized"),
            "rejected_count": st.column_config.NumberColumn("Rejected", format="localized"),
            "last_loaded_at": _when("Last batch (UTC)"),
        },
    )


def _rejected(page: Page) -> None:
    reasons = pipeline.rejected(page.source)
    heading("Rejected messages", reasons, "rejected")
    if reasons.empty:
        st.caption("None: every message kept the event contract.")
        return
    listing(
        reasons,
        key="rejected",
        alt="Reasons of rejected messages",
        columns={
            "reason": st.column_config.TextColumn("Reason", width="large"),
            "kafka_topic": st.column_config.TextColumn("Topic", width="small"),
            "messages": st.column_config.NumberColumn("Messages", format="localized"),
            "first_loaded_at": _when("First (UTC)"),
            "last_loaded_at": _when("Last (UTC)"),
        },
    )
    st.caption("After a fix, `python -m ingest rejected --replay` judges them again.")


def _seconds(label: str, definition: str) -> Any:
    return st.column_config.NumberColumn(label, format="%.1f s", help=definition, width=90)


def _when(label: str) -> Any:
    return st.column_config.DatetimeColumn(label, format="YYYY-MM-DD HH:mm", width=130)


main()
