"""The objects of the stand-in that fakesnow does not know: who is there, in which state.

Rules of the engine that a deploy may break are kept, with Snowflake's own error codes: a dynamic
table needs a base table, a replaced one leaves its streams stale, a replaced task is suspended.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from tests.snowflake.standin.offers import Grant, grants_of
from tests.snowflake.standin.statements import (
    Create,
    create_of,
    identifier,
    one_line,
    option,
    plain,
)


class Refused(Exception):
    """The account would refuse this statement: its code and its words."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code


@dataclass
class Entry:
    """One object, with what SHOW says of it."""

    kind: str
    name: str
    created_on: datetime
    text: str
    comment: str = ""
    state: str = ""
    source: str = ""
    is_stale: bool = False
    refresh: str = ""
    options: dict[str, str | None] = field(default_factory=dict)


class Register:
    """All objects, by kind and name; its clock never stands still."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], Entry] = {}
        self.grants: list[Grant] = []
        self._last = datetime.now(timezone.utc)

    def of(self, kind: str) -> list[Entry]:
        """Return the objects of a kind, by name."""
        return sorted(
            (entry for entry in self._entries.values() if entry.kind == kind),
            key=lambda entry: entry.name,
        )

    def get(self, kind: str, name: str) -> Entry | None:
        """Return one object, if it is there."""
        return self._entries.get((kind, identifier(name)))

    def act(self, sql: str) -> str | None:
        """Do what a statement says with these objects; return SQL to run instead, or None."""
        if created := create_of(sql):
            return self._create(created, sql)
        text = one_line(sql)
        if text.lower().startswith("revoke"):
            self.grants = [one for one in self.grants if one not in grants_of(sql)]
        else:
            self.grants.extend(grants_of(sql))
        if found := re.match(
            r"alter (dynamic table|task|stream) (?:if exists )?(\S+) (.*)", text, re.I
        ):
            return self._alter(found[1].lower(), found[2], found[3])
        if found := re.match(r"comment on dynamic table (\S+) is \$\$(.*)\$\$$", text, re.I):
            self.get("dynamic table", found[1]).comment = found[2]
            return done("Statement executed successfully.")
        if found := re.match(
            r"drop (dynamic table|task|stream|stage|function|procedure|role|resource monitor|"
            r"row access policy|masking policy|streamlit|compute pool|file format)"
            r" (?:if exists )?([^\s(]+)", text, re.I
        ):  # fmt: skip
            kind = found[1].lower()
            self._entries.pop((kind, identifier(found[2])), None)
            if kind == "dynamic table":
                return f"drop table if exists {found[2]}"
            return done(f"{identifier(found[2])} successfully dropped.")
        return None

    def _now(self) -> datetime:
        self._last = max(self._last + timedelta(milliseconds=1), datetime.now(timezone.utc))
        return self._last

    def _create(self, created: Create, sql: str) -> str:
        kind, name = created.kind, created.name
        if (kind, name) in self._entries and not created.or_replace:
            if created.if_not_exists:
                return done(f"{name} already exists, statement succeeded.")
            raise Refused("002002", f"Object '{name}' already exists.")
        entry = Entry(kind, name, self._now(), sql, option(sql, "comment") or "")
        statement = done(f"{kind.title()} {name} successfully created.")
        if kind == "dynamic table":
            statement = self._create_dynamic_table(entry, created, sql)
        elif kind == "stream":
            self._create_stream(entry, created.rest)
        elif kind == "task":
            entry.state = "suspended"
        self._entries[kind, name] = entry
        return statement

    def _create_dynamic_table(self, entry: Entry, created: Create, sql: str) -> str:
        query = re.search(r"\bas\s*\((.*)\)\s*$", plain(sql), re.S | re.I)[1]
        if "where false limit 0" in query:
            raise Refused("002728", "Dynamic Tables must have at least one base table")
        for name in ("target_lag", "warehouse", "refresh_mode", "initialize", "scheduler"):
            entry.options[name] = option(created.rest.split("as (")[0], name)
        entry.state = "ACTIVE"
        for stream in self.of("stream"):
            stream.is_stale = stream.is_stale or stream.source == entry.name
        table = re.search(r"dynamic\s+table\s+(?:if\s+not\s+exists\s+)?(\S+)", plain(sql), re.I)[1]
        entry.refresh = f"create or replace table {table} as {query}"
        return entry.refresh

    def _create_stream(self, entry: Entry, rest: str) -> None:
        found = re.match(r"\s*on\s+(dynamic\s+table|table|view)\s+(\S+)", rest, re.I)
        source = identifier(found[2])
        is_dynamic = self.get("dynamic table", source) is not None
        if is_dynamic != (found[1].lower().split()[0] == "dynamic"):
            raise Refused("002203", f"'{source}' is not a {found[1].lower()}.")
        entry.source = source

    def _alter(self, kind: str, name: str, action: str) -> str:
        entry = self.get(kind, name)
        if entry is None:
            raise Refused("002003", f"{kind.title()} '{name}' does not exist or not authorized.")
        verb = action.split()[0].lower()
        if verb == "refresh":
            return entry.refresh
        if verb in ("resume", "suspend"):
            started = "ACTIVE" if kind == "dynamic table" else "started"
            suspended = "SUSPENDED" if kind == "dynamic table" else "suspended"
            entry.state = started if verb == "resume" else suspended
        if verb == "set":
            for option_name in ("target_lag", "warehouse", "scheduler"):
                if (value := option(action, option_name)) is not None:
                    entry.options[option_name] = value
            if (comment := option(action, "comment")) is not None:
                entry.comment = comment
        return done("Statement executed successfully.")


def done(words: str) -> str:
    """Return the SQL that answers as a statement that went well does."""
    return f"select '{words}' as \"status\""
