"""dbt-duckdb's seam: the lake and its functions on dbt's connection, and actions for macros."""

from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin
from dbt_common.exceptions import DbtRuntimeError

from embedded.actions import ACTIONS
from embedded.database import DEFAULT_ROLE, attach
from embedded.functions import load_churn_model, register_functions
from embedded.registry import create_registry
from runtime.errors import EngineError


class Plugin(BasePlugin):
    """Attach the lake before dbt asks for it, with the options that every process uses."""

    def configure_connection(self, conn: Any) -> None:
        """Attach the lake, register the project's functions, create the registry."""
        try:
            attach(conn)
            register_functions(conn, role=DEFAULT_ROLE)
            create_registry(conn)
            load_churn_model(conn)
        except EngineError as error:
            raise DbtRuntimeError(str(error)) from error

    def store(self, target_config: Any) -> None:
        """Run the action that the macro embedded_action names; nothing is stored."""
        action, name = target_config.config["action"], target_config.relation.identifier
        try:
            ACTIONS[action](name)
        except EngineError as error:
            raise DbtRuntimeError(str(error)) from error
