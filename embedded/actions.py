"""What macros may ask of the embedded engine, by name. Each opens the lake for itself."""

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

from embedded.churn_model import check_model
from embedded.database import connect, explain, lake_path
from embedded.due_tables import forget_failures
from embedded.intervals import parse_target_lag
from embedded.lag import remember_what_is_read
from embedded.refresh import refresh
from embedded.registry import tasks
from embedded.streams import place_stream
from embedded.tasks import run_task
from embedded.turns import Turn
from runtime.clock import utc_now
from runtime.errors import EngineError


def check_target_lag(text: str) -> None:
    """Raise EngineError for a target lag that no dynamic table can have."""
    parse_target_lag(text)


def take_turn(_: str) -> None:
    """Have the lake for one model of dbt alone, until end_turn; raises EngineError."""
    try:
        _model_turn(lake_path()).take()
    except OSError as error:
        raise EngineError(explain(error)) from error


def end_turn(_: str) -> None:
    """Let the other writers go on; without a turn this does nothing."""
    _model_turn(lake_path()).end()


@cache
def _model_turn(lake: Path) -> Turn:
    return Turn(lake)


def refresh_dynamic_table(name: str) -> None:
    """Bring one dynamic table and those it reads up to date; one that was suspended goes on."""
    with connect() as connection:
        remember_what_is_read(connection)
        refresh(connection, [name])
        forget_failures(connection, name)


def place_stream_view(name: str) -> None:
    """Create a registered stream's view at its offset."""
    with connect() as connection:
        place_stream(connection, name)


def execute_task(name: str) -> None:
    """Run one task now, whether it is suspended or not; raises EngineError when it fails.

    A command is waited for.
    """
    with connect() as connection:
        task = tasks(connection).get(name.lower())
        if task is None:
            known = ", ".join(tasks(connection)) or "none yet: run 'dbt build' first"
            raise EngineError(f"there is no task {name}; the tasks are {known}")
        run = run_task(connection, task, utc_now())
    if run is None:
        sys.stdout.write(f"task {name}: its query returns no row, there is nothing to do\n")
        return
    if run.error is not None:
        raise EngineError(f"task {name} failed: {run.error}")
    sys.stdout.write(f"task {run.name} succeeded in {run.seconds:.2f} s\n")


def check_trained_version(version: str) -> None:
    """Raise EngineError when a trained version's artefact cannot serve here."""
    with connect() as connection:
        check_model(connection, version)


ACTIONS: dict[str, Callable[[str], None]] = {
    "check_target_lag": check_target_lag,
    "take_turn": take_turn,
    "end_turn": end_turn,
    "refresh_dynamic_table": refresh_dynamic_table,
    "place_stream": place_stream_view,
    "execute_task": execute_task,
    "check_model": check_trained_version,
}
