"""The names of a dynamic table and of the working tables of its refresh, and joins with them."""

from embedded.engine.registry import DynamicTable
from embedded.engine.storage import CATALOG


def target(name: str) -> str:
    """Return the full name of a dynamic table."""
    return f"{CATALOG}.main.{name}"


def computed(name: str) -> str:
    """Return the working table of the rows that a table should hold."""
    return f"temp.main.computed_{name}"


def stored(name: str) -> str:
    """Return the working table of the rows that a table holds, with their numbers."""
    return f"temp.main.stored_{name}"


def differing(name: str) -> str:
    """Return the working table of the keys whose rows differ."""
    return f"temp.main.differing_{name}"


def only_differing(table: DynamicTable, rows: str) -> str:
    """Return the join that leaves only the rows with a key whose rows differ."""
    on = same_key(table, rows, "differing")
    return f"semi join {differing(table.name)} as differing on {on}"


def same_key(table: DynamicTable, left: str, right: str) -> str:
    """Return the condition of a join by key; a table that is refreshed whole may have none."""
    return " and ".join(
        f"{left}.{key} is not distinct from {right}.{key}" for key in table.refresh_key
    )
