"""The project on the stand-in: deployed, again with events, operated, and with a changed query.

All of it once for all tests of a run: dbt is started four times.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path

import pytest

from embedded.engine.registry import tasks
from tests.conftest import Pipeline
from tests.dbt import EmptyPipelines, run_dbt
from tests.rights import roles
from tests.snowflake.events import raw_rows
from tests.snowflake.parity import parity
from tests.snowflake.standin.account import Account, Statement
from tests.snowflake.visibility import Seen, seen_on_duckdb, views

# What an operator asks for, in one process of dbt; each prints what it does.
OPERATIONS = (
    "create_roles()", "grant_access()", "create_cost_limits()", "check_setup()",
    "resume_tasks()", "suspend_tasks()", "resume_tasks()", "execute_task('sweep_silent_customers')",
    "refresh()", "show_pipeline()",
    "create_roles(dry_run=true)", "drop_pipeline(dry_run=true)", "drop_access(dry_run=true)",
)  # fmt: skip
# Changes the query of a dynamic table, the bodies of tasks, and the edition.
CHANGES = "{population_min_active_days: 4, stale_after_minutes: 30, snowflake_edition: enterprise}"
OBJECTS = (
    "config.materialized:dynamic_table", "config.materialized:stream", "config.materialized:task",
    "path:models/managers",
)  # fmt: skip


@dataclass
class Deployment:
    """What both engines hold, and what was sent to the account; what it lacked before."""

    account: Account
    pipeline: Pipeline
    unprepared: str
    first: list[Statement]
    second: list[Statement]
    manifest: dict

    @staticmethod
    @contextmanager
    def start(folder: Path, pipelines: EmptyPipelines) -> Iterator["Deployment"]:
        """Deploy, fill both engines alike, deploy again."""
        with Account(folder) as account, pytest.MonkeyPatch.context() as patch:
            unprepared = account.dbt("run-operation", "check_setup", check=False).stdout
            account.dbt("build", "-q", "--exclude-resource-type", "test", "unit_test")
            first, manifest = account.sent(), account.manifest()
            patch.setenv("CHURN_HOME", str(folder / "home"))
            pipeline = Pipeline(pipelines.copy("all", folder / "home"))
            _fill(pipeline)
            _copy(pipeline, account, manifest, folder)
            before = len(account.sent())
            account.dbt("build", "-q", "--exclude-resource-type", "unit_test")
            try:
                second = account.sent()[before:]
                yield Deployment(account, pipeline, unprepared, first, second, manifest)
            finally:
                pipeline.close()

    @cached_property
    def compared(self) -> list[dict]:
        """Both engines compared, before anything is changed."""
        return parity(self)

    @cached_property
    def seen(self) -> tuple[dict[str, Seen], dict[str, Seen]]:
        """What each role sees of each managers' view: on DuckDB, and on the account."""
        queries = [f"select * from {view}" for view in views()]
        return (
            {role: seen_on_duckdb(role) for role in roles()},
            {role: dict(zip(views(), self.account.answers(queries, role), strict=True))
             for role in roles()},
        )  # fmt: skip

    @cached_property
    def operations(self) -> tuple[list[Statement], str]:
        """Everything that an operator asks for: what was sent, and what was printed."""
        calls = "".join(f"{{{{ {operation} }}}}" for operation in OPERATIONS)
        before = len(self.account.sent())
        printed = self.account.dbt("compile", "--inline", calls).stdout
        return self.account.sent()[before:], printed

    @cached_property
    def changed(self) -> list[Statement]:
        """A deploy after the query of a dynamic table has changed, while its tasks run."""
        assert self.operations  # which have resumed the tasks
        assert self.compared
        # No var is part of its query: this is what a changed text of it looks like.
        self.account.execute(
            "update CHURN.PIPELINE.object_definitions set mark = 'of another query'"
            " where name = 'CHURN_METRICS_LIVE'"
        )
        before = len(self.account.sent())
        self.account.dbt("run", "-q", "-s", *OBJECTS, "--vars", CHANGES)
        return self.account.sent()[before:]

    def models(self, *materialized: str) -> list[dict]:
        """Return the models of these kinds as dbt describes them, in the order of the flow."""
        return models(self.manifest, *materialized)


def models(manifest: dict, *materialized: str) -> list[dict]:
    """Return the models of these kinds, each after those that it reads."""
    nodes = {
        key: node
        for key, node in manifest["nodes"].items()
        if node["resource_type"] in ("model", "seed")
    }
    ordered: dict[str, dict] = {}

    def visit(key: str) -> None:
        if key in nodes and key not in ordered:
            for upstream in nodes[key]["depends_on"].get("nodes", []):
                visit(upstream)
            ordered[key] = nodes[key]

    for key in sorted(nodes):
        visit(key)
    return [node for node in ordered.values() if node["config"]["materialized"] in materialized]


def _fill(pipeline: Pipeline) -> None:
    """Load the events, refresh, train, run every task once, and approve what can be approved.

    As of the end of the data.
    """
    frame = raw_rows()
    pipeline.connection.register("raw_events", frame)
    pipeline.connection.execute("insert into churn_scores_raw by name select * from raw_events")
    as_of = frame["loaded_at"].max() + timedelta(minutes=1)
    pipeline.tick(as_of.to_pydatetime())
    run_dbt("run", "-q", "-s", "path:models/training", "path:python_models")
    for task in tasks(pipeline.connection).values():
        if task.schedule:
            done = pipeline.run_task(task, as_of.to_pydatetime())
            assert done.error is None, done
    drafted = pipeline.rows("select alert_id from alert_states where state = 'DRAFTED'")
    wanted = {"alert_ids": json.dumps([one for (one,) in drafted]), "to_state": "APPROVED"}
    answer = pipeline.call("move_alerts", wanted | {"reason": "", "revision": None})
    assert {kind for *_, kind in answer} <= {"held_out"}
    assert pipeline.one("select count(*) from drawn_alerts") == len(drafted) > 0
    pipeline.call("suppress_customer", {"customer_id": "c013", "reason": "Ann has asked for it"})


def _copy(pipeline: Pipeline, account: Account, manifest: dict, folder: Path) -> None:
    """Copy what the loader and the tasks have filled, then refresh the dynamic tables."""
    kept = {name for (name,) in pipeline.rows("select table_name from duckdb_tables()")}
    for node in models(manifest, "incremental"):
        # What training decides, both engines decide by themselves; a lock only Snowflake has.
        if node["language"] == "sql" and node["fqn"][1] != "training" and node["name"] in kept:
            file = folder / f"{node['name']}.parquet"
            pipeline.connection.execute(f"copy (select * from {node['name']}) to '{file}'")
            account.execute(f"call standin_load('{node['name']}', '{file}')")
    account.execute(
        *(
            f"alter dynamic table {node['name']} refresh"
            for node in models(manifest, "dynamic_table")
        )
    )
