"""dbt-duckdb's seam: the lake and its functions on dbt's own connection."""

from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin

from embedded.database import DEFAULT_ROLE, attach
from embedded.functions import register_functions


class Plugin(BasePlugin):
    """Attach the lake before dbt asks for it, with the options that every process uses."""

    def configure_connection(self, conn: Any) -> None:
        """Attach the lake and register the project's functions."""
        attach(conn)
        register_functions(conn, role=DEFAULT_ROLE)
