"""Whose turn it is to write the lake, by a lock that ends with the process that holds it.

SQLite refuses, at once, whoever read before another wrote: a long transaction would lose against a
loader again and again. So writers take turns, and a model of dbt is one of them.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

_LOOK_SECONDS = 0.005
# A process that was stopped where it stood must not stop the others for good: after this they write
# nevertheless, and of two that meet one loses, and begins its transaction again.
_LONGEST_TURN_SECONDS = 600


class Turn:
    """The turn of one writer at a time: from before its transaction until that is committed."""

    def __init__(self, lake: Path) -> None:
        # dbt takes and ends its turn in threads of its own.
        self._lock = FileLock(
            lake / "writers.lock", poll_interval=_LOOK_SECONDS, thread_local=False
        )

    def take(self) -> None:
        """Wait until the other writers are done; raises OSError when the lake cannot be written."""
        self.end()  # of a model that failed, after which dbt says nothing
        with suppress(Timeout):
            self._lock.acquire(timeout=_LONGEST_TURN_SECONDS)

    def end(self) -> None:
        """Let the others write; without a turn this does nothing."""
        self._lock.release()


@contextmanager
def turn(lake: Path) -> Iterator[None]:
    """Be the one that writes while the context is open."""
    own = Turn(lake)
    own.take()
    try:
        yield
    finally:
        own.end()
