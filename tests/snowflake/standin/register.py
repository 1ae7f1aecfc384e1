"""The objects of the stand-in: who is there, whose it is, in which state, and who may use it.

Rules of the engine that a deploy may break are kept, with Snowflake's own error codes: a dynamic
table needs a base table, a replaced one leaves its streams stale, a replaced task is suspended, and
an object that is replaced loses what was granted on it unless COPY GRANTS says otherwise.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from tests.snowflake.standin import grants
from tests.snowflake.standin.grants import Grant
from tests.snowflake.standin.refused import (
    Refused,
    exists,
    missing,
    no_current,
    no_time_travel,
    other_kind,
)
from tests.snowflake.standin.session import Session
from tests.snowflake.standin.statements import (
    OF_FAKESNOW,
    OF_THE_ACCOUNT,
    Create,
    option,
    parts,
    plain,
    signature,
)

ADMIN = "ACCOUNTADMIN"
STALE_AFTER_DAYS, TIME_TRAVEL_DAYS = 14, 1
# They share their names: none can be where another is.
RELATIONS = ("table", "view", "dynamic table")
WITH_SIGNATURE = ("function", "procedure")
# They keep their grants when COPY GRANTS asks for it; the others have no such clause.
COPIED = (
    "table", "view", "dynamic table", "stream", "function", "procedure", "semantic view",
)  # fmt: skip


@dataclass
class Entry:
    """One object, with what SHOW says of it."""

    kind: str
    full: str
    created_on: datetime
    text: str
    owner: str = ADMIN
    comment: str = ""
    state: str = ""
    source: str = ""
    is_stale: bool = False
    is_temporary: bool = False
    refresh: str = ""
    options: dict[str, str | None] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The last part of its name."""
        return parts(self.full)[-1]

    @property
    def schema(self) -> str:
        """Its database and schema."""
        return ".".join(parts(self.full)[:-1])

    @property
    def signature(self) -> str:
        """The types of its parameters, of a function or procedure."""
        return self.full[self.full.index("(") :] if "(" in self.full else ""


class Register:
    """All objects, by kind and name; its clock never stands still."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], Entry] = {}
        self.grants: list[Grant] = []
        self.future: list[tuple[Grant, str]] = []  # and the schema or database
        self._last = datetime.now(timezone.utc)
        for role in ("ACCOUNTADMIN", "SYSADMIN", "SECURITYADMIN", "USERADMIN", "PUBLIC"):
            self._entries["role", role] = Entry("role", role, self._now(), "")

    # -- what is there ----------------------------------------------------------------------------
    def of(self, kind: str, schema: str | None = None) -> list[Entry]:
        """Return the objects of a kind, by name; of a schema or database, if one is given."""
        return sorted(
            (
                entry
                for entry in self._entries.values()
                if entry.kind == kind
                and (schema is None or f"{entry.schema}.".startswith(f"{schema}."))
            ),
            key=lambda entry: entry.full,
        )

    def get(self, kind: str, written: str, session: Session | None = None) -> Entry | None:
        """Return one object, if it is there; a function without a signature is the first one."""
        full = self.full_name(kind, written, session or Session(ADMIN))
        if kind in WITH_SIGNATURE and "(" not in written:
            found = (one for one in self.of(kind) if one.full.startswith(f"{full}("))
            return next(found, None)
        return self._entries.get((kind, full))

    def demand(self, kind: str, written: str, session: Session) -> Entry:
        """Return one object that must be there."""
        entry = self.get(kind, written, session)
        if entry is None:
            raise missing(kind, written)
        return entry

    def full_name(self, kind: str, written: str, session: Session, types: str = "") -> str:
        """Return the whole name of an object, with what the session adds."""
        found = parts(written)
        wanted = 1 if kind in OF_THE_ACCOUNT else 2 if kind in ("schema", "database role") else 3
        if len(found) < wanted and len(found) < 2 and wanted == 3:
            if session.schema is None:
                raise no_current("schema" if session.database else "database", kind.upper())
            found = [session.schema, *found]
        if len(found) < wanted:
            if session.database is None:
                raise no_current("database", kind.upper())
            found = [session.database, *found]
        name = ".".join(found[-wanted:])
        if kind in WITH_SIGNATURE:
            name += types or signature(written[len(written.split("(")[0]) :])
        return name

    # -- what is done with it ---------------------------------------------------------------------
    def create(self, created: Create, sql: str, session: Session) -> str | None:
        """Do what a CREATE says; return SQL to run instead, or None for fakesnow's own."""
        kind = created.kind
        types = signature(created.rest, has_names=True) if kind in WITH_SIGNATURE else ""
        full = self.full_name(kind, created.written, session, types)
        there = self._entries.get((kind, full))
        if kind in RELATIONS:
            for other in RELATIONS:
                if other != kind and (other, full) in self._entries:
                    raise exists(f"{full}' as {other.upper()} '{full}")
        if there and not (created.or_replace or created.or_alter):
            if created.if_not_exists:
                return None if kind == "table" else done(
                    f"{created.name} already exists, statement succeeded."
                )  # fmt: skip
            raise exists(created.name)
        entry = Entry(
            kind, full, self._now(), sql, session.role, option(sql, "comment") or "",
            is_temporary=created.is_temporary,
        )  # fmt: skip
        statement = self._made(entry, created, sql, session)
        if there and created.or_alter:
            there.text, there.comment, there.options = sql, entry.comment, entry.options
            return statement
        if there and not (created.copies_grants and kind in COPIED):
            self._forget_grants(there)
        self._entries[kind, full] = entry
        if not there or not created.copies_grants:
            self._grant_future(entry)
        return statement

    def _made(self, entry: Entry, created: Create, sql: str, session: Session) -> str | None:
        if entry.kind in OF_FAKESNOW:
            return None
        if entry.kind == "dynamic table":
            return self._make_dynamic_table(entry, created, sql)
        if entry.kind == "stream":
            self._make_stream(entry, created.rest, session)
        elif entry.kind in ("task", "alert"):
            entry.state = "suspended"
        return done(f"{entry.kind.title()} {created.name} successfully created.")

    def _make_dynamic_table(self, entry: Entry, created: Create, sql: str) -> str:
        query = re.search(r"\bas\s*\((.*)\)\s*$", plain(sql), re.S | re.I)[1]
        if "where false limit 0" in query:
            raise Refused(
                "002728",
                "SQL compilation error:\nDynamic Tables must have at least one base table",
            )
        head = created.rest.split("as (")[0]
        for name in (
            "target_lag", "warehouse", "initialization_warehouse", "refresh_mode", "initialize",
            "scheduler",
        ):  # fmt: skip
            entry.options[name] = option(head, name)
        entry.state = "ACTIVE"
        for stream in self.of("stream"):
            stream.is_stale = stream.is_stale or stream.source == entry.full
        entry.refresh = f"create or replace table {created.written} as {query}"
        return entry.refresh

    def _make_stream(self, entry: Entry, rest: str, session: Session) -> None:
        rest = re.sub(r"^\s*copy\s+grants\b", "", rest, flags=re.I)
        found = re.match(r"\s*on\s+(dynamic\s+table|table|view)\s+(\S+)", rest, re.I)
        wanted = re.sub(r"\s+", " ", found[1].lower())
        for kind in RELATIONS:
            if (source := self.get(kind, found[2], session)) and kind != wanted:
                raise other_kind(source.full, kind, wanted)
        entry.source = self.demand(wanted, found[2], session).full

    def alter(self, entry: Entry, action: str, session: Session) -> str | None:
        """Do what an ALTER says; return SQL to run instead, or None for fakesnow's own."""
        if found := re.match(r"rename to (\S+)", action, re.I):
            self._rename(entry, self.full_name(entry.kind, found[1], session))
        verb = action.split()[0].lower()
        if verb == "refresh":
            if entry.is_stale:
                raise no_time_travel(entry.full)
            return entry.refresh
        if verb in ("resume", "suspend"):
            words = ("ACTIVE", "SUSPENDED") if entry.kind == "dynamic table" else (
                "started", "suspended"
            )  # fmt: skip
            entry.state = words[verb == "suspend"]
        if verb == "set":
            for name in ("target_lag", "warehouse", "scheduler", "initialization_warehouse"):
                if (value := option(action, name)) is not None:
                    entry.options[name] = value
            if (comment := option(action, "comment")) is not None:
                entry.comment = comment
            entry.options |= dict(re.findall(r"(\w+) = ([\w']+)", action))
            if entry.kind == "integration":
                entry.text += f" {action}"
        is_fakesnows = entry.kind == "table" and not re.match(
            r"set (change_tracking|comment|error_logging)", action, re.I
        )
        return None if is_fakesnows else done("Statement executed successfully.")

    def wait(self, days: int) -> None:
        """Let days pass in which nothing is done.

        A stream that nobody asks about goes stale after 14 days, the default of
        MAX_DATA_EXTENSION_TIME_IN_DAYS; the condition of a running task asks. A suspended dynamic
        table lacks the changes of its base tables once their Time Travel, a day, is over.
        """
        running = [one.text.upper() for one in self.of("task") if one.state == "started"]
        for stream in self.of("stream"):
            asked = any(f"'{stream.full}'" in text for text in running)
            stream.is_stale = stream.is_stale or (days > STALE_AFTER_DAYS and not asked)
        for table in self.of("dynamic table"):
            lapsed = table.state == "SUSPENDED" and days > TIME_TRAVEL_DAYS
            table.is_stale = table.is_stale or lapsed

    def drop(self, kind: str, written: str, session: Session) -> str | None:
        """Drop an object that is there; return SQL to run instead, or None for fakesnow's own."""
        entry = self.get(kind, written, session)
        self._remove(entry)
        if kind in ("schema", "database"):
            for one in list(self._entries.values()):
                if f"{one.schema}.".startswith(f"{entry.full}."):
                    self._remove(one)
        if kind == "role":
            self.grants = [one for one in self.grants if one.grantee_name != entry.full]
        if kind == "dynamic table":
            return f"drop table if exists {written}"
        return None if kind in OF_FAKESNOW else done(f"{entry.name} successfully dropped.")

    def note_table(self, written: str, session: Session) -> None:
        """A table was made by other means than SQL."""
        full = self.full_name("table", written, session)
        self._entries["table", full] = Entry("table", full, self._now(), "", session.role)

    # -- grants -----------------------------------------------------------------------------------
    def grant(self, said: grants.Said, objects: list[Entry]) -> None:
        """Give or take what a statement says, on these objects."""
        names = [(one.kind, one.full) for one in objects]
        if said.kind in (grants.ACCOUNT, "database role"):  # those of Snowflake itself
            names = [(said.kind, said.name.upper())]
        if said.which == "future":
            return self._note_future(said)
        for kind, name in names:
            for privilege in said.privileges:
                one = Grant(privilege, kind.upper(), name, said.grantee)
                if privilege == "OWNERSHIP":
                    self._entries[kind, name].owner = said.grantee
                elif not said.is_grant:
                    self.grants = [other for other in self.grants if other != one]
                elif one not in self.grants:
                    self.grants.append(one)
        return None

    def granted_on(self, entry: Entry) -> list[Grant]:
        """Return what is granted on an object."""
        return [
            one
            for one in self.grants
            if (one.granted_on, one.name) == (entry.kind.upper(), entry.full)
        ]

    def _note_future(self, said: grants.Said) -> None:
        container = ".".join(parts(said.name))
        noted = [
            (Grant(privilege, said.kind.upper(), "", said.grantee), container)
            for privilege in said.privileges
        ]
        kept = [one for one in self.future if one not in noted]
        self.future = kept + (noted if said.is_grant else [])

    def _grant_future(self, entry: Entry) -> None:
        self.grants += [
            one._replace(name=entry.full)
            for one, container in self.future
            if one.granted_on == entry.kind.upper()
            and f"{entry.schema}.".startswith(f"{container}.")
        ]

    def _forget_grants(self, entry: Entry) -> None:
        self.grants = [one for one in self.grants if one not in self.granted_on(entry)]

    def _remove(self, entry: Entry) -> None:
        self._forget_grants(entry)
        self._entries.pop((entry.kind, entry.full), None)

    def _rename(self, entry: Entry, full: str) -> None:
        moved = self.granted_on(entry)
        self._remove(entry)
        entry.full = full
        self._entries[entry.kind, full] = entry
        self.grants += [one._replace(name=full) for one in moved]

    def _now(self) -> datetime:
        self._last = max(self._last + timedelta(milliseconds=1), datetime.now(timezone.utc))
        return self._last


def done(words: str) -> str:
    """Return the SQL that answers as a statement that went well does."""
    return f"select '{words}' as \"status\""
