"""Whether events are enough to train on: the cut-offs and the population of the models, counted.

It is what the models will find, but for what only they know, such as customers who got a message,
or who leave and return on one day. The definitions are models/training/training_cutoffs.sql,
macros/metrics/churn_features.sql (in_population) and macros/training/churn_label.sql; their vars
are those of dbt_project.yml.
"""

import tempfile
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from ingest.contract_limits import project_vars
from ingest.event_types import category_of
from training import minimum

_MEMORY = "512MB"
_ADD = """
    insert into days
    select
        hash(customer_id) as customer,
        cast(occurred_at as date) as day,
        bool_or(category in ('activity', 'purchase', 'resumption')) as is_active,
        bool_or(category = 'cancellation') as is_cancelled,
        bool_or(category = 'pause') as is_paused
    from batch
    where category not in ('service', 'unsubscription')
    group by all
"""
_SPAN = """
    select count(distinct customer), count(distinct day), min(day), max(day), bool_or(is_active)
    from days
"""
_OUTCOMES = """
    with cutoffs as (select unnest($cutoffs::date[]) as cutoff),
    per_day as (
        select
            customer,
            day,
            bool_or(is_active) as is_active,
            bool_or(is_cancelled) as is_cancelled,
            bool_or(is_paused) as is_paused
        from days group by all
    ),
    customers as (
        select
            cutoff,
            customer,
            count(*) filter (
                is_active and day > cutoff - $window::int and day <= cutoff
            ) as active_days,
            max(day) filter ((is_cancelled or is_paused) and day <= cutoff)
            >= max(day) filter (is_active and day <= cutoff) as is_gone,
            bool_or(is_paused and day > cutoff)
            or bool_or(is_active and day > cutoff)
            and not coalesce(
                max(day) filter (is_cancelled and day > cutoff)
                >= max(day) filter (is_active and day > cutoff), false
            ) as has_stayed
        from per_day
        inner join cutoffs on day <= cutoff + $horizon::int
        group by all
    )
    select cutoff, count(*), count(*) filter (has_stayed)
    from customers
    where active_days >= $active_days and is_gone is not true
    group by cutoff order by cutoff
"""


class Days:
    """The days on which each customer did something, in a file of its own beside memory."""

    def __init__(self) -> None:
        """Begin with none."""
        self._opened = ExitStack()
        folder = self._opened.enter_context(tempfile.TemporaryDirectory())
        self._days = duckdb.connect(str(Path(folder) / "days.duckdb"))
        self._opened.enter_context(closing(self._days))
        self._days.execute(f"set memory_limit = '{_MEMORY}'")
        self._days.execute(
            "create table days (customer ubigint, day date, is_active bool, is_cancelled bool,"
            " is_paused bool)"
        )

    def __enter__(self) -> "Days":
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def add(self, events: pa.Table) -> None:
        """Add events (EVENTS_SCHEMA)."""
        types = events["event_type"].combine_chunks().dictionary_encode()
        categories = pa.array([category_of(one) for one in types.dictionary.to_pylist()])
        named = pa.DictionaryArray.from_arrays(types.indices, categories).cast(pa.string())
        batch = events.select(["customer_id", "occurred_at"]).append_column("category", named)
        self._days.register("batch", batch)
        self._days.execute(_ADD)
        self._days.unregister("batch")

    def readiness(self) -> "Readiness | None":
        """Return what training will find, or None where there is no event."""
        customers, days, first, last, has_activity = self._days.execute(_SPAN).fetchone()
        if not customers:
            return None
        found = project_vars()
        cutoffs = _cutoffs(first, last, found)
        parameters = {
            "cutoffs": cutoffs,
            "window": found["population_window_days"],
            "horizon": found["churn_horizon_days"],
            "active_days": found["population_min_active_days"],
        }
        outcomes = self._days.execute(_OUTCOMES, parameters).fetchall() if cutoffs else []
        return Readiness(customers, days, first, last, has_activity, cutoffs, outcomes, found)


def _cutoffs(first: date, last: date, found: dict[str, Any]) -> list[date]:
    """Return the cut-offs, as models/training/training_cutoffs.sql has them."""
    horizon = timedelta(days=found["churn_horizon_days"])
    latest = last - timedelta(days=1) - horizon
    if (given := str(found["training_latest_cutoff"])) != "latest":
        latest = min(latest, date.fromisoformat(given))
    earliest = first + horizon
    if (given := str(found["training_earliest_cutoff"])) != "earliest":
        earliest = max(earliest, date.fromisoformat(given))
    every = timedelta(days=found["training_cutoff_every_days"])
    cutoffs = [latest - number * every for number in range(found["training_cutoffs"])]
    return sorted(one for one in cutoffs if one >= earliest)


@dataclass(frozen=True)
class Readiness:
    """What training will find; `outcomes` are (cut-off, customers, those who stay)."""

    customers: int
    days: int
    first: date
    last: date
    has_activity: bool
    cutoffs: list[date]
    outcomes: list[tuple[date, int, int]]
    variables: dict[str, Any]

    def what_is_missing(self) -> str | None:
        """Return in one sentence why this is not enough to train on, or None when it is."""
        found = self.variables
        horizon, every = found["churn_horizon_days"], found["training_cutoff_every_days"]
        span, needed = (self.last - self.first).days + 1, minimum.days(horizon, every)
        if not self.cutoffs or self._settled_before() is None:
            return (
                f"the events span {span} days, and at least {needed} are needed for one cut-off"
                f" that trains and one that tests, with {horizon} days (churn_horizon_days) behind"
                " each"
            )
        if not self.has_activity:
            return "no event is a visit or a purchase"
        rows = self._rows()
        population = (
            f"a customer counts at a cut-off with {found['population_min_active_days']} active days"
            f" in the {found['population_window_days']} days before it"
        )
        if reason := minimum.too_few_rows(rows):
            return f"{reason}: {population}"
        if found["churn_label"] != "lapse":
            return None
        trained, tested = self._trained(), self._tested()
        for verb in ("churned", "stayed"):
            if reason := minimum.too_few_who(verb, _count(verb, trained)):
                return reason
            if not _count(verb, tested):
                return f"nobody {verb} in the {horizon} days after {self.cutoffs[-1]}"
        return None

    def in_words(self) -> list[str]:
        """Return what training will find, in lines."""
        lines = [
            f"customers: {self.customers:,}; days with events: {self.days:,}",
        ]
        if self.outcomes:
            lines.append(
                f"{len(self.cutoffs)} cut-offs, {self._rows():,} labelled rows to train on,"
                f" {sum(count for _, count, _ in self._tested()):,} to test on"
            )
        return lines

    def _settled_before(self) -> date | None:
        """Return the latest cut-off whose labels were known at the tested one."""
        horizon = timedelta(days=self.variables["churn_horizon_days"])
        settled = [one for one in self.cutoffs if one + horizon <= self.cutoffs[-1]]
        return settled[-1] if settled else None

    def _trained(self) -> list[tuple[date, int, int]]:
        latest = self._settled_before()
        return [one for one in self.outcomes if latest is not None and one[0] <= latest]

    def _tested(self) -> list[tuple[date, int, int]]:
        return [one for one in self.outcomes if one[0] == self.cutoffs[-1]]

    def _rows(self) -> int:
        return sum(count for _, count, _ in self._trained())


def _count(verb: str, outcomes: list[tuple[date, int, int]]) -> int:
    """Return how many churned or stayed."""
    stayed = sum(one for _, _, one in outcomes)
    return stayed if verb == "stayed" else sum(one for _, one, _ in outcomes) - stayed
