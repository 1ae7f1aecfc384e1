"""What the checker cannot see: bounds of stored columns, and forms that no row can make fail.

Each with its reason. The test fails when one is no longer needed.
"""

from dataclasses import dataclass, replace

from tests.raising.evaluation import Fault
from tests.raising.values import COUNT, Value


@dataclass(frozen=True)
class Bounds:
    """What is known of columns of tables that our own statements or our loader fill."""

    columns: tuple[tuple[str, str], ...]
    value: Value
    reason: str


@dataclass(frozen=True)
class Allowance:
    """A form that is allowed in these objects: what the fault's SQL contains."""

    places: tuple[str, ...]
    form: str
    reason: str

    def allows(self, place: str, fault: Fault) -> bool:
        return place in self.places and self.form.lower() in fault.form.lower()


BOUNDS = (
    Bounds(
        (("feature_histograms", "n"), ("score_outcomes", "n"), ("score_outcomes", "churners"),
         ("score_outcomes", "treated"), ("risk_snapshots", "scored_customers"),
         ("risk_snapshots", "customers_at_risk")),
        COUNT,
        "only our tasks write them, with count(*) or a sum over zeros and ones",
    ),
    Bounds(
        (("ingest_batches", "accepted_count"), ("ingest_batches", "rejected_count")),
        COUNT,
        "the loader counts the messages of a batch that it holds in memory",
    ),
    Bounds(
        (("ingest_batches", "next_offset"), ("ingest_batches", "end_offset")),
        Value("whole", -1, 2**62, limit=2**63),
        "a broker counts the messages of a partition from zero, and says -1 where it knows none",
    ),
    Bounds(
        (("outbox", "attempt"),),
        replace(COUNT, high=10**6),
        "each attempt counts one more than the one before; var delivery_attempts ends them",
    ),
    Bounds(
        (("retention_emails", "revision"),),
        replace(COUNT, high=10**6),
        "each edit by a person counts one more than the one before",
    ),
    Bounds(
        (("alert_policy", "cooldown_days"), ("alert_policy", "contact_gap_days"),
         ("alert_policy", "expire_days")),
        replace(COUNT, high=3650, limit=2**31),
        "check_seed stops the build for more than ten years",
    ),
)  # fmt: skip

TASKS = ("process_alerts", "sweep_silent_customers")
ALLOWED = (
    Allowance(
        TASKS,
        "'model ' || due.active_version || ' was trained on other features'",
        "fails by intention, whatever the rows hold: the deployed SQL and the active model do not"
        " belong together, and a score of one with the other would be wrong for everybody",
    ),
    Allowance(
        ("begin_llm_run",),
        "llm_calls.attempt",
        "how often an alert was asked about and one more: var llm_tries ends it",
    ),
    Allowance(
        ("manager_llm_usage",),
        "_tokens), 0) as bigint)",
        "a sum of 32 bits: 64 are left after four thousand million calls of the greatest size",
    ),
    Allowance(
        ("churn_metrics_live", "training_snapshots", "monitor_model", "new_customer_shares"),
        "coalesce(joined_months.gap_days_squared, 0) + coalesce(",
        "the gaps of a customer follow each other, so their squares add up to no more than the"
        " square of the 3.7 million days between the years 1 and 9999",
    ),
    Allowance(
        ("customer_activity_monthly", "training_snapshots", "monitor_model", "new_customer_shares"),
        "cast(sum(spaced.gap_days * spaced.gap_days) as bigint)",
        "the same, of the days of one month",
    ),
    Allowance(
        TASKS,
        "factorial(coalitions.members - 1)",
        "the rows of coalitions are constants; in this branch the group itself is a member",
    ),
)
