"""Typical mistakes, each done to what was really sent: a check must find it."""

from tests.snowflake import checks
from tests.snowflake.grammar import everything_parses
from tests.snowflake.replay import the_account_accepts
from tests.snowflake.settings import nothing_depends_on_settings

# They need all that was sent, in order; the others the statements that were changed.
WHOLE = (
    checks.streams_follow_dynamic_tables, checks.writers_take_turns, the_account_accepts,
)  # fmt: skip
# Name → the check that finds it, what is looked for in the statements, and what is put there.
MUTATIONS = {
    "REFRESH_MODE dropped": (
        checks.dynamic_tables_are_incremental, r"refresh_mode\s*=\s*INCREMENTAL", ""),
    "the clock in a dynamic table": (
        checks.dynamic_tables_are_incremental, r"as \(", "as (select current_timestamp() as at,"),
    "a refresh on dbt's warehouse": (
        checks.dynamic_tables_are_refreshed_apart, r" warehouse = CHURN_REFRESH_WH",
        " warehouse = CHURN_WH"),
    "a first fill on the refresh warehouse": (
        checks.dynamic_tables_are_refreshed_apart, r"initialization_warehouse = \w+", ""),
    "a permanent dynamic table": (
        checks.dynamic_tables_are_refreshed_apart, "transient dynamic", "dynamic"),
    "a grouping under an outer join": (
        checks.outer_joins_are_apart_from_groupings, r"left join recent",
        "left join (select customer_id from recent group by customer_id) as recent"),
    "a stream ON TABLE": (checks.streams_follow_dynamic_tables, "on dynamic table", "on table"),
    "a bare body of a task": (checks.tasks_are_bounded, r"execute immediate \$\$|\$\$", ""),
    "a bare body cut apart": (
        checks.nothing_is_cut_by_the_connector, r"execute immediate \$\$|\$\$", ""),
    "a role in lower case": (
        checks.roles_are_in_capitals, r"is_role_in_session\('CHURN_APP'\)",
        "is_role_in_session('churn_app')"),
    "a procedure that asks for its owner": (
        checks.procedures_ask_for_their_caller,
        r"sys_context\('SNOWFLAKE\$SESSION', 'PRINCIPAL_NAME'\)", "current_user()"),
    "IMPORTS missing": (checks.functions_import_what_they_open, r"imports\s*=\s*\([^)]*\)", ""),
    "a package that is not pinned": (checks.functions_import_what_they_open, r"==[\d.]+", ""),
    "a task without a limit": (checks.tasks_are_bounded, r"user_task_timeout_ms\s*=\s*\d+", ""),
    "no lag at the end": (
        checks.last_dynamic_tables_have_a_lag, r"target_lag = '\d+ minutes?'",
        "target_lag = 'DOWNSTREAM'"),
    "no COPY GRANTS": (checks.what_is_replaced_keeps_its_grants, r"\bcopy grants\b", ""),
    "a task that writes alerts without the turn": (
        checks.writers_take_turns,
        r"(?s)(create or replace task \S+\.process_alerts\b.*?)update \S+\.alert_turn set [^;]*;",
        r"\1"),
    "a grant on a view before it is there": (
        the_account_accepts, r"(?s)create or replace\s+secure\s+view \S+\.manager_customers\b.*",
        "select 1"),
    "a grant on a procedure with other parameters": (
        the_account_accepts, r"(grant usage on procedure \S+?)\([^)]*\)", r"\1(float)"),
    "a role that nobody has created": (
        the_account_accepts, "create role if not exists CHURN_LOADER", "select 1"),
    "a schema that nobody has created": (
        the_account_accepts, r"create schema if not exists \S+", "select 1"),
    "no warehouse": (
        the_account_accepts, "(?s)create warehouse if not exists CHURN_WH .*", "select 1"),
    "no right to use the warehouse": (
        the_account_accepts, "grant usage on warehouse CHURN_WH to role DATA_ENGINEER", "select 1"),
    "a privilege that was not granted": (the_account_accepts, ", create procedure", ""),
    "no right to run serverless tasks": (
        the_account_accepts, "grant execute managed task on account .*", "select 1"),
    "a type of DuckDB's": (the_account_accepts, r"as timestamp_ntz\)", "as json)"),
    "BEGIN for BEGIN TRANSACTION": (the_account_accepts, r"begin transaction;", "begin;"),
    "a time as a text of the session's form": (
        nothing_depends_on_settings, r"to_char\((band_since), '[^']*'\)", r"cast(\1 as text)"),
    "a text as a date of the session's form": (
        nothing_depends_on_settings, r"to_date\(('[^']*'), '[^']*'\)", r"to_date(\1)"),
    "a week of the session's": (
        nothing_depends_on_settings, r"dayofweekiso\(", "dayofweek("),
    "a word that is no SQL": (everything_parses, "create or replace task", "make the task"),
}  # fmt: skip
