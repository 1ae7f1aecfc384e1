"""Event types by what the vars of dbt_project.yml take them for."""

from collections import Counter
from collections.abc import Mapping

import pyarrow as pa

from ingest.contract_limits import contract_limits

# What a type is that no category names: macros/metrics/event_category.sql.
UNNAMED = "activity"


def category_of(event_type: str) -> str:
    """Return the category of a type; a purchase of a negative amount is a refund all the same."""
    return contract_limits().categories.get(event_type, UNNAMED)


def count_types(events: pa.Table) -> Counter[str]:
    """Return how many of these events are of each type."""
    counted = events["event_type"].value_counts().to_pylist()
    return Counter({one["values"]: one["counts"] for one in counted})


def unnamed_in_words(types: Mapping[str, int]) -> list[str]:
    """Return one line on types that no category names, or none."""
    named = contract_limits().categories
    unnamed = {name: count for name, count in types.items() if name not in named}
    if not unnamed:
        return []
    shown = ", ".join(f"{name} ({count:,})" for name, count in Counter(unnamed).most_common())
    return [f"  no category names {shown}: counts as {UNNAMED} (var event_categories)"]
