"""Runs a body step by step, beside others, as Snowflake's sessions run beside each other.

A statement sees what was committed before it began, and what its own transaction wrote (READ
COMMITTED; DuckDB's transactions would see what was there when they began). UPDATE, DELETE and MERGE
lock their table until their transaction ends; who comes second waits. INSERT locks nothing. DDL
commits what is open, and what is open at the end of a body is rolled back, as an error.

    database = Database()
    one = Run(script_of(sent), connection, database)
    while not one.is_done:
        one.step() or other.step()  # False: it waits for the other, and has done nothing

connection: fakesnow's, each run its own (database.connect() of one instance).
"""

import re
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

import pyarrow
import sqlglot
from fakesnow.fakes import FakeSnowflakeConnection

from tests.snowflake.standin.scripting import (
    Assign,
    Block,
    If,
    Node,
    Raise,
    Return,
    reads,
    tokens,
    unbracketed,
)
from tests.snowflake.standin.statements import identifier, one_line

WRITES = re.compile(
    r"(?P<verb>insert\s+(?:overwrite\s+)?into|update|delete\s+from|merge\s+into|truncate\s+table)"
    r"\s+(?P<table>[\w.$\"]+)",
    re.I,
)
DDL = re.compile(r"(create|alter|drop|grant|revoke|comment|undrop)\b", re.I)
BEGIN = re.compile(r"begin (transaction|work)$", re.I)
Rows = list[tuple]


class ScriptError(Exception):
    """What a body fails with by itself."""


@dataclass
class Database:
    """What runs beside each other share: who holds which table, and how often was committed."""

    holders: dict[str, "Run"] = field(default_factory=dict)
    commits: int = 0


class Run:
    """One run of a body on a connection of its own."""

    def __init__(
        self,
        script: Block,
        connection: FakeSnowflakeConnection,
        database: Database | None = None,
        arguments: dict[str, Any] | None = None,
        rewrite: Callable[[str], str] = lambda sql: sql,
        along: Callable[[str], list[str]] = lambda sql: [],
    ) -> None:
        """arguments: of a procedure, by name.

        rewrite: returns what fakesnow gets for a statement. along: returns statements for DuckDB
        that belong to one, such as a stream's new offset after it was consumed.
        """
        self._connection, self._rewrite, self._along = connection, rewrite, along
        self._database = database or Database()
        self._variables: dict[str, Any] = {
            name.lower(): value for name, value in (arguments or {}).items()
        }
        self._results: dict[str, tuple[list[str], Rows] | None] = {}
        self._transaction: _Transaction | None = None
        self._steps = self._block(script)
        self.answer: Any = None  # of RETURN: a value, or rows
        self.columns: list[str] = []  # of the rows
        self.is_done = False
        self.done: list[str] = []  # the statements so far, in one line each
        self.next: str | None = None  # the statement that the next step runs
        self._go_on(None)

    @property
    def waits(self) -> bool:
        """Whether the next statement waits for another run's lock."""
        written = _written(self.next or "")
        return written is not None and self._is_held(written)

    def step(self) -> bool:
        """Run the next statement; False if it waits for another run's lock."""
        assert self.next is not None, "it is done"
        if self.waits:
            return False
        text = self.next
        self.done.append(one_line(text))
        try:
            result = self._run(text)
        except Exception as error:
            self._go_on(None, error)
        else:
            self._go_on(result)
        return True

    def run(self) -> Any:
        """Run all that is left, and return the answer."""
        while not self.is_done:
            if not self.step():
                raise ScriptError(f"waits for a lock that nobody gives back: {self.next}")
        return self.answer

    def _go_on(self, result: Any, error: Exception | None = None) -> None:
        """Go to the next statement, past all that needs none."""
        try:
            asked = self._steps.throw(error) if error else self._steps.send(result)
            self.next = self._bound(asked)
        except StopIteration:
            self._end()
        except BaseException:
            self._end(failed=True)
            raise

    def _end(self, failed: bool = False) -> None:
        self.next, self.is_done = None, True
        if self._transaction:
            self._rollback()
            if not failed:
                raise ScriptError(
                    "Scoped transaction started in stored procedure is incomplete and it was"
                    " rolled back."
                )

    # -- statements for the engine ----------------------------------------------------------------
    def _run(self, text: str) -> tuple[list[str], Rows]:
        line = one_line(text)
        if BEGIN.match(line):
            # A BEGIN inside of a transaction does nothing.
            self._transaction = self._transaction or _Transaction(self._connection, self._database)
            return [], []
        if line.lower() == "commit":
            self._commit()
            return [], []
        if line.lower() == "rollback":
            self._rollback()
            return [], []
        if DDL.match(line):
            self._commit()
        written = _written(text)
        if self._transaction:
            self._transaction.before(written)
            if written and written.locks:
                self._database.holders[written.name] = self
        found = self._execute(self._rewrite(text))
        for sql in self._along(text) if written else ():
            self._connection._duck_conn.execute(sql)
        if not self._transaction and (written or DDL.match(line)):
            self._database.commits += 1
        return found

    def _execute(self, sql: str) -> tuple[list[str], Rows]:
        if is_merge(sql):  # fakesnow makes tables for it, which no open transaction may
            duck = self._connection._duck_conn
            duck.execute(sqlglot.transpile(sql, read="snowflake", write="duckdb")[0])
            return [], duck.fetchall()
        cursor = self._connection.cursor()
        cursor.execute(sql)
        rows = [tuple(row) for row in cursor.fetchall()]
        is_query = re.match(r"(select|with|call)\b", one_line(sql), re.I)
        return [column.name for column in cursor.description] if is_query else [], rows

    def _commit(self) -> None:
        if self._transaction:
            self._transaction.commit()
            self._transaction = None
            self._database.commits += 1
        self._give_back()

    def _rollback(self) -> None:
        if self._transaction:
            self._transaction.rollback()
            self._transaction = None
        self._give_back()

    def _give_back(self) -> None:
        holders = self._database.holders
        self._database.holders = {name: run for name, run in holders.items() if run is not self}

    def _is_held(self, written: "Written") -> bool:
        return written.locks and self._database.holders.get(written.name, self) is not self

    # -- the script -------------------------------------------------------------------------------
    def _block(self, block: Block) -> Generator[str, Any, bool]:
        """Yield each statement and take its result; return whether the body has returned."""
        try:
            for declared in block.declared:
                yield from self._assign(declared)
            return (yield from self._nodes(block.statements))
        except Exception as error:
            if block.handler is None:
                raise
            self._variables["sqlerrm"] = str(error)
            try:
                return (yield from self._nodes(block.handler))
            except _Again:
                raise error from None

    def _nodes(self, nodes: list[Node]) -> Generator[str, Any, bool]:
        for node in nodes:
            if (yield from self._node(node)):
                return True
        return False

    def _node(self, node: Node) -> Generator[str, Any, bool]:
        if isinstance(node, Block):
            return (yield from self._block(node))
        if isinstance(node, Assign):
            yield from self._assign(node)
        elif isinstance(node, If):
            for condition, following in node.branches:
                if (yield from self._value(condition)):
                    return (yield from self._nodes(following))
        elif isinstance(node, Return):
            yield from self._return(node.value)
            return True
        elif isinstance(node, Raise):
            raise _Again
        else:
            _, rows = yield node.text
            self._note(node.text, rows)
            if node.into:
                self._into(node.into, rows)
        return False

    def _note(self, text: str, rows: Rows) -> None:
        if _written(text):
            count = sum(int(one) for one in rows[0]) if rows else 0
            self._variables |= {
                "sqlrowcount": count, "sqlfound": count > 0, "sqlnotfound": count == 0
            }  # fmt: skip

    def _into(self, names: tuple[str, ...], rows: Rows) -> None:
        if len(rows) > 1:
            raise ScriptError("SELECT INTO expects exactly one returned row")
        for name in names:
            if name not in self._variables:
                raise ScriptError(f"variable {name} is not declared")
        values = rows[0] if rows else (None,) * len(names)
        self._variables |= dict(zip(names, values, strict=True))

    def _assign(self, node: Assign) -> Generator[str, Any, None]:
        if not node.declares and node.name not in self._variables | self._results:
            raise ScriptError(f"variable {node.name} is not declared")
        if node.value is None:
            (self._results if node.is_resultset else self._variables)[node.name] = None
            return
        if node.is_resultset or node.name in self._results:
            self._results[node.name] = yield unbracketed(node.value)
        else:
            self._variables[node.name] = yield from self._value(node.value)

    def _return(self, value: str) -> Generator[str, Any, None]:
        if found := re.fullmatch(r"table\s*\(\s*(\w+)\s*\)", value, re.I):
            self.columns, self.answer = self._results[found[1].lower()]
        elif value:
            self.answer = yield from self._value(value)

    def _value(self, expression: str) -> Generator[str, Any, Any]:
        """Evaluate an expression, by the engine; one that reads tables is a statement."""
        query = f"select {self._bound(expression, bare=True)} as value"
        _, rows = (yield query) if reads(expression) else self._execute(self._rewrite(query))
        return rows[0][0]

    def _bound(self, text: str, bare: bool = False) -> str:
        """Put the variables' values in; in expressions they need no colon."""
        pieces, out = tokens(text), []
        for place, (kind, piece) in enumerate(pieces):
            name = piece.lower()
            if kind == "word" and name in self._variables:
                before = pieces[place - 1][1] if place else ""
                if before == ":" and not _is_path(pieces, place - 1):
                    out[-1] = _literal(self._variables[name])
                    continue
                if bare and before not in (".", ":"):
                    piece = _literal(self._variables[name])
            out.append(piece)
        return "".join(out)


class _Again(Exception):
    """RAISE inside of a handler."""


@dataclass
class Written:
    """The table that a statement writes, and whether it locks it."""

    name: str
    relation: str
    locks: bool


class _Transaction:
    """An open transaction, that is begun again with its own changes once others have committed."""

    def __init__(self, connection: FakeSnowflakeConnection, database: Database) -> None:
        self._connection, self._database = connection, database
        self._duck = connection._duck_conn
        self._first: dict[str, pyarrow.Table] = {}
        self._seen: int | None = None

    def before(self, written: Written | None) -> None:
        """Let the next statement see what was committed by now."""
        if self._seen is None:
            self._begin()
        elif self._seen != self._database.commits:
            changed = {name: self._changes(name) for name in self._first}
            self.rollback()
            self._begin()
            for name, (added, removed) in changed.items():
                self._first[name] = self._rows(name)
                self._apply(name, added, removed)
        if written and written.relation not in self._first:
            self._first[written.relation] = self._rows(written.relation)

    def commit(self) -> None:
        if self._seen is not None:
            self._connection.cursor().execute("commit")

    def rollback(self) -> None:
        if self._seen is not None:
            self._connection.cursor().execute("rollback")

    def _begin(self) -> None:
        self._connection.cursor().execute("begin")
        self._seen = self._database.commits

    def _rows(self, relation: str) -> pyarrow.Table:
        return self._duck.execute(f"select * from {relation}").to_arrow_table()

    def _changes(self, relation: str) -> tuple[pyarrow.Table, pyarrow.Table]:
        first, now = self._first[relation], self._rows(relation)
        return self._without(now, first), self._without(first, now)

    def _without(self, one: pyarrow.Table, other: pyarrow.Table) -> pyarrow.Table:
        # DuckDB finds both by their names.
        return self._duck.execute("from one except all from other").to_arrow_table()

    def _apply(self, relation: str, added: pyarrow.Table, removed: pyarrow.Table) -> None:
        if removed.num_rows:  # then this transaction holds the table
            added = pyarrow.concat_tables([self._without(self._rows(relation), removed), added])
            self._duck.execute(f"delete from {relation}")
        self._duck.execute(f"insert into {relation} select * from added")


def is_merge(sql: str) -> bool:
    return one_line(sql).lower().startswith("merge")


def _written(text: str) -> Written | None:
    found = WRITES.match(one_line(text))
    if not found:
        return None
    return Written(
        identifier(found["table"]), found["table"], not found["verb"].lower().startswith("insert")
    )


def _is_path(pieces: list[tuple[str, str]], colon: int) -> bool:
    """Whether a colon follows a value (payload:key), and is no variable's."""
    if colon == 0:
        return False
    kind, text = pieces[colon - 1]
    return kind == "word" or text in (")", "]") or text.startswith('"')


def _literal(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool) or hasattr(value, "as_integer_ratio"):
        return str(value).lower()
    text = "'" + str(value).replace("\\", "\\\\").replace("'", "''") + "'"
    return f"{text}::timestamp_ntz" if hasattr(value, "isoformat") else text
