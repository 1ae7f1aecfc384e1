"""What is beside the pipeline: warnings, notifications, a budget, a dbt project, a semantic view.

All of it on the account that the other tests of this folder have deployed to.
"""

import json
import re
from pathlib import Path

import pytest

from tests.dbt import PROJECT
from tests.snowflake import checks
from tests.snowflake.grammar import everything_parses
from tests.snowflake.standin.account import ADMIN, ENGINEER
from tests.snowflake.standin.scripting import script_of, statements
from tests.snowflake.standin.statements import create_of, one_line

SECRET = "T00000001/B00000002/madeUpForThisTest"  # noqa: S105 - made up
VARIABLES = {"warning_recipients": "ops@example.com", "slack_integration": "churn_slack"}
WARNING = ("run", "-s", "warnings_told", "send_warnings", "--vars")


@pytest.fixture(scope="module")
def account(deployment):
    """The account once all that other tests compare was sent."""
    assert deployment.changed
    return deployment.account


@pytest.fixture(scope="module")
def operations(account):
    """What the run-operations print and send, with people to write to, each as its role."""
    before, said = len(account.sent()), ""
    for role, calls in (
        (ADMIN, ("create_cost_limits", "grant_access", "create_notifications", "create_budget")),
        (ENGINEER, ("create_connector_pipe",)),
    ):
        done = account.dbt(
            "compile", "--log-level", "debug", "--vars", json.dumps(VARIABLES),
            "--inline", "".join(f"{{{{ {call}() }}}}" for call in calls),
            role=role, SLACK_WEBHOOK_SECRET=SECRET,
        )  # fmt: skip
        said += done.stdout + done.stderr
    return account.sent()[before:], said


@pytest.fixture(scope="module")
def warning(account, operations):
    """The alert object, resumed, as it was sent."""
    before = len(account.sent())
    account.dbt(*WARNING, json.dumps(VARIABLES))
    account.dbt("run-operation", "resume_tasks", "--vars", json.dumps(VARIABLES))
    return [one for one in account.sent()[before:] if "alert" in one_line(one.sql)[:40]]


def test_an_alert_object_is_made_suspended_and_resumed_with_the_tasks(warning):
    lines = [one_line(one.sql) for one in warning]
    made = [line for line in lines if line.startswith("create or replace alert")]
    assert len(made) == 1
    assert "warehouse" not in made[0].split("$$")[0]  # serverless
    assert made[0].count("schedule = '60 MINUTE'") == 1
    assert lines[-1] == "alter alert CHURN.PIPELINE.send_warnings resume"
    assert everything_parses(warning, {}) == []
    assert checks.nothing_is_cut_by_the_connector(warning, {}) == []


def test_an_alert_object_is_left_alone_until_it_changes_and_then_runs_again(account, warning):
    for changes, expected in (
        ({}, []),
        ({"warning_recipients": "other@example.com"}, ["create", "alter"]),
        ({}, ["create", "alter"]),
    ):
        before = len(account.sent())
        account.dbt(*WARNING, json.dumps(VARIABLES | changes))
        lines = [one_line(one.sql) for one in account.sent()[before:]]
        about = [line for line in lines if re.match(r"(create or replace|alter) alert", line)]
        assert [line.split()[0] for line in about] == expected
        assert not about or about[-1].endswith("send_warnings resume")


def test_what_is_wrong_is_told_to_everybody_once_a_day(account, warning):
    """The condition and the body that were sent, on the account's own rows."""
    sql = next(one.sql for one in warning if create_of(one.sql))
    condition = re.search(r"if \(exists \((.*?)\)\)\s*then\s*execute immediate", sql, re.S)[1]
    account.execute("delete from warnings_told")
    wrong = account.rows("select warning from pipeline_warnings")["warning"].tolist()
    # Those of the tests are old.
    assert "no new events have reached the dynamic tables for more than 1440 minutes" in wrong
    assert sorted(account.rows(condition)["warning"]) == sorted(wrong)
    told = _run(account, sql)
    assert [json.loads(content)["text/plain"].split("; ") for content, _ in told] == [wrong] * 2
    assert [json.loads(destination) for _, destination in told] == [
        {"churn_mail": {
            "subject": "Churn pipeline CHURN.PIPELINE needs attention",
            "toAddress": ["ops@example.com"],
        }},
        {"churn_slack": {}},
    ]  # fmt: skip
    assert account.rows(condition).empty
    account.execute("update warnings_told set told_at = dateadd('hour', -25, told_at)")
    assert sorted(account.rows(condition)["warning"]) == sorted(wrong)


def _run(account, sql: str) -> list[tuple[str, str]]:
    """Run the body of an alert, statement by statement; return what it sends, and to whom."""
    variables, sent = {}, []
    for statement in statements(script_of(sql)):
        text = statement.text
        for name, value in variables.items():
            text = text.replace(f":{name}", "'" + value.replace("'", "''") + "'")
        if found := re.match(r"call system\$send_snowflake_notification\('(.*)', '(.*)'\)", text):
            sent.append(found.groups())
        elif statement.into:
            variables[statement.into[0]] = account.rows(text).iloc[0, 0]
        else:
            account.execute(text)
    return sent


def test_a_warning_holds_nothing_that_a_message_would_have_to_quote(account):
    for warning in account.rows("select warning from pipeline_warnings")["warning"]:
        assert re.fullmatch(r"[\w ,.]+", warning)


def test_integrations_are_made_before_they_are_named_and_granted_to_who_sends(operations):
    lines = [one_line(one.sql) for one in operations[0]]
    assert everything_parses(operations[0], {}) == []
    for name in ("churn_mail", "churn_slack"):
        made = _place(lines, f"create notification integration if not exists {name}")
        assert made < _place(lines, f"grant usage on integration {name} to role DATA_ENGINEER")
        assert made < _place(lines, f"grant usage on integration {name} to application snowflake")
    slack = lines[_place(lines, "create notification integration if not exists churn_slack")]
    assert "webhook_secret = CHURN.PIPELINE.churn_slack_secret" in slack
    assert _place(lines, "create secret if not exists CHURN.PIPELINE.churn_slack_secret") < (
        lines.index(slack)
    )
    assert "allowed_recipients = ('ops@example.com')" in " ".join(lines)


def test_the_webhooks_secret_reaches_the_account_and_no_log(account, operations):
    sent, said = operations
    holders = [one_line(one.sql).split("'")[0] for one in sent if SECRET in one.sql]
    assert holders == [
        "create secret if not exists CHURN.PIPELINE.churn_slack_secret type = generic_string"
        " secret_string = ",
        "alter secret CHURN.PIPELINE.churn_slack_secret set secret_string = ",
    ]
    assert "secret_string = '***'" in said
    assert SECRET not in said
    files = [*account.folder.glob("target-*/**/*"), *(PROJECT / "logs").glob("*")]
    assert any(file.name == "manifest.json" for file in files)
    assert [file for file in files if file.is_file() and SECRET.encode() in file.read_bytes()] == []


def test_a_secret_of_another_form_stops_the_run_and_is_not_quoted(account):
    stopped = account.dbt(
        "run-operation", "create_notifications", "--vars", json.dumps(VARIABLES),
        role=ADMIN, check=False, SLACK_WEBHOOK_SECRET="https://hooks.slack.com/services/" + SECRET,
    )  # fmt: skip
    assert stopped.returncode != 0
    assert "SLACK_WEBHOOK_SECRET must be what comes after" in stopped.stdout
    assert SECRET not in stopped.stdout


def test_nobody_to_write_to_is_said(account):
    stopped = account.dbt("run-operation", "create_notifications", role=ADMIN, check=False)
    assert "set var digest_recipients or warning_recipients" in stopped.stdout


def test_a_missing_integration_is_missed(account, operations):
    asked = "run-operation", "check_setup", "--vars"
    said = account.dbt(*asked, json.dumps(VARIABLES), check=False).stdout
    assert "notification integration" not in said
    variables = json.dumps(VARIABLES | {"digest_integration": "other_mail"})
    said = account.dbt(*asked, variables, check=False).stdout
    assert (
        "missing: notification integration other_mail is not there, or not for role DATA_ENGINEER:"
        " run create_notifications as ACCOUNTADMIN"
    ) in said


def test_the_budget_covers_the_schema_and_every_warehouse(account, operations):
    lines = [one_line(one.sql) for one in operations[0]]
    budget = "CHURN.PIPELINE.churn_budget"
    made = _place(lines, f"create snowflake.core.budget if not exists {budget}()")
    added = [line for line in lines if f"{budget}!add_resource" in line]
    assert made < lines.index(added[0])
    covered = {tuple(re.findall(r"'(\w+)', '([\w.]+)'", line)[0]) for line in added}
    warehouses = account.rows("show warehouses")["name"]
    assert covered == {
        ("SCHEMA", "CHURN.PIPELINE"), ("COMPUTE_POOL", "CHURN_POOL"),
        *(("WAREHOUSE", one) for one in warehouses),
    }  # fmt: skip
    monitors = re.findall(r"alter resource monitor \w+ set credit_quota = (\d+)", "\n".join(lines))
    assert len(monitors) == len(warehouses)
    limit = lines[_place(lines, f"call {budget}!set_spending_limit")]
    assert int(re.search(r"\((\d+)\)", limit)[1]) == sum(map(int, monitors)) + 50


def test_a_pool_that_is_not_there_is_no_part_of_the_budget(account, operations):
    said = account.dbt(
        "run-operation", "create_budget", role=ADMIN, SNOWFLAKE_COMPUTE_POOL="other_pool"
    ).stdout
    assert "compute pool OTHER_POOL is not there, so it is not part of the budget" in said
    assert "COMPUTE_POOL" not in said


def test_what_an_administrator_has_set_of_an_integration_stays(account, operations):
    account.execute(
        "alter notification integration churn_mail set enabled = false"
        " allowed_recipients = ('admin@example.com', 'ops@example.com')",
        role=ADMIN,
    )
    asked = json.dumps(
        VARIABLES | {"slack_integration": "", "digest_recipients": "new@example.com"}
    )
    for expected in (["'admin@example.com', 'ops@example.com', 'new@example.com'"], []):
        before = len(account.sent())
        said = account.dbt(
            "run-operation", "create_notifications", "--vars", asked, role=ADMIN
        ).stdout
        lines = [one_line(one.sql) for one in account.sent()[before:]]
        changed = [line for line in lines if re.match(r"(create|alter) notification", line)]
        assert changed == [
            f"alter notification integration churn_mail set allowed_recipients = ({listed})"
            for listed in expected
        ]
        assert (
            "churn_mail may also write to admin@example.com, whom no var names: they stay" in said
        )
        assert "churn_mail is disabled, and stays so" in said


def test_an_integration_of_another_kind_is_refused(account, operations):
    asked = json.dumps(
        {"warning_recipients": "ops@example.com", "digest_integration": "churn_slack"}
    )
    before = len(account.sent())
    stopped = account.dbt(
        "run-operation", "create_notifications", "--vars", asked, role=ADMIN, check=False
    )
    assert stopped.returncode != 0
    assert "notification integration churn_slack is of type WEBHOOK, not EMAIL" in stopped.stdout
    lines = [one_line(one.sql) for one in account.sent()[before:]]
    assert not [line for line in lines if re.match(r"create|alter|grant", line)]


def test_the_dbt_project_object_gets_every_file_of_dbt_and_no_profile(account):
    said = account.dbt(
        "run-operation", "create_dbt_project", "--args",
        json.dumps({"folder": str(PROJECT), "dry_run": True}),
    ).stdout  # fmt: skip
    places = {}
    put = r"put 'file://(\S+)' @CHURN.PIPELINE.churn_project(\S*)"
    for pattern, stage in re.findall(put, said):
        found = [*PROJECT.glob(str(Path(pattern).relative_to(PROJECT)))]
        assert found, pattern
        for file in found:
            place = f"{stage}/{file.name}"
            assert places.setdefault(place, file) == file, place
    uploaded = {str(file.relative_to(PROJECT)) for file in places.values()}
    folders = ("models", "python_models", "macros", "seeds", "tests/data")
    wanted = {
        str(file.relative_to(PROJECT))
        for folder in folders
        for file in (PROJECT / folder).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert uploaded == wanted | {"dbt_project.yml"}
    # A model's folder gives it its settings.
    for place, file in places.items():
        if file.is_relative_to(PROJECT / "models"):
            assert place == f"/{file.relative_to(PROJECT)}"
    profile = json.loads(re.search(r"parse_json\('(.*?)'\)", said)[1])
    output = profile["churn_intelligence"]["outputs"]["snowflake"]
    assert (output["schema"], output["role"]) == ("PIPELINE", "DATA_ENGINEER")
    assert not {"password", "token", "private_key_path"} & set(output)
    assert "create or replace dbt project CHURN.PIPELINE.churn_intelligence from" in said


def test_the_task_that_retrains_executes_the_object_that_is_made(account):
    said = account.dbt(
        "compile", "-q", "--vars", "{retrain_schedule: 24 HOURS}", "--inline",
        "{{ create_dbt_task(model_relation('retrain_churn_model'), 'select 1', '1 HOUR', 'run') }}"
        "{{ dbt_project_statements('/srv', '1.11.11') | last }}",
    ).stdout  # fmt: skip
    executed = re.search(r"execute dbt project (\S+)", said)[1]
    assert executed == re.search(r"create or replace dbt project (\S+)", said)[1]


def test_a_dbt_that_snowflake_does_not_run_is_refused_in_words(account):
    asked = "run-operation", "create_dbt_project", "--args", '{"folder": "/srv"}'
    stopped = account.dbt(*asked, "--vars", "{snowflake_dbt_version: 1.11.99}", check=False)
    assert (
        "Snowflake does not run dbt 1.11.99, but 1.10.15, 1.11.11: set var snowflake_dbt_version"
    ) in " ".join(stopped.stdout.split())


def test_the_newest_dbt_that_snowflake_runs_is_taken(account):
    asked = ("compile", "-q", "--inline", "{{ snowflake_dbt_version() }}")
    assert account.dbt(*asked).stdout.strip() == "1.11.11"


def test_the_models_that_a_role_may_start_are_listed(account):
    said = account.dbt("run-operation", "show_llm_models").stdout
    assert "LLAMA3.1-8B | ACTIVE" in said


def test_the_semantic_view_is_made_of_columns_that_managers_have_and_of_no_personal_ones(
    deployment, account
):
    made = [one.sql for one in deployment.first if _kind(one.sql) == "semantic view"]
    assert len(made) == 1
    assert one_line(made[0]).endswith("copy grants")  # a second build keeps who may ask
    tables = dict(re.findall(r"(\w+) as (CHURN\.PIPELINE\.manager_\w+) primary key", made[0]))
    assert set(tables) == {"customers", "alerts"}
    expressions = re.findall(
        r"(\w+)\.(\w+) as (.*?)\s+(?:with synonyms \(.*?\)\s+)?comment =", made[0], re.S
    )
    assert len(expressions) > 20
    for alias, name, expression in expressions:
        account.rows(f"select {expression} as value from {tables[alias]} as {alias} limit 1")
        assert name not in ("name", "email", "subject", "body", "state_reason", "marks")
    keys = re.findall(r"alerts \((\w+)\) references customers \((\w+)\)", made[0])
    assert keys == [("customer_id", "customer_id")]


def test_managers_and_analysts_may_ask_the_semantic_view(deployment):
    lines = [one_line(one.sql) for one in deployment.operations[0]]
    for role in ("CHURN_MANAGER", "MARKETING_ANALYST"):
        assert (
            "grant select, references on semantic view CHURN.PIPELINE.churn_questions"
            f" to role {role}"
        ) in lines


def _kind(sql: str) -> str | None:
    created = create_of(sql)
    return created.kind if created else None


def _place(lines: list[str], start: str) -> int:
    return next(place for place, line in enumerate(lines) if line.startswith(start))
