"""What must hold of everything that a deploy sends, as functions: each returns what is wrong.

They walk whatever was sent and whatever the manifest holds, and know no model by name.
"""

import io
import re
from collections.abc import Callable

from snowflake.connector.util_text import split_statements

from tests.snowflake.standin import scripting
from tests.snowflake.standin.account import Statement
from tests.snowflake.standin.statements import (
    QUOTED_BODY,
    create_of,
    creation,
    identifier,
    one_line,
    option,
    plain,
)

# What a dynamic table cannot refresh incrementally, or what would make it depend on the clock.
NOT_INCREMENTAL = (
    r"\bcurrent_(timestamp|date|time|user|role)\b",
    r"\b(sysdate|getdate|random|uuid_string|any_value|median|percentile_cont)\s*\(",
    r"\b(except|intersect|minus|limit|rollup|cube|unpivot|exists|recursive|sample)\b",
    r"(\bin|=|<|>)\s*\(\s*select\b",
)
Check = Callable[[list[Statement], dict], list[str]]


def _of(kind: str, statements: list[Statement]) -> list[tuple[str, str]]:
    """Return name and text of each statement that creates an object of a kind."""
    created = [(create_of(statement.sql), statement.sql) for statement in statements]
    return [(found.name, sql) for found, sql in created if found and found.kind == kind]


def dynamic_tables_are_incremental(statements: list[Statement], _: dict) -> list[str]:
    """INCREMENTAL, named: AUTO may choose a mode that no stream can follow; no clock, no gaps."""
    wrong = []
    for name, sql in _of("dynamic table", statements):
        if option(sql.split(" as (")[0], "refresh_mode") != "INCREMENTAL":
            wrong.append(f"{name}: refresh_mode is not INCREMENTAL")
        if (option(sql, "warehouse") or "").upper() != option(sql, "warehouse"):
            wrong.append(f"{name}: dbt compares the warehouse in capitals")
        query = plain(sql).lower()
        wrong += [
            f"{name}: {pattern} cannot be refreshed incrementally"
            for pattern in NOT_INCREMENTAL
            if re.search(pattern, query)
        ]
    return wrong


def dynamic_tables_are_refreshed_apart(statements: list[Statement], _: dict) -> list[str]:
    """Refreshes and first fills have warehouses that nobody else uses; no fail-safe is paid."""
    tables = [(name, sql.split(" as (")[0]) for name, sql in _of("dynamic table", statements)]
    wrong = [name for name, sql in tables if "transient" not in one_line(sql).lower().split()[:4]]
    for setting in ("warehouse", "initialization_warehouse"):
        wrong += [
            f"{name}: {setting} is {used}"
            for name, sql in tables
            if (used := option(sql, setting)) in (None, "CHURN_WH")
        ]
    return wrong


def outer_joins_are_apart_from_groupings(statements: list[Statement], _: dict) -> list[str]:
    """Snowflake long refused grouped sides of an outer join, and advises against both in one."""
    return [
        name
        for name, sql in _of("dynamic table", statements)
        if re.search(r"\bgroup by\b", sql, re.I)
        and re.search(r"\b(left|right|full)( outer)? join\b", sql, re.I)
    ]


def dynamic_tables_read_what_dbt_never_replaces(_: list[Statement], manifest: dict) -> list[str]:
    """A view or table under a dynamic table is replaced by every run, which re-initializes it."""
    wrong = []
    for node in manifest["nodes"].values():
        if node["config"].get("materialized") != "dynamic_table":
            continue
        for upstream in _relations_under(node, manifest):
            config = upstream["config"]
            kept = config["materialized"] == "incremental" and config.get("full_refresh") is False
            if config["materialized"] != "dynamic_table" and not kept:
                wrong.append(f"{node['name']} reads {config['materialized']} {upstream['name']}")
    return wrong


def _relations_under(node: dict, manifest: dict) -> list[dict]:
    """Return what a model reads, looking through ephemeral models."""
    found = []
    for key in node["depends_on"]["nodes"]:
        upstream = manifest["nodes"][key]
        if upstream["config"]["materialized"] == "ephemeral":
            found += _relations_under(upstream, manifest)
        else:
            found.append(upstream)
    return found


def last_dynamic_tables_have_a_lag(statements: list[Statement], manifest: dict) -> list[str]:
    """DOWNSTREAM follows dynamic tables only: one that none reads would never be refreshed."""
    nodes = manifest["nodes"].values()
    tables = {
        n["unique_id"]: n for n in nodes if n["config"].get("materialized") == "dynamic_table"
    }
    read = {key for node in tables.values() for key in node["depends_on"]["nodes"]}
    lags = {name: option(sql, "target_lag") for name, sql in _of("dynamic table", statements)}
    return [
        f"{node['name']}: no dynamic table reads it, and its lag is DOWNSTREAM"
        for key, node in tables.items()
        if key not in read and lags.get(node["alias"].upper()) in (None, "DOWNSTREAM")
    ]


def streams_follow_dynamic_tables(statements: list[Statement], _: dict) -> list[str]:
    """ON DYNAMIC TABLE, of a table that is there before the stream."""
    wrong, tables = [], set()
    for statement in statements:
        created = create_of(statement.sql)
        if created and created.kind == "dynamic table":
            tables.add(created.name)
        if created and created.kind == "stream":
            source = re.match(r"\s*on\s+dynamic\s+table\s+(\S+)", created.rest, re.I)
            if not source or identifier(source[1]) not in tables:
                wrong.append(f"{created.name}: {created.rest.strip()}")
    return wrong


def tasks_are_bounded(statements: list[Statement], _: dict) -> list[str]:
    """A time limit, suspension, a quoted body; without a warehouse the smallest size, retries."""
    wrong = []
    for name, sql in _of("task", statements):
        is_serverless = option(sql, "warehouse") is None
        for setting, value in (
            ("user_task_managed_initial_warehouse_size", "XSMALL"),
            ("serverless_task_max_statement_size", "XSMALL"),
        ):
            if is_serverless and option(sql, setting) != value:
                wrong.append(f"{name}: {setting} is not {value}")
        needed = ["user_task_timeout_ms", "suspend_task_after_num_failures"]
        if is_serverless:
            needed += ["target_completion_interval", "task_auto_retry_attempts"]
        for setting in needed:
            if option(sql, setting) is None:
                wrong.append(f"{name}: no {setting}")
        head = one_line(QUOTED_BODY.split(sql)[0])
        if not re.search(r"as execute immediate$|as call\b", head, re.I):
            wrong.append(f"{name}: its body is not quoted")
        if (option(sql, "schedule") is None) == (" when " not in f" {head} "):
            wrong.append(f"{name}: needs a schedule or a stream")
    return wrong


def nothing_is_cut_by_the_connector(statements: list[Statement], _: dict) -> list[str]:
    """The connector's own splitter finds one statement in each, and changes nothing in it."""
    wrong = []
    for statement in statements:
        parts = [
            part for part, _ in split_statements(io.StringIO(statement.sql)) if part.strip(" ;")
        ]
        if (
            len(parts) != 1
            or parts[0].strip().rstrip(";").strip() != statement.sql.strip().rstrip(";").strip()
        ):
            wrong.append(one_line(statement.sql)[:80])
    return wrong


def roles_are_in_capitals(statements: list[Statement], _: dict) -> list[str]:
    """IS_ROLE_IN_SESSION compares with the stored name, which is in capitals."""
    return [
        f"{statement.node}: {literal}"
        for statement in statements
        for literal in re.findall(r"is_role_in_session\(\s*'([^']*)'", statement.sql, re.I)
        if literal != literal.upper()
    ]


def functions_import_what_they_open(statements: list[Statement], _: dict) -> list[str]:
    """A Python function that opens a file imports it, from the stage, with pinned packages."""
    wrong = []
    for name, sql in _of("function", statements):
        if "language python" not in sql.lower():
            continue
        head, body = [*QUOTED_BODY.split(sql), ""][:2]  # a handler may lie in an import
        opened = set(re.findall(r'"([\w.-]+\.(?:onnx|npz))"', body))
        imported = {path.split("/")[-1] for path in re.findall(r"'(@[^']+)'", head)}
        wrong += [f"{name}: does not import {file}" for file in opened - imported]
        if not imported:
            wrong.append(f"{name}: no imports")
        packages = re.search(r"packages\s*=\s*\(([^)]*)\)", head, re.I)
        wrong += [
            f"{name}: package {package} is not pinned"
            for package in re.findall(r"'([^']+)'", packages[1] if packages else "")
            if "==" not in package
        ]
    return wrong


def procedures_ask_for_their_caller(statements: list[Statement], _: dict) -> list[str]:
    """Inside of an owner's rights procedure these functions speak of the owner, or of nobody."""
    of_owner = r"\b(is_role_in_session|current_role|current_user|current_available_roles)\b"
    return [
        f"{name}: {found[0]}"
        for name, sql in _of("procedure", statements)
        if (found := re.search(of_owner, sql, re.I))
    ]


def policies_lie_on_views_only(statements: list[Statement], manifest: dict) -> list[str]:
    """On what a dynamic table reads, a policy would be asked as its owner, and re-initialize it."""
    views = {
        node["alias"].upper()
        for node in manifest["nodes"].values()
        if node["config"].get("materialized") == "view" and node["fqn"][1] == "managers"
    }
    attached = re.compile(
        r"alter \w+(?: table)? (\S+) .*(?:add row access|set masking) policy", re.I
    )
    return [
        text
        for statement in statements
        if (found := attached.match(text := one_line(statement.sql)))
        and (identifier(found[1]) not in views or not text.lower().startswith("alter view"))
    ]


def no_column_stands_in_both_policies(statements: list[Statement], _: dict) -> list[str]:
    """Snowflake refuses a column of a row access policy in a masking policy, as a condition too."""
    attached = re.compile(
        r"alter view (\S+) .*(row access|masking) policy \S+ (?:on|using) \((.*)\)", re.I
    )
    columns: dict[tuple[str, str], set[str]] = {}
    for statement in statements:
        if found := attached.match(one_line(statement.sql)):
            for column in found[3].lower().split(", "):
                columns.setdefault((found[1], column), set()).add(found[2].lower())
    return [f"{view}: {column}" for (view, column), kinds in columns.items() if len(kinds) > 1]


def grants_name_dynamic_tables(statements: list[Statement], manifest: dict) -> list[str]:
    """A grant on a table does not reach a dynamic table."""
    dynamic = {
        node["alias"].upper()
        for node in manifest["nodes"].values()
        if node["config"].get("materialized") == "dynamic_table"
    }
    return [
        text
        for statement in statements
        if (found := re.match(r"grant .* on (dynamic table|table|view)? ?(\S+\.\S+) to role",
                              text := one_line(statement.sql), re.I))
        and identifier(found[2]) in dynamic and (found[1] or "").lower() != "dynamic table"
    ]  # fmt: skip


def running_tasks_run_again(statements: list[Statement], manifest: dict) -> list[str]:
    """Whatever suspends a task that ran, a deploy resumes it: CREATE OR REPLACE suspends."""
    running: dict[str, bool] = {
        node["alias"].upper(): True
        for node in manifest["nodes"].values()
        if node["config"].get("materialized") == "task"
    }
    for statement in statements:
        created = create_of(statement.sql)
        if created and created.kind == "task":
            running[created.name] = False  # until it is resumed
        if found := re.match(
            r"alter task (?:if exists )?(\S+) (resume|suspend)", one_line(statement.sql), re.I
        ):
            running[identifier(found[1])] = found[2].lower() == "resume"
    return [f"{name} is left suspended" for name, runs in running.items() if not runs]


def what_is_replaced_keeps_its_grants(statements: list[Statement], _: dict) -> list[str]:
    """Without COPY GRANTS a second build would take from each role what grant_access gave it.

    Of tables and views: what was granted before. Of the others, all.
    """
    wrong, granted = [], set()
    for statement in statements:
        if found := re.match(
            r"grant .* on (?:table|view) (\S+) to role", one_line(statement.sql), re.I
        ):
            granted.add(identifier(found[1]))
        made = creation(statement.sql)
        if made and made.or_replace and not made.is_temporary and not made.copies_grants:
            is_granted = made.kind in ("table", "view") and made.name in granted
            if made.kind in ("dynamic table", "procedure", "function", "semantic view"):
                is_granted = True
            wrong += [f"{made.kind} {made.name}"] if is_granted else []
    return wrong


def writers_take_turns(statements: list[Statement], _: dict) -> list[str]:
    """A table that one body writes in its turn, no other body writes out of turn.

    FORGET_CUSTOMER writes nearly all: what a task adds out of turn that began before it,
    DELETE_EXPIRED takes out.
    """
    in_turn: set[str] = set()
    out_of_turn: list[tuple[str, str]] = []
    bodies = {name: sql for kind in ("task", "procedure") for name, sql in _of(kind, statements)}
    for name, sql in bodies.items():
        if "language python" in QUOTED_BODY.split(sql)[0].lower():
            continue
        has_turn = False
        for statement in scripting.statements(scripting.script_of(sql)):
            text = one_line(statement.text)
            written = re.match(r"(?:insert into|update|delete from|merge into) (\S+)", text, re.I)
            if re.match(r"(commit|rollback)$", text, re.I):
                has_turn = False
            elif written and identifier(written[1]).endswith("_TURN"):
                has_turn = True
            elif written and has_turn and name == "FORGET_CUSTOMER":
                continue
            elif written and has_turn:
                in_turn.add(identifier(written[1]))
            elif written:
                out_of_turn.append((name, identifier(written[1])))
    return [f"{name} writes {table} out of turn" for name, table in out_of_turn if table in in_turn]


ALWAYS: tuple[Check, ...] = (
    dynamic_tables_are_incremental, dynamic_tables_read_what_dbt_never_replaces,
    dynamic_tables_are_refreshed_apart, outer_joins_are_apart_from_groupings,
    streams_follow_dynamic_tables, tasks_are_bounded,
    nothing_is_cut_by_the_connector, roles_are_in_capitals, functions_import_what_they_open,
    policies_lie_on_views_only, grants_name_dynamic_tables, procedures_ask_for_their_caller,
    no_column_stands_in_both_policies, what_is_replaced_keeps_its_grants,
)  # fmt: skip
