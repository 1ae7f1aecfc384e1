"""What the stand-in offers beside objects: language models, packages, versions of dbt, no usage."""

import json
import re

# As SHOW CORTEX BASE MODELS lists them; a legacy one cannot be started by who never used it.
MODELS = {"LLAMA3.1-8B": "ACTIVE", "LLAMA3.3-70B": "ACTIVE", "MISTRAL-7B": "LEGACY"}
PACKAGES = {
    "pandas": "2.2.3", "onnxruntime": "1.20.1", "numpy": "1.26.4", "scikit-learn": "1.5.2",
    "skl2onnx": "1.17.0", "onnx": "1.17.0", "matplotlib": "3.9.2",
    "snowflake-snowpark-python": "1.26.0",
}  # fmt: skip
DBT_VERSIONS = re.compile(r"system\$supported_dbt_versions\(\)", re.I)
DBT_VERSIONS_OFFERED = "'{}'".format(
    json.dumps([{"dbt_version": one, "type": "dbt Core"} for one in ("1.10.15", "1.11.11")])
)
# What was used by when is of no concern to a deploy.
METERING = re.compile(r"snowflake\.account_usage\.warehouse_metering_history", re.I)
NOTHING_METERED = """(
    select 'none' as warehouse_name, 0.0 as credits_used, current_timestamp() as start_time
    where 1 = 0
)"""
PACKAGES_VIEW = re.compile(r"\w+\.information_schema\.packages\b", re.I)


def offered(sql: str) -> str:
    """Put what the account offers into a query that asks for it."""
    sql = DBT_VERSIONS.sub(lambda _: DBT_VERSIONS_OFFERED, sql)
    sql = PACKAGES_VIEW.sub(lambda _: packages_query(), sql)
    if sql.lstrip().lower().startswith("create"):
        sql = METERING.sub(NOTHING_METERED, sql)
    return sql


def models() -> list[dict]:
    """Return the rows of SHOW CORTEX BASE MODELS."""
    return [{"name": name, "lifecycle_status": status} for name, status in MODELS.items()]


def packages_query() -> str:
    """Return a subquery with the rows of information_schema.packages."""
    rows = ", ".join(f"('{name}', '{version}', 'python')" for name, version in PACKAGES.items())
    return f"(select * from (values {rows}) as listed (package_name, version, language))"
