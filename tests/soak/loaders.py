"""Loaders as processes of their own; how `python -m ingest` starts is tested elsewhere."""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from ingest.__main__ import main
from ingest.clients import apart, librdkafka
from ingest.without_pandas import keep_pandas_out
from tests.soak.forks import Fork
from tests.soak.stores import use_home

# The object store behind the broker under test is slow, and a fetch that takes longer than it may
# comes back empty, again and again.
_FETCH_WAIT_MILLISECONDS = 500


class Loader(Fork):
    """One process of `python -m ingest load`; what it logs goes to a file."""

    def __init__(self, log: Path, prepare: Callable[[], None], arguments: Sequence[str]) -> None:
        super().__init__(log, _load, prepare, tuple(arguments))


def load_arguments(address: str, topic: str) -> list[str]:
    """Return what `python -m ingest` is told, to load a topic."""
    return ["load", "--bootstrap-servers", address, "--topic", topic]


def load_the_rest(log: Path, home: Path, address: str, topic: str, seconds: float) -> None:
    """Load what a topic still holds, which must end by itself in that time."""
    arguments = [*load_arguments(address, topic), "--until-end"]
    loader = Loader(log, partial(use_home, home), arguments)
    assert loader.wait(seconds) == 0, loader.said()


def fetch_patiently() -> None:
    """Have this process wait longer for what it fetches."""
    for client in (apart, librdkafka):
        client.FETCH_WAIT_MILLISECONDS = _FETCH_WAIT_MILLISECONDS


def _load(prepare: Callable[[], None], arguments: tuple[str, ...]) -> None:
    keep_pandas_out()  # as `python -m ingest` does
    fetch_patiently()
    prepare()
    sys.argv = ["ingest", *arguments]
    sys.exit(main())
