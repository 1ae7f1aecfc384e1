"""Loaders as processes of their own, forked from one that has imported everything.

Starting Python takes longer than most lives of a loader here; that start is tested elsewhere.
"""

import multiprocessing
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ingest.__main__ import main
from ingest.clients import apart, librdkafka

# The object store behind the broker under test is slow, and a fetch that takes longer than it may
# comes back empty, again and again.
_FETCH_WAIT_MILLISECONDS = 500

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(
    [
        "ingest.__main__",
        "ingest.clients.apart",
        "ingest.clients.librdkafka",
        "ingest.sinks.ducklake",
        "ingest.sinks.snowflake",
        "tests.snowflake.streaming_standin",
    ]
)


class Loader:
    """One process of `python -m ingest load`; what it logs goes to a file."""

    def __init__(self, log: Path, prepare: Callable[[], None], arguments: Sequence[str]) -> None:
        self.log = log
        self._process = _forks.Process(target=_run, args=(log, prepare, tuple(arguments)))
        self._process.start()

    @property
    def is_alive(self) -> bool:
        return self._process.is_alive()

    def send_signal(self, number: int) -> None:
        os.kill(self._process.pid, number)

    def kill(self) -> None:
        self._process.kill()
        self._process.join()

    def wait(self, seconds: float) -> int | None:
        self._process.join(seconds)
        return self._process.exitcode

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8") if self.log.exists() else ""


def _run(log: Path, prepare: Callable[[], None], arguments: tuple[str, ...]) -> None:
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    for client in (apart, librdkafka):
        client.FETCH_WAIT_MILLISECONDS = _FETCH_WAIT_MILLISECONDS
    prepare()
    sys.argv = ["ingest", *arguments]
    sys.exit(main())
