"""dbt-duckdb's seam: the database file is ours while dbt runs, and macros may have us act."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.flags import get_flags
from dbt_common.exceptions import DbtRuntimeError

from embedded.churn_model import check_model
from embedded.engine.changes import describe_arrivals
from embedded.engine.dbt import let_go_of_connection
from embedded.engine.due_tables import forget_failures, refresh_one
from embedded.engine.intervals import parse_target_lag
from embedded.engine.registry import create_registry, tasks
from embedded.engine.set_aside import try_again
from embedded.engine.statements import Statements
from embedded.engine.storage import Opened, explain
from embedded.engine.streams import place_stream
from embedded.engine.tasks import run_task
from embedded.forgetting import forget_customer, is_all_forgotten
from embedded.functions import load_churn_model
from embedded.session import open_database
from runtime.clock import utc_now
from runtime.errors import EngineError
from runtime.private_files import make_private


class Plugin(BasePlugin):
    """Have the database file before dbt opens it, and keep it until dbt ends."""

    def update_connection_config(self, creds: Any, config: dict[str, Any]) -> None:
        """Wait for the file and open it: dbt's connection then has the project's functions.

        Opening it makes what dbt writes from here on private; what it wrote before is taken from
        others here. Its log and its results quote rows that made a statement fail.
        """
        _or_dbt_error(lambda: open_database().pin())
        flags = get_flags()
        make_private(Path(path) for path in (flags.LOG_PATH, flags.TARGET_PATH or "target"))

    def configure_connection(self, conn: Any) -> None:
        """Create the registry where it is missing, and load the model."""

        def work() -> None:
            create_registry(conn)
            load_churn_model(conn)

        _or_dbt_error(work)

    def store(self, target_config: Any) -> None:
        """Run the action that the macro embedded_action names; nothing is stored."""
        config, name = target_config.config, target_config.relation.identifier

        def work() -> None:
            if config["action"] in ASKED:
                ASKED[config["action"]](config)
                return
            with open_database().session() as opened:
                ACTIONS[config["action"]](opened, name)

        _or_dbt_error(work)


def _or_dbt_error(work: Callable[[], None]) -> None:
    """Do something, with our errors and the disk's as errors of dbt, in one line."""
    try:
        work()
    except (OSError, duckdb.IOException) as error:
        raise DbtRuntimeError(explain(error)) from error
    except EngineError as error:
        raise DbtRuntimeError(str(error)) from error


def _check_target_lag(_: Opened, text: str) -> None:
    """Raise EngineError for a target lag that no dynamic table can have."""
    parse_target_lag(text)


def _refresh_dynamic_table(opened: Opened, name: str) -> None:
    """Bring one dynamic table and those it reads up to date; one that was suspended goes on."""
    statements = Statements(opened)
    refresh_one(statements, name, utc_now())
    describe_arrivals(statements)
    forget_failures(statements, name)


def _place_stream(opened: Opened, name: str) -> None:
    """Create a registered stream's view at its offset."""
    place_stream(Statements(opened), name)


def _execute_task(opened: Opened, name: str) -> None:
    """Run one task now, whether it is suspended or not; raises EngineError when it fails.

    A command is waited for.
    """
    statements = Statements(opened)
    known = tasks(statements.connection)
    if (task := known.get(name.lower())) is None:
        named = ", ".join(known) or "none yet: run 'dbt build' first"
        raise EngineError(f"there is no task {name}; the tasks are {named}")
    run = run_task(statements, task, utc_now())
    if run is None:
        sys.stdout.write(f"task {name}: its query returns no row, there is nothing to do\n")
        return
    if run.error is not None:
        raise EngineError(f"task {name} failed: {run.error}")
    sys.stdout.write(f"task {run.name} succeeded in {run.seconds:.2f} s\n")


def _try_again(opened: Opened, _: str) -> None:
    """Have the keys that were set aside tried again by the next pass."""
    count = try_again(Statements(opened))
    sys.stdout.write(f"{count:,} keys that were set aside are tried again by the next pass\n")


def _check_model(opened: Opened, version: str) -> None:
    """Raise EngineError when a trained version's artefact cannot serve here."""
    check_model(opened.cursor(), version)


def _forget_customer(asked: dict[str, Any]) -> None:
    """Call FORGET_CUSTOMER, and append what it answers to the list that is given for it."""
    given = asked["customer_id"], asked["dry_run"]
    asked["answer"].extend(forget_customer(open_database(), *given))


def _forget_files(_: dict[str, Any]) -> None:
    """Have the letters removed and the file written anew: that is done when it is opened."""
    found = open_database()
    if is_all_forgotten(found.home):
        return
    let_go_of_connection()
    found.close()
    found.pin()
    if not is_all_forgotten(found.home):
        raise EngineError(
            "the customer is forgotten in all tables, but not in the bytes of the files: put right"
            " what the line above says, and run the same again"
        )


# What macros ask for with more than a name, and not within a session.
ASKED: dict[str, Callable[[dict[str, Any]], None]] = {
    "forget_customer": _forget_customer,
    "forget_files": _forget_files,
}
ACTIONS: dict[str, Callable[[Opened, str], None]] = {
    "check_target_lag": _check_target_lag,
    "refresh_dynamic_table": _refresh_dynamic_table,
    "place_stream": _place_stream,
    "execute_task": _execute_task,
    "try_again": _try_again,
    "check_model": _check_model,
}
