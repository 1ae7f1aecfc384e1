"""The SQL of the whole project as each engine gets it, from dbt, with the types of a real one."""

from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter

import duckdb

from tests.dbt import render, run_dbt
from tests.raising.statements import Project, Schema
from tests.raising.values import Value
from tests.snowflake.standin.scripting import parse, statements

# What dbt runs beside models: checks of the seeds, and who decides which model serves.
HOOKS = {
    "alert_policy": "{{ alert_policy_problems(ref('alert_policy')) }}",
    "offers": "{{ offer_problems(ref('offers')) }}",
    "sentences": "{{ sentence_problems(ref('message_sentences')) }}",
    "policy_offers": "{{ policy_offer_problems(ref('alert_policy'), ref('offers')) }}",
    "regions": "{{ manager_region_problems(ref('manager_regions')) }}",
    "users": "{{ dashboard_user_problems(ref('dashboard_users')) }}",
    "promotion": "{{ decide_promotion() }}",
}
_SEPARATOR = "-- next hook --"
# Tables on Snowflake, part of the query of churn_metrics_live on DuckDB.
STEPS = (
    *("customer_identity_steps", "customer_lifelong_metrics"),
    *("customer_recent_metrics", "customer_qualifying_days"),
)
# Kinds that are stored queries: what is known of the query is known of the table.
_RELATIONS = ("view", "dynamic_table", "table", "stream")


def project(
    dialect: str, manifest: dict, hooks: Mapping[str, str], schema: Schema,
    bounds: Mapping[tuple[str, str], Value],
) -> Project:  # fmt: skip
    """Return all statements of an engine, ready to be checked."""
    found = Project(dialect, schema, bounds)
    for name, kind, sql in _models(manifest):
        found.add(name, sql, is_relation=kind in _RELATIONS)
    for name, sql in hooks.items():
        found.add(f"hook {name}", sql)
    return found


def _models(manifest: dict) -> Iterator[tuple[str, str, str]]:
    """Give name, kind and SQL of each model, after what it reads; ephemeral ones are a part of it.

    A semantic view runs nothing: Snowflake makes a query of it for one question, which fails alone.
    """
    nodes = manifest["nodes"]
    read = {key: node["depends_on"].get("nodes", []) for key, node in nodes.items()}
    for node in (nodes[key] for key in TopologicalSorter(read).static_order() if key in nodes):
        kind = node["config"]["materialized"]
        left_out = kind in ("ephemeral", "semantic_view")
        if node["resource_type"] == "model" and node["language"] == "sql" and not left_out:
            assert node["compiled_code"].strip(), node["name"]
            yield node["name"], kind, _statements(node["compiled_code"], kind)


def _statements(sql: str, kind: str) -> str:
    """Return the statements of a task without the script around them, which Snowflake's have."""
    if kind != "task":
        return sql
    found = [one.text for one in statements(parse(f"begin {sql.rstrip().rstrip(';')}; end"))]
    of_transactions = ("begin transaction", "commit", "rollback")
    return ";\n".join(one for one in found if one.lower() not in of_transactions)


def hooks(target: str) -> dict[str, str]:
    """Return the hooks as they would be sent, by name."""
    inline = f"\n{_SEPARATOR}\n".join(HOOKS.values())
    options = ("--no-introspect", "--no-populate-cache") if target == "snowflake" else ()
    rendered = run_dbt("compile", "-q", *options, "--inline", inline, target=target).stdout
    return dict(zip(HOOKS, rendered.split(_SEPARATOR), strict=True))


def schema(pipeline: duckdb.DuckDBPyConnection) -> Schema:
    """Return the types of all tables and views, and what a stream adds to its table."""
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in pipeline.execute(
        "select table_name, column_name, data_type from information_schema.columns"
        " where table_catalog = 'churn' order by ordinal_position"
    ).fetchall():
        found.setdefault(table, {})[column] = kind
    stream = {"metadata$action": "VARCHAR", "metadata$isupdate": "BOOLEAN"}
    found["churn_metrics_stream"] = {**found["churn_metrics_live"], **stream}
    # Which only Snowflake has.
    for step in STEPS:
        query = render(f"select * from {{{{ ref('{step}') }}}}")
        described = pipeline.execute(f"describe {query}").fetchall()
        found[step] = {column: kind for column, kind, *_ in described}
    found["alert_turn"] = {"turn_id": "INTEGER", "taken_at": "TIMESTAMP"}
    texts = dict.fromkeys(("call_id", "alert_id", "purpose", "answer"), "VARCHAR")
    found["llm_answers"] = {**texts, "attempt": "INTEGER", "called_at": "TIMESTAMP"}
    found["inline_query"] = found["train_churn_model"]  # `this` of the promotion
    found["warehouse_metering_history"] = {  # account usage; an hour of a warehouse fits
        "warehouse_name": "VARCHAR", "credits_used": "DECIMAL(18, 9)", "start_time": "TIMESTAMP",
    }  # fmt: skip
    return found
