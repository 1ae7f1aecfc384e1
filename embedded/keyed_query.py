"""Whether a query may be recomputed key by key, on DuckDB's own syntax tree.

It may when each row that it returns depends only on source rows with the same key. That is proved
from the sources upwards: a relation is keyed when it passes the key on unchanged, and nothing in it
looks across keys. What cannot be proved is refused.
"""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import duckdb

from embedded.database import CATALOG
from embedded.query_tree import parse

Node = dict[str, Any]

_CLOCKS = {"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"}
# Joins whose rows keep the key of the left side, of the right side.
_KEEPS_LEFT = {"INNER", "LEFT", "SEMI", "ANTI"}
_KEEPS_RIGHT = {"INNER", "RIGHT"}


class NotKeyedError(Exception):
    """The query looks across keys; the message says where."""


@dataclass(frozen=True)
class _Relation:
    """Part of a query: does it read a table of the lake, and under which names is its key kept?"""

    is_keyed: bool
    names: frozenset[str] = frozenset()


def check_keyed(query: str, keys: tuple[str, ...]) -> None:
    """Raise NotKeyedError unless the query can be recomputed for some of the keys alone."""
    [statement] = parse(query)["statements"]
    if not _Check(keys).query(statement["node"], {}).is_keyed:
        raise NotKeyedError("it reads no table of the lake")


@dataclass(frozen=True)
class _Check:
    keys: tuple[str, ...]

    def query(self, node: Node, known: dict[str, _Relation]) -> _Relation:
        known = dict(known)
        for cte in (node.get("cte_map") or {}).get("map") or []:
            known[cte["key"]] = self.query(cte["value"]["query"]["node"], known)
        if node["type"] == "SET_OPERATION_NODE":
            return self._set_operation(node, known)
        if node["type"] != "SELECT_NODE":
            raise NotKeyedError(f"it contains a {node['type'].lower().replace('_', ' ')}")
        source = self._source(node["from_table"], known)
        own = [node[part] for part in _EXPRESSIONS if node.get(part)]
        expressions = [*_inside(own), *_inside(node.get("modifiers") or [])]
        self._no_clock(expressions)
        if source.is_keyed:
            self._select(node, source, expressions)
        elif any(one.get("class") == "SUBQUERY" for one in expressions):
            raise NotKeyedError("it has a subquery outside of FROM")
        return _Relation(source.is_keyed)

    def _set_operation(self, node: Node, known: dict[str, _Relation]) -> _Relation:
        sides = [self.query(node[side], known) for side in ("left", "right")]
        self._no_limit(node)
        if sides[0].is_keyed != sides[1].is_keyed:
            raise NotKeyedError("it adds rows that belong to no key")
        return sides[0]

    # -- FROM -------------------------------------------------------------------------------------

    def _source(self, node: Node, known: dict[str, _Relation]) -> _Relation:
        if node.get("sample"):
            raise NotKeyedError("it takes a sample")
        kind, alias = node["type"], node.get("alias") or node.get("table_name") or ""
        if kind == "BASE_TABLE":
            is_ours = node.get("catalog_name") == CATALOG
            if not is_ours and node["table_name"] not in known:
                raise NotKeyedError(f"it reads {node['table_name']}, which is not in the lake")
            relation = _Relation(True) if is_ours else known[node["table_name"]]
            return _Relation(relation.is_keyed, frozenset([alias]))
        if kind == "SUBQUERY":
            relation = self.query(node["subquery"]["node"], known)
            return _Relation(relation.is_keyed, frozenset([alias]))
        if kind == "JOIN":
            return self._join(node, known)
        if kind in ("EMPTY", "TABLE_FUNCTION", "EXPRESSION_LIST"):
            return _Relation(False)
        raise NotKeyedError(f"it reads from a {kind.lower().replace('_', ' ')}")

    def _join(self, node: Node, known: dict[str, _Relation]) -> _Relation:
        left, right = (self._source(node[side], known) for side in ("left", "right"))
        how = node["join_type"]
        if node["ref_type"] not in ("REGULAR", "CROSS"):
            raise NotKeyedError(f"it has a join of the kind {node['ref_type'].lower()}")
        if left.is_keyed and right.is_keyed:
            equal = self._equal_columns(node)
            for key in self.keys:
                if key not in equal:
                    raise NotKeyedError(f"it joins two sources without an equality of {key}")
        names = frozenset()
        if left.is_keyed and how in _KEEPS_LEFT:
            names |= left.names
        if right.is_keyed and how in _KEEPS_RIGHT:
            names |= right.names
        if (left.is_keyed or right.is_keyed) and not names:
            raise NotKeyedError(f"a {how.lower()} join adds rows that belong to no key")
        return _Relation(left.is_keyed or right.is_keyed, names)

    def _equal_columns(self, node: Node) -> set[str]:
        equal = set(node.get("using_columns") or [])
        condition = node.get("condition")
        parts = [condition] if condition else []
        if condition and condition["type"] == "CONJUNCTION_AND":
            parts = condition["children"]
        for part in parts:
            if part["type"] == "COMPARE_EQUAL":
                sides = [_column(part[side]) for side in ("left", "right")]
                if sides[0] == sides[1] and sides[0] in self.keys:
                    equal.add(sides[0])
        return equal

    # -- SELECT -----------------------------------------------------------------------------------

    def _select(self, node: Node, source: _Relation, expressions: list[Node]) -> None:
        self._no_limit(node)
        for one in expressions:
            if one.get("class") == "SUBQUERY":
                raise NotKeyedError("it has a subquery outside of FROM")
            if one.get("class") == "WINDOW":
                self._contains_key(one.get("partitions") or [], "a window's PARTITION BY")
            if targets := one.get("distinct_on_targets"):
                self._contains_key(targets, "DISTINCT ON")
        for key in self.keys:
            if not any(_passes_on(item, key, source) for item in node["select_list"]):
                raise NotKeyedError(f"a step of it does not pass {key} on as it is")
        groups = node.get("group_expressions") or []
        for group in node.get("group_sets") or []:
            self._contains_key([_by_position(groups[at], node) for at in group], "GROUP BY")
        if not groups and node["aggregate_handling"] == "STANDARD_HANDLING":
            for item in _inside(node["select_list"]):
                if item.get("class") == "FUNCTION" and item["function_name"] in _aggregates():
                    raise NotKeyedError(f"{item['function_name']}() is over all keys at once")

    def _contains_key(self, expressions: list[Node], where: str) -> None:
        for key in self.keys:
            if key not in {_column(one) for one in expressions}:
                raise NotKeyedError(f"{where} does not contain {key}")

    def _no_limit(self, node: Node) -> None:
        for modifier in node.get("modifiers") or []:
            if modifier["type"].startswith("LIMIT"):
                raise NotKeyedError("it has a LIMIT")

    def _no_clock(self, expressions: list[Node]) -> None:
        for one in expressions:
            name = one.get("function_name") or _column(one)
            if (one.get("class") == "FUNCTION" and name in _unsteady()) or name in _CLOCKS:
                raise NotKeyedError(f"{name} gives something else each time")


_EXPRESSIONS = ("select_list", "where_clause", "group_expressions", "having", "qualify")


def _inside(node: Any) -> list[Node]:
    """Return all nodes of expressions, without those of subqueries."""
    if isinstance(node, list):
        return [found for one in node for found in _inside(one)]
    if not isinstance(node, dict):
        return []
    if node.get("class") == "SUBQUERY":
        return [node]
    return [node, *(found for value in node.values() for found in _inside(value))]


def _column(node: Node) -> str | None:
    """Return the name of the column that an expression is, whatever table it is said to be of."""
    return node["column_names"][-1] if node.get("class") == "COLUMN_REF" else None


def _by_position(node: Node, select: Node) -> Node:
    value = node.get("value") or {}
    is_number = node.get("class") == "CONSTANT" and isinstance(value.get("value"), int)
    return select["select_list"][value["value"] - 1] if is_number else node


def _passes_on(item: Node, key: str, source: _Relation) -> bool:
    if item.get("class") == "STAR":
        changed = json.dumps([item.get("exclude_list"), item.get("replace_list")])
        is_of_key = not item.get("relation_name") or item["relation_name"] in source.names
        return is_of_key and f'"{key}"' not in changed
    if _column(item) != key or item.get("alias") not in ("", None, key):
        return False
    qualifier = item["column_names"][:-1]
    return not qualifier or qualifier[-1] in source.names


@cache
def _aggregates() -> frozenset[str]:
    return _functions("function_type = 'aggregate'")


@cache
def _unsteady() -> frozenset[str]:
    return _functions("stability in ('VOLATILE', 'CONSISTENT_WITHIN_QUERY')")


def _functions(which: str) -> frozenset[str]:
    with duckdb.connect() as connection:
        rows = connection.execute(f"select function_name from duckdb_functions() where {which}")
        return frozenset(name for (name,) in rows.fetchall())
