"""Runs the bodies of tasks and procedures beside each other, in every order of their statements.

An account of its own in this process, without a wire: what a deploy has sent is run again on it.
Statements see and lock what they would on Snowflake (standin/running.py).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import fakesnow.logger
import pandas
import pytest
from fakesnow.fakes import FakeSnowflakeConnection
from fakesnow.server import shared_fs

from tests.snowflake.standin.account import Statement
from tests.snowflake.standin.door import Door
from tests.snowflake.standin.refused import Refused
from tests.snowflake.standin.running import Database, Run
from tests.snowflake.standin.scripting import Block, script_of
from tests.snowflake.standin.session import Session
from tests.snowflake.standin.stages import Upload
from tests.snowflake.standin.statements import create_of, one_line

DATABASE, SCHEMA = "CHURN", "PIPELINE"
NAMESPACE = f"{DATABASE}.{SCHEMA}"
# The time of a statement, so that its text is the same in every order and is understood once.
NOW = "cast(getvariable('now') as timestamp_ntz)"
STREAM = (
    f"(select live.*, 'INSERT' as metadata$action from {NAMESPACE}.churn_metrics_live as live"
    " where (select is_there from stream_content))"
)
SAVED = "saved"  # the schema with the state that every order begins with


class Beside:
    """An account that a deploy was sent to, whose tables can be put back."""

    def __init__(self, folder: Path, sent: list[Statement]) -> None:
        self._duck = shared_fs.duck_conn
        self._connections: list[FakeSnowflakeConnection] = []
        self._understood: dict[str, list[str]] = {}
        self.scripts: dict[str, Block] = {}
        door = Door(folder / "beside.jsonl")
        connection = self._connection(0)
        for statement in sent:
            created = create_of(statement.sql)
            is_python = "language python" in statement.sql
            if created and created.kind in ("task", "procedure") and not is_python:
                self.scripts[created.name.lower()] = script_of(statement.sql)
            session = Session(statement.role, (), "CHURN_WH", DATABASE, SCHEMA)
            try:
                connection.cursor().execute(door.statement(session, statement.sql))
            except Upload as upload:
                upload.copy()
            except Refused:  # dbt has asked for what was not there yet
                continue
            if created and created.name == "PREDICT_CHURN":
                self._predict(statement.sql)

    def _predict(self, sql: str) -> None:
        """Let everybody who is scored have a high score: what it is decides nothing here."""
        features = ", ".join(re.findall(r"(\w+) float", sql.split(")")[0]))
        self._duck.execute(
            f"create or replace macro {NAMESPACE}.predict_churn({features}) as"
            f" case when {features.split(',')[0]} is not null then 0.9 end"
        )

    def fill(self, tables: Mapping[str, pandas.DataFrame]) -> None:
        """Let tables hold these rows."""
        for name, frame in tables.items():
            relation = f"{NAMESPACE}.{name.upper()}"
            self._duck.execute(f"delete from {relation}")
            self._duck.register("frame", frame)
            self._duck.execute(f"insert into {relation} by name select * from frame")
            self._duck.unregister("frame")

    def run(self, sql: str) -> list[tuple]:
        """Run SQL of the engine underneath; of a query, return the rows."""
        return self._duck.execute(sql).fetchall()

    def beside(self, *bodies: tuple[str, dict[str, str | None]]) -> list[Run]:
        """Return a run of each body, by name, with its arguments; none of them has begun."""
        database = Database()
        return [
            _CachedRun(
                self._understood, self.scripts[name], self._connection(place), database,
                dict(arguments), _at_a_time,
            )
            for place, (name, arguments) in enumerate(bodies)
        ]  # fmt: skip

    def _connection(self, place: int) -> FakeSnowflakeConnection:
        while len(self._connections) <= place:
            self._connections.append(shared_fs.connect(DATABASE, SCHEMA))
        return self._connections[place]


class _CachedRun(Run):
    """Hands a statement to DuckDB as fakesnow has understood it the first time."""

    def __init__(self, understood: dict[str, list[str]], *arguments: object) -> None:
        self._understood = understood
        super().__init__(*arguments)

    def _execute(self, sql: str) -> tuple[list[str], list[tuple]]:
        if sql not in self._understood:
            heard: list[str] = []
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(fakesnow.logger, "log_sql", lambda text, *_: heard.append(text))
                answer = super()._execute(sql)
            self._understood[sql] = [one for one in heard if not one.startswith("DESCRIBE")]
            return answer
        duck = self._connection._duck_conn
        for text in self._understood[sql]:
            duck.execute(text)
        is_query = re.match(r"(select|with)\b", one_line(sql), re.I)
        rows = duck.fetchall()
        return [column for column, *_ in duck.description] if is_query else [], rows


def _at_a_time(sql: str) -> str:
    """Let a statement ask for the time and for the stream as they are in this account."""
    sql = re.sub(r"\bsysdate\(\)", NOW, sql, flags=re.I)
    return re.sub(rf"{NAMESPACE}\.churn_metrics_stream\b", STREAM, sql, flags=re.I)


def every_order(
    begin: Callable[[], list[Run]], before_step: Callable[[int], None]
) -> Iterator[list[int]]:
    """Run bodies in every order that their locks allow; give each order once it has been run.

    begin: puts the tables back and returns the runs. before_step: told how many steps were made.
    """
    left: list[list[int]] = [[]]
    while left:
        asked = left.pop()
        runs, order = begin(), []
        while not all(run.is_done for run in runs):
            ready = [place for place, run in enumerate(runs) if not (run.is_done or run.waits)]
            assert ready, "each waits for the other"
            chosen = ready[0]
            if len(order) < len(asked):
                chosen = asked[len(order)]
            else:
                left += [[*order, other] for other in ready[1:]]
            before_step(len(order))
            _step(runs[chosen])
            order.append(chosen)
        yield order


def _step(run: Run) -> None:
    """Make a step, and the next one if that only begins a transaction: nobody sees it."""
    run.step()
    if run.next and re.match(r"begin transaction$", one_line(run.next), re.I):
        run.step()
