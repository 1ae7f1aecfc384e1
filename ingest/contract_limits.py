"""What ingest/ takes from dbt_project.yml: the contract's bounds, and what event types mean."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from runtime.errors import IngestError

_PROJECT_FILE = Path(__file__).parents[1] / "dbt_project.yml"
_LARGEST = 1e12  # as macros/check_vars.sql has it: sums of more no longer have cents


@dataclass(frozen=True)
class ContractLimits:
    """The vars of dbt_project.yml that say what a message may hold; see there for the reasons."""

    largest_amount: float
    earliest: datetime
    categories: Mapping[str, str]  # by event type
    profile_types: frozenset[str]
    merge_types: frozenset[str]


@cache
def contract_limits() -> ContractLimits:
    """Return the limits as dbt_project.yml has them; raises IngestError when they cannot be right.

    The models are compiled with the same vars, so that both judge alike.
    """
    try:
        return limits_from(project_vars())
    except (OSError, KeyError, TypeError, AttributeError, yaml.YAMLError) as error:
        raise IngestError(
            f"{_PROJECT_FILE} does not say largest_amount, earliest_event_date and"
            f" event_categories under vars ({type(error).__name__}): restore them"
        ) from error


def project_vars() -> dict[str, Any]:
    """Return the vars of dbt_project.yml; raises OSError, KeyError and what YAML raises."""
    return yaml.safe_load(_PROJECT_FILE.read_text())["vars"]


def limits_from(found: dict[str, Any]) -> ContractLimits:
    """Return the limits that the vars of a project give; raises IngestError for a wrong value."""
    largest, earliest = found["largest_amount"], found["earliest_event_date"]
    is_number = isinstance(largest, int | float) and not isinstance(largest, bool)
    if not is_number or not 0 < largest <= _LARGEST:
        raise _wrong("largest_amount", "a number above 0 and at most 1e12", largest)
    try:
        first = earliest if isinstance(earliest, date) else date.fromisoformat(earliest)
    except (TypeError, ValueError) as error:
        raise _wrong("earliest_event_date", "a date as 2000-01-01", earliest) from error
    categories = {
        event_type: category
        for category, event_types in found["event_categories"].items()
        for event_type in event_types or ()
    }
    return ContractLimits(
        float(largest),
        datetime(first.year, first.month, first.day),
        categories,
        *(
            frozenset(one for one, category in categories.items() if category == wanted)
            for wanted in ("profile", "merge")
        ),
    )


def _wrong(name: str, wanted: str, value: object) -> IngestError:
    return IngestError(
        f"var '{name}' must be {wanted}, not '{value}': correct it in dbt_project.yml"
    )
