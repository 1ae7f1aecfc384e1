"""What a task's statements read and write, so that they can be computed on the working copy.

dbt writes every relation of the lake as "lake"."main"."name"; that is what is looked for here.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

import duckdb

from embedded.database import CATALOG
from embedded.query_tree import all_sources

_RELATION = re.compile(rf'"{CATALOG}"\."main"\."(\w+)"')
_INSERT = re.compile(rf'\s*insert into "{CATALOG}"\."main"\."(\w+)" \(([^)]*)\)', re.IGNORECASE)
_MERGE = re.compile(rf'\s*merge into "{CATALOG}"\."main"\."(\w+)"', re.IGNORECASE)

_UPDATED = re.compile(r"\bupdate\s+set\s+(\w+)\s*=", re.IGNORECASE)


@dataclass(frozen=True)
class Statement:
    """One statement of a task: rows that are put into a table, or merged into it.

    `query` is an insert's select statement, or all of a merge that follows its target; `columns`
    are those that an insert names, as it writes them.
    """

    target: str
    columns: str | None
    query: str
    reads: frozenset[str]

    @property
    def is_merge(self) -> bool:
        """Whether rows of the target may be changed, and not only added."""
        return self.columns is None

    @property
    def updated(self) -> str | None:
        """Return the first column that a merge updates, if it updates any."""
        found = _UPDATED.search(self.query)
        return found[1] if found else None


@dataclass(frozen=True)
class TaskPlan:
    """A task's statements in their order, and every table and view that they need by name."""

    statements: tuple[Statement, ...]
    tables: frozenset[str]
    views: frozenset[str]

    @property
    def targets(self) -> tuple[str, ...]:
        """Return the tables that are written, each once."""
        return tuple(dict.fromkeys(one.target for one in self.statements))


@lru_cache
def statements_of(body: str) -> tuple[Statement, ...] | None:
    """Return a task's statements; None when one is neither an insert from a query nor a merge."""
    found = []
    for statement in duckdb.extract_statements(body):
        text = statement.query
        if head := _INSERT.match(text):
            target, columns = head.groups()
        elif head := _MERGE.match(text):
            target, columns = head[1], None
        else:
            return None
        query = text[head.end() :].strip().rstrip(";")
        found.append(Statement(target, columns, query, frozenset(_RELATION.findall(query))))
    return tuple(found)


def plan(body: str, tables: frozenset[str], queries: dict[str, str]) -> TaskPlan | None:
    """Return what a task does, given the lake's tables and the queries of its views.

    Returns None for a task that must be run on the lake itself: it has other statements, reads
    what is neither, or merges into a table what later statements would have changed.
    """
    statements = statements_of(body)
    if statements is None:
        return None
    needed = [_needed(one, queries) for one in statements]
    for number, one in enumerate(statements):
        others = {other.target for other in statements[:number] + statements[number + 1 :]}
        later = {other.target for other in statements[number + 1 :]}
        if one.is_merge and (one.target in others or needed[number] & later):
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
