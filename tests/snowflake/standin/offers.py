"""What the stand-in offers beside objects: language models and packages."""

import re

# As SHOW CORTEX BASE MODELS lists them; a legacy one cannot be started by who never used it.
MODELS = {"LLAMA3.1-8B": "ACTIVE", "LLAMA3.3-70B": "ACTIVE", "MISTRAL-7B": "LEGACY"}
PACKAGES = {
    "pandas": "2.2.3", "onnxruntime": "1.20.1", "numpy": "1.26.4", "scikit-learn": "1.5.2",
    "skl2onnx": "1.17.0", "onnx": "1.17.0", "matplotlib": "3.9.2",
    "snowflake-snowpark-python": "1.26.0",
}  # fmt: skip
PACKAGES_VIEW = re.compile(r"\w+\.information_schema\.packages\b", re.I)


def models() -> list[dict]:
    """Return the rows of SHOW CORTEX BASE MODELS."""
    return [{"name": name, "lifecycle_status": status} for name, status in MODELS.items()]


def packages_query() -> str:
    """Return a subquery with the rows of information_schema.packages."""
    rows = ", ".join(f"('{name}', '{version}', 'python')" for name, version in PACKAGES.items())
    return f"(select * from (values {rows}) as listed (package_name, version, language))"
