"""What SHOW and the information schema say of the objects that the stand-in keeps itself.

A role is shown what it has any privilege on, and nothing of a schema that is not there.
"""

import re

from tests.snowflake.standin.access import Access
from tests.snowflake.standin.grants import Grant
from tests.snowflake.standin.offers import models
from tests.snowflake.standin.refused import no_such
from tests.snowflake.standin.register import RELATIONS, Entry, Register
from tests.snowflake.standin.session import Session
from tests.snowflake.standin.statements import (
    KINDS,
    OF_THE_ACCOUNT,
    identifier,
    kind_of,
    one_line,
    option,
    parts,
)

SHOW = re.compile(
    r"show (terse )?(?:user )?(?P<kind>future grants|grants|objects|databases|"
    r"cortex base models|snowflake\.core\.budget(?: instances)?|[a-z ]+?)(?: history)?"
    r"(?: like '(?P<like>(?:[^']|'')*)')?"
    r"(?: in (?P<in>account|(?:schema |database )?[\w.\"$]+))?"
    r"(?: starts with '(?P<starts>(?:[^']|'')*)')?(?: limit \d+)?"
    r"(?P<rest> (?:to|on|of) .*)?",
    re.I,
)


def show(register: Register, access: Access, session: Session, sql: str) -> str | None:
    """Return the SQL that answers a SHOW statement, or None for fakesnow's own."""
    found = SHOW.fullmatch(one_line(sql))
    if not found:
        return None
    kind = found["kind"].lower()
    if kind == "cortex base models":
        # They lie in a schema of their own, and SHOW without IN looks into the session's database.
        is_there = re.fullmatch(r"(schema )?snowflake\.models", found["in"] or "", re.I)
        return _answer(models() if is_there else [], ["name", "lifecycle_status"])
    if kind == "grants":
        return _grants(register, session, found["rest"].strip())
    kind = kind.removesuffix(" instances")
    kind = kind[:-3] + "y" if kind.endswith("policies") else kind_of(kind.removesuffix("s"))
    wanted = RELATIONS if kind == "object" else ("table", "dynamic table") if kind == "table" else (
        kind,
    )  # fmt: skip
    if kind != "object" and kind not in KINDS:
        return None
    container = _container(register, session, kind, found["in"])
    entries = [
        entry
        for one in wanted
        for entry in register.of(one, container)
        if (kind == "role" or access.may(session, "ANY", entry.kind, entry.full))
        and not entry.is_temporary
        and _matches(entry.name, found["like"])
        and entry.name.startswith(found["starts"] or "")
    ]
    columns = COLUMNS.get(kind, _common)
    example = columns(Entry(kind, "A.B.C", None, ""))
    return _answer([columns(entry) for entry in entries], list(example))


def describe(register: Register, access: Access, session: Session, sql: str) -> str | None:
    """Return the SQL that answers DESCRIBE of an integration, or None for fakesnow's own."""
    found = re.fullmatch(r"desc(?:ribe)? (?:notification )?integration (\S+)", one_line(sql), re.I)
    if not found:
        return None
    entry = register.demand("integration", found[1], session)
    access.demand(session, "USAGE", entry)
    listed = ",".join(re.findall(r"'([^']*)'", _setting(entry, "allowed_recipients", r"\(.*?\)")))
    properties = {
        "ENABLED": _setting(entry, "enabled", r"\w+").lower(),
        "ALLOWED_RECIPIENTS": f"[{listed}]" if listed else "",
    }
    rows = [
        {"property": name, "property_type": "", "property_value": value}
        for name, value in properties.items()
    ]
    return _answer(rows, ["property", "property_type", "property_value"])


def _setting(entry: Entry, name: str, value: str) -> str:
    """Return what the last statement about an object has said of a setting."""
    said = re.findall(rf"\b{name} = ({value})", one_line(entry.text), re.I)
    return said[-1] if said else ""


def _container(register: Register, session: Session, kind: str, written: str | None) -> str | None:
    """Return the schema or database that is shown, which must be there; None for the account."""
    if kind in OF_THE_ACCOUNT or (written or "").lower() == "account":
        return None
    if written is None:
        return ".".join(one for one in (session.database, session.schema) if one) or None
    name = re.sub(r"^(schema|database) ", "", written, flags=re.I)
    is_database = written.lower().startswith("database ") or (
        len(parts(name)) == 1 and not written.lower().startswith("schema ")
    )
    entry = register.get("database" if is_database else "schema", name, session)
    if entry is None:
        raise no_such(written)
    return entry.full


def dynamic_tables_function(register: Register) -> str:
    """Return a subquery with the rows of information_schema.dynamic_tables()."""
    rows = [
        {
            "name": entry.name,
            "schema_name": parts(entry.schema)[-1],
            "target_lag_type": "DOWNSTREAM"
            if entry.options["target_lag"] == "DOWNSTREAM"
            else "USER_DEFINED",
        }
        for entry in register.of("dynamic table")
    ]
    columns = _answer(rows, ["name", "schema_name", "target_lag_type"], quoted=False)
    return (
        "(select *, 60 as target_lag_sec, 1.0::double as mean_lag_sec, 2.0::double as"
        " maximum_lag_sec, cast('2026-01-01' as timestamp_tz) as latest_data_timestamp,"
        " parse_json('{\"state\": \"ACTIVE\"}') as scheduling_state, 'SUCCEEDED' as"
        " last_completed_refresh_state, '' as last_completed_refresh_state_message"
        f" from ({columns}))"
    )


def _common(entry: Entry) -> dict:
    found = [None, None, *parts(entry.schema)][-2:] if entry.schema else [None, None]
    return {
        "created_on": entry.created_on,
        "name": entry.name,
        "database_name": found[0] if len(parts(entry.schema)) > 1 else entry.schema or None,
        "schema_name": found[1] if len(parts(entry.schema)) > 1 else None,
        "owner": entry.owner,
        "comment": entry.comment,
    }


def _object(entry: Entry) -> dict:
    return {
        **_common(entry),
        "kind": "VIEW" if entry.kind == "view" else "TABLE",
        "is_dynamic": "Y" if entry.kind == "dynamic table" else "N",
        "is_iceberg": "N",
    }


def _table(entry: Entry) -> dict:
    """The first dynamic table over a table tracks its changes, if their owner is the same."""
    tracked = entry.owner == "DATA_ENGINEER" or "change_tracking" in entry.options
    is_transient = re.match(r"create (or replace )?transient\b", one_line(entry.text), re.I)
    return {
        **_object(entry),
        "kind": "TRANSIENT" if is_transient else "TABLE",
        "change_tracking": "ON" if tracked else "OFF",
    }


def _dynamic_table(entry: Entry) -> dict:
    return {
        **_common(entry),
        "text": entry.text,
        "target_lag": entry.options.get("target_lag"),
        "warehouse": entry.options.get("warehouse"),
        "initialization_warehouse": entry.options.get("initialization_warehouse"),
        "refresh_mode": entry.options.get("refresh_mode"),
        "refresh_mode_reason": "",
        "immutable_where": "",
        "cluster_by": "",
        "scheduler": entry.options.get("scheduler"),
        "scheduling_state": entry.state,
    }


def _stream(entry: Entry) -> dict:
    return {
        **_common(entry),
        "table_name": entry.source,
        "source_type": "Dynamic Table",
        "stale": "true" if entry.is_stale else "false",
        "mode": "DEFAULT",
    }


def _task(entry: Entry) -> dict:
    return {
        **_common(entry),
        "schedule": option(entry.text, "schedule") if entry.text else None,
        "condition": "stream" if " when " in one_line(entry.text) else None,
        "state": entry.state,
        "definition": entry.text,
    }


def _warehouse(entry: Entry) -> dict:
    return {
        **_common(entry),
        "size": option(entry.text, "warehouse_size"),
        "auto_suspend": entry.options.get("auto_suspend") or option(entry.text, "auto_suspend"),
        "resource_monitor": entry.options.get("resource_monitor"),
    }


def _integration(entry: Entry) -> dict:
    return {
        **_common(entry),
        "type": _setting(entry, "type", r"\w+").upper(),
        "enabled": _setting(entry, "enabled", r"\w+").lower(),
    }


def _function(entry: Entry) -> dict:
    arguments = f"{entry.name}{entry.signature} RETURN TABLE ()"
    return {**_common(entry), "arguments": arguments, "description": entry.comment}


COLUMNS = {
    "object": _object, "table": _table, "view": _object, "dynamic table": _dynamic_table,
    "stream": _stream, "task": _task, "alert": _task, "warehouse": _warehouse,
    "function": _function, "procedure": _function, "integration": _integration,
}  # fmt: skip


def _grants(register: Register, session: Session, rest: str) -> str:
    if found := re.fullmatch(r"(?:to|of) role (\S+)", rest, re.I):
        role = identifier(found[1])
        register.demand("role", role, session)
        granted = [
            Grant("OWNERSHIP", entry.kind.upper().replace(" ", "_"), entry.full, role)
            for kind in KINDS
            for entry in register.of(kind)
            if entry.owner == role
        ] + [one for one in register.grants if one.grantee_name == role]
    else:
        found = re.fullmatch(r"on ([a-z ]+?) (\S+(?:\(.*\))?)", rest, re.I)
        granted = register.granted_on(register.demand(found[1].lower(), found[2], session))
    rows = [
        one._replace(granted_on=one.granted_on.replace(" ", "_"))._asdict() | {"granted_to": "ROLE"}
        for one in granted
    ]
    return _answer(rows, [*Grant._fields, "granted_to"])


def _answer(rows: list[dict], columns: list[str], quoted: bool = True) -> str:
    """Return a query whose rows are these; without any it keeps the columns."""
    names = [f'"{column}"' if quoted else column for column in columns]
    if not rows:
        return f"select {', '.join(f'null as {name}' for name in names)} where 1 = 0"
    return " union all ".join(
        "select "
        + ", ".join(
            f"{_literal(row[column])} as {name}"
            for column, name in zip(columns, names, strict=True)
        )
        for row in rows
    )


def _literal(value: object) -> str:
    if value is None:
        return "null"
    return "'" + str(value).replace("\\", "\\\\").replace("'", "''") + "'"


def _matches(name: str, pattern: str | None) -> bool:
    if pattern is None:
        return True
    regular = re.escape(pattern.replace("\\\\", "\\")).replace("%", ".*").replace("_", ".")
    return re.fullmatch(regular, name, re.I) is not None
