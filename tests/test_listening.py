"""Whatever listens, listens to this machine alone, unless it is told otherwise."""

import os
import socket
import subprocess
import sys
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

from embedded.broker import free_port
from tests.dbt import PROJECT
from tests.ingest_fixtures import wait_until
from tests.soak.forks import Fork
from tests.test_up import serve_too

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it reads Linux's list of sockets")
_LISTENS = "0A"


def with_children(pid: int) -> set[int]:
    """Return a process and all that it has started, and so on."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            parents[int(folder.name)] = int(fields[1])
    found = {pid}
    while more := {one for one, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def listening(pid: int) -> set[tuple[str, int]]:
    """Return the addresses and ports where a process and its children listen."""
    sockets = set()
    for one in with_children(pid):
        for handle in Path(f"/proc/{one}/fd").glob("*"):
            with suppress(OSError):
                sockets.add(str(handle.readlink()))
    found = set()
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTENS and f"socket:[{fields[9]}]" in sockets:
                address, _, port = fields[1].partition(":")
                words = [address[at : at + 8] for at in range(0, len(address), 8)]
                packed = b"".join(bytes.fromhex(word)[::-1] for word in words)
                found.add((socket.inet_ntop(family, packed), int(port, 16)))
    return found


def is_served(port: int) -> bool:
    with suppress(OSError):
        return urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health").status == 200
    return False


def test_a_socket_for_the_network_would_be_found():
    with socket.socket() as server:
        server.bind(("0.0.0.0", 0))  # noqa: S104 - to see that it is noticed
        server.listen()
        assert ("0.0.0.0", server.getsockname()[1]) in listening(os.getpid())  # noqa: S104


def test_broker_and_dashboard_of_up_listen_to_this_machine_alone(empty_pipelines, tmp_path):
    port = free_port()
    up = Fork(tmp_path / "log", serve_too, empty_pipelines.copy("all", tmp_path / "home"), port)
    try:
        wait_until(lambda: is_served(port) or not up.is_alive, 60)
        found = listening(up.pid)
        assert ("127.0.0.1", port) in found
        assert len(found) >= 2, "the broker listens too"
        assert {address for address, _ in found} == {"127.0.0.1"}
    finally:
        up.kill()


def test_the_dashboard_by_itself_listens_to_this_machine_alone(tmp_path):
    port = free_port()
    command = ("streamlit", "run", "app/streamlit_app.py", "--server.headless", "true")
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *command, "--server.port", str(port)],
            cwd=PROJECT, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        wait_until(lambda: is_served(port) or process.poll() is not None, 60)
        assert listening(process.pid) == {("127.0.0.1", port)}
    finally:
        process.kill()
        process.wait()
