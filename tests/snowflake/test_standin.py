"""What the stand-in refuses, in Snowflake's words, and how it keeps grants, tasks and streams."""

import json

import pytest
from snowflake.connector.errors import DatabaseError, ProgrammingError

from tests.snowflake.standin.account import ADMIN, ENGINEER, Account
from tests.snowflake.standin.statements import one_line

SCHEMA = "CHURN.PIPELINE"
SET_UP = (
    "create role DATA_ENGINEER", "create role READER", "create role NOBODY",
    "grant role DATA_ENGINEER to role SYSADMIN", "grant role READER to role SYSADMIN",
    "grant role NOBODY to role SYSADMIN",
    "create warehouse CHURN_WH warehouse_size = 'XSMALL'",
    "create database CHURN", f"create schema {SCHEMA}",
    *(
        f"grant usage on {thing} to role {role}"
        for role in (ENGINEER, "READER")
        for thing in ("database CHURN", f"schema {SCHEMA}", "warehouse CHURN_WH")
    ),
    "grant create table, create view, create dynamic table, create stream, create procedure,"
    f" create function, create stage, create task, create streamlit on schema {SCHEMA} to role"
    " DATA_ENGINEER",
    "grant execute task on account to role DATA_ENGINEER",
    "grant execute managed task on account to role DATA_ENGINEER",
)  # fmt: skip
DYNAMIC = (
    "dynamic table CHURN.PIPELINE.numbers {} target_lag = '1 minute' warehouse = CHURN_WH"
    " refresh_mode = INCREMENTAL {} as (select n from CHURN.PIPELINE.base)"
)
BODY = "returns varchar language sql as $$ begin return 'done'; end; $$"
# Kind → how it is named in a grant, its statement with places for COPY GRANTS, and a privilege.
REPLACED = {
    "table": ("table CHURN.PIPELINE.t", "table CHURN.PIPELINE.t (n integer) {}", "select"),
    "view": ("view CHURN.PIPELINE.v", "view CHURN.PIPELINE.v {} as select 1 as n", "select"),
    "dynamic table": (
        "dynamic table CHURN.PIPELINE.numbers", DYNAMIC.replace("{}", "", 1), "select"),
    "procedure": (
        "procedure CHURN.PIPELINE.p(varchar)", f"procedure CHURN.PIPELINE.p(a string) {{}} {BODY}",
        "usage"),
    "function": (
        "function CHURN.PIPELINE.f()",
        "function CHURN.PIPELINE.f() {} returns integer as $$ 1 $$", "usage"),
    "stream": (
        "stream CHURN.PIPELINE.changes",
        "stream CHURN.PIPELINE.changes {} on dynamic table CHURN.PIPELINE.source", "select"),
}  # fmt: skip
WITHOUT_A_CLAUSE = {
    "task": (
        "task CHURN.PIPELINE.job", "task CHURN.PIPELINE.job as execute immediate $$ begin select 1;"
        " end; $$", "monitor"),
    "streamlit": (
        "streamlit CHURN.PIPELINE.app", "streamlit CHURN.PIPELINE.app from '@x'", "usage"),
}  # fmt: skip


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    with Account(tmp_path_factory.mktemp("standin")) as opened:
        opened.execute(*SET_UP, role=ADMIN)
        opened.execute(
            f"create table {SCHEMA}.base (n integer)",
            "create " + DYNAMIC.format("", "").replace("numbers", "source"),
        )
        yield opened


def refused(account, sql, code, role=ENGINEER, **settings):
    with (
        pytest.raises((ProgrammingError, DatabaseError)) as failed,
        account.connect(role, **settings) as connection,
    ):
        connection.cursor().execute(sql)
    assert failed.value.errno == code, failed.value
    return str(failed.value)


def readers(account, thing):
    frame = account.rows(f"show grants on {thing}")
    return set(zip(frame["privilege"], frame["grantee_name"], strict=True))


@pytest.mark.parametrize(
    "grant",
    [
        f"select on table {SCHEMA}.nowhere to role READER",
        f"select on view {SCHEMA}.nowhere to role READER",
        f"select on dynamic table {SCHEMA}.base to role READER",
        f"usage on procedure {SCHEMA}.nowhere(varchar) to role READER",
        "usage on schema CHURN.NOWHERE to role READER",
        "usage on warehouse NOWHERE_WH to role READER",
        "usage on integration nowhere to role READER",
        "usage on compute pool nowhere to role READER",
        f"usage on streamlit {SCHEMA}.nowhere to role READER",
        f"select on table {SCHEMA}.base to role NOWHERE",
        "role NOWHERE to role READER",
    ],
)
def test_a_grant_on_or_to_what_is_not_there_is_refused(account, grant):
    assert "does not exist or not authorized" in refused(account, f"grant {grant}", 2003, ADMIN)


def test_a_grant_on_a_procedure_needs_the_types_of_its_parameters(account):
    account.execute(f"create or replace procedure {SCHEMA}.typed(a varchar, b varchar) {BODY}")
    account.execute(f"grant usage on procedure {SCHEMA}.typed(varchar, string) to role READER")
    refused(account, f"grant usage on procedure {SCHEMA}.typed(varchar) to role READER", 2003)


def test_a_privilege_that_a_kind_does_not_have_is_refused(account):
    refused(account, f"grant usage on table {SCHEMA}.base to role READER", 3008)


@pytest.mark.parametrize("kind", REPLACED)
def test_a_replace_drops_what_was_granted_unless_it_copies_grants(account, kind):
    thing, statement, privilege = REPLACED[kind]
    granted = (privilege.upper(), "READER")
    account.execute(
        f"create or replace {statement.format('')}", f"grant {privilege} on {thing} to role READER"
    )
    account.execute(f"create or replace {statement.format('copy grants')}")
    assert granted in readers(account, thing)
    if kind in ("table", "view", "dynamic table", "procedure", "function"):
        account.execute(f"create or alter {statement.format('')}")
        assert granted in readers(account, thing)
    account.execute(f"create or replace {statement.format('')}")
    assert granted not in readers(account, thing)


@pytest.mark.parametrize("kind", WITHOUT_A_CLAUSE)
def test_kinds_without_copy_grants_lose_them_with_each_replace(account, kind):
    thing, statement, privilege = WITHOUT_A_CLAUSE[kind]
    account.execute(
        f"create or replace {statement}", f"grant {privilege} on {thing} to role READER",
        f"create or replace {statement}",
    )  # fmt: skip
    assert (privilege.upper(), "READER") not in readers(account, thing)


def test_a_future_grant_is_given_to_what_is_made_later(account):
    account.execute(f"grant select on future views in schema {SCHEMA} to role READER", role=ADMIN)
    account.execute(f"create view {SCHEMA}.later as select 1 as n")
    assert ("SELECT", "READER") in readers(account, f"view {SCHEMA}.later")
    account.execute(
        f"revoke select on future views in schema {SCHEMA} from role READER", role=ADMIN
    )


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        (f"create table {SCHEMA}.mine (n integer)", 3001),
        (f"create or replace table {SCHEMA}.base (n integer)", 3001),
        (f"drop table {SCHEMA}.base", 3001),
        (f"select * from {SCHEMA}.base", 2003),
        (f"insert into {SCHEMA}.base select 1", 2003),
        (f"grant select on table {SCHEMA}.base to role NOBODY", 3001),
        ("create role MINE", 3001),
        ("create warehouse MINE", 3001),
        ("grant execute task on account to role READER", 3001),
        ("create schema CHURN.MINE", 3001),
        (f"alter dynamic table {SCHEMA}.source refresh", 2003),
        (f"create temporary table {SCHEMA}.mine as select * from {SCHEMA}.base", 2003),
    ],
)
def test_what_a_role_was_not_granted_is_refused(account, sql, code):
    refused(account, sql, code, "READER")


def test_a_role_without_usage_sees_no_schema(account):
    account.execute(f"grant select on table {SCHEMA}.base to role NOBODY", role=ADMIN)
    account.execute("grant usage on warehouse CHURN_WH to role NOBODY", role=ADMIN)
    said = refused(account, f"select * from {SCHEMA}.base", 2003, "NOBODY")
    assert "Database 'CHURN'" in said
    frame = account.answers([f"show objects in schema {SCHEMA}"], "READER")[0]
    assert "BASE" not in set(frame["name"])


def test_a_serverless_task_needs_the_right_to_run_managed_tasks(account):
    account.execute("revoke execute managed task on account from role DATA_ENGINEER", role=ADMIN)
    statement = f"create task {SCHEMA}.serverless as execute immediate $$ begin select 1; end; $$"
    try:
        refused(account, statement, 3001)
    finally:
        account.execute("grant execute managed task on account to role DATA_ENGINEER", role=ADMIN)
    account.execute(statement)
    account.execute("revoke execute task on account from role DATA_ENGINEER", role=ADMIN)
    try:
        refused(account, f"alter task {SCHEMA}.serverless resume", 3001)
    finally:
        account.execute("grant execute task on account to role DATA_ENGINEER", role=ADMIN)


def test_work_needs_a_warehouse_that_the_role_may_use(account):
    query = f"select * from {SCHEMA}.base"
    for settings in ({"warehouse": None}, {"warehouse": "NOWHERE_WH"}):
        for sql in (query, f"insert into {SCHEMA}.base select 1",
                    f"create table {SCHEMA}.filled as {query}"):  # fmt: skip
            assert "No active warehouse" in refused(account, sql, 606, **settings)
    with account.connect(warehouse=None) as connection:
        connection.cursor().execute("select 1")
        connection.cursor().execute(f"show tables in schema {SCHEMA}")
        connection.cursor().execute(f"create or replace view {SCHEMA}.of_base as {query}")


def test_a_bare_name_needs_a_current_schema(account):
    create = "create table bare (n integer)"
    assert "current schema" in refused(account, create, 90106, schema=None)
    refused(account, create, 90105, schema=None, database=None)


def test_a_login_with_a_role_that_is_not_there_is_refused(account):
    with pytest.raises(DatabaseError, match="does not exist or not authorized"):
        account.connect("NOWHERE")


def test_a_schema_that_is_not_there_has_no_objects_to_show(account):
    refused(account, "show objects in CHURN.NOWHERE", 2043)


def test_a_function_whose_file_is_on_no_stage_is_refused(account):
    account.execute(f"create stage if not exists {SCHEMA}.code")
    create = (
        f"create function {SCHEMA}.imported() returns varchar language python"
        f" runtime_version = '3.11' handler = 'a.b' imports = ('@{SCHEMA}.code/a.zip')"
    )
    assert "was not found" in refused(account, create, 91016)


def test_a_type_that_only_duckdb_has_is_refused(account):
    refused(account, "select cast('{}' as json)", 2040)


def test_a_table_and_a_view_share_their_names(account):
    refused(account, f"create view {SCHEMA}.base as select 1 as n", 2002)
    assert "not specified type 'VIEW'" in refused(account, f"drop view {SCHEMA}.base", 2203)


def test_ownership_does_not_pass_over_other_roles_grants(account):
    account.execute(
        f"create table {SCHEMA}.owned (n integer)",
        f"grant select on table {SCHEMA}.owned to role READER",
    )
    give = f"grant ownership on table {SCHEMA}.owned to role NOBODY"
    refused(account, give, 3541)
    account.execute(f"{give} copy current grants")
    assert ("SELECT", "READER") in readers(account, f"table {SCHEMA}.owned")


def test_a_task_that_is_executed_runs_its_statements_and_consumes_its_stream(account):
    account.execute(
        f"create table {SCHEMA}.seen (n integer)",
        f"create stream {SCHEMA}.news on dynamic table {SCHEMA}.source",
        f"create task {SCHEMA}.reader when system$stream_has_data('CHURN.PIPELINE.NEWS') as"
        f" execute immediate $$ begin insert into {SCHEMA}.seen select n from {SCHEMA}.news where"
        " metadata$action = 'INSERT'; return 'done'; end; $$",
        f"insert into {SCHEMA}.base values (7)",
        f"alter dynamic table {SCHEMA}.source refresh",
        f"execute task {SCHEMA}.reader", f"execute task {SCHEMA}.reader",
    )  # fmt: skip
    assert account.rows(f"select n from {SCHEMA}.seen")["n"].tolist() == [7]
    assert history(account, "READER") == [("SUCCEEDED", None)] * 2


def test_what_was_suspended_for_too_long_can_only_be_made_again(account):
    account.execute(
        f"create or replace stream {SCHEMA}.late on dynamic table {SCHEMA}.source",
        f"alter dynamic table {SCHEMA}.source suspend", "call standin_wait(14)",
        f"select * from {SCHEMA}.late",
    )  # fmt: skip
    refresh = f"alter dynamic table {SCHEMA}.source refresh"
    assert "Time travel data is not available" in refused(account, refresh, 707)
    account.execute("call standin_wait(15)")
    refused(account, f"select * from {SCHEMA}.late", 707)
    account.execute(
        "create or replace " + DYNAMIC.format("", "").replace("numbers", "source"), refresh,
        f"create or replace stream {SCHEMA}.late on dynamic table {SCHEMA}.source",
        f"select * from {SCHEMA}.late",
    )  # fmt: skip


def test_a_task_that_fails_says_so_in_its_history(account):
    account.execute(
        f"create task {SCHEMA}.failing as execute immediate $$ begin select * from"
        f" {SCHEMA}.nowhere; end; $$", f"execute task {SCHEMA}.failing",
    )  # fmt: skip
    [(state, error)] = history(account, "FAILING")
    assert state == "FAILED"
    assert "NOWHERE" in error.upper()


def history(account, name):
    frame = account.rows(
        "select state, error_message from table(CHURN.information_schema.task_history())"
        f" where name = '{name}'"
    )
    return [tuple(row) for row in json.loads(frame.to_json(orient="values"))]


def test_two_dashes_in_a_text_begin_no_comment():
    sent = "select 'Ann''s -- text' as said, -- it's a comment\n 2 as n /* 'and another' */;"
    assert one_line(sent) == "select 'Ann''s -- text' as said, 2 as n"
