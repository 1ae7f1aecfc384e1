"""Processes forked from one that has imported everything, because starting Python takes longer."""

import multiprocessing
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_forks = multiprocessing.get_context("forkserver")
# One server for all: what it imports is decided when the first process is forked.
_forks.set_forkserver_preload(
    [
        "dbt.adapters.duckdb.impl",
        "dbt.adapters.snowflake.impl",
        "dbt.cli.main",
        "embedded.dbt_plugin",
        "embedded.functions",
        "embedded.up",
        "ingest.__main__",
        "ingest.clients.apart",
        "ingest.clients.librdkafka",
        "ingest.sinks.duckdb",
        "ingest.sinks.snowflake",
        "tests.snowflake.streaming_standin",
        "tests.soak.warm",
    ]
)


class Fork:
    """One process that does `work` with `arguments`; what it says goes to a file."""

    def __init__(self, log: Path, work: Callable[..., None], *arguments: object) -> None:
        self.log = log
        self._process = _forks.Process(target=_run, args=(log, work, arguments))
        self._process.start()

    @property
    def pid(self) -> int | None:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.is_alive()

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the process has ended by then."""
        with suppress(ProcessLookupError):
            os.kill(self._process.pid, number)

    def kill(self) -> None:
        self._process.kill()
        self._process.join()

    def wait(self, seconds: float) -> int | None:
        self._process.join(seconds)
        return self._process.exitcode

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8") if self.log.exists() else ""


def _run(log: Path, work: Callable[..., None], arguments: tuple[object, ...]) -> None:
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    work(*arguments)
