"""What a training run says of itself in its status, and how others know whether it has trained.

Standard library only: whoever scores reads it too. SQL reads it through
macros/training/has_trained.sql, which says the same.
"""

from collections.abc import Iterable

TRAINED = "trained"
CUSTOMERS = ", of customers "  # ends what every role may read: names follow
NAMED = 10


def has_trained(status: str | None) -> bool:
    """Return whether a run with this status has brought a model."""
    return status == TRAINED or (status or "").startswith(f"{TRAINED} without ")


def trained_without(left_out: int, rows: int, customers: Iterable[str]) -> str:
    """Return the status of a run that has trained, but for so many of all rows."""
    if not left_out:
        return TRAINED
    return (
        f"{TRAINED} without {left_out:,} of {rows:,} rows that are no numbers"
        f"{of_customers(customers)}"
    )


def of_customers(customers: Iterable[str]) -> str:
    """Return the first few customers by name, and how many more there are."""
    names = sorted({str(one) for one in customers})
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return CUSTOMERS + ", ".join(_visible(name) for name in names[:NAMED]) + more


def without_customers(status: str) -> str:
    """Return a status without the names of customers."""
    return status.split(CUSTOMERS)[0]


def _visible(name: str) -> str:
    return "".join(one if one.isprintable() else "?" for one in name)
