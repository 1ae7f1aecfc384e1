"""What a write changes: its author sees it at once, and nobody waits for anything else."""

from collections.abc import Mapping

from connection import Source

from data import outcomes, outreach, risk

_OF_ALL_ALERTS = (
    risk.live,
    risk.queue,
    outreach.alerts,
    outreach.last_moves,
    outcomes.funnel,
)


def forget(source: Source, customers: Mapping[str, str]) -> None:
    """Forget what this viewer was told of alerts, given with their customers; ids by alert."""
    for answer in _OF_ALL_ALERTS:
        answer.clear(source)
    for alert_id, customer_id in customers.items():
        outreach.alert.clear(source, alert_id)
        outreach.of_customer.clear(source, customer_id)
        outreach.moves_of_customer.clear(source, customer_id)
