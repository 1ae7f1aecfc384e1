"""How the loader reaches Snowflake: settings from the environment, one SDK client a table, SQL."""

import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from runtime.errors import IngestError, first_line

# The SDK would try for ten minutes and more; whoever waits wants to know earlier.
_CONNECT_SECONDS = 60
_INSTALL = (
    "--into snowflake needs the package snowpipe-streaming: install the extra with"
    " 'uv pip install -r pyproject.toml --extra snowflake'"
)


def account_from_environment() -> "SnowflakeAccount":
    """Return the account that the SNOWFLAKE_ variables name; raises IngestError if one is missing.

    A programmatic access token in SNOWFLAKE_TOKEN is used if there is one, a key pair otherwise.
    """
    token = os.environ.get("SNOWFLAKE_TOKEN")
    key_path = None if token else _required("SNOWFLAKE_PRIVATE_KEY_PATH")
    if key_path is not None and not Path(key_path).is_file():
        raise IngestError(f"SNOWFLAKE_PRIVATE_KEY_PATH names {key_path}, but there is no such file")
    return SnowflakeAccount(
        account=_required("SNOWFLAKE_ACCOUNT"),
        user=_required("SNOWFLAKE_USER"),
        role=os.environ.get("SNOWFLAKE_ROLE") or "CHURN_LOADER",
        warehouse=(os.environ.get("SNOWFLAKE_WAREHOUSE") or "CHURN_WH").upper(),
        database=(os.environ.get("SNOWFLAKE_DATABASE") or "CHURN").upper(),
        schema=(os.environ.get("SNOWFLAKE_SCHEMA") or "MAIN").upper(),
        token=token,
        key_path=key_path,
        key_passphrase=os.environ.get("DBT_ENV_SECRET_SNOWFLAKE_KEY_PASSPHRASE"),
    )


def require_streaming() -> None:
    """Raise IngestError when the SDK of Snowpipe Streaming is not installed."""
    try:
        is_installed = find_spec("snowflake.ingest.streaming") is not None
    except ModuleNotFoundError:
        is_installed = False
    if not is_installed:
        raise IngestError(_INSTALL)


def _required(variable: str) -> str:
    value = os.environ.get(variable)
    if not value:
        raise IngestError(f"{variable} must be set to load into Snowflake: see docs/snowflake.md")
    return value


class Account(Protocol):
    """What the sink needs of Snowflake; the stand-in of the tests has the same two functions."""

    name: str

    def streaming_client(self, table: str) -> Any:
        """Return a StreamingIngestClient for the default pipe of a table; raises IngestError."""

    def sql_connection(self) -> Any:
        """Return an open connection of Python's database interface; raises IngestError."""


@dataclass(frozen=True, repr=False)
class SnowflakeAccount:
    """An `Account` on Snowflake. It has no repr, so that no secret is ever printed."""

    account: str
    user: str
    role: str
    warehouse: str
    database: str
    schema: str
    token: str | None
    key_path: str | None
    key_passphrase: str | None

    @property
    def name(self) -> str:
        """Return what tells this place from others, without secrets."""
        return f"{self.account}.{self.database}.{self.schema}"

    def streaming_client(self, table: str) -> Any:
        """Return a StreamingIngestClient for the default pipe of a table; raises IngestError."""
        os.environ.setdefault("SS_LOG_LEVEL", "error")  # it writes to standard output
        from snowflake.ingest.streaming import StreamingIngestClient, StreamingIngestError

        try:
            return StreamingIngestClient.from_table(
                f"churn-loader-{table}",
                self.database,
                self.schema,
                table.upper(),
                properties=self._properties(),
            )
        except StreamingIngestError as error:
            raise IngestError(f"Snowflake refuses the loader ({self.name}): {error}") from error

    def _properties(self) -> dict[str, Any]:
        properties = {
            "account": self.account,
            "user": self.user,
            "role": self.role,
            "url": f"https://{self.account}.snowflakecomputing.com:443",
            "mgmt_retry_total_backoff_seconds": _CONNECT_SECONDS,
        }
        if self.token:
            return properties | {
                "authorization_type": "PAT",
                "personal_access_token": self.token,
            }
        properties |= {"authorization_type": "JWT", "private_key_file": self.key_path}
        if self.key_passphrase:
            properties["private_key_passphrase"] = self.key_passphrase
        return properties

    def sql_connection(self) -> Any:
        """Return an open connection of Python's database interface; raises IngestError."""
        import snowflake.connector

        secret = (
            {"authenticator": "PROGRAMMATIC_ACCESS_TOKEN", "token": self.token}
            if self.token
            else {
                "authenticator": "SNOWFLAKE_JWT",
                "private_key_file": self.key_path,
                "private_key_file_pwd": self.key_passphrase,
            }
        )
        try:
            return snowflake.connector.connect(
                account=self.account,
                user=self.user,
                role=self.role,
                warehouse=self.warehouse,
                database=self.database,
                schema=self.schema,
                login_timeout=_CONNECT_SECONDS,
                # Times are sent as texts of ISO 8601, which a user's own settings may not read.
                session_parameters={
                    "QUERY_TAG": "churn_intelligence loader",
                    "TIMEZONE": "UTC",
                    "TIMESTAMP_INPUT_FORMAT": "AUTO",
                },
                **secret,
            )
        except snowflake.connector.Error as error:
            detail = first_line(error)
            raise IngestError(f"Snowflake refuses the loader ({self.name}): {detail}") from error
        except (ValueError, TypeError) as error:  # no key, or its passphrase is missing or wrong
            detail = first_line(error)
            raise IngestError(f"the key in {self.key_path} cannot be read: {detail}") from error
