"""The account's door: each statement is recorded, then refused, done here, or left to fakesnow."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fakesnow.fakes import FakeSnowflakeConnection
from fakesnow.server import shared_fs

from tests.snowflake.standin import functions, grants, streams
from tests.snowflake.standin.access import Access
from tests.snowflake.standin.call import Caller
from tests.snowflake.standin.objects import METHOD, SEND_EMAIL, Objects
from tests.snowflake.standin.offers import offered
from tests.snowflake.standin.procedure import run_procedure
from tests.snowflake.standin.refused import Refused
from tests.snowflake.standin.register import Register, done
from tests.snowflake.standin.session import Session
from tests.snowflake.standin.show import describe, dynamic_tables_function, show
from tests.snowflake.standin.stages import Stages
from tests.snowflake.standin.statements import (
    QUOTED_BODY,
    creation,
    one_line,
    plain,
)

# Its arguments hold calls, and those hold calls.
TASK_HISTORY = re.compile(
    r"table\(\s*\w+\.information_schema\.task_history\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)\s*\)",
    re.I,
)
DYNAMIC_TABLES = re.compile(
    r"table\(\s*\w+\.information_schema\.dynamic_tables\([^)]*\)\s*\)", re.I
)


class Door:
    """One for the account; what a connection has set comes with each statement."""

    def __init__(self, record: Path) -> None:
        self._record = record.open("a", buffering=1)
        self.register = Register()
        self._access = Access(self.register)
        self._objects = Objects(self.register, self._access)
        self._stages = Stages(self.register, self._access, record.parent / "stages")
        self._caller = Caller(
            self.register, self._access, self._connect, self._inside, self.prepare
        )
        self._answers_for: tuple | None = None
        self._lacks = ""  # statements of what this account does not offer, as a pattern
        functions.of_the_instance()

    def login(self, session: Session) -> None:
        """Refuse a login with a role that the user does not have."""
        try:
            self._access.use_role(session, session.role)
        except Refused as refused:
            raise Refused(
                "390189",
                f"Role '{session.role}' specified in the connect string does not exist or not"
                " authorized. Contact your local system administrator, or attempt to login with"
                " another role, e.g. PUBLIC.",
                "08001",
            ) from refused

    def statement(self, session: Session, sql: str) -> str:
        """Return what fakesnow shall run for a statement; raises Refused."""
        self._record.write(json.dumps({"sql": sql, "role": session.role}) + "\n")
        text = one_line(sql)
        if self._lacks and re.match(self._lacks, text, re.I):
            raise Refused("002140", "SQL compilation error:\nUnsupported feature on this account.")
        for do in (self._show, self._object, self._file, self._run):
            if (answer := do(session, sql, text)) is not None:
                return answer
        return self.prepare(session, sql)

    def prepare(self, session: Session, sql: str) -> str:
        """Check a query or DML, and return it in words that fakesnow has."""
        self._access.check(session, sql)
        self._let_functions_answer(session)
        text = one_line(sql).lower()
        sql = offered(functions.of_this_session(functions.reading_hexadecimals(sql), session))
        if "account_usage" in sql.lower():
            return "select 'nothing yet' as what where 1 = 0"
        sql = TASK_HISTORY.sub(lambda _: self._caller.history(), sql)
        if "dbt_internal_source" in text:
            # In MERGE … INSERT … VALUES a bare name is the source's; fakesnow takes it for both's.
            sql = re.sub(
                r"(values\s*\()([^()]*)(\)\s*)$",
                lambda m: m[1] + re.sub(r'("\w+")', r"DBT_INTERNAL_SOURCE.\1", m[2]) + m[3],
                plain(sql),
                flags=re.I,
            )
        if found := re.match(r"insert overwrite into (\S+)", text):
            shared_fs.duck_conn.cursor().execute(f"delete from {found[1]}")
            sql = re.sub(r"^(\s*insert) overwrite", r"\1", sql, flags=re.I)
        # What is temporary and names its database is nothing that DuckDB knows; dbt drops it.
        sql = re.sub(
            r"(create or replace\s+)temporary (view|table)", r"\1\2", sql, count=1, flags=re.I
        )
        return DYNAMIC_TABLES.sub(lambda _: dynamic_tables_function(self.register), sql)

    # -- kinds of statements: SQL for their answers, or None for another kind ---------------------
    def _show(self, session: Session, sql: str, text: str) -> str | None:
        if text.lower().startswith("show "):
            return show(self.register, self._access, session, sql)
        return describe(self.register, self._access, session, sql)

    def _object(self, session: Session, sql: str, text: str) -> str | None:
        created, imports = creation(sql), []
        if created and created.kind in ("function", "procedure"):
            imports = self._stages.demand_imports(session, QUOTED_BODY.sub("", created.rest))
        answer = self._objects.answer(session, sql)
        if created is None or answer is None:
            return answer
        if created.kind in ("database", "schema"):
            shared_fs.connect(session.database, session.schema)
        if created.kind == "database":
            functions.of_a_database(session.database)
        if (created.kind, created.name) == ("function", "PREDICT_CHURN"):
            functions.predict_churn_scores(sql, imports)
        if created.kind == "stream":
            streams.create(self.register.demand("stream", created.written, session))
        return answer

    def _file(self, session: Session, sql: str, text: str) -> str | None:
        return self._stages.answer(session, text)

    def _run(self, session: Session, sql: str, text: str) -> str | None:
        if found := re.fullmatch(r"call standin_load\('([\w.]+)', '(.*)'\)", text, re.I):
            return self._load(found[1], found[2])
        if found := re.fullmatch(r"call standin_wait\((\d+)\)", text, re.I):
            self.register.wait(int(found[1]))
            return done("waited")
        if found := re.fullmatch(r"call standin_lacks\('(.*)'\)", text, re.I):
            self._lacks = found[1]
            return done("lacking")
        if found := re.fullmatch(r"execute task (\S+)", text, re.I):
            self._caller.execute_task(session, found[1])
            return done("Task execution scheduled.")
        if text.lower() in ("begin", "begin transaction", "commit", "rollback"):
            return done("Statement executed successfully.")  # fakesnow cannot describe its result
        if re.match(r"with \S+ as procedure\b", text, re.I):
            self._access.check(session, "call it()")
            self._stages.demand_imports(session, QUOTED_BODY.sub("", sql))
            return done(
                run_procedure(
                    sql, shared_fs.duck_conn, self._stages.folder,
                    [session.database, session.schema],
                    lambda table: self.register.note_table(table, session),
                )
            )  # fmt: skip
        if found := SEND_EMAIL.match(text):
            integration = self.register.demand("integration", found[1], session)
            self._access.demand(session, "USAGE", integration)
            return done("true")
        if found := METHOD.match(text):
            self._access.demand_owner(session, self.register.demand("budget", found[1], session))
            return done("The method was called.")
        if text.lower().startswith("call system$send_snowflake_notification"):
            return done("Enqueued notifications.")
        if text.lower().startswith("call "):
            return self._caller.call(session, sql)
        return None

    # -- around statements ------------------------------------------------------------------------
    def _load(self, table: str, file: str) -> str:
        """Fill a table as the loader or a task would have: no statement of a deploy."""
        connection = shared_fs.duck_conn.cursor()
        connection.execute(f"delete from {table}")
        connection.execute(f"insert into {table} by name select * from read_parquet('{file}')")
        return done("loaded")

    @contextmanager
    def _inside(self, session: Session, owner: Session) -> Iterator[None]:
        """Let functions answer as inside of a procedure.

        Before it begins a transaction, which would not see functions that are defined later.
        """
        self._let_functions_answer(owner)
        try:
            yield
        finally:
            self._answers_for = None
            self._let_functions_answer(session)

    def _let_functions_answer(self, session: Session) -> None:
        """Define functions anew if the last statement was another session's or role's."""
        reads = session.owner is None or self._access.may(
            Session(session.owner), "READ SESSION", grants.ACCOUNT
        )
        roles = self._access.roles(session)
        whole = grants.inherited((session.role, *session.secondary), self.register.grants)
        schemas = [entry.full for entry in self.register.of("schema")]
        key = (frozenset(roles), frozenset(whole), reads, session.user, len(schemas))
        if self._answers_for != key:
            functions.of_a_session(session, roles, whole, schemas, reads)
            self._answers_for = key

    def _connect(self, session: Session) -> FakeSnowflakeConnection:
        return shared_fs.connect(session.database, session.schema)
