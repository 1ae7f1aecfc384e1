"""No statement of either engine can fail because of what a row holds, for everybody else.

Every statement of the project is walked as a syntax tree, with what is known of each value in it:
tests/raising. What may fail is listed with its place; allowed.py says what is allowed, and why.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from embedded.session import connect
from tests.raising import compiled
from tests.raising.allowed import ALLOWED, BOUNDS

ENGINES = ("duckdb", "snowflake")
KINDS = {
    "VARCHAR": "text", "JSON": "json", "DOUBLE": "double", "BOOLEAN": "boolean", "DATE": "date",
    "TIMESTAMP": "moment", "BIGINT": "whole", "INTEGER": "whole", "HUGEINT": "whole",
}  # fmt: skip


def bounds(without=None):
    return {column: one.value for one in BOUNDS if one is not without for column in one.columns}


@pytest.fixture(scope="module")
def pipeline(empty_pipelines, tmp_path_factory):
    path = tmp_path_factory.mktemp("blast") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHURN_HOME", str(empty_pipelines.copy("all", path)))
        yield path


@pytest.fixture(scope="module")
def schema(pipeline):
    with connect() as connection:  # and back again: dbt needs the file for its hooks
        return compiled.schema(connection)


@pytest.fixture(scope="module")
def projects(empty_pipelines, pipeline, schema):
    """All statements of both engines, and what may fail in them."""
    with ThreadPoolExecutor() as side_by_side:
        hooks = {engine: side_by_side.submit(compiled.hooks, engine) for engine in ENGINES}
        manifests = {
            "duckdb": empty_pipelines.manifest("all"),
            "snowflake": empty_pipelines.for_snowflake(),
        }
        found = {}
        for engine, manifest in manifests.items():
            project = compiled.project(engine, manifest, hooks[engine].result(), schema, bounds())
            found[engine] = project, project.faults()
    return found


@pytest.mark.parametrize("engine", ENGINES)
def test_no_statement_can_fail_because_of_a_row(projects, engine):
    wrong = [
        f"{place}: {fault.form}: {fault.why}"
        for place, faults in projects[engine][1].items()
        for fault in faults
        if not any(one.allows(place, fault) for one in ALLOWED)
    ]
    assert wrong == [], "\n".join(wrong)


@pytest.mark.parametrize("allowance", ALLOWED, ids=lambda one: one.form)
def test_an_allowance_is_needed_in_each_of_its_places(projects, allowance):
    for allowed in allowance.places:
        assert any(
            place == allowed and allowance.allows(place, fault)
            for _, found in projects.values()
            for place, faults in found.items()
            for fault in faults
        ), f"{allowed} is no longer in need of it"


@pytest.mark.parametrize("known", BOUNDS, ids=lambda one: one.columns[0])
def test_what_is_said_of_stored_columns_is_needed(projects, known):
    project, faults = projects["duckdb"]  # whose types hold less
    project.bounds = bounds(without=known)
    assert sum(map(len, project.faults().values())) > sum(map(len, faults.values()))


def test_everything_that_is_sent_is_looked_at(projects, schema):
    names = [set(project.names) for project, _ in projects.values()]
    of_snowflake = {"ask_llm", "send_digest", "alert_turn", "llm_answers", "send_warnings"}
    assert names[1] - names[0] == of_snowflake | set(compiled.STEPS)
    # There the task asks, in its own statements.
    assert names[0] - names[1] == {"begin_llm_run", "note_llm_call", "draft_messages"}
    assert {"process_alerts", "move_alerts", "churn_metrics_live", "hook offers"} <= names[0]
    assert len(names[0]) > 80


def test_the_checker_knows_the_types_that_duckdb_knows(projects, schema):
    """Of every column of every view and kept table, from its query alone."""
    project, _ = projects["duckdb"]
    project.bounds = bounds()
    project.faults()
    compared = 0
    for name in project.relations & schema.keys() - {"churn_metrics_stream"}:
        for column, kind in project.kinds(name).items():
            expected = KINDS.get(schema[name][column].split("(")[0], "decimal")
            assert kind in (expected, "null"), (name, column)
            compared += kind == expected
    assert compared > 500
