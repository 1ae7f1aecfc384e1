"""Maintenance beside the scheduler's passes: when it is due, and a thread that does it."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping

import duckdb

from embedded.compaction import Step
from embedded.database import INLINED_ROWS
from embedded.maintenance import COMPACTION, STEPS, maintain
from embedded.refresh import Refresh
from runtime.errors import EngineError, first_line

# Often enough that small files stay few, seldom enough that each time there is something to merge.
MAINTENANCE_SECONDS = 300
# A pipeline that is never calm must be maintained too.
MAINTENANCE_AT_LATEST_SECONDS = 1800
# Each pass that writes files leaves one in every table, and deletions in all before it: after sixty
# of them a pass takes two fifths longer. To write them anew takes less than a tenth of the time.
COMPACTION_PASSES = 16
# It is at work for a quarter of the time.
_PAUSE_FOR_WORK = 3


class BackgroundMaintenance:
    """Knows what the passes have written since the last maintenance, and does the next."""

    def __init__(self) -> None:
        """Start with a lake that is taken to be in order."""
        self._maintained = time.monotonic()
        self._passes_with_files = 0
        self._thread: threading.Thread | None = None
        self._is_ending = threading.Event()

    def note_pass(self, refreshes: Iterable[Refresh]) -> None:
        """Note what a pass has written."""
        self._passes_with_files += any(one.changed_rows > INLINED_ROWS for one in refreshes)

    def begin_if_due(self, report: Callable[[str], None], *, is_calm: bool) -> bool:
        """Begin what is due, unless some of it still goes on; return whether anything was begun.

        All of it at a calm moment, or when it is long overdue; else compaction when files are many.
        """
        if self._thread is not None and self._thread.is_alive():
            return False
        elapsed = time.monotonic() - self._maintained
        if elapsed >= (MAINTENANCE_SECONDS if is_calm else MAINTENANCE_AT_LATEST_SECONDS):
            self._maintained = time.monotonic()
            steps = STEPS
        elif self._passes_with_files >= COMPACTION_PASSES:
            steps = COMPACTION
        else:
            return False
        self._passes_with_files = 0
        self._thread = threading.Thread(target=self._run, args=(steps, report))
        self._thread.start()
        return True

    def end(self) -> None:
        """Wait for the part that it is at; the rest waits for next time."""
        self._is_ending.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self, steps: Mapping[str, Step], report: Callable[[str], None]) -> None:
        try:
            done = maintain(lambda seconds: self._is_ending.wait(_PAUSE_FOR_WORK * seconds), steps)
        except (duckdb.Error, EngineError) as error:
            report(f"maintenance failed: {first_line(error)}")
            return
        if not done.is_nothing:
            report(done.in_words())
