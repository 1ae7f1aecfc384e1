"""Whose turn it is to write the lake, by locks that end with the process that holds them.

SQLite refuses, at once, whoever read before another wrote: a long transaction would lose against a
loader again and again. So writers take turns, and a model of dbt has the lake for itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

_LOOK_SECONDS = 0.005
# A writer that was stopped where it stood must not stop the others: they go on, and whoever then
# loses runs its transaction again. dbt cannot, so it is more patient and is given more time.
_LONGEST_WAIT_SECONDS = 2
_LONGEST_WAIT_OF_DBT_SECONDS = 60
_LONGEST_MODEL_SECONDS = 600


@contextmanager
def turn(lake: Path) -> Iterator[None]:
    """Wait for other writers and for a model of dbt, then be the one that writes."""
    writers, dbt = _lock(lake, "writers"), _lock(lake, "dbt")
    _acquire(writers, _LONGEST_WAIT_SECONDS)
    try:
        while not _acquire(dbt, 0):
            writers.release()
            has_ended = _acquire(dbt, _LONGEST_MODEL_SECONDS)
            dbt.release()
            _acquire(writers, _LONGEST_WAIT_SECONDS)
            if not has_ended:
                break
        dbt.release()
        yield
    finally:
        writers.release()


class ModelTurn:
    """The turn of a model of dbt: from before its transaction until that is committed."""

    def __init__(self, lake: Path) -> None:
        self._dbt, self._writers = _lock(lake, "dbt"), _lock(lake, "writers")

    def take(self) -> None:
        """Wait for another dbt, then for whoever is writing; nobody begins to write after that."""
        self.end()  # of a model that failed, after which dbt says nothing
        _acquire(self._dbt, _LONGEST_MODEL_SECONDS)
        _acquire(self._writers, _LONGEST_WAIT_OF_DBT_SECONDS)

    def end(self) -> None:
        """Let the others write; without a turn this does nothing."""
        self._writers.release()
        self._dbt.release()


def _lock(lake: Path, name: str) -> FileLock:
    # dbt takes and ends its turn in threads of its own.
    return FileLock(lake / f"{name}.lock", poll_interval=_LOOK_SECONDS, thread_local=False)


def _acquire(lock: FileLock, seconds: float) -> bool:
    with suppress(Timeout):
        lock.acquire(timeout=seconds)
    return lock.is_locked
