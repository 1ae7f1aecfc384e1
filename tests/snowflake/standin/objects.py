"""What statements do with objects and privileges: all that needs the register alone, and no DuckDB.

Statements that were sent can so be replayed, changed, to see whether an account would refuse them.
"""

import re

from tests.snowflake.standin import grants
from tests.snowflake.standin.access import Access
from tests.snowflake.standin.refused import Refused, no_such
from tests.snowflake.standin.register import ADMIN, Register, done
from tests.snowflake.standin.session import Session
from tests.snowflake.standin.statements import (
    KIND,
    NAME,
    creation,
    identifier,
    kind_of,
    one_line,
)

ALTER = re.compile(rf"alter ({KIND}) (if exists )?({NAME}(?:\([^)]*\))?) (.*)", re.I)
DROP = re.compile(rf"drop ({KIND}) (if exists )?({NAME}(?:\([^)]*\))?)( cascade| restrict)?", re.I)
COMMENT_ON = re.compile(rf"comment (?:if exists )?on ({KIND}) ({NAME}) is (.*)", re.I)
USE = re.compile(r"use (secondary roles|role|warehouse|schema|database) (.+)", re.I)
METHOD = re.compile(r"call ([\w.]+)!\w+\(", re.I)  # of a budget
SEND_EMAIL = re.compile(r"call system\$send_email\(\s*'(\w+)'", re.I)


class Objects:
    """The register behind its rules of access."""

    def __init__(self, register: Register, access: Access) -> None:
        self._register, self._access = register, access

    def answer(self, session: Session, sql: str) -> str | None:
        """Do a statement about objects; return SQL for its answer, or None if fakesnow answers."""
        text = one_line(sql)
        for do in (self._use, self._grant, self._create, self._drop, self._alter, self._comment):
            if (answer := do(session, sql, text)) is not None:
                return answer
        return None

    def _use(self, session: Session, sql: str, text: str) -> str | None:
        found = USE.fullmatch(text)
        if not found:
            return None
        what, name = found[1].lower(), found[2]
        if what == "role":
            self._access.use_role(session, identifier(name))
            session.role = identifier(name)
        elif what == "secondary roles":
            # The user of the stand-in has ACCOUNTADMIN.
            known = {"none": (), "all": (ADMIN,)}
            wanted = known.get(name.lower(), tuple(re.findall(r"\w+", name.upper())))
            for role in wanted:
                self._access.use_role(session, role)
            session.secondary = wanted
        elif what == "warehouse":
            entry = self._register.get("warehouse", name)
            if entry is None or not self._access.may(session, "USAGE", "warehouse", entry.full):
                raise no_such(name)
            session.warehouse = entry.full
        else:
            entry = self._register.get(what, name, session)
            if entry is None or not self._access.may(session, "ANY", what, entry.full):
                raise no_such(name)
            session.database, _, schema = entry.full.partition(".")
            session.schema = schema or None
            return f"use {what} {entry.full}"
        return done("Statement executed successfully.")

    def _grant(self, session: Session, sql: str, text: str) -> str | None:
        if not re.match(r"(grant|revoke) ", text, re.I):
            return None
        said = grants.said(sql)
        if said is None:
            raise Refused("001003", f"SQL compilation error:\nthe stand-in cannot read: {text}")
        self._register.grant(said, self._access.grant(session, said))
        return done("Statement executed successfully.")

    def _create(self, session: Session, sql: str, text: str) -> str | None:
        created = creation(sql)
        if created is None:
            return None
        self._access.create(session, created, sql)
        if created.kind == "table":
            self._access.check(session, sql)
        answer = self._register.create(created, sql, session)
        if created.kind == "database":
            self._make_schema(f"{created.name}.PUBLIC", session)
            return answer or f"use database {created.name}"
        if created.kind == "schema":
            full = self._register.full_name("schema", created.written, session)
            session.database, session.schema = full.split(".")
            return answer or f"use schema {full}"
        return answer

    def _make_schema(self, full: str, session: Session) -> None:
        """Make a schema, which is the session's current one from now on."""
        if self._register.get("schema", full) is None:
            text = f"create schema {full}"
            self._register.create(creation(text), text, session)
        session.database, session.schema = full.split(".")

    def _drop(self, session: Session, sql: str, text: str) -> str | None:
        found = DROP.fullmatch(text)
        if not found:
            return None
        kind = kind_of(found[1])
        if not self._access.drop(session, kind, found[3], bool(found[2])):
            return done("Drop statement executed successfully.")
        return self._register.drop(kind, found[3], session)

    def _alter(self, session: Session, sql: str, text: str) -> str | None:
        if re.match(r"alter (session|account)\b", text, re.I):
            return done("Statement executed successfully.")
        found = ALTER.fullmatch(text)
        if not found:
            return None
        kind = kind_of(found[1])
        entry = self._register.get(kind, found[3], session)
        if entry is None and found[2]:
            return done("Statement executed successfully.")
        entry = self._register.demand(kind, found[3], session)
        self._access.alter(session, entry, found[4])
        return self._register.alter(entry, found[4], session)

    def _comment(self, session: Session, sql: str, text: str) -> str | None:
        found = COMMENT_ON.fullmatch(text)
        if not found:
            return None
        entry = self._register.demand(kind_of(found[1]), found[2], session)
        self._access.demand_owner(session, entry)
        entry.comment = found[3].strip("$'")
        return done("Statement executed successfully.")
