"""The table of costs in docs/snowflake.md is the arithmetic over what the project deploys."""

import json

import pytest

from benchmarks import snowflake_costs
from benchmarks.snowflake_costs import BUSINESSES, Deployed, Task
from tests.dbt import PROJECT, render
from tests.documented import Table

COSTS = Table("what it costs", PROJECT / "docs" / "snowflake.md")


@pytest.fixture(scope="module")
def project():
    return snowflake_costs.deployed()


def test_the_documented_table_is_what_the_project_costs(project):
    assert COSTS.read() == snowflake_costs.table(project)


def test_the_derived_quota_covers_the_refreshes_of_a_small_business(project):
    credits = dict(snowflake_costs.rows(project))["refreshes, on CHURN_REFRESH_WH"]
    asked = json.loads(render("{{ tojson([refresh_credits(), refresh_quota()]) }}",
                              target="snowflake"))  # fmt: skip
    assert credits[:2] == [0, pytest.approx(asked[0])]
    assert asked[0] < asked[1] == project.settings["quota"]


def test_every_task_that_the_project_deploys_has_its_row(project):
    named = [name for name, _ in snowflake_costs.rows(project)]
    for task in ("process_alerts", "sweep_silent_customers", "advance_alerts", "ask_llm"):
        assert sum(f"`{task}`" in name for name in named) == 1


def test_a_task_with_a_guard_costs_one_statement_while_nothing_happens(project):
    guarded = {task.name for task in project.tasks if task.idle_statements < task.statements}
    assert {"advance_alerts", "sweep_silent_customers", "ask_llm"} <= guarded
    idle = [values[0] for name, values in snowflake_costs.rows(project) if name.startswith("task")]
    assert sum(idle) < 5


def test_a_shorter_lag_costs_more_until_the_warehouse_never_sleeps(project):
    def refreshes(lag):
        other = project._replace(settings=project.settings | {"lag": lag})
        return dict(snowflake_costs.rows(other))["refreshes, on CHURN_REFRESH_WH"][1]

    assert refreshes(1200) == pytest.approx(108)
    assert refreshes(600) == pytest.approx(216)
    assert refreshes(60) == refreshes(120) == 720


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("insert into a select 1", 1),
        ("let due integer := 0;\nselect count(*) into :due from x;\nif (due = 0) then\n"
         " return 'a;b';\nend if;\nbegin\n begin transaction;\n update t set a = 1;\n"
         " merge into b using c;\n commit;\nexception\n when other then\n rollback;\n"
         " raise;\nend", 3),
        ("with a as (select ';' as b) select * from a; delete from c -- ; select 1", 2),
    ],
)  # fmt: skip
def test_statements_are_counted_and_scripting_is_not(body, expected):
    assert snowflake_costs.statements(body) == expected


def test_the_arithmetic_of_a_task_is_runs_times_seconds_times_rate():
    project = Deployed({}, [])
    task = Task("hourly", 3600, 3, 1)
    idle, small, _ = BUSINESSES
    assert snowflake_costs._task_credits(project, task, small) == pytest.approx(
        720 * (1 + 3 * 1) / 3600 * 0.9
    )
    assert snowflake_costs._task_credits(project, task, idle) == pytest.approx(
        720 * (1 + 1 * 0.5) / 3600 * 0.9
    )
