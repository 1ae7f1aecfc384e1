"""Reading and redirecting the tables of a query, on DuckDB's own syntax tree."""

import json
from typing import Any

import duckdb

from embedded.database import CATALOG


def source_tables(connection: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    """Return the names of the lake's tables that a select statement reads, each once."""
    names = [node["table_name"] for node in _lake_tables(parse(connection, query))]
    return list(dict.fromkeys(names))


def redirect(connection: duckdb.DuckDBPyConnection, query: str, targets: dict[str, str]) -> str:
    """Return the query with some of the lake's tables replaced by temporary ones, by name."""
    tree = parse(connection, query)
    for node in _lake_tables(tree):
        if node["table_name"] in targets:
            node["alias"] = node["alias"] or node["table_name"]
            node["catalog_name"], node["schema_name"] = "temp", "main"
            node["table_name"] = targets[node["table_name"]]
    row = connection.execute("select json_deserialize_sql(?::json)", [json.dumps(tree)]).fetchone()
    return str(row[0]) if row else query


def parse(connection: duckdb.DuckDBPyConnection, query: str) -> dict[str, Any]:
    """Return the syntax tree of a select statement; raises ValueError for anything else."""
    row = connection.execute("select json_serialize_sql(?)", [query]).fetchone()
    tree = json.loads(row[0]) if row else {"error": True, "error_message": "no answer"}
    if tree["error"]:
        raise ValueError(f"not a select statement: {tree['error_message']}")
    return tree


def _lake_tables(node: Any) -> list[dict[str, Any]]:
    """Return the syntax tree's own nodes, so that changing one changes the tree."""
    found = []
    if isinstance(node, dict):
        if node.get("type") == "BASE_TABLE" and node.get("catalog_name") == CATALOG:
            found.append(node)
        for value in node.values():
            found += _lake_tables(value)
    elif isinstance(node, list):
        for value in node:
            found += _lake_tables(value)
    return found
