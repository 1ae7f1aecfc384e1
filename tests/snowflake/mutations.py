"""Typical mistakes, each done to what was really sent: a check must find it."""

from tests.snowflake import checks
from tests.snowflake.grammar import everything_parses

# Name → the check that finds it, what is looked for in the statements, and what is put there.
MUTATIONS = {
    "REFRESH_MODE dropped": (
        checks.dynamic_tables_are_incremental, r"refresh_mode\s*=\s*INCREMENTAL", ""),
    "the clock in a dynamic table": (
        checks.dynamic_tables_are_incremental, r"as \(", "as (select current_timestamp() as at,"),
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
        checks.last_dynamic_tables_have_a_lag, r"target_lag = '\d+ minute'",
        "target_lag = 'DOWNSTREAM'"),
    "grants that are not copied": (
        checks.replaced_objects_keep_their_grants, r"\bcopy grants\b", ""),
    "a word that is no SQL": (everything_parses, "create or replace task", "make the task"),
}  # fmt: skip
