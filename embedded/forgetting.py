"""The laptop's part of forgetting a customer: what the procedure FORGET_CUSTOMER cannot reach.

In its transaction: the engine's own tables, and dynamic tables until their next refresh. After it:
letters in files, and the bytes of the database file. If the process is killed before those are
done, the next process that opens the database finishes them.
"""

import json
import logging
from pathlib import Path

import duckdb

from embedded.engine.procedures import call
from embedded.engine.registry import SCHEMA
from embedded.engine.rewriting import ask_for_rewriting, is_rewriting_due
from embedded.engine.storage import CATALOG, Connection, Database
from outreach.senders.choice import open_sender
from outreach.senders.folder import FolderSender
from runtime.private_files import write_whole

_LETTERS_DUE = "letters.due"
_FORGOTTEN_ERROR = "an error that named a customer who was forgotten"
# Columns that name a customer, in dynamic tables and in the logs of their changes.
_NAMING = f"""
    select columns.schema_name, columns.table_name, columns.column_name
    from duckdb_columns() as columns
    inner join duckdb_tables() as tables using (database_name, schema_name, table_name)
    where columns.database_name = '{CATALOG}'
        and columns.column_name in (
            'customer_id', 'source_customer_id', 'merged_id', 'surviving_id', 'into_id',
            'properties'
        )
        and (
            (columns.schema_name = 'embedded' and starts_with(columns.table_name, 'changes_'))
            or columns.table_name in (select name from {SCHEMA}.dynamic_tables)
        )
"""

_STILL_THERE = f"""
    select alert_id from {CATALOG}.main.high_risk_history where list_contains(?, alert_id)
"""

_log = logging.getLogger(__name__)


def forget_customer(database: Database, customer_id: str, dry_run: str) -> list[tuple]:
    """Call FORGET_CUSTOMER and return its answer; `dry_run` is 'true' or 'false'.

    All of it counts or nothing. Letters and bytes of the file follow with the next opening. Raises
    EngineError.
    """

    def clean(connection: Connection) -> None:
        _clean(connection, database.home)

    arguments = {"customer_id": customer_id, "dry_run": dry_run}
    return call(database, "forget_customer", arguments, beside=clean)


def is_all_forgotten(home: Path) -> bool:
    """Tell whether nothing is left to do for whoever opens the database next."""
    return not is_rewriting_due(home) and not (home / _LETTERS_DUE).exists()


def remove_letters_due(connection: Connection) -> None:
    """Remove letters to customers who were forgotten, if a process has left some.

    Called when the database was opened. A letter whose alert is still there is kept: the
    transaction did not come to its end.
    """
    row = connection.execute(
        "select path from duckdb_databases() where database_name = ?", [CATALOG]
    )
    due = Path((row.fetchone() or ("",))[0]).parent / _LETTERS_DUE
    try:
        told = json.loads(due.read_text("utf-8"))
        rows = connection.execute(_STILL_THERE, [told["alerts"]]).fetchall()
        kept = {alert for (alert,) in rows}
        sender = FolderSender(Path(told["folder"]))
        for alert in set(told["alerts"]) - kept:
            sender.remove(alert)
        due.unlink()
    except FileNotFoundError:
        return
    except (OSError, duckdb.CatalogException) as error:
        _log.warning("letters to a customer who was forgotten are still there: %s", error)


def _clean(connection: Connection, home: Path) -> None:
    """Clean the engine's tables within the transaction, and note what is to be done after it."""
    ids, alerts, texts = (
        connection.execute(f"select getvariable('forgotten_{what}')").fetchall()[0][0] or []
        for what in ("ids", "alerts", "texts")
    )
    if not ids:
        return
    for schema, table, column in connection.execute(_NAMING).fetchall():
        place = f'{CATALOG}.{schema}."{table}"'
        if column == "properties":  # of a merge that is another customer's
            connection.execute(
                f"update {place} set properties = null"
                " where list_contains(?, properties ->> '$.merged_id')",
                [ids],
            )
        else:
            connection.execute(f"delete from {place} where list_contains(?, {column})", [ids])
    for text in texts:
        connection.execute(
            f"delete from {SCHEMA}.set_aside where contains(key, $1) or contains(error, $1)", [text]
        )
        for table in ("task_history", "refresh_failures"):
            connection.execute(
                f"update {SCHEMA}.{table} set error = $1 where contains(error, $2)",
                [_FORGOTTEN_ERROR, text],
            )
    sender = open_sender(home)
    if alerts and isinstance(sender, FolderSender):
        told = {"folder": str(sender.folder.absolute()), "alerts": [*alerts, *_due(home)]}
        write_whole(home / _LETTERS_DUE, json.dumps(told).encode())
    ask_for_rewriting(home)


def _due(home: Path) -> list[str]:
    """Return the alerts whose letters an earlier process has not removed yet."""
    try:
        return json.loads((home / _LETTERS_DUE).read_text("utf-8"))["alerts"]
    except FileNotFoundError:
        return []
