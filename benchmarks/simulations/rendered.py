"""The project's macros as DuckDB's SQL, without a pipeline."""

import os
import re
import tempfile
from unittest import mock

from tests.dbt import OFFLINE, run_dbt


def rendered(query: str) -> str:
    """Return a query with its macros rendered."""
    with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, CHURN_HOME=folder):
        text = run_dbt("compile", "-q", *OFFLINE, "--inline", query).stdout
    begins = re.search(r"^\s*(with|select)\b", text, re.MULTILINE)
    return text[begins.start() :] if begins else text
