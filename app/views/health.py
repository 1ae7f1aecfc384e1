"""Is the pipeline well? Loading, tables, tasks, rejected messages."""

import charts
import columns
import layout
import pandas as pd
import streamlit as st
from charts import pipeline as pictures
from data import pipeline
from page import Page, begin
from tables import heading, listing
from words import count, label, moment, plain

NEVER = "never"
ERRORS = "Errors, which may quote a customer's data, are in `dbt run-operation show_pipeline`."


def main() -> None:
    """Show the page."""
    page = begin("Health", "Is the pipeline well, and can today's figures be trusted?")
    if page is None:
        return
    _tiles(page)
    _tables(page)
    _tasks(page)
    _set_aside(page)
    _loading(page)
    _rejected(page)
    _profile_values(page)
    _unfollowed_merges(page)
    _event_types(page)


def _tiles(page: Page) -> None:
    figures = page.figures
    tables, tasks = pipeline.dynamic_tables(page.source), pipeline.tasks(page.source)
    in_time = len(tables) - int((tables["is_overdue"] | tables["is_suspended"]).sum())
    well = len(tasks) - int(tasks["last_state"].fillna("").str.startswith("FAILED").sum())
    layout.tiles(
        [
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
                "Messages that broke the event contract. They are kept, and can be loaded after a"
                " fix.",
            ),
        ]
    )


def _tables(page: Page) -> None:
    tables = pipeline.dynamic_tables(page.source)
    tables["state"] = [
        "suspended" if suspended else "failed" if failed else "overdue" if overdue else "in time"
        for suspended, failed, overdue in tables[
            ["is_suspended", "has_error", "is_overdue"]
        ].itertuples(index=False)
    ]
    heading("Dynamic tables", tables, "dynamic_tables")
    listing(
        tables,
        key="dynamic_tables",
        alt="Dynamic tables with their lag",
        columns={
            "name": columns.text("Table", 190),
            "state": columns.text("State", 80),
            "target_lag_seconds": columns.seconds("Target lag", "Empty: it follows what reads it."),
            "lag_seconds": columns.seconds(
                "Lag now", "Age of the oldest change that is not taken in."
            ),
            "mean_lag_seconds": columns.seconds(
                "Mean lag", "Of the last seven days' refreshes that took in a change."
            ),
            "max_lag_seconds": columns.seconds("Longest lag", "Of the same refreshes."),
            "refreshed_at": columns.moment("Refreshed"),
        },
    )
    st.caption(ERRORS)


def _tasks(page: Page) -> None:
    tasks = pipeline.tasks(page.source)
    tasks["state"] = [
        "suspended" if suspended is True else (NEVER if pd.isna(last) else str(last).lower())
        for suspended, last in zip(tasks["is_suspended"], tasks["last_state"], strict=True)
    ]
    tasks["trigger_text"] = tasks["trigger_text"].str.lower()
    heading("Tasks", tasks, "tasks", "Runs and failures are those of the last seven days.")
    listing(
        tasks,
        key="tasks",
        alt="Tasks with their last run",
        columns={
            "name": columns.text("Task", 190),
            "state": columns.text("Last run", 90),
            "trigger_text": columns.text("Runs when", 250),
            "last_run_at": columns.moment("Ran"),
            "last_seconds": columns.seconds("Took", "Of the last run."),
            "runs": columns.number("Runs", 60),
            "failures": columns.number("Failed", 65),
        },
    )


def _set_aside(page: Page) -> None:
    keys = pipeline.set_aside(page.source)
    heading("Set aside", keys, "set_aside")
    if keys.empty:
        st.caption("None: no row makes a table or a task fail.")
        return
    listing(
        keys,
        key="set_aside",
        alt="Tables and tasks that leave rows out",
        columns={
            "name": columns.text("Table or task", 190),
            "keys_set_aside": columns.number("Left out", 90),
            "first_since": columns.moment("First"),
            "last_since": columns.moment("Last"),
        },
    )
    st.caption(
        "Everyone else is refreshed, scored and alerted. These rows are kept, and are tried again"
        f" when the table or task is changed, or by `dbt run-operation retry_set_aside`. {ERRORS}"
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
            "kafka_topic": columns.text("Topic", 150),
            "kafka_partition": columns.number("Partition", 80),
            "next_offset": columns.number("Next offset", 105),
            "messages_behind": columns.number(
                "Behind",
                80,
                "Messages on the topic that were not loaded yet when the last batch was.",
            ),
            "messages_per_second": columns.number("Messages/s", 100, form="%.1f"),
            "accepted_count": columns.number("Accepted", 100),
            "rejected_count": columns.number("Rejected", 90),
            "last_loaded_at": columns.moment("Last batch"),
        },
    )


def _rejected(page: Page) -> None:
    reasons = pipeline.rejected(page.source)
    heading("Rejected messages", reasons, "rejected")
    if reasons.empty:
        st.caption("None: every message kept the event contract, and no two contradict each other.")
        return
    listing(
        reasons,
        key="rejected",
        alt="Reasons of rejected messages",
        columns={
            "reason": columns.text("Reason", 420),
            "kafka_topic": columns.text("Topic", 130),
            "messages": columns.number("Messages", 90),
            "first_loaded_at": columns.moment("First"),
            "last_loaded_at": columns.moment("Last"),
        },
    )
    st.caption("After a fix, `python -m ingest rejected --replay` judges rejected messages again.")


def _profile_values(page: Page) -> None:
    values = pipeline.profile_values(page.source)
    heading("Unrecognised profile values", values, "profile_values")
    if values.empty:
        st.caption(
            "None: the seeds know every region and segment, and every monthly value is a number."
        )
        return
    listing(
        values.assign(
            field=values["field"].map(label), found_value=values["found_value"].map(plain)
        ),
        key="profile_values",
        alt="Regions, segments and monthly values of profiles that no seed or rule knows",
        columns={
            "field": columns.text("Field", 130),
            "found_value": columns.text("Value", 300),
            "customers": columns.number("Customers", 100),
        },
    )
    st.caption(
        "A region without a role is seen only by roles that see all regions: add it to"
        " `seeds/manager_regions.csv`. A segment without a policy has the default policy. A monthly"
        " value that is no plain number counts as none: the expected spend comes from purchases."
    )


def _unfollowed_merges(page: Page) -> None:
    merges = pipeline.unfollowed_merges(page.source)
    if merges.empty:
        return
    heading("Merges that were not followed", merges, "unfollowed_merges")
    listing(
        merges.assign(reason=merges["reason"].map(plain)),
        key="unfollowed_merges",
        alt="Why merges of two ids of one customer were not followed",
        columns={
            "reason": columns.text("Reason", 430),
            "events": columns.number("Merges", 100),
        },
    )


def _event_types(page: Page) -> None:
    types = pipeline.unnamed_event_types(page.source)
    heading(
        "Event types that no category names",
        types,
        "event_types",
        "Counted over the longest window that scores look at, up to the last visit.",
    )
    if types.empty:
        st.caption("None: `event_categories` says of every type what it means.")
        return
    listing(
        types.assign(event_type=types["event_type"].map(plain)),
        key="event_types",
        alt="Event types that no category names, with counts",
        columns={
            "event_type": columns.text("Event type", 260),
            "counts_as": columns.text("Counts as", 90),
            "events": columns.number("Events", 100),
            "customers": columns.number("Customers", 100),
            "last_seen_at": columns.moment("Last"),
        },
    )
    st.caption(
        "Each of these events counts as a visit of its customer. Name the type in"
        " `event_categories` of `dbt_project.yml` and run `dbt build`: under `activity` if it is a"
        " visit, under `service` if a system sent it, or under what else it means."
    )


main()
