"""What a task's statements read and write, so that they can be computed on the working copy.

dbt writes every relation of the lake as "lake"."main"."name"; that is what is looked for here.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

import duckdb

from embedded.database import CATALOG
from embedded.query_tree import all_sources

_TABLE = rf'"{CATALOG}"\."main"\."(\w+)"'
_RELATION = re.compile(_TABLE)
_INSERT = re.compile(rf"\s*insert into {_TABLE} \(([^)]*)\)", re.IGNORECASE)
_CHANGE = re.compile(rf"\s*(delete from|merge into) {_TABLE}", re.IGNORECASE)


@dataclass(frozen=True)
class Statement:
    """One statement of a task: rows are put into a table, deleted from it or merged into it.

    `query` is what follows the target: an insert's select statement, or the rest of a change.
    """

    verb: str
    target: str
    columns: str | None  # those that an insert names, as it writes them
    query: str
    reads: frozenset[str]

    @property
    def is_insert(self) -> bool:
        """Whether rows are only added."""
        return self.columns is not None


@dataclass(frozen=True)
class TaskPlan:
    """A task's statements in their order, and every table and view that they need by name."""

    statements: tuple[Statement, ...]
    tables: frozenset[str]
    views: frozenset[str]


@lru_cache
def statements_of(body: str) -> tuple[Statement, ...] | None:
    """Return a task's statements; None when one is no insert from a query, delete or merge, or
    when it cannot be told what they read.
    """
    found = []
    for statement in duckdb.extract_statements(body):
        text = statement.query
        if head := _INSERT.match(text):
            verb, target, columns = "insert into", head[1], head[2]
        elif head := _CHANGE.match(text):
            verb, target, columns = head[1], head[2], None
        else:
            return None
        query = text[head.end() :].strip().rstrip(";")
        reads = frozenset(_RELATION.findall(query))
        found.append(Statement(verb, target, columns, query, reads))
    rest = " ".join(_RELATION.sub("", one.query) for one in found)
    if any(re.search(rf"\b{name}\b", rest) for name in {CATALOG, *(one.target for one in found)}):
        return None  # perhaps a table of the lake after all, in other words
    return tuple(found)


def plan(body: str, tables: frozenset[str], queries: dict[str, str]) -> TaskPlan | None:
    """Return what a task does, given the lake's tables and the queries of its views.

    Returns None for a task that must be run on the lake itself: it has other statements, reads
    what is neither, or changes rows by what other statements write. For a change is done twice, on
    the copy in its turn, and on the lake before all inserts but after the copy has changed.
    """
    statements = statements_of(body)
    if statements is None:
        return None
    needed = [_needed(one, queries) for one in statements]
    for number, one in enumerate(statements):
        earlier = {other.target for other in statements[:number]}
        since = {other.target for other in statements[number:]}
        if not one.is_insert and (one.target in earlier or needed[number] & since):
            return None
    names = frozenset().union(*needed, (one.target for one in statements))
    if names - tables - queries.keys():
        return None
    return TaskPlan(statements, names & tables, names & queries.keys())


def redirect_relations(text: str, catalog: str) -> str:
    """Return a part of a statement with the lake's relations replaced by another catalog's."""
    return _RELATION.sub(rf'"{catalog}"."main"."\1"', text)


def _needed(statement: Statement, queries: dict[str, str]) -> frozenset[str]:
    """Return what a statement reads, directly or through views."""
    through_views = (all_sources(name, queries) for name in statement.reads & queries.keys())
    return statement.reads.union(*through_views)
