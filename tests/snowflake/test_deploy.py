"""What a first and a second deploy send to an account, and what they must never send."""

import re

import pandas
import pytest

from tests.snowflake import checks
from tests.snowflake.deployment import CHANGES
from tests.snowflake.grammar import everything_parses
from tests.snowflake.heads import expected, heads
from tests.snowflake.mutations import MUTATIONS, WHOLE
from tests.snowflake.parity import comparable
from tests.snowflake.replay import the_account_accepts
from tests.snowflake.settings import nothing_depends_on_settings
from tests.snowflake.standin.account import ADMIN, Statement
from tests.snowflake.standin.statements import create_of, creates, one_line

CREATES = ("dynamic table", "stream", "task")


ALWAYS = (*checks.ALWAYS, nothing_depends_on_settings)


@pytest.mark.parametrize("check", ALWAYS, ids=lambda check: check.__name__)
def test_what_is_sent_keeps_the_rules(deployment, check):
    assert check(deployment.first_day + deployment.second, deployment.manifest) == []


def test_the_last_dynamic_tables_have_a_lag(deployment):
    assert checks.last_dynamic_tables_have_a_lag(deployment.first, deployment.manifest) == []


def test_everything_that_is_sent_is_snowflakes_grammar(deployment):
    assert everything_parses(deployment.first + deployment.second, deployment.manifest) == []


def test_every_object_is_made_after_what_it_reads(deployment):
    order = {}
    for place, statement in enumerate(deployment.first):
        order.setdefault(statement.node, place)
    nodes = deployment.manifest["nodes"]
    sent = [key for key in order if key in nodes and nodes[key]["resource_type"] == "model"]
    assert len(sent) > 25
    for key in sent:
        for upstream in nodes[key]["depends_on"]["nodes"]:
            if upstream in order:
                assert order[upstream] < order[key], (upstream, key)


def test_a_second_deploy_makes_no_dynamic_table_stream_or_task_again(deployment):
    kinds = [found.kind for one in deployment.first if (found := create_of(one.sql))]
    assert all(kinds.count(kind) >= 1 for kind in CREATES)
    again = [one_line(one.sql)[:60] for one in deployment.second if creates(one.sql, CREATES)]
    assert again == []
    loaded = {node["alias"] for node in deployment.models("incremental")}
    replaced = [
        found[1]
        for one in deployment.second
        if (
            found := re.match(r"create or replace (?:transient )?table \S+\.(\w+)", one.sql.strip())
        )
    ]
    assert not loaded & set(replaced)


def test_an_empty_account_accepts_every_statement_of_the_first_day(deployment):
    """In the documented order, each step as the role that it is documented for."""
    assert the_account_accepts(deployment.first_day, deployment.manifest) == []
    assert {one.role for one in deployment.first_day} == {
        "ACCOUNTADMIN", "DATA_ENGINEER", "CHURN_APP"
    }  # fmt: skip
    assert {one.role for one in deployment.first} == {"DATA_ENGINEER"}


def test_a_second_deploy_leaves_every_grant_as_it_was(deployment):
    before, after = deployment.granted
    assert ("USAGE", "PROCEDURE", "CHURN_MANAGER") in {(*one[:2], one[3]) for one in before}
    assert ("SELECT", "VIEW", "MARKETING_ANALYST") in {(*one[:2], one[3]) for one in before}
    assert before - after == set()


def test_no_two_bodies_write_a_table_of_alerts_at_once(deployment):
    assert checks.writers_take_turns(deployment.first, deployment.manifest) == []


def test_every_model_leaves_a_statement_of_its_kind(deployment):
    """What vars switch off leaves a DROP: tasks by their schedule, functions by their statement."""
    made = {(found.kind, found.name) for one in deployment.first if (found := create_of(one.sql))}
    lines = [one_line(one.sql).lower() for one in deployment.first]
    for model_kind in ("dynamic_table", "stream", "task", "function", "stage"):
        kind = model_kind.replace("_", " ")
        for node in deployment.models(model_kind):
            is_off = node["config"]["meta"].get("schedule") == "off" or (
                node["compiled_code"].strip().startswith("drop function")
            )
            assert ((kind, node["alias"].upper()) in made) != is_off, node["name"]
            drop = f"drop {kind} if exists {node['relation_name'] or ''}".lower()
            dropped = [line for line in lines if line.startswith(drop)]
            assert bool(dropped) == is_off, node["name"]


def test_both_engines_hold_the_same_rows(deployment):
    """Every model that both can run, on the same events: floats to 1e-9."""
    compared = deployment.compared
    print(pandas.DataFrame(compared).to_string(index=False))
    assert [row for row in compared if row["differences"]] == []
    assert len(compared) == len(comparable(deployment)) > 20
    with_rows = {row["model"] for row in compared if row["rows"]}
    for kind in ("dynamic_table", "table"):
        assert {node["name"] for node in deployment.models(kind)} <= with_rows
    assert {"train_churn_model", "manager_risk_queue", "manager_messages"} <= with_rows


def test_operations_keep_the_rules_too(deployment):
    sent, _ = deployment.operations
    for check in (*ALWAYS, everything_parses, checks.running_tasks_run_again):
        assert check(sent, deployment.manifest) == [], check.__name__


def test_operations_say_what_they_do(deployment):
    sent, printed = deployment.operations
    lines = [one_line(one.sql) for one in sent]
    assert lines.count("create role if not exists CHURN_APP") == 1  # a dry run sends nothing
    assert printed.count("create role if not exists CHURN_APP") == 2
    assert not [line for line in lines if line.startswith("drop ")]
    assert "drop task if exists CHURN.PIPELINE.process_alerts" in printed
    assert re.search(r"last training: version \| status\n.* forest-\S+ \| trained", printed)
    order = [line.split(".")[-1] for line in lines if line.startswith("alter task")]
    names = [
        node["alias"]
        for node in deployment.models("task")
        if node["config"]["meta"].get("schedule") != "off"
    ]
    resumed = [entry.split()[0] for entry in order[: len(names)]]
    suspended = [entry.split()[0] for entry in order[len(names) : 2 * len(names)]]
    assert sorted(resumed) == sorted(names)
    assert suspended == resumed[::-1]
    assert suspended[0] == "process_alerts"  # what a stream triggers goes first
    refreshed = [line.split()[3].split(".")[-1] for line in lines if line.endswith(" refresh")]
    assert sorted(refreshed) == sorted(node["alias"] for node in deployment.models("dynamic_table"))
    assert refreshed.index("customer_events") < refreshed.index("churn_metrics_live")


def test_setup_is_checked_in_words(deployment):
    """With the roles alone, after grants and limits, and with what the account does not offer."""
    assert {line.partition("missing: ")[2] for line in deployment.unprepared.splitlines()} >= {
        "schema CHURN.PIPELINE is not there, or not for role DATA_ENGINEER: run grant_access as"
        " ACCOUNTADMIN; then check again, for there is more to ask",
        *(f"warehouse {name} is not there, or not for role DATA_ENGINEER: run create_cost_limits,"
          " then grant_access"
          for name in ("CHURN_WH", "CHURN_REFRESH_WH", "CHURN_INITIALIZATION_WH")),
    }  # fmt: skip
    assert deployment.changed  # after which DATA_ENGINEER may make policies
    assert "check_setup: nothing is missing" in deployment.operations[1]
    variables = (
        "{snowflake_refresh_size: LARGE, cortex_model: mistral-7b, email_provider: cortex,"
        " snowflake_edition: enterprise,"
        " snowflake_scoring_packages: [pandas==9.9.9, onnxruntime==1.20.1]}"
    )
    owner = "grant ownership on table churn_scores_raw to role {} copy current grants"
    deployment.account.execute(owner.format("CHURN_LOADER"))
    try:
        wrong = deployment.account.dbt(
            "run-operation", "check_setup", "--vars", variables, check=False
        )
    finally:
        deployment.account.execute(owner.format("DATA_ENGINEER"), role=ADMIN)
    assert wrong.returncode != 0
    said = [line.partition("missing: ")[2] for line in wrong.stdout.splitlines()]
    assert [sentence for sentence in said if sentence] == [
        "role DATA_ENGINEER may not use ai functions on the account: run grant_access as"
        " ACCOUNTADMIN",
        "warehouse CHURN_REFRESH_WH is XSMALL, not LARGE: run create_cost_limits",
        "model mistral-7b is legacy: set var cortex_model to one that is not",
        "package pandas==9.9.9 is not in the account: change its version, or accept the terms of"
        " the Anaconda channel",
        "table CHURN_SCORES_RAW does not track changes, and DATA_ENGINEER does not own it: alter"
        " table CHURN_SCORES_RAW set change_tracking = true",
    ]


def test_a_build_without_the_message_functions_says_how_to_make_them(deployment):
    assert deployment.changed  # which is compared with what was sent before
    account = deployment.account
    account.execute("drop function if exists CHURN.PIPELINE.mail_address(varchar)")
    try:
        done = account.dbt("run", "-s", "customer_policies", check=False)
    finally:
        account.execute("create function CHURN.PIPELINE.mail_address(address varchar)")
    assert done.returncode != 0
    assert (
        "function MAIL_ADDRESS is not in CHURN.PIPELINE: run make packages && dbt run-operation"
        " create_message_functions"
    ) in " ".join(done.stdout.split())


def test_dropping_the_pipeline_leaves_nothing_of_it(deployment):
    _, printed = deployment.operations
    dropped = set(re.findall(r"drop ([a-z ]+) if exists \S+?\.(\w+)[;(\s]", printed))
    made = {
        (found.kind, found.name.lower())
        for one in deployment.first + deployment.second
        if (found := create_of(one.sql)) and found.kind not in ("role", "warehouse")
    }
    assert made > {("task", "process_alerts"), ("procedure", "move_alerts")}
    assert {one for one in made if "policy" not in one[0]} <= {
        (kind, name.lower()) for kind, name in dropped
    }
    pattern = r"create (or replace )?(transient )?table (if not exists )?\S+\.(?P<name>\w+)"
    found = (re.match(pattern, one.sql.strip(), re.I) for one in deployment.first)
    tables = {one["name"].lower() for one in found if one}
    assert "alert_turn" in tables
    assert tables <= {name.lower() for kind, name in dropped if kind == "table"}


def test_a_task_that_is_executed_runs_every_statement_of_its_body(deployment):
    assert deployment.operations
    history = deployment.account.rows(
        "select name, state, error_message from table(CHURN.information_schema.task_history())"
    )
    assert set(history["name"]) == {"SWEEP_SILENT_CUSTOMERS"}
    assert set(history["state"]) == {"SUCCEEDED"}, history.to_string()


def test_a_new_stream_is_caught_up_once_when_its_task_is_resumed(deployment):
    caught_up = "'CHURN_METRICS_STREAM' as name, 'caught up' as mark"
    for sent, times, executed in (
        (deployment.first_day, 1, 1),  # when the new tasks are started
        (deployment.operations[0], 0, 1),  # because the operator said so
    ):
        lines = [one_line(one.sql) for one in sent]
        assert sum(caught_up in line for line in lines) == times
        assert len([line for line in lines if line.startswith("execute task")]) == executed


def test_an_edited_comment_replaces_nothing_and_a_table_made_by_hand_is_replaced(deployment):
    variables = CHANGES if "changed" in vars(deployment) else "{}"  # what was deployed last
    names = ("customer_profile_events", "churn_metrics_stream", "sweep_silent_customers")

    def made() -> list[str]:
        before = len(deployment.account.sent())
        deployment.account.dbt("run", "-q", "-s", *names, "--vars", variables)
        sent = deployment.account.sent()[before:]
        return [found.name for one in sent if (found := create_of(one.sql))]

    deployment.account.execute(
        "comment on dynamic table CHURN.PIPELINE.customer_profile_events is $$Ask Ann$$",
        "alter stream CHURN.PIPELINE.churn_metrics_stream set comment = 'Ask Ann'",
        "alter task CHURN.PIPELINE.sweep_silent_customers set comment = 'Ask Ann'",
    )
    assert made() == []
    deployment.account.execute(
        "create or replace dynamic table CHURN.PIPELINE.customer_profile_events"
        " target_lag = 'DOWNSTREAM' warehouse = CHURN_REFRESH_WH"
        " as (select * from CHURN.PIPELINE.customer_events where 1 = 0)"
    )
    assert made() == ["CUSTOMER_PROFILE_EVENTS"]
    assert made() == []


def test_a_changed_query_replaces_the_table_and_all_that_hangs_on_it(deployment):
    lines = [one_line(one.sql) for one in deployment.changed]
    made = [(found.kind, found.name) for one in deployment.changed if (found := create_of(one.sql))]
    policies = {kind for kind, _ in made if kind.endswith("policy")}
    assert policies == {"row access policy", "masking policy"}
    made = [(kind, name) for kind, name in made if kind not in policies]
    assert made[:3] == [  # the others are unchanged
        ("dynamic table", "CUSTOMER_QUALIFYING_DAYS"),
        ("dynamic table", "CHURN_METRICS_LIVE"),
        ("stream", "CHURN_METRICS_STREAM"),
    ]
    assert {kind for kind, _ in made[3:]} == {"task"}
    table = next(one.sql for one in deployment.changed if creates(one.sql, ("dynamic table",)))
    assert re.search(r"create or replace transient dynamic table .* copy grants", one_line(table))
    assert lines.count("execute task CHURN.PIPELINE.sweep_silent_customers") == 1
    for check in (*ALWAYS, everything_parses, checks.running_tasks_run_again):
        if check is not checks.streams_follow_dynamic_tables:  # the table is in the first deploy
            assert check(deployment.changed, deployment.manifest) == [], check.__name__


def test_what_is_around_the_bodies_is_what_a_person_has_read(deployment):
    everything = deployment.first + deployment.second + deployment.changed
    assert heads(everything) == expected()


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_typical_mistake_is_found(deployment, name):
    check, pattern, replacement = MUTATIONS[name]
    sent = (
        deployment.first_day
        if check in WHOLE
        else (_distinct(deployment.first + deployment.second))
    )
    changed = [one._replace(sql=re.sub(pattern, replacement, one.sql, flags=re.I)) for one in sent]
    assert changed != sent
    touched = [new for old, new in zip(sent, changed, strict=True) if old != new]
    assert check(sent, deployment.manifest) == []
    assert check(changed if check in WHOLE else touched, deployment.manifest)


def test_a_view_under_a_dynamic_table_is_found(deployment):
    nodes = dict(deployment.manifest["nodes"])
    table = next(
        node for node in nodes.values() if node["config"].get("materialized") == "dynamic_table"
    )
    read = checks._relations_under(table, deployment.manifest)[0]
    nodes[read["unique_id"]] = {**read, "config": {**read["config"], "materialized": "view"}}
    assert checks.dynamic_tables_read_what_dbt_never_replaces([], {"nodes": nodes})


@pytest.mark.parametrize(
    ("check", "sql"),
    [
        (checks.policies_lie_on_views_only,
         "alter table CHURN.PIPELINE.customer_profiles modify column name set masking policy p"),
        (checks.policies_lie_on_views_only,
         "alter view CHURN.PIPELINE.churn_scores_raw add row access policy p on (region)"),
        (checks.grants_name_dynamic_tables,
         "grant select on table CHURN.PIPELINE.churn_metrics_live to role CHURN_MANAGER"),
        (checks.running_tasks_run_again,
         "create or replace task CHURN.PIPELINE.process_alerts as select 1"),
        (checks.no_column_stands_in_both_policies,
         "alter view v add row access policy p on (region);"
         "alter view v modify column name set masking policy m using (name, region)"),
    ],
)  # fmt: skip
def test_a_mistake_that_no_deploy_makes_is_found(deployment, check, sql):
    assert check([Statement(one, "") for one in sql.split(";")], deployment.manifest)


def _distinct(statements: list[Statement]) -> list[Statement]:
    return list(dict.fromkeys(statements))
