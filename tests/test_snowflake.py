"""The Snowflake side without a connection: everything renders, parses and keeps the engine's rules.
What a deploy sends is looked at in tests/snowflake.

What only an account can prove stands in docs/snowflake.md.
"""

import json
import re
import subprocess

import pytest
from sqlfluff.core import Linter

from tests.dbt import OFFLINE, PROJECT, render, run_dbt
from tests.snowflake.deployment import OPENED, SETUP
from tests.snowflake.grammar import GRAMMAR_GAPS

# What a dynamic table cannot refresh incrementally, or what would make it depend on the clock.
FORBIDDEN = (
    r"\bcurrent_(timestamp|date|time)\b",
    r"\b(sysdate|getdate|random|uuid_string|any_value|median)\s*\(",
    r"\b(except|intersect|minus|limit|rollup|cube|unpivot|exists)\b",
    r"(\bin|=|<|>)\s*\(\s*select\b",
)
MACROS = {
    "task": "{{ create_task(api.Relation.create(database='D', schema='S', identifier='T'),"
    " 'select 1', api.Relation.create(database='D', schema='S', identifier='X'), none) }}",
    "scheduled task": "{{ create_task(api.Relation.create(database='D', schema='S',"
    " identifier='T'), 'select 1', none, '60 MINUTES') }}",
    "dbt task": "{{ create_dbt_task(api.Relation.create(database='D', schema='S', identifier='T'),"
    " 'select 1', '24 HOURS', 'run --select x') }}",
    "drop a task": "{{ drop_task(api.Relation.create(database='D', schema='S', identifier='T')) }}",
    "roles": "{{ role_statements(['CHURN_MANAGER_NORTH']) | join(';\n') }}",
    "grants": "{{ (place_statements() + grant_statements([{'name': 'CHURN_MANAGER_NORTH',"
    " 'may_act': true}])) | join(';\n') }}",
    "compute pool": "{{ compute_pool_statements() | join(';\n') }}",
    "dashboard": "{{ dashboard_statements(['CHURN_MANAGER']) | join(';\n') }}",
    "upload": "{{ upload_statements() | join(';\n') }}",
    "stage": "{{ create_stage(api.Relation.create(database='D', schema='S', identifier='X')) }}",
    "predict_churn": "{{ predict_churn_statements('forest.onnx') | join(';\n') }}",
    "generate_retention_email": "{{ generate_retention_email_statement() }}",
    "review_retention_email": "{{ review_retention_email_statement() }}",
    "cost limits": "{{ cost_limit_statements() | join(';\n') }}",
    "drop_pipeline": "{{ drop_statements() | join(';\n') }}",
    "drop_access": "{{ drop_access_statements() | join(';\n') }}",
    "policies": "{{ policy_statements(ref('manager_customers'), ['region', 'name', 'email'])"
    " | join(';\n') }}",
    "show_pipeline": "{{ pipeline_queries().values() | join(';\n') }}",
    "message functions": "{{ message_function_statements()[3:] | join(';\n') }}",
    "problems of policies": "{{ alert_policy_problems(ref('alert_policy')) }};"
    "{{ offer_problems(ref('offers')) }};"
    "{{ sentence_problems(ref('message_sentences')) }};"
    "{{ policy_offer_problems(ref('alert_policy'), ref('offers')) }};"
    "{{ manager_region_problems(ref('manager_regions')) }};"
    "{{ dashboard_user_problems(ref('dashboard_users')) }}",
    "procedure": "{{ create_procedure(api.Relation.create(database='D', schema='S',"
    " identifier='P'), 'select 1; select 2 as a, 3 as b', ['x', 'y'], ['a', 'b']) }}",
    "resume": "{{ set_task(api.Relation.create(database='D', schema='S', identifier='T'),"
    " 'resume') }}",
    "model card": "{{ model_card_statements('@churn_models/v.md') | join(';\n') }}",
    "resume a dynamic table": "{{ resume_dynamic_table(api.Relation.create(database='D',"
    " schema='S', identifier='X')) }}",
}


@pytest.fixture(scope="module")
def compiled(empty_pipelines):
    """Every model as it would be sent to Snowflake, by name."""
    nodes = empty_pipelines.for_snowflake()["nodes"].values()
    return {
        node["name"]: node["compiled_code"]
        for node in nodes
        if node["resource_type"] == "model" and node["language"] == "sql"
    }


def violations(sql: str) -> list[str]:
    return [str(one) for one in Linter(dialect="snowflake").parse_string(sql).violations]


def test_every_model_renders_without_a_connection(compiled):
    files = (PROJECT / "models").rglob("*.sql")
    # What only the laptop needs, whoever asks an LLM there, says so.
    only = "enabled=target.type == 'duckdb'"
    models = {file.stem for file in files if only not in file.read_text()}
    assert set(compiled) == models
    assert not [name for name, sql in compiled.items() if not sql.strip()]


def test_dynamic_tables_keep_to_what_refreshes_incrementally(compiled):
    names = {file.stem for file in (PROJECT / "models" / "metrics").glob("*.sql")}
    assert "churn_metrics_live" in names
    for name in names:
        sql = re.sub(r"--.*|/\*.*?\*/", "", compiled[name]).lower()
        for pattern in FORBIDDEN:
            assert not re.search(pattern, sql), (name, pattern)
        reads = set(re.findall(r"churn\.main\.(\w+)", sql))
        assert reads <= names | {"churn_scores_raw"}, (name, reads)


@pytest.fixture(scope="module")
def objects(tmp_path_factory):
    """The statements for what dbt lacks, by name, rendered in one go."""
    separator = "-- next object --"
    rendered = run_dbt(
        "compile", "-q", *OFFLINE, "--target-path", str(tmp_path_factory.mktemp("objects")),
        "--inline", f"\n{separator}\n".join(MACROS.values()), target="snowflake",
    ).stdout  # fmt: skip
    return dict(zip(MACROS, rendered.split(separator), strict=True))


@pytest.mark.parametrize("name", MACROS)
def test_every_object_that_dbt_lacks_renders_and_parses(objects, name):
    rendered = objects[name].strip()
    assert rendered
    if name == "dbt task":
        assert "execute dbt project D.S.churn_intelligence" in rendered
        assert "warehouse = CHURN_WH" in rendered  # a serverless task may not
    elif name.endswith("task") and name != "drop a task":
        assert "$$" in rendered
        assert "target_completion_interval" in rendered
    if name == "predict_churn":
        compile(rendered.split("$$")[1], "predict_churn", "exec")
        assert rendered.count(" float") >= 29
    known = "|".join(GRAMMAR_GAPS)
    for statement in rendered.split(";\n") if "$$" not in rendered else [rendered]:
        if not re.match(known, re.sub(r"\s+", " ", statement.strip()), re.I):
            assert violations(statement) == []


def test_cortex_is_asked_with_the_prompt_and_the_form_that_every_provider_is_asked_with(objects):
    """The prompt is an argument: a column of MESSAGE_SETTINGS. The form is a constant there."""
    for name, parameter, schema in (
        ("generate_retention_email", "reasons", "message_schema"),
        ("review_retention_email", "letter", "review_schema"),
    ):
        statement = " ".join(objects[name].split())
        assert f"prompt => prompt || ' ' || {parameter}" in statement
        form = re.search(
            r"response_format => \{'type': 'json', 'schema': (\{.*?\})\}, show", statement
        )
        assert json.loads(form[1].replace("'", '"')) == json.loads(
            render(f"{{{{ tojson({schema}()) }}}}")
        )


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, [100, 1440, 270]),
        ({"snowflake_target_lag": "1 minute"}, [10, 1440, 900]),
        ({"snowflake_target_lag": "1 hour", "snowflake_refresh_size": "MEDIUM"}, [600, 1440, 180]),
        ({"stale_after_minutes": 30, "monthly_credit_quota": 216}, [30, 1440, 216]),
        ({"stale_after_minutes": 3000}, [3000, 3000, 270]),
        ({"quiet_after_minutes": 4320}, [100, 4320, 270]),
    ],
)
def test_staleness_and_quota_follow_from_the_lag(variables, expected):
    asked = "{{ tojson([stale_after_minutes(), quiet_after_minutes(), refresh_quota()]) }}"
    answer = render(asked, "--vars", json.dumps(variables), target="snowflake")
    assert json.loads(answer) == expected


def test_staleness_and_quota_that_contradict_the_lag_are_refused_in_words():
    variables = json.dumps(
        {"stale_after_minutes": 19, "quiet_after_minutes": 18, "monthly_credit_quota": 215}
    )
    done = run_dbt(
        "--no-write-json", "compile", *OFFLINE, "--inline", "select 1", "--vars", variables,
        target="snowflake", check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert (
        "var 'stale_after_minutes' must be derived or at least 20, not '19': data that is two"
        " target lags old (10 minutes each) is not stale"
    ) in done.stdout
    assert (
        "var 'quiet_after_minutes' must be derived or at least 19, not '18': from that age on data"
        " is too old to be scored (stale_after_minutes)"
    ) in done.stdout
    assert (
        "var 'monthly_credit_quota' must be derived or at least 216, not '215': that is what"
        " refreshes on XSMALL take at a lag of 10 minutes; or raise snowflake_target_lag"
    ) in done.stdout


def test_one_warehouse_for_all_needs_a_quota_for_all(monkeypatch):
    asked = "{{ contradicting_cost_vars() | join(' ') }}"
    assert render(asked, target="snowflake").strip() == ""
    monkeypatch.setenv("SNOWFLAKE_REFRESH_WAREHOUSE", "CHURN_WH")
    answer = render(asked, target="snowflake")
    assert "var 'monthly_credit_quota_queries' must be at least 216" in answer
    assert "run on CHURN_WH too" in answer


def test_on_the_laptop_data_is_stale_after_ten_minutes_whatever_the_lag_on_snowflake():
    assert render("{{ stale_after_minutes() }}", "--vars", "snowflake_target_lag: 1 day") == "10\n"


def test_the_whole_bill_is_shown_in_one_place():
    """This project's warehouses, tasks and pool, and all services of the account by their type."""
    shown = render("{{ pipeline_queries().values() | join(' ') }}", target="snowflake")
    asked = set(re.findall(r"account_usage\.(\w+)", shown))
    assert asked == {
        "warehouse_metering_history", "serverless_task_history", "metering_history",
        "cortex_ai_functions_usage_history", "snowpark_container_services_history",
    }  # fmt: skip
    assert "compute_pool_name = 'CHURN_POOL'" in shown
    assert "group by service_type" in shown


def test_commands_in_sentences_are_those_of_snowflake(compiled):
    said = compiled["scoring_status"]
    commands = (
        "load FILE --into snowflake)", "execute_task --args ''{name: sweep_silent_customers}''"
    )  # fmt: skip
    assert all(command in said for command in commands)
    assert "load FILE)" not in said


def test_each_task_is_asked_for_its_own_runs_of_less_than_seven_days(compiled):
    """The history refuses seven days and a moment, and gives 10,000 runs of all it is asked."""
    asked = re.findall(r"task_name => '(\w+)'", compiled["task_runs"])
    assert {"PROCESS_ALERTS", "SWEEP_SILENT_CUSTOMERS"} <= set(asked)
    window = "dateadd('minute', -10020, current_timestamp())"
    assert compiled["task_runs"].count(window) == len(asked)
    assert "'day'" not in compiled["task_runs"]


def test_the_digest_is_a_variable_because_a_procedure_takes_no_query(compiled):
    text = " ".join(compiled["send_digest"].split())
    assert text.startswith("let digest varchar := ( select")
    call = text[text.index("call system$send_email") :]
    assert ":digest" in call
    assert "select" not in call


def test_grants_that_not_every_account_has_come_last_and_only_where_they_are_used():
    def granted(variables):
        asked = "{{ grant_statements([], false) | join(';') }}"
        return [
            one.strip() for one in render(asked, "--vars", variables, target="snowflake").split(";")
        ]

    plain = granted("{snowflake_edition: standard}")
    semantic = [one for one in plain if "semantic view" in one]
    assert plain[-len(semantic) :] == semantic
    assert not [
        one
        for one in plain
        if re.search("policy|dbt project|(create|execute).* alert|cortex|ai func", one)
    ]
    more = granted(
        "{snowflake_edition: enterprise, retrain_schedule: 24 HOURS, email_provider: cortex,"
        " warning_recipients: a@example.com}"
    )
    needed = plain[: -len(semantic)]
    assert more[: len(needed)] == needed
    schema = "on schema CHURN.MAIN to role DATA_ENGINEER"
    assert set(more) - set(plain) == {
        *(f"grant create {kind} {schema}"
          for kind in ("row access policy", "masking policy", "dbt project", "alert")),
        *(f"grant {privilege} on account to role DATA_ENGINEER"
          for privilege in ("execute alert", "execute managed alert", "use ai functions")),
        "grant database role snowflake.cortex_user to role DATA_ENGINEER",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("operation", "arguments", "sentence"),
    [
        ("create_dbt_project", "{folder: here}", "needs the whole path of the project folder, not"),
        ("drop_pipeline", "{}", "say --args '{confirm: CHURN.MAIN}'"),
        ("create_notifications", "{}", "set var digest_recipients or warning_recipients"),
        ("execute_task", "{name: sweep}", "there is no task 'sweep': the tasks are"),
    ],
)
def test_an_operation_that_is_asked_for_wrongly_says_so_without_an_account(
    operation, arguments, sentence
):
    done = run_dbt(
        "--no-write-json", "run-operation", operation, "--args", arguments,
        target="snowflake", check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert sentence in done.stdout


def test_a_dry_run_needs_no_account():
    """Each operation that sends statements of its own, with the folder and vars that it needs."""
    operations = {
        found[1]
        for file in (PROJECT / "macros").rglob("*.sql")
        for found in re.finditer(r"macro (\w+)\([^)]*dry_run=false\) %}", file.read_text())
        if "__" not in found[1]
    } - {"run_statements", "snowflake_dbt_version"}  # which operations call
    operations.remove("forget_customer")  # which asks the database what there is
    assert {"create_roles", "create_budget", "start_new_tasks", "upload"} <= operations
    folder = {"create_dbt_project": "'/srv', "}
    calls = [f"{{{{ {name}({folder.get(name, '')}dry_run=true) }}}}" for name in sorted(operations)]
    done = run_dbt(
        "--no-write-json", "compile", *OFFLINE, "--inline", "".join(calls),
        "--vars", "{warning_recipients: a@example.com, slack_integration: churn_slack}",
        target="snowflake",
    )  # fmt: skip
    for name in operations:
        assert re.search(rf"-- {name}, as DATA_ENGINEER", done.stdout), name


def test_dbt_warns_of_nothing_in_the_project(tmp_path):
    for target in ("snowflake", "duckdb"):
        said = run_dbt(
            "parse", "--no-partial-parse", "--show-all-deprecations",
            "--target-path", str(tmp_path / target), target=target,
        ).stdout  # fmt: skip
        assert "WARNING" not in said


def test_a_deploy_takes_vars_and_does_what_the_stand_in_is_given():
    """The steps of `make deploy` are those that tests/snowflake does as the first day."""
    variables = "{snowflake_target_lag: 5 minutes}"
    planned = subprocess.run(
        ["make", "-n", "deploy", f"VARS={variables}"],
        cwd=PROJECT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    steps = re.findall(
        r"for operation in ([\w ]+); do DBT_TARGET=snowflake SNOWFLAKE_ROLE=(\w+)", planned
    )
    done = [(role, name) for names, role in steps for name in names.split()]
    assert done == [
        (role, name) for role, calls in (*SETUP, *OPENED) for name in re.findall(r"(\w+)\(", calls)
    ]
    lines = [line for line in planned.splitlines() if re.search(r"bin/dbt (run-op|build)", line)]
    assert len(lines) > 5
    for line in lines:
        assert line.count("bin/dbt ") == line.count(f"--vars '{variables}'"), line
