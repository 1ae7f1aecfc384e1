"""kafka-python in a process of its own: it keeps one processor busy, and judging takes another."""

import subprocess
import sys
from collections.abc import Mapping
from multiprocessing import Pipe
from pathlib import Path

import msgspec

from ingest.clients import FETCH_WAIT_MILLISECONDS
from ingest.clients.reading_process import TIDINGS, Order
from ingest.fetched import Fetched
from runtime.errors import IngestError

_PROJECT = Path(__file__).parents[2]
_CLOSE_SECONDS = 2


class ApartClient:
    """A `Client` whose reading is done by the process of reading_process.py, one batch ahead."""

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        """Start the process and connect within a few seconds; raises IngestError."""
        self._connection, theirs = Pipe()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-m", "ingest.clients.reading_process", str(theirs.fileno())],
                cwd=_PROJECT,
                pass_fds=[theirs.fileno()],
                # Ctrl-C is for the loader alone: it ends this process when it has what it needs.
                start_new_session=True,
            )
        try:
            self._send(Order(bootstrap_servers, topic, FETCH_WAIT_MILLISECONDS))
            self._receive()
        except IngestError:
            self.close()
            raise

    def read(self, starts: Mapping[int, int]) -> None:
        """Read these partitions too, each from its offset."""
        self._send(dict(starts))

    def poll(self, timeout_seconds: float) -> dict[int, Fetched]:
        """Return what has come by partition, or nothing after the timeout; raises IngestError."""
        return self._receive() if self._connection.poll(timeout_seconds) else {}

    def close(self) -> None:
        """End the process."""
        self._connection.close()
        try:
            self._process.wait(_CLOSE_SECONDS)
        except subprocess.TimeoutExpired:  # it waits for a broker that does not answer
            self._process.kill()
            self._process.wait()

    def _send(self, order: Order | dict[int, int]) -> None:
        try:
            self._connection.send_bytes(msgspec.msgpack.encode(order))
        except OSError as error:
            raise self._ended() from error

    def _receive(self) -> dict[int, Fetched]:
        try:
            tidings = TIDINGS.decode(self._connection.recv_bytes())
        except (EOFError, OSError) as error:
            raise self._ended() from error
        if isinstance(tidings, str):
            raise IngestError(tidings)
        return tidings

    def _ended(self) -> IngestError:
        return IngestError(
            f"process {self._process.pid}, which reads for the loader, has ended:"
            " start the loader again, it goes on where it was"
        )
