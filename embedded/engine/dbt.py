"""dbt on the open file, in this process: whoever uses the file meanwhile goes on."""

import threading
from pathlib import Path

from embedded.engine.home import keep_churn_home
from embedded.engine.storage import database
from runtime.errors import EngineError, first_line

PROJECT = Path(__file__).parents[2]

_one_at_a_time = threading.Lock()


def run_dbt(*arguments: str) -> None:
    """Run dbt quietly on the project; raises EngineError with its own words when it fails."""
    from dbt.cli.main import dbtRunner  # it takes a second to import, and few commands need it

    # dbt works in the project's folder, whatever the present one is.
    keep_churn_home()
    with _one_at_a_time, database().pinned():
        try:
            done = dbtRunner().invoke(
                [
                    *("--quiet", "--no-use-colors", "--log-level", "none"),
                    *arguments,
                    *("--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)),
                ]
            )
        finally:
            _close_connection_of_dbt()
    if done.success:
        return
    cause = _cause(done) or f"its arguments are not understood: {' '.join(arguments)}"
    raise EngineError(f"dbt {arguments[0]} failed: {cause} (see logs/dbt.log)")


def is_at_work() -> bool:
    """Tell whether dbt runs in a thread of this process."""
    return _one_at_a_time.locked()


def let_go_of_connection() -> None:
    """Close the connection of dbt while it goes on; it opens another one when it needs one."""
    from dbt.adapters.contracts.connection import ConnectionState, LazyHandle
    from dbt.adapters.factory import FACTORY

    manager = FACTORY.adapters["duckdb"].connections
    connection = manager.get_if_exists()
    if connection is not None and connection.state == ConnectionState.OPEN:
        connection.handle.close()
        connection.handle = LazyHandle(manager.open)
        connection.state, connection.transaction_open = ConnectionState.INIT, False
    with manager._LOCK:
        if manager._ENV is not None:
            manager._ENV.close()


def _close_connection_of_dbt() -> None:
    """Close what dbt's adapter would keep open: nobody else could have the file any more."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    with DuckDBConnectionManager._LOCK:
        if (kept := DuckDBConnectionManager._ENV) is not None:
            kept.close()
            DuckDBConnectionManager._ENV = None


def _cause(done: object) -> str:
    """Return the first error of a run, in one line; "" when dbt says nothing."""
    if (exception := getattr(done, "exception", None)) is not None:
        return _told(str(exception))
    results = getattr(getattr(done, "result", None), "results", None) or []
    for one in results:
        if str(one.status) in ("error", "fail", "runtime error"):
            return _told(str(one.message))
    return ""


def _told(text: str) -> str:
    """Return what dbt says, without its heading, which is a line of its own."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = [line for line in lines if not line.endswith("Error") and " Error in " not in line]
    return first_line("\n".join(said or lines)) if lines else ""
