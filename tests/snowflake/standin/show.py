"""What SHOW and the information schema say of the objects that the stand-in keeps itself."""

import re

from tests.snowflake.standin.offers import OWNER, Grant, models
from tests.snowflake.standin.register import Entry, Register
from tests.snowflake.standin.statements import identifier, one_line, option

# DuckDB has a schema "main" of its own in every database: the stand-in uses another name.
DATABASE, SCHEMA = "CHURN", "PIPELINE"
SHOW = re.compile(
    r"show (terse )?(?P<kind>dynamic tables|streams|tasks|tables|objects|user functions|"
    r"procedures|user procedures|roles|grants|stages|warehouses|resource monitors|streamlits|"
    r"compute pools|"
    r"masking policies|row access policies|cortex base models)(?P<rest>.*)",
    re.I,
)


def show(register: Register, sql: str) -> str | None:
    """Return the SQL that answers a SHOW statement, or None for fakesnow's own."""
    found = SHOW.match(one_line(sql))
    if not found:
        return None
    kind = found["kind"].lower()
    if kind == "objects":
        return _objects(register)
    if kind == "tables":
        return _tables(register)
    if kind == "cortex base models":
        return _answer(models(), ["name", "lifecycle_status"])
    if kind == "grants":
        return _grants(register, found["rest"])
    columns = COLUMNS.get(kind)
    if columns is None:
        return None
    pattern = re.search(r"like '([^']*)'", found["rest"], re.I)
    entries = [
        entry
        for entry in register.of(kind.removeprefix("user ").removesuffix("s"))
        if not pattern or _matches(entry.name, pattern[1])
    ]
    return _answer([columns(entry) for entry in entries], list(columns(Entry("", "", None, ""))))


def dynamic_tables_function(register: Register) -> str:
    """Return a subquery with the rows of information_schema.dynamic_tables()."""
    rows = [
        {
            "name": entry.name,
            "schema_name": SCHEMA,
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


def _dynamic_table(entry: Entry) -> dict:
    return {
        **_common(entry),
        "text": entry.text,
        "target_lag": entry.options.get("target_lag"),
        "warehouse": entry.options.get("warehouse"),
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
        "table_name": f"{DATABASE}.{SCHEMA}.{entry.source}",
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
        "auto_suspend": option(entry.text, "auto_suspend"),
    }


def _function(entry: Entry) -> dict:
    return {**_common(entry), "description": entry.comment}


def _procedure(entry: Entry) -> dict:
    """Arguments are shown by their types."""
    signature = re.search(r"procedure\s+\S+?\s*\(([^)]*)\)", entry.text, re.I)
    types = re.findall(r"\w+ (\w+)", signature[1]) if signature else []
    arguments = f"{entry.name}({', '.join(types).upper()}) RETURN TABLE ()"
    return {**_common(entry), "arguments": arguments}


def _common(entry: Entry) -> dict:
    return {
        "created_on": entry.created_on,
        "name": entry.name,
        "database_name": DATABASE,
        "schema_name": SCHEMA,
        "comment": entry.comment,
    }


COLUMNS = {
    "dynamic tables": _dynamic_table,
    "streams": _stream,
    "tasks": _task,
    "user functions": _function,
    "procedures": _procedure,
    "user procedures": _function,
    "roles": _common,
    "stages": _common,
    "warehouses": _warehouse,
    "resource monitors": _common,
    "streamlits": _common,
    "compute pools": _common,
}


def _objects(register: Register) -> str:
    dynamic = ", ".join(f"'{entry.name}'" for entry in register.of("dynamic table")) or "''"
    return f"""
        select
            table_catalog as "database_name",
            upper(table_schema) as "schema_name",
            table_name as "name",
            case
                when table_name in ({dynamic}) then 'TABLE'
                else replace(table_type, 'BASE ', '')
            end as "kind",
            case when table_name in ({dynamic}) then 'Y' else 'N' end as "is_dynamic",
            'N' as "is_iceberg"
        from {DATABASE}.information_schema.tables
        where upper(table_schema) = '{SCHEMA}'
    """


def _tables(register: Register) -> str:
    """The first dynamic table over a table tracks its changes, if their owner is the same."""
    owners = {"": OWNER} | {
        identifier(grant.name): grant.grantee_name
        for grant in register.grants
        if (grant.privilege, grant.granted_on) == ("OWNERSHIP", "TABLE")
    }
    owner = " ".join(f"when '{name}' then '{role}'" for name, role in owners.items())
    return f"""
        select "name", "owner", iff("owner" = '{OWNER}', 'ON', 'OFF') as "change_tracking"
        from (
            select
                table_name as "name",
                case upper(table_name) {owner} else '{OWNER}' end as "owner"
            from {DATABASE}.information_schema.tables
            where upper(table_schema) = '{SCHEMA}' and table_type = 'BASE TABLE'
        )
    """


def _grants(register: Register, rest: str) -> str:
    """SHOW GRANTS TO ROLE …, or ON <kind> …."""
    named = rest.split()[-1].upper()
    on_object = rest.split()[0].lower() == "on"
    granted = [
        grant._asdict() | {"granted_to": "ROLE"}
        for grant in register.grants
        if (grant.name if on_object else grant.grantee_name) == named
    ]
    return _answer(granted, [*Grant._fields, "granted_to"])


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


def _matches(name: str, pattern: str) -> bool:
    regular = re.escape(pattern.replace("\\\\", "\\")).replace("%", ".*").replace("_", ".")
    return re.fullmatch(regular, name, re.I) is not None
