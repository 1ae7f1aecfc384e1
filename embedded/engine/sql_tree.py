"""Reading and redirecting the tables of a query, on DuckDB's own syntax tree.

The same few queries are looked at in every pass, so what was found out about them is kept.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache, lru_cache
from typing import Any

import duckdb

from embedded.engine.storage import CATALOG
from runtime.errors import EngineError, first_line

Node = dict[str, Any]

_KEPT_QUERIES = 256


@lru_cache(_KEPT_QUERIES)
def source_tables(query: str) -> tuple[str, ...]:
    """Return the names of the database's tables that a select statement reads, each once."""
    return tuple(dict.fromkeys(node["table_name"] for node in _stored_tables(parse(query))))


def all_sources(name: str, queries: Mapping[str, str]) -> set[str]:
    """Return what one of these queries reads, directly or through others of them, by name."""
    found, left = set(), [name]
    while left:
        with suppress(EngineError):  # which its own refresh reports, and holds up nobody else
            new = set(source_tables(queries[left.pop()])) - found
            found |= new
            left += new & queries.keys()
    return found


def redirect(query: str, targets: Mapping[str, str], catalog: str = "temp") -> str:
    """Return the query with some of the database's tables replaced by those of another catalog."""
    return _redirect(query, tuple(targets.items()), catalog)


@lru_cache(_KEPT_QUERIES)
def _redirect(query: str, targets: tuple[tuple[str, str], ...], catalog: str) -> str:
    tree, new_names = parse(query), dict(targets)
    for node in _stored_tables(tree):
        if node["table_name"] in new_names:
            node["alias"] = node["alias"] or node["table_name"]
            node["catalog_name"], node["schema_name"] = catalog, "main"
            node["table_name"] = new_names[node["table_name"]]
    # A cross join would be written as a comma, which other joins take precedence over.
    for node in nodes_in(tree):
        if node.get("type") == "JOIN" and node.get("ref_type") == "CROSS":
            node["ref_type"], node["condition"] = "REGULAR", _always()
    row = _parser().execute("select json_deserialize_sql(?::json)", [json.dumps(tree)]).fetchone()
    return str(row[0]) if row else query


def parse(query: str) -> dict[str, Any]:
    """Return the syntax tree of a select statement; raises EngineError for anything else."""
    row = _parser().execute("select json_serialize_sql(?)", [query]).fetchone()
    tree = json.loads(row[0]) if row else {"error": True, "error_message": "no answer"}
    if tree["error"]:
        is_another = tree.get("error_type") == "not implemented"
        said = "it is another kind of statement" if is_another else tree["error_message"]
        raise EngineError(f"a query cannot be read as a select statement: {first_line(said)}")
    return tree


@lru_cache(_KEPT_QUERIES)
def row_filter(query: str, source: str) -> str | None:
    """Return the condition by which a query takes rows of a source, None for all of them.

    That is the WHERE of a plain `select *` from the source, where the query reads it nowhere else:
    rows that do not fulfil it are nothing to the query, whatever it does with the others.
    """
    tree = parse(query)
    if sum(node["table_name"] == source for node in _stored_tables(tree)) != 1:
        return None
    for node in nodes_in(tree):
        table, condition = node.get("from_table") or {}, node.get("where_clause")
        is_read = table.get("table_name") == source and table.get("catalog_name") == CATALOG
        if is_read and condition and _is_star(node["select_list"]):
            if any(column_table(one) for one in expressions_in(condition)):
                return None
            shown = parse("select true from rows where true")
            shown["statements"][0]["node"]["where_clause"] = condition
            row = (
                _parser()
                .execute("select json_deserialize_sql(?::json)", [json.dumps(shown)])
                .fetchone()
            )
            return str(row[0]).split(" WHERE ", 1)[1] if row else None
    return None


def _is_star(items: list[Node]) -> bool:
    """Tell whether a select takes all columns, so that no name in it is one that it gives."""
    return len(items) == 1 and items[0].get("class") == "STAR" and not items[0].get("replace_list")


def table_functions(tree: Any) -> set[str]:
    """Return the functions that a syntax tree reads rows from, subqueries included."""
    return {
        node["function"]["function_name"].lower()
        for node in nodes_in(tree)
        if node.get("type") == "TABLE_FUNCTION"
    }


def expressions_in(node: Any) -> list[Node]:
    """Return all nodes of expressions, without those of subqueries."""
    if isinstance(node, list):
        return [found for one in node for found in expressions_in(one)]
    if not isinstance(node, dict):
        return []
    if node.get("class") == "SUBQUERY":
        return [node]
    return [node, *(found for value in node.values() for found in expressions_in(value))]


def column_name(node: Node) -> str | None:
    """Return the name of the column that an expression is, whatever table it is said to be of."""
    return node["column_names"][-1] if node.get("class") == "COLUMN_REF" else None


def column_table(node: Node) -> str | None:
    """Return the table that a column is said to be of."""
    is_said = node.get("class") == "COLUMN_REF" and len(node["column_names"]) > 1
    return node["column_names"][-2] if is_said else None


def _parser() -> duckdb.DuckDBPyConnection:
    return _database().cursor()  # of its own for each thread


@cache
def _database() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


@cache
def _always() -> Node:
    """Return the condition of a join that holds for all pairs of rows."""
    return parse("select true")["statements"][0]["node"]["select_list"][0]


def _stored_tables(tree: Any) -> list[Node]:
    """Return the syntax tree's own nodes, so that changing one changes the tree."""
    return [
        node
        for node in nodes_in(tree)
        if node.get("type") == "BASE_TABLE" and node.get("catalog_name") == CATALOG
    ]


def nodes_in(tree: Any) -> Iterator[Node]:
    """Return all nodes of a syntax tree, subqueries included."""
    if isinstance(tree, dict):
        yield tree
    if isinstance(tree, dict | list):
        for value in tree.values() if isinstance(tree, dict) else tree:
            yield from nodes_in(value)
