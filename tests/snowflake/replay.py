"""Replays statements that were sent, perhaps changed, against the rules of the stand-in alone.

No rows and no DuckDB: seconds where a deploy takes minutes. What is left out is what only rows and
files decide.
"""

import re

from tests.snowflake.standin.access import Access
from tests.snowflake.standin.account import Statement
from tests.snowflake.standin.objects import Objects
from tests.snowflake.standin.refused import Refused
from tests.snowflake.standin.register import Register
from tests.snowflake.standin.scripting import NoScript, script_of
from tests.snowflake.standin.session import Session
from tests.snowflake.standin.statements import QUOTED_BODY, creation, one_line

# What needs rows or files, or the stand-in's own back door.
LEFT_OUT = re.compile(
    r"(show|put|list|remove|copy into @|call standin_\w+|with \S+ as procedure)\b", re.I
)


def the_account_accepts(statements: list[Statement], _: dict) -> list[str]:
    """Return what an empty account refuses, in the order in which it was sent."""
    return [f"{words}: {one_line(sql)[:120]}" for sql, words in _refused(statements)]


def the_account_refuses(statements: list[Statement], code: str) -> list[str]:
    """Return the statements that an empty account refuses with a code of Snowflake's."""
    return [one_line(sql) for sql, words in _refused(statements) if words.startswith(code)]


def grants_in_the_end(statements: list[Statement]) -> set[tuple[str, ...]]:
    """Return what is granted on objects when all was done."""
    register = Register()
    for _ in _refused(statements, register):
        pass
    return {tuple(one) for one in register.grants}


def _refused(statements: list[Statement], register: Register | None = None) -> list:
    register = register or Register()
    access = Access(register)
    objects = Objects(register, access)
    found = []
    for statement in statements:
        session = Session(statement.role, (), "CHURN_WH", "CHURN", "PIPELINE")
        if LEFT_OUT.match(one_line(statement.sql)):
            _note_table(register, session, statement.sql)
            continue
        try:
            if objects.answer(session, statement.sql) is None:
                access.check(session, statement.sql)
            _read_body(statement.sql)
        except Refused as refused:
            found.append((statement.sql, f"{refused.code} {refused}"))
        except NoScript as wrong:
            found.append((statement.sql, f"001003 {wrong}"))
    return found


def _note_table(register: Register, session: Session, sql: str) -> None:
    """A Python model of dbt writes its table by Snowpark."""
    if found := re.match(r"with (\w+)__dbt_sp as procedure", one_line(sql), re.I):
        written = re.search(r"save_as_table\(\s*'?([\w.]+)|identifier\s*=\s*'(\w+)'", sql)
        name = (written and (written[1] or written[2])) or found[1]
        register.note_table(name, session)


def _read_body(sql: str) -> None:
    """A task's or procedure's body of SQL must be Snowflake Scripting."""
    created = creation(sql)
    if created and created.kind in ("task", "procedure") and QUOTED_BODY.search(sql):
        head = QUOTED_BODY.split(sql)[0].lower()
        if "language python" not in head:
            script_of(sql)
