"""Runs the bodies of tasks and procedures beside each other, in every order of their statements.

An account of its own in this process, without a wire: what a deploy has sent is run again on it.
Statements see and lock what they would on Snowflake (standin/running.py).
"""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from hashlib import md5
from typing import NamedTuple

import fakesnow.logger
import pandas
import pytest
from fakesnow.fakes import FakeSnowflakeConnection
from fakesnow.server import shared_fs

from tests.snowflake.standin import functions
from tests.snowflake.standin.account import Statement
from tests.snowflake.standin.running import WRITES, Database, Run, is_merge
from tests.snowflake.standin.scripting import Block, Node, Sql, script_of
from tests.snowflake.standin.statements import identifier, one_line, plain

DATABASE, SCHEMA = "CHURN", "PIPELINE"
NAMESPACE = f"{DATABASE}.{SCHEMA}"
# The time of a statement, so that its text is the same in every order and is understood once.
NOW = "cast(getvariable('now') as timestamp_ntz)"
READ_NOW = "GETVARIABLE('now')"  # as fakesnow has it
# Everybody has changed.
STREAM = f"(select *, 'INSERT' as metadata$action from {NAMESPACE}.churn_metrics_live)"
# What holds once: by table, the keys that have one row each.
WRITTEN = {
    "churn_scores": ["customer_id"],
    "churn_score_history": [],  # two runs may score a customer, who is alerted once all the same
    "high_risk_history": ["alert_id", "customer_id, cast(created_at as date)"],
    "alert_events": ["event_id", "alert_id, from_state", "alert_id, to_state"],
    "retention_emails": ["alert_id, revision"],
    "outbox": ["message_id, step, attempt"],
    "suppressions": ["customer_id, reason"],
    "outcomes": ["alert_id"],
    "alert_spend": ["alert_id, days"],
    "llm_calls": ["call_id"],
    "llm_answers": ["call_id", "alert_id, purpose, attempt"],
}
END = "2026-06-01 00:01:00"  # of the events, and a minute
FILLED = ("incremental", "table", "dynamic_table", "seed")
CREATE = re.compile(
    r"create\s+(?:or\s+replace\s+)?(?:(?:transient|secure)\s+)*"
    r"(table|view|dynamic\s+table|task|procedure|function)\s+([\w.]+)",
    re.I,
)


def prepare_functions() -> None:
    """Let DuckDB have the functions that the bodies call, for a manager of every region."""
    duck = shared_fs.duck_conn
    functions.of_the_instance()
    functions.of_a_database(DATABASE)
    for macro in (
        "sys_context(namespace, property) as 'ANN', (namespace, property, role) as"
        " role = 'CHURN_MANAGER'",
        "is_role_in_session(role) as role = 'CHURN_MANAGER'",
        "as_varchar(value) as case when json_type(value) = 'VARCHAR' then value ->> '$' end",
    ):
        duck.execute(f"create or replace macro {NAMESPACE}.{macro}")


class Beside:
    """An account that a deploy was sent to, whose tables can be put back."""

    def __init__(
        self,
        sent: list[Statement],
        nodes: dict,
        names: Collection[str],
        rows_of: Callable[[str], pandas.DataFrame | None],
    ) -> None:
        """Make what tasks and procedures of these names read, and fill the tables.

        nodes: of dbt's manifest. rows_of: returns what a table shall hold, None for what it holds.
        """
        needed = _needed(nodes, names)
        self._duck = shared_fs.duck_conn
        self._connections: list[FakeSnowflakeConnection] = []
        self._understood: dict[str, str] = {}
        self._prepared: set[tuple[int, str]] = set()
        self._views: dict[str, list[str]] = {}  # what each reads
        self.views: dict[str, str] = {}  # as they were sent
        self.scripts: dict[str, Block] = {}
        cursor = self._connection(0).cursor()
        prepare_functions()
        # A plan that is kept must not rest on what a table held when it was made.
        self._duck.execute(
            "set global disabled_optimizers = 'statistics_propagation,compressed_materialization'"
        )
        for key in needed:
            if nodes[key].get("language") == "python":
                frame = rows_of(nodes[key]["name"])
                self._duck.execute(
                    f"create or replace table {NAMESPACE}.{nodes[key]['name']} as from frame"
                )
        for sql in (plain(one.sql) for one in sent if one.node in needed):
            created = CREATE.match(sql.strip())
            kind, name = created.groups() if created else ("", "")
            if kind == "view":
                self.views[name.split(".")[-1].lower()] = sql
                self._views[name.split(".")[-1].lower()] = [
                    read.lower() for read in re.findall(rf"{NAMESPACE}\.(\w+)", sql, re.I)
                ]
            if kind in ("table", "view") or re.match(r"\s*insert into", sql, re.I):
                cursor.execute(sql)
            elif kind == "dynamic table":
                query = re.search(r"\bas\s*\((.*)\)\s*$", sql, re.S | re.I)[1]
                cursor.execute(f"create or replace table {name} as {query}")
            elif kind in ("task", "procedure") and "language python" not in sql:
                self.scripts[name.split(".")[-1].lower()] = script_of(sql)
            elif kind == "function" and "predict_churn(" in sql:
                self._predict(sql)
        for key in needed:
            is_filled = nodes[key]["config"]["materialized"] in FILLED
            if is_filled and (frame := rows_of(nodes[key]["name"])) is not None:
                self.fill(nodes[key]["name"], frame)

    def _predict(self, sql: str) -> None:
        """Let everybody who is scored have a high score: what it is decides nothing here."""
        features = ", ".join(re.findall(r"(\w+) float", sql.split(")")[0]))
        self._duck.execute(
            f"create or replace macro {NAMESPACE}.predict_churn({features}) as"
            f" case when {features.split(',')[0]} is not null then 0.9 end"
        )

    def fill(self, table: str, frame: pandas.DataFrame) -> None:
        """Let a table hold these rows."""
        self._duck.execute(f"delete from {NAMESPACE}.{table}")
        self._duck.execute(f"insert into {NAMESPACE}.{table} by name from frame")

    def make(self, sql: str) -> None:
        """Run a statement as fakesnow understands it."""
        self._connection(0).cursor().execute(sql)

    def run(self, sql: str) -> list[tuple]:
        """Run SQL of the engine underneath in the schema; of a query, return the rows."""
        self._duck.execute(f"use {NAMESPACE}")
        return self._duck.execute(sql).fetchall()

    def save(self) -> None:
        """Keep what the tables hold, as the state that `put_back` returns to."""
        self._saved = {
            name: self._duck.execute(f"from {NAMESPACE}.{name}").to_arrow_table()
            for (name,) in self._duck.execute(
                "select table_name from duckdb_tables() where database_name = ? and schema_name = ?"
                " and lower(table_name) in (select unnest(?))",
                [DATABASE, SCHEMA, list(WRITTEN)],
            ).fetchall()
        }

    def put_back(self) -> None:
        """Let the tables that tasks and procedures write hold what was saved."""
        for connection in self._connections:  # of runs that were left where they stood
            connection.cursor().execute("rollback")
        for name, rows in self._saved.items():  # noqa: B007 - DuckDB reads rows by its name
            self._duck.execute(f"delete from {NAMESPACE}.{name}")
            self._duck.execute(f"insert into {NAMESPACE}.{name} from rows")

    def doubles(self) -> dict[str, int]:
        """Return by table how many keys have several rows, where there are any."""
        found = {}
        for table in self._saved:
            for key in WRITTEN[table.lower()]:
                [(count,)] = self.run(
                    f"select count(*) from (select 1 from {table} group by {key}"
                    " having count(*) > 1)"
                )
                if count:
                    found[f"{table} ({key})"] = count
        return found

    def beside(self, *bodies: tuple[str, dict[str, str | None]]) -> list[Run]:
        """Return a run of each body, by name, with its arguments; none of them has begun."""
        database = Database()
        return [
            _PreparedRun(
                self._understood, self._prepared, overlapping(self.scripts[name]),
                self._connection(place + 1), database, dict(arguments), _as_here,
            )
            for place, (name, arguments) in enumerate(bodies)
        ]  # fmt: skip

    def step_of(self, place: int, run: Run, written: set[str]) -> "Step":
        """Return what the next step of a run reads and shows; `written` by its transaction."""
        text = one_line(run.next)
        if text.lower() == "commit":
            return Step(place, set(), written)
        return Step(place, self._read_by(text), set())

    def _read_by(self, sql: str) -> set[str]:
        """Return the tables that a statement reads, also by its views; it locks what it writes."""
        found: set[str] = set()
        left = [name.lower() for name in re.findall(rf"{NAMESPACE}\.(\w+)", sql, re.I)]
        while left:
            if (name := left.pop()) not in found:
                found.add(name)
                left += self._views.get(name, [])
        return found

    def set_time(self, seconds: int) -> None:
        """Let it be so many seconds after the last event."""
        for connection in self._connections:
            connection._duck_conn.execute(
                f"set variable now = timestamp '{END}' + interval {seconds} seconds"
            )

    def _connection(self, place: int) -> FakeSnowflakeConnection:
        while len(self._connections) <= place:
            self._connections.append(shared_fs.connect(DATABASE, SCHEMA))
        return self._connections[place]


def _needed(nodes: dict, names: Collection[str]) -> set[str]:
    """Return the nodes of these names and all that is upstream of them."""
    left = [key for key, node in nodes.items() if node["name"] in names]
    found: set[str] = set()
    while left:
        if (key := left.pop()) in nodes and key not in found:
            found.add(key)
            left += nodes[key]["depends_on"].get("nodes", [])
    return found


class _PreparedRun(Run):
    """Hands a statement to DuckDB as fakesnow has understood it the first time, planned once."""

    def __init__(
        self, understood: dict[str, str], prepared: set[tuple[int, str]], *arguments: object
    ) -> None:
        """understood, prepared: of all runs, by text, and by connection and name."""
        self._understood, self._prepared = understood, prepared
        super().__init__(*arguments)

    def _execute(self, sql: str) -> tuple[list[str], list[tuple]]:
        duck = self._connection._duck_conn
        if is_merge(sql):  # DuckDB plans it anew each time
            return super()._execute(sql)
        if sql not in self._understood:
            heard: list[str] = []
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(fakesnow.logger, "log_sql", lambda text, *_: heard.append(text))
                answer = super()._execute(sql)
            self._understood[sql] = heard[0]  # then come counts and descriptions
            return answer
        text = self._understood[sql]
        name = "p" + md5(text.encode(), usedforsecurity=False).hexdigest()
        parameter = "(getvariable('now'))" if READ_NOW in text else ""
        if (id(duck), name) not in self._prepared:
            duck.execute(f"prepare {name} as {text.replace(READ_NOW, '$1')}")
            self._prepared.add((id(duck), name))
        duck.execute(f"execute {name}{parameter}")
        is_query = re.match(r"(select|with)\b", one_line(sql), re.I)
        rows = duck.fetchall()
        return [column for column, *_ in duck.description] if is_query else [], rows


def _as_here(sql: str) -> str:
    """Let a statement ask for the time and the stream as they are here, and read hexadecimals."""
    sql = re.sub(r"\bsysdate\(\)", NOW, sql, flags=re.I)
    sql = functions.reading_hexadecimals(sql)
    return re.sub(rf"{NAMESPACE}\.churn_metrics_stream\b", STREAM, sql, flags=re.I)


def overlapping(script: Block) -> Block:
    """Let each statement that is its own transaction begin and end at moments of their own.

    Another one may begin in between, which does not see what it writes.
    """
    nodes: list[Node] = []
    for node in script.statements:
        is_written = isinstance(node, Sql) and WRITES.match(one_line(node.text))
        nodes += [Sql("begin transaction"), node, Sql("commit")] if is_written else [node]
    is_transaction = any(
        isinstance(node, Sql) and node.text == "begin transaction" for node in script.statements
    )
    return script if is_transaction else replace(script, statements=nodes)


def without_turns(script: Block) -> Block:
    """Return the script with each statement as its own transaction, as if there were no turns."""
    nodes: list[Node] = []
    for node in script.statements:
        if isinstance(node, Block):
            nodes += [
                one
                for one in node.statements
                if isinstance(one, Sql)
                and one.text not in ("begin transaction", "commit")
                and "alert_turn" not in one.text
            ]
        else:
            nodes.append(node)
    return replace(script, statements=nodes)


class Step(NamedTuple):
    """What a step has to do with other runs: what it reads, and what others see from then on."""

    place: int
    reads: set[str]
    shows: set[str]

    def may_swap(self, other: "Step") -> bool:
        """Whether the order of both says nothing."""
        return not (self.shows & other.reads or other.shows & self.reads)


def every_order(account: Beside, *bodies: tuple[str, dict[str, str | None]]) -> Iterator[list[int]]:
    """Run bodies in every order that their locks allow, each from what was saved on.

    Of orders that differ only in neighbours that may be swapped, one is run. Gives each order once
    it has been run: whose step was made, step by step.
    """
    left: list[list[int]] = [[]]
    while left:
        account.put_back()
        asked, order = left.pop(), []
        runs = account.beside(*bodies)
        written: list[set[str]] = [set() for _ in runs]  # by a transaction that is open
        last = None
        while not all(run.is_done for run in runs):
            ready = [
                account.step_of(place, run, written[place])
                for place, run in enumerate(runs)
                if not (run.is_done or run.waits)
            ]
            assert ready, "each waits for the other"
            if len(order) < len(asked):
                step = next(one for one in ready if one.place == asked[len(order)])
            else:
                ready = [
                    one
                    for one in ready
                    if last is None or one.place >= last.place or not one.may_swap(last)
                ]
                if not ready:
                    break  # another order is the same
                step = ready[0]
                left += [[*order, other.place] for other in ready[1:]]
            account.set_time(len(order))
            written[step.place] = _make(runs[step.place], written[step.place])
            order.append(step.place)
            last = step
        else:
            yield order


def _make(run: Run, written: set[str]) -> set[str]:
    """Make a step, and the next one if that only begins a transaction; return what is written."""
    text = one_line(run.next)
    run.step()
    if run.next and re.match(r"begin transaction$", one_line(run.next), re.I):
        run.step()
    found = WRITES.match(text)
    if text.lower() in ("commit", "rollback"):
        return set()
    return written | {identifier(found["table"]).lower()} if found else written
