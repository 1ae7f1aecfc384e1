"""The project's macros as DuckDB's SQL, without a pipeline."""

import re

from tests.dbt import render


def rendered(query: str) -> str:
    """Return a query with its macros rendered."""
    text = render(query)
    begins = re.search(r"^\s*(with|select)\b", text, re.MULTILINE)
    return text[begins.start() :] if begins else text
