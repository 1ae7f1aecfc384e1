"""Keys that a dynamic table or a task cannot do, set aside so that all others are done.

What fails because of some rows is tried again by halves of the keys concerned, until each key that
fails alone is known. Such a key is kept with its error, and left out until the definition changes
or somebody asks for it to be tried again; nothing else is held up by it.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import datetime

import duckdb

from embedded.engine.registry import SCHEMA
from embedded.engine.statements import Statements
from runtime.errors import first_line

# Of more keys than this it is not the rows that are at fault.
MOST_KEYS = 100
# What a value in a row can do to a statement; a missing table or a full disk is another matter.
ROW_ERRORS = (duckdb.DataError, duckdb.InvalidInputException, duckdb.ConstraintException)

Key = tuple[object, ...]


def is_of_rows(error: BaseException | None) -> bool:
    """Tell whether an error may be one of the values in some rows."""
    return isinstance(error, ROW_ERRORS) and not isinstance(error, duckdb.FatalException)


def failing_keys(
    keys: Sequence[Key], attempt: Callable[[Sequence[Key]], None]
) -> dict[Key, str] | None:
    """Return the keys that fail alone, with their errors; None when that explains nothing.

    `attempt` tries some keys together, changes nothing, and raises what goes wrong.
    """
    found: dict[Key, str] = {}
    waiting = [keys]
    while waiting:
        part = waiting.pop()
        try:
            attempt(part)
            continue
        except ROW_ERRORS as error:
            if len(part) == 1:
                found[part[0]] = first_line(error)
            else:
                middle = len(part) // 2
                waiting += [part[middle:], part[:middle]]
        if len(found) > MOST_KEYS:
            return None
    return found or None


def set_aside(
    statements: Statements,
    name: str,
    definition: str,
    columns: Sequence[str],
    failing: dict[Key, str],
    at: datetime,
) -> None:
    """Keep keys with their errors, for a table or task as it is defined now."""
    statements.transact(
        lambda: statements.connection.executemany(
            f"insert into {SCHEMA}.set_aside values (?, ?, ?, ?, ?)",
            [
                [
                    name,
                    definition,
                    json.dumps(dict(zip(columns, key, strict=True)), default=str),
                    error,
                    at,
                ]
                for key, error in failing.items()
            ],
        )
    )


def excluded_keys(
    statements: Statements, name: str, definition: str, key_query: str, columns: Sequence[str]
) -> str | None:
    """Have a temporary table of the keys that a table or task leaves out; None if there are none.

    `key_query` is a query with the key columns, for their types. Within the transaction, keys that
    were set aside under another definition are tried again.
    """
    if (kept := _kept_keys(statements, "excluded", name, "", key_query, columns)) is None:
        return None  # by far the most often
    if release_keys(statements, name, definition, key_query, columns) is None:
        return kept
    return _kept_keys(statements, "excluded", name, "", key_query, columns)


def release_keys(
    statements: Statements, name: str, definition: str, key_query: str, columns: Sequence[str]
) -> str | None:
    """Keep keys aside no more that were set aside under another definition.

    Returns a temporary table of them, None if there are none.
    """
    condition = f"and definition is distinct from '{definition}'"
    released = _kept_keys(statements, "released", name, condition, key_query, columns)
    if released is not None:
        statements.connection.execute(
            f"delete from {SCHEMA}.set_aside where name = ? {condition}", [name]
        )
    return released


def _kept_keys(
    statements: Statements,
    kind: str,
    name: str,
    condition: str,
    key_query: str,
    columns: Sequence[str],
) -> str | None:
    kept = f"{SCHEMA}.set_aside where name = '{name}' {condition}"
    if not statements.run(f"select 1 from {kept} limit 1"):
        return None
    place = statements.table(f"{kind}_{name}", f"select {', '.join(columns)} from ({key_query})")
    types = [row[1] for row in statements.connection.execute(f"describe {place}").fetchall()]
    values = ", ".join(
        f"cast(key ->> '$.{column}' as {kind}) as {column}"
        for column, kind in zip(columns, types, strict=True)
    )
    statements.count_once(f"insert into {place} select {values} from {kept}")
    return place


def definition_of(*parts: object) -> str:
    """Return what stands for a definition: another one is tried again."""
    return hashlib.md5("|".join(map(str, parts)).encode(), usedforsecurity=False).hexdigest()


def key_table(
    statements: Statements, name: str, key_query: str, columns: Sequence[str], keys: Sequence[Key]
) -> str:
    """Have a temporary table with some keys; return its full name."""
    place = statements.table(name, f"select {', '.join(columns)} from ({key_query})")
    marks = ", ".join("?" for _ in columns)
    statements.connection.executemany(
        f"insert into {place} values ({marks})", [list(key) for key in keys]
    )
    return place


def to_be_tried_again(statements: Statements) -> set[str]:
    """Return the names of the tasks that retry the keys they have left out, on demand."""
    rows = statements.run(f"select distinct name from {SCHEMA}.set_aside where definition is null")
    return {name for (name,) in rows}


def try_again(statements: Statements) -> int:
    """Have everything that was set aside tried again by the next pass; return how many keys."""

    def work() -> int:
        execute = statements.connection.execute
        # A table that counts as built of something else computes all of its rows.
        execute(
            f"update {SCHEMA}.refresh_states set built_of = 'to be computed again'"
            f" where name in (select name from {SCHEMA}.set_aside)"
        )
        # What a task with a stream has left out, it gets again: see tasks.py.
        tried = f"name in (select name from {SCHEMA}.tasks where stream is not null)"
        counts = [
            execute(f"update {SCHEMA}.set_aside set definition = null where {tried}").fetchone(),
            execute(f"delete from {SCHEMA}.set_aside where not ({tried})").fetchone(),
        ]
        return sum(int(row[0]) for row in counts if row)

    return statements.transact(work)
