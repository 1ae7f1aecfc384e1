"""Whether a query may be recomputed key by key, on DuckDB's own syntax tree.

It may when each row that it returns depends only on source rows with the same key. That is proved
from the sources upwards: a relation is keyed when it passes the key on unchanged, and nothing in it
looks across keys. What cannot be proved is refused.

A source without the key may be looked up: joined as it is by an equal column that the keyed source
has under the same name. A row of it then concerns the keys of the rows that it is joined to.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import duckdb

from embedded.engine.sql_tree import (
    Node,
    column_name,
    column_table,
    expressions_in,
    nodes_in,
    parse,
)
from embedded.engine.storage import CATALOG

_GENERATORS = {"range", "generate_series", "unnest"}
# They depend on who asks, which DuckDB does not count as unsteady.
_OF_THE_SESSION = {
    *("current_catalog", "current_database", "current_role", "current_schema"),
    *("current_schemas", "current_setting", "current_user", "getvariable", "in_search_path"),
    *("session_user", "user"),
}
_CLOCKS = {"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"}
# Joins whose rows keep the key of the left side, of the right side.
_KEEPS_LEFT = {"INNER", "LEFT", "SEMI", "ANTI"}
_KEEPS_RIGHT = {"INNER", "RIGHT"}


class NotIncrementalError(Exception):
    """The query looks across keys; the message says where."""


@dataclass(frozen=True)
class _Relation:
    """Part of a query: does it read a table of the database, and under which names is its key kept?

    Of an outer join, only one side has the key in every row. `looked_up` is the source without the
    key whose rows it holds; `columns` are those that it passes on as its source has them, of those
    that a source may be looked up by.
    """

    is_keyed: bool
    names: frozenset[str] = frozenset()
    is_outer: bool = False
    looked_up: str | None = None
    columns: frozenset[str] = frozenset()


def check_incremental(
    query: str, keys: tuple[str, ...], keyless: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Raise NotIncrementalError unless the query can be recomputed for some of the keys alone.

    `keyless` are the sources that lack a column of the key, by name, with that column. Returns by
    which column each of them is looked up.
    """
    tree = parse(query)
    [statement] = tree["statements"]
    compared = frozenset(_compared_columns(tree)) if keyless else frozenset()
    check = _Check(keys, keyless or {}, compared)
    if not check.query(statement["node"], {}).is_keyed:
        for name in keyless or ():
            raise check.not_looked_up(name)
        raise NotIncrementalError("it reads no table of the database")
    return check.found


@dataclass(frozen=True)
class _Check:
    keys: tuple[str, ...]
    keyless: Mapping[str, str]
    compared: frozenset[str]
    found: dict[str, str] = field(default_factory=dict)

    def query(self, node: Node, known: dict[str, _Relation]) -> _Relation:
        known = dict(known)
        for cte in (node.get("cte_map") or {}).get("map") or []:
            self._no_new_names(cte["value"].get("aliases"))
            known[cte["key"]] = self.query(cte["value"]["query"]["node"], known)
        if node["type"] == "SET_OPERATION_NODE":
            return self._set_operation(node, known)
        if node["type"] != "SELECT_NODE":
            raise NotIncrementalError(f"it contains a {node['type'].lower().replace('_', ' ')}")
        if node.get("sample"):
            raise NotIncrementalError("it takes a sample")
        source = self._source(node["from_table"], known)
        own = [node[part] for part in _EXPRESSIONS if node.get(part)]
        expressions = [*expressions_in(own), *expressions_in(node.get("modifiers") or [])]
        self._refuse_volatile(expressions)
        if source.is_keyed:
            self._select(node, source, expressions)
        elif source.looked_up:
            self._only_rows(node, source.looked_up, expressions)
        items = node["select_list"]
        columns = {one for one in source.columns if any(_passes_on(i, one, source) for i in items)}
        return _Relation(source.is_keyed, looked_up=source.looked_up, columns=frozenset(columns))

    def _set_operation(self, node: Node, known: dict[str, _Relation]) -> _Relation:
        sides = [self.query(node[side], known) for side in ("left", "right")]
        self._no_limit(node)
        for side in sides:
            if side.looked_up:
                raise self.not_looked_up(side.looked_up)
        if sides[0].is_keyed != sides[1].is_keyed:
            raise NotIncrementalError("it adds rows that belong to no key")
        if sides[0].is_keyed and node["setop_type"] != "UNION_BY_NAME":
            places = [self._places(node[side]) for side in ("left", "right")]
            if None in places or places[0] != places[1]:
                raise NotIncrementalError(
                    "the sides of a union must name the key in the same place"
                )
        return _Relation(sides[0].is_keyed)

    def _places(self, node: Node) -> list[int] | None:
        """Return which columns of a select are the key, or None where that is not written."""
        columns = [column_name(item) for item in node.get("select_list") or []]
        is_written = all(key in columns for key in self.keys)
        return [columns.index(key) for key in self.keys] if is_written else None

    # -- FROM -------------------------------------------------------------------------------------

    def _source(self, node: Node, known: dict[str, _Relation]) -> _Relation:
        if node.get("sample"):
            raise NotIncrementalError("it takes a sample")
        self._no_new_names(node.get("column_name_alias"))
        kind, alias = node["type"], node.get("alias") or node.get("table_name") or ""
        if kind == "BASE_TABLE":
            is_stored = node.get("catalog_name") == CATALOG
            if not is_stored and node["table_name"] not in known:
                raise NotIncrementalError(
                    f"it reads {node['table_name']}, which is not in the database"
                )
            relation = self._stored(node["table_name"]) if is_stored else known[node["table_name"]]
            return replace(relation, names=frozenset([alias]))
        if kind == "SUBQUERY":
            relation = self.query(node["subquery"]["node"], known)
            return replace(relation, names=frozenset([alias]))
        if kind == "JOIN":
            return self._join(node, known)
        if kind in ("EMPTY", "TABLE_FUNCTION", "EXPRESSION_LIST"):
            self._refuse_volatile(expressions_in([node.get("function"), node.get("values")]))
            if kind == "TABLE_FUNCTION" and node["function"]["function_name"] not in _GENERATORS:
                raise NotIncrementalError(f"it reads from {node['function']['function_name']}()")
            return _Relation(False)
        raise NotIncrementalError(f"it reads from a {kind.lower().replace('_', ' ')}")

    def _stored(self, table: str) -> _Relation:
        looked_up = table if table in self.keyless else None
        return _Relation(looked_up is None, looked_up=looked_up, columns=self.compared)

    def _join(self, node: Node, known: dict[str, _Relation]) -> _Relation:
        left, right = (self._source(node[side], known) for side in ("left", "right"))
        how = node["join_type"]
        self._refuse_volatile(expressions_in(node.get("condition")))
        if node["ref_type"] not in ("REGULAR", "CROSS"):
            raise NotIncrementalError(f"it has a join of the kind {node['ref_type'].lower()}")
        if left.is_keyed and right.is_keyed:
            equal = self._equal_columns(node, left, right)
            for key in self.keys:
                if key not in equal:
                    raise NotIncrementalError(f"it joins two sources without an equality of {key}")
        columns = left.columns & right.columns
        for one, other in ((left, right), (right, left)):
            if one.looked_up:
                self._look_up(one, other, self._equal_columns(node, left, right))
                columns = other.columns
        names = frozenset()
        if left.is_keyed and how in _KEEPS_LEFT:
            names |= left.names
        if right.is_keyed and how in _KEEPS_RIGHT:
            names |= right.names
        if (left.is_keyed or right.is_keyed) and not names:
            raise NotIncrementalError(f"a {how.lower()} join adds rows that belong to no key")
        is_outer = how in ("LEFT", "RIGHT", "FULL")
        return _Relation(left.is_keyed or right.is_keyed, names, is_outer, columns=columns)

    def _look_up(self, one: _Relation, other: _Relation, equal: set[str | None]) -> None:
        """Note by which column a source without the key is joined to one that has it."""
        name = one.looked_up or ""
        by = sorted(one.columns & other.columns & equal) if other.is_keyed else []
        if not by or self.found.setdefault(name, by[0]) not in by:
            raise self.not_looked_up(name)

    def not_looked_up(self, name: str) -> NotIncrementalError:
        return NotIncrementalError(
            f"its source {name} has no column {self.keyless[name]}, and is not joined as it is by"
            " an equal column of the same name"
        )

    def _only_rows(self, node: Node, name: str, expressions: list[Node]) -> None:
        """Refuse more than choosing rows and columns of a source that is looked up."""
        is_more = any(node.get(part) for part in ("group_expressions", "modifiers", "qualify"))
        for one in expressions:
            is_function = one.get("class") == "FUNCTION"
            is_aggregate = is_function and one["function_name"] in _aggregates()
            is_more = is_more or is_aggregate or one.get("class") == "WINDOW"
        if is_more:
            raise self.not_looked_up(name)

    def _equal_columns(self, node: Node, left: _Relation, right: _Relation) -> set[str | None]:
        equal: set[str | None] = set(node.get("using_columns") or [])
        condition = node.get("condition")
        parts = [condition] if condition else []
        if condition and condition["type"] == "CONJUNCTION_AND":
            parts = condition["children"]
        for part in parts:
            if part["type"] == "COMPARE_EQUAL":
                one, other = part["left"], part["right"]
                of, of_other = column_table(one), column_table(other)
                is_of_both = (of in left.names and of_other in right.names) or (
                    of in right.names and of_other in left.names
                )
                if is_of_both and column_name(one) == column_name(other):
                    equal.add(column_name(one))
        return equal

    # -- SELECT -----------------------------------------------------------------------------------

    def _select(self, node: Node, source: _Relation, expressions: list[Node]) -> None:
        self._no_limit(node)
        for one in expressions:
            if one.get("class") == "WINDOW":
                self._contains_key(one.get("partitions") or [], source, "a window's PARTITION BY")
            if targets := one.get("distinct_on_targets"):
                self._contains_key(targets, source, "DISTINCT ON")
        for key in self.keys:
            if not any(_passes_on(item, key, source) for item in node["select_list"]):
                raise NotIncrementalError(f"a step of it does not pass {key} on as it is")
        groups = node.get("group_expressions") or []
        for group in node.get("group_sets") or []:
            named = [_by_position(groups[at], node) for at in group]
            self._contains_key(named, source, "GROUP BY")
        if not groups and node["aggregate_handling"] == "STANDARD_HANDLING":
            for item in expressions_in(node["select_list"]):
                if item.get("class") == "FUNCTION" and item["function_name"] in _aggregates():
                    raise NotIncrementalError(f"{item['function_name']}() is over all keys at once")

    def _contains_key(self, expressions: list[Node], source: _Relation, where: str) -> None:
        for key in self.keys:
            if not any(_is_key(one, key, source) for one in expressions):
                raise NotIncrementalError(f"{where} does not contain {key}")

    def _no_limit(self, node: Node) -> None:
        for modifier in node.get("modifiers") or []:
            if modifier["type"].startswith("LIMIT"):
                raise NotIncrementalError("it has a LIMIT")

    def _no_new_names(self, aliases: list[str] | None) -> None:
        if aliases:
            raise NotIncrementalError(f"it renames columns by their place: {', '.join(aliases)}")

    def _refuse_volatile(self, expressions: list[Node]) -> None:
        """Refuse what reads elsewhere, or gives something else each time."""
        for one in expressions:
            if one.get("class") == "SUBQUERY":
                raise NotIncrementalError("it has a subquery outside of FROM")
            is_function, name = one.get("class") == "FUNCTION", one.get("function_name")
            if column_name(one) in _CLOCKS or (is_function and name in _unsteady()):
                raise NotIncrementalError(
                    f"{name or column_name(one)} gives something else each time"
                )
            is_age_now = name == "age" and len(one["children"]) == 1
            is_word = column_table(one) is None and column_name(one) in _OF_THE_SESSION
            if is_word or is_age_now or (is_function and name in _OF_THE_SESSION):
                raise NotIncrementalError(f"{name or column_name(one)} depends on the session")
            if is_function and name not in _known():
                raise NotIncrementalError(f"{name} is not a function of DuckDB's own")


_EXPRESSIONS = ("select_list", "where_clause", "group_expressions", "having", "qualify")


def _compared_columns(tree: Any) -> Iterator[str]:
    """Return the names of columns that are compared with one of the same name."""
    for node in nodes_in(tree):
        if node.get("type") == "COMPARE_EQUAL":
            name = column_name(node["left"])
            if name is not None and name == column_name(node["right"]):
                yield name
        yield from node.get("using_columns") or []


def _is_key(node: Node, key: str, source: _Relation) -> bool:
    """Tell whether an expression is the key itself, of a side that has it in every row."""
    table = column_table(node)
    return column_name(node) == key and (table is None or table in source.names)


def _by_position(node: Node, select: Node) -> Node:
    value = node.get("value") or {}
    is_number = node.get("class") == "CONSTANT" and isinstance(value.get("value"), int)
    return select["select_list"][value["value"] - 1] if is_number else node


def _passes_on(item: Node, key: str, source: _Relation) -> bool:
    if item.get("class") == "STAR":
        changed = [item.get(part) for part in ("exclude_list", "replace_list", "rename_list")]
        is_whole = not item.get("columns") and f'"{key}"' not in json.dumps(changed)
        table = item.get("relation_name")
        return is_whole and (table in source.names if table else not source.is_outer)
    return _is_key(item, key, source) and item.get("alias") in ("", None, key)


def _known() -> frozenset[str]:
    return _functions("true")


def _aggregates() -> frozenset[str]:
    return _functions("function_type = 'aggregate'")


def _unsteady() -> frozenset[str]:
    return _functions("stability in ('VOLATILE', 'CONSISTENT_WITHIN_QUERY')")


@cache
def _functions(which: str) -> frozenset[str]:
    with duckdb.connect() as connection:
        rows = connection.execute(f"select function_name from duckdb_functions() where {which}")
        return frozenset(name for (name,) in rows.fetchall())
