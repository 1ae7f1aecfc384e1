"""The project on the stand-in: deployed, again with events, operated, and with a changed query.

All of it once for all tests of a run: dbt is started four times.
"""

import json
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path

import pytest

from embedded.engine.registry import tasks
from outreach.pack import pack
from tests.conftest import Pipeline
from tests.dbt import PROJECT, EmptyPipelines, run_dbt
from tests.rights import roles
from tests.snowflake.events import raw_rows
from tests.snowflake.parity import parity
from tests.snowflake.standin.account import ADMIN, ENGINEER, Account, Statement
from tests.snowflake.visibility import Seen, seen_on_duckdb, views

# The steps of docs/snowflake.md on an empty account, before the first build: as whom, and what.
SETUP = (
    (ADMIN, "create_roles()"),
    (ADMIN, "create_cost_limits(), grant_access()"),
    (ENGINEER, "upload(), create_message_functions()"),
    (ENGINEER, "check_setup()"),
)
# After it: tasks are made suspended, the roles of regions are in a seed, and what is granted on is
# there. The dashboard comes last, because not every account has containers for it.
OPENED = (
    (ENGINEER, "start_new_tasks()"),
    (ADMIN, "create_roles(), grant_access()"),
    (ADMIN, "create_compute_pool(), grant_access()"),
    ("CHURN_APP", "check_setup(), deploy_dashboard()"),
    (ADMIN, "grant_access()"),
)
# What an operator asks for later, in one process of dbt for each role; each prints what it does.
OPERATIONS = (
    (ADMIN, "create_roles(), grant_access(), create_cost_limits(), create_roles(dry_run=true),"
            " drop_access(dry_run=true)"),
    (ENGINEER, "check_setup(), resume_tasks()"),
    (ENGINEER, "suspend_tasks(), resume_tasks(), execute_task('sweep_silent_customers'),"
               " refresh(), show_pipeline(), drop_pipeline(dry_run=true)"),
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
    steps: dict[str, list[Statement]]  # up to the first build, each with what it sent
    first: list[Statement]
    second: list[Statement]
    manifest: dict
    granted: tuple[set[tuple], set[tuple]]  # before and after the second deploy
    asked: dict[str, list[Statement]] = field(default_factory=dict)  # each of OPERATIONS

    @staticmethod
    @contextmanager
    def start(folder: Path, pipelines: EmptyPipelines) -> Iterator["Deployment"]:
        """Deploy to an empty account, fill both engines alike, deploy again."""
        with Account(folder) as account, pytest.MonkeyPatch.context() as patch:
            unprepared, steps = _set_up(account)
            before = len(account.sent())
            account.dbt("build", "-q", "--exclude-resource-type", "test")
            first, manifest = account.sent()[before:], account.manifest()
            steps[f"{ENGINEER}: build"] = first
            for role, calls in OPENED:
                before = len(account.sent())
                ask(account, role, calls)
                steps[_step(role, calls)] = account.sent()[before:]
            granted = _granted(account)
            patch.setenv("CHURN_HOME", str(folder / "home"))
            pipeline = Pipeline(pipelines.copy("all", folder / "home"))
            _fill(pipeline)
            _copy(pipeline, account, manifest, folder)
            before = len(account.sent())
            account.dbt("build", "-q")
            try:
                second = account.sent()[before:]
                yield Deployment(
                    account, pipeline, unprepared, steps, first, second, manifest,
                    (granted, _granted(account)),
                )  # fmt: skip
            finally:
                pipeline.close()

    @cached_property
    def first_day(self) -> list[Statement]:
        """All that was sent to an empty account until everybody may use what was built."""
        return [one for sent in self.steps.values() for one in sent]

    @cached_property
    def script(self) -> dict[str, list[Statement]]:
        """The steps of the first day, to be read."""
        return self.steps

    @cached_property
    def compared(self) -> list[dict]:
        """Both engines compared, before anything is changed."""
        return parity(self)

    @cached_property
    def seen(self) -> tuple[dict[str, Seen], dict[str, Seen]]:
        """What each role sees of each managers' view: on DuckDB, and on the account."""
        queries = [f"select * from {view}" for view in views()]
        self._let_all_roles_ask()
        return (
            {role: seen_on_duckdb(role) for role in roles()},
            {role: dict(zip(views(), self.account.answers(queries, role), strict=True))
             for role in roles()},
        )  # fmt: skip

    @cached_property
    def operations(self) -> tuple[list[Statement], str]:
        """Everything that an operator asks for: what was sent, and what was printed."""
        assert self.compared  # before a task runs
        printed = []
        for role, calls in OPERATIONS:
            before = len(self.account.sent())
            printed.append(ask(self.account, role, calls))
            self.asked[_step(role, calls)] = self.account.sent()[before:]
        return [one for sent in self.asked.values() for one in sent], "".join(printed)

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
        # Of policies only who uses them is given the right to make some.
        self.account.dbt("run-operation", "grant_access", "--vars", CHANGES, role=ADMIN)
        before = len(self.account.sent())
        self.account.dbt("run", "-q", "-s", *OBJECTS, "--vars", CHANGES)
        return self.account.sent()[before:]

    def _let_all_roles_ask(self) -> None:
        """Give every role that the seeds name the rights that an administrator may give it.

        What the views show it must hold for whoever may read them one day.
        """
        statements = []
        for role in sorted({one for asking in roles() for one in asking.split(",")}):
            statements += [f"create role if not exists {role}"] if role != "PUBLIC" else []
            statements += [
                f"grant usage on {thing} to role {role}"
                for thing in ("database CHURN", "schema CHURN.PIPELINE", "warehouse CHURN_WH")
            ]
            statements += [
                f"grant select on view CHURN.PIPELINE.{one} to role {role}" for one in views()
            ]
        self.account.execute(*statements, role=ADMIN)

    def models(self, *materialized: str) -> list[dict]:
        """Return the models of these kinds as dbt describes them, in the order of the flow."""
        return models(self.manifest, *materialized)


def ask(account: Account, role: str, calls: str) -> str:
    """Run operations in one process of dbt, and return what they print."""
    rendered = "".join(f"{{{{ {call} }}}}" for call in re.split(r", (?=\w+\()", calls))
    return account.dbt("compile", "--no-populate-cache", "--inline", rendered, role=role).stdout


def pack_training() -> None:
    """Make target/training.zip, as `make packages` does."""
    (PROJECT / "target").mkdir(exist_ok=True)
    with zipfile.ZipFile(PROJECT / "target" / "training.zip", "w") as packed:
        for file in sorted((PROJECT / "training").rglob("*.py")):
            packed.write(file, file.relative_to(PROJECT))


def _set_up(account: Account) -> tuple[str, dict[str, list[Statement]]]:
    """Do what comes before the first build; return what check_setup says early, and the steps."""
    pack()
    pack_training()
    steps: dict[str, list[Statement]] = {}
    unprepared = ""
    for role, calls in SETUP:
        before = len(account.sent())
        ask(account, role, calls)
        steps[_step(role, calls)] = account.sent()[before:]
        if not unprepared:  # only the roles are there
            unprepared = account.dbt("run-operation", "check_setup", check=False).stdout
    return unprepared, steps


def _step(role: str, calls: str) -> str:
    return f"{role}: {calls.replace('()', '')}"


def _granted(account: Account) -> set[tuple]:
    """Return what each role holds, as SHOW GRANTS says."""
    roles = account.rows("show roles")["name"]
    frames = [account.rows(f"show grants to role {role}") for role in roles]
    return {
        tuple(row)
        for frame in frames
        for row in frame[["privilege", "granted_on", "name", "grantee_name"]].itertuples(
            index=False
        )
    }


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
            relation = f"CHURN.PIPELINE.{node['name'].upper()}"
            account.execute(f"call standin_load('{relation}', '{file}')")
    account.execute(
        *(
            f"alter dynamic table {node['name']} refresh"
            for node in models(manifest, "dynamic_table")
        )
    )
