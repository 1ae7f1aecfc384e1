"""The truth about made-up subscribers: what no event says, and how likely it makes a lapse."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ingest.simulate import Stay
from runtime.errors import IngestError

HORIZON_DAYS = 28  # dbt's var churn_horizon_days
COLUMNS = (
    *("customer_id", "first_day", "last_day", "state", "cause"),
    *("lapse_probability", "horizon_days"),
)


class TruthFile:
    """A CSV file with a line for each stay in a hidden state.

    A line holds for the end of each of its UTC days, the first and the last one included. Lines of
    a customer never overlap. The file grows with what becomes of subscribers, not with their days.
    Raises IngestError when it cannot be written.
    """

    def __init__(self, path: Path, horizon_days: int = HORIZON_DAYS) -> None:
        self._path, self._horizon_days = path, horizon_days
        try:
            self._file = path.open("w", encoding="utf-8", newline="", buffering=1)
        except OSError as error:
            raise self._unwritable(error) from error
        self._lines = csv.writer(self._file, lineterminator="\n")
        self._write(COLUMNS)

    def add(self, stay: Stay) -> None:
        """Write the line of a stay."""
        probability = stay.subscriber.lapse_probability(stay.state, self._horizon_days)
        key = (stay.subscriber.customer_id, stay.first, stay.last)
        self._write((*key, *stay.state, probability, self._horizon_days))

    def close(self) -> None:
        """Close the file; what was added is in it."""
        self._file.close()

    def _write(self, line: Iterable[Any]) -> None:
        try:
            self._lines.writerow(line)
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> IngestError:
        return IngestError(f"{self._path} cannot be written: {error.strerror}")
