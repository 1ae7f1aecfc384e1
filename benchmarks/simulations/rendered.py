"""The project's macros as DuckDB's SQL, without a pipeline."""

import os
import tempfile
from unittest import mock

from tests.dbt import run_dbt


def rendered(query: str) -> str:
    """Return a query, which begins with the word `with`, with its macros rendered."""
    offline = ("--no-populate-cache", "--no-introspect")
    with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, CHURN_HOME=folder):
        text = run_dbt("compile", "-q", *offline, "--inline", query).stdout
    return text[text.index("with") :]
