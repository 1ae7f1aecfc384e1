"""What differs between a table and what it should hold: noted when it is computed, written later.

Of a table in a pass there are, among the temporary ones, `changed`, the keys whose rows differ, and
none where nothing was stored; `fresh`, what the rows of the keys that differ should be; `delta`,
these and what they were, each with a change_type as in a change feed.
"""

from embedded.database import CATALOG
from embedded.refresh_pass import Pass, Written
from embedded.registry import DynamicTable
from embedded.replacement import delete_keys


def note_difference(current: Pass, table: DynamicTable, action: str) -> Written:
    """Note the keys whose rows differ, what their rows should be, and all of both."""
    execute, keys, name = current.connection.execute, ", ".join(table.refresh_key), table.name
    # All is new when nothing was stored, and no old row has to be found by its key.
    is_new = execute(f"from {stored_rows(name)} limit 1").fetchone() is None
    differing = stored_rows(name) if is_new else _differing_rows(name)
    only = "" if is_new else f"semi join {changed_keys(name)} using ({keys})"
    execute(
        f"create or replace temp table {changed_keys(name)} as"
        f" select distinct {keys} from {differing}"
    )
    execute(f"create or replace temp view {fresh_rows(name)} as from {computed_rows(name)} {only}")
    execute(
        f"create or replace temp view {delta(name)} as"
        f" select *, 'insert' as change_type from {fresh_rows(name)}"
        f" union all select *, 'delete' as change_type from {stored_rows(name)} {only}"
    )
    removed, rows_in, rows_of_both = execute(
        f"""
        select
            (select count(*) from {changed_keys(name)} anti join {fresh_rows(name)} using ({keys})),
            (select count(*) from {fresh_rows(name)}),
            (select count(*) from {delta(name)})
        """
    ).fetchone() or (0, 0, 0)
    if rows_of_both:
        current.waiting[name] = (rows_of_both - rows_in, rows_in)
    if current.at_once:
        write_difference(current, table)
        current.waiting.pop(name, None)
    return Written(action, rows_in, removed)


def _differing_rows(name: str) -> str:
    """Return a query for the rows that are not the same in what is computed and what is stored.

    Counted and not merely compared: a table may hold the same row twice.
    """
    return f"""
        (
            select * exclude (times)
            from (
                select *, 1 as times from {computed_rows(name)}
                union all
                select *, -1 as times from {stored_rows(name)}
            )
            group by all
            having sum(times) <> 0
        )
    """


def write_difference(current: Pass, table: DynamicTable) -> None:
    """Replace the rows of every key whose rows differ, as the pass has noted them."""
    connection, name = current.connection, table.name
    rows_out, rows_in = current.waiting.get(name, (0, 0))
    if rows_out:
        delete_keys(connection, target(table), table.refresh_key, changed_keys(name))
    if rows_in:
        connection.execute(f"insert into {target(table)} from {fresh_rows(name)}")


def present_rows(current: Pass, source: str, only: str = "") -> str:
    """Return a query for the rows that a table will hold when this pass is written.

    `only` joins them with the keys that are wanted, before anything else looks at them.
    """
    rows = f"from {current.place(source)} {only}"
    if source not in current.waiting:
        return rows
    rows_out, _ = current.waiting[source]
    if rows_out:
        keys = ", ".join(current.tables[source].refresh_key)
        rows += f" anti join {changed_keys(source)} using ({keys})"
    return f"{rows} union all from {fresh_rows(source)} {only}"


def target(table: DynamicTable) -> str:
    """Return the full name of a dynamic table."""
    return f"{CATALOG}.main.{table.name}"


def delta(name: str) -> str:
    """Return where a pass has noted all rows of the keys that differ, old and new."""
    return f"temp.main.delta_{name}"


def computed_rows(name: str) -> str:
    """Return where a pass has put what the rows of the affected keys should be."""
    return f"temp.main.computed_{name}"


def stored_rows(name: str) -> str:
    """Return where a pass has put what the rows of the affected keys were."""
    return f"temp.main.stored_{name}"


def changed_keys(name: str) -> str:
    """Return where a pass has noted the keys whose rows differ, none if nothing was stored."""
    return f"temp.main.changed_{name}"


def fresh_rows(name: str) -> str:
    """Return where a pass has noted what the rows of these keys should be."""
    return f"temp.main.fresh_{name}"
