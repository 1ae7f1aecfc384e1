"""What the stand-in offers: privileges that were granted, warehouses, models, packages, owners."""

import re
from typing import NamedTuple

from tests.snowflake.standin.statements import one_line

OWNER = "DATA_ENGINEER"
GRANT = re.compile(
    r"(?:grant|revoke) (?P<privileges>[\w, ]+) on (?P<kind>[a-z ]+?)"
    r"(?: (?P<name>[^\s(]+(?:\([^)]*\))?))? (?:to|from) role (?P<role>\w+)",
    re.I,
)
# As SHOW CORTEX BASE MODELS lists them; a legacy one cannot be started by who never used it.
MODELS = {"LLAMA3.1-8B": "ACTIVE", "LLAMA3.3-70B": "ACTIVE", "MISTRAL-7B": "LEGACY"}
PACKAGES = {
    "pandas": "2.2.3", "onnxruntime": "1.20.1", "numpy": "1.26.4", "scikit-learn": "1.5.2",
    "skl2onnx": "1.17.0", "onnx": "1.17.0", "matplotlib": "3.9.2",
    "snowflake-snowpark-python": "1.26.0",
}  # fmt: skip
PACKAGES_VIEW = re.compile(r"\w+\.information_schema\.packages\b", re.I)


class Grant(NamedTuple):
    """One privilege of a role on one object, as SHOW GRANTS TO ROLE names them."""

    privilege: str
    granted_on: str
    name: str
    grantee_name: str


def grants_of(sql: str) -> list[Grant]:
    """Return what a GRANT gives or a REVOKE takes; nothing for another statement."""
    text = one_line(sql)
    found = GRANT.fullmatch(text)
    if not found or " future " in text:
        return []
    kind = found["kind"].upper()
    return [
        Grant(privilege.strip().upper(), kind, (found["name"] or "").upper(), found["role"].upper())
        for privilege in found["privileges"].split(",")
    ]


def models() -> list[dict]:
    """Return the rows of SHOW CORTEX BASE MODELS."""
    return [{"name": name, "lifecycle_status": status} for name, status in MODELS.items()]


def packages_query() -> str:
    """Return a subquery with the rows of information_schema.packages."""
    rows = ", ".join(f"('{name}', '{version}', 'python')" for name, version in PACKAGES.items())
    return f"(select * from (values {rows}) as listed (package_name, version, language))"
