"""`embedded up`: everything in one process, one for each folder, that ends in order."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest
from kafka import KafkaProducer

from embedded import up as everything
from embedded.dashboard import Place
from embedded.engine.storage import Database, database_file
from embedded.parts import ENGINE_FAILED, Parts, ending_with_the_engine
from runtime.errors import EngineError
from runtime.signals import stop_on_signals
from tests.conftest import run_module
from tests.dbt import PROJECT
from tests.ingest_fixtures import wait_until
from tests.soak.forks import Fork


class Up:
    """One process of the command line, in a session of its own."""

    def __init__(self, said: Path, *arguments: str) -> None:
        self._said = said
        with said.open("w") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "embedded", *arguments],
                cwd=PROJECT,
                stderr=errors,
                env=os.environ | {"PYTHONFAULTHANDLER": "1"},
                start_new_session=True,
            )

    def said(self) -> str:
        return self._said.read_text()

    def wait_for(self, words: str, seconds: float = 60) -> None:
        wait_until(lambda: words in self.said() or self.process.poll() is not None, seconds)
        assert words in self.said(), self.said()

    def ends(self, number: int) -> int:
        self.process.send_signal(number)
        try:
            return self.process.wait(90)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)  # Python says where its threads are
            self.process.wait(10)
            raise AssertionError(f"it did not end: {self.said()}") from None

    def processes(self) -> list[str]:
        """Return the processes of its session that are left."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                if fields[0] != "Z" and int(fields[3]) == self.process.pid:
                    found.append((folder / "cmdline").read_text().replace("\0", " "))
        return found


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Start processes that are gone when the test is over, on one folder."""
    monkeypatch.setenv("CHURN_HOME", str(tmp_path / "home"))
    started = []

    def start_one(*arguments: str) -> Up:
        one = Up(tmp_path / f"said-{len(started)}", *arguments)
        started.append(one)
        return one

    yield start_one
    for one in started:
        with suppress(ProcessLookupError):
            os.killpg(one.process.pid, signal.SIGKILL)
        one.process.wait()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


UP = ("up", "--no-dashboard", "--port", "0")


def test_it_works_until_sigterm_and_leaves_no_process(empty_pipelines, start, tmp_path):
    empty_pipelines.copy("all", tmp_path / "home")
    up = start(*UP)
    up.wait_for("broker: ")
    address = up.said().partition("broker: ")[2].partition(",")[0]
    producer = KafkaProducer(bootstrap_servers=address)
    producer.send(
        "churn.events",
        b'{"event_id": "1", "customer_id": "a", "event_type": "login",'
        b' "occurred_at": "2026-01-01T00:00:00Z"}',
    ).get(timeout=30)
    producer.close()

    def is_measured() -> bool:
        done = run_module("embedded", "query", "select customer_id from churn_metrics_live")
        assert done.returncode == 0, done.stderr
        return "│ a " in done.stdout

    wait_until(is_measured, 60)
    assert up.ends(signal.SIGTERM) == 0, up.said()
    wait_until(lambda: up.processes() == [], 30)
    assert "Traceback" not in up.said()
    assert is_measured()


def test_without_a_database_it_builds_one_first(start, tmp_path):
    up = start(*UP)
    up.wait_for("building the pipeline (dbt build): about a minute\n")
    wait_until(database_file(tmp_path / "home").exists, 60)
    done = run_module("embedded", "query", "select * from manager_risk_queue")
    assert done.returncode == 0, done.stderr  # it has waited for the build
    assert up.ends(signal.SIGINT) == 0, up.said()
    wait_until(lambda: up.processes() == [], 30)
    assert run_module("embedded", "tick").returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_second_one_says_who_is_at_work_and_takes_over(empty_pipelines, start, tmp_path, number):
    home = empty_pipelines.copy("all", tmp_path / "home")
    same_port = ("up", "--no-dashboard", "--port", str(free_port()))
    first = start(*same_port)
    first.wait_for("broker: ")
    second = start(*same_port)
    second.wait_for("waiting until it ends")
    who = f"everything of {home} is running by process {first.process.pid} on "
    assert who in second.said()
    assert "broker: " not in second.said()
    assert first.ends(number) == (0 if number == signal.SIGTERM else -number)
    second.wait_for("broker: ")
    wait_until(lambda: first.processes() == [], 30)
    assert run_module("embedded", "query", "select 1").returncode == 0
    assert second.ends(signal.SIGTERM) == 0, second.said()
    wait_until(lambda: second.processes() == [], 30)


@pytest.mark.parametrize("has_dashboard", [False, True])
def test_when_its_broker_ends_everything_ends_with_one_line(
    empty_pipelines, start, tmp_path, has_dashboard
):
    empty_pipelines.copy("all", tmp_path / "home")
    dashboard = ("--dashboard-port", str(free_port())) if has_dashboard else ("--no-dashboard",)
    up = start("up", "--port", "0", *dashboard)
    up.wait_for("ready: ")
    [broker] = [
        int(folder.name)
        for folder in Path("/proc").glob("[0-9]*")
        if _parent(folder) == up.process.pid and "tansu" in (folder / "cmdline").read_text()
    ]
    os.kill(broker, signal.SIGKILL)
    assert up.process.wait(30) == 1
    assert (
        up.said()
        .splitlines()[-1]
        .startswith("the broker ended, and everything with it: its exit code is ")
    )
    wait_until(lambda: up.processes() == [], 30)


def test_a_port_that_there_is_not_is_one_line():
    done = run_module("embedded", "up", "--port", "70000")
    assert done.returncode == 2
    assert "not a port from 0 to 65535: 70000" in done.stderr
    assert "Traceback" not in done.stderr


def _parent(folder: Path) -> int | None:
    with suppress(OSError):
        return int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    return None


def test_one_that_waits_ends_when_it_is_told_to(empty_pipelines, start, tmp_path):
    empty_pipelines.copy("all", tmp_path / "home")
    first = start("schedule")
    wait_until((tmp_path / "home" / "up.holder").exists, 60)
    second = start("schedule")
    second.wait_for("waiting until it ends")
    assert f"are being refreshed by process {first.process.pid} on " in second.said()
    assert second.ends(signal.SIGTERM) == 0
    assert first.process.poll() is None
    assert first.ends(signal.SIGTERM) == 0


# -- the dashboard beside the rest -----------------------------------------------------------------


def serve_too(home: Path, port: int) -> None:
    os.environ["CHURN_HOME"] = str(home)
    everything.up(
        port=0,
        topic="events",
        bootstrap_servers=None,
        client="kafka-python",
        dashboard=Place(port=port),
    )


def test_with_the_dashboard_it_ends_in_order_too(empty_pipelines, tmp_path):
    home, port = empty_pipelines.copy("all", tmp_path / "home"), free_port()
    up = Fork(tmp_path / "log", serve_too, home, port)

    def answers() -> bool:
        assert up.is_alive, up.said()
        with suppress(OSError):
            return urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health").status == 200
        return False

    try:
        wait_until(answers, 60)
        up.send_signal(signal.SIGTERM)
        assert up.wait(30) == 0, up.said()
    finally:
        up.kill()


def test_it_ends_when_nobody_reads_what_it_says(empty_pipelines, tmp_path, monkeypatch):
    monkeypatch.setenv("CHURN_HOME", str(empty_pipelines.copy("all", tmp_path / "home")))
    port = free_port()
    command = ["up", "--port", "0", "--dashboard-port", str(port)]
    process = subprocess.Popen(
        [sys.executable, "-m", "embedded", *command],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        for line in process.stdout:
            if line.startswith(b"ready: "):
                break
        assert f"dashboard http://localhost:{port}, broker 127.0.0.1:".encode() in line
        process.stdout.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()


def test_a_port_that_is_taken_is_said_before_any_work(start, tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = str(other.getsockname()[1])
        for command in ("up", "demo"):
            one = start(command, "--dashboard-port", taken)
            assert one.process.wait(60) == 1
            words = (
                f"the dashboard cannot listen on 127.0.0.1, port {taken} (Address already in use)"
            )
            assert one.said().startswith(words), command
    assert not database_file(tmp_path / "home").exists()


# -- when a part ends of its own accord ------------------------------------------------------------


def run_a_part(home: Path, part) -> None:
    """Do as `up` does, with one part."""
    stop = stop_on_signals()
    with ending_with_the_engine():
        parts = Parts(Database(home), stop)
        parts.start("scheduler", part)
        stop.wait()
        try:
            parts.end()
        except EngineError as error:
            print(error)
            raise SystemExit(1) from None


def refuse() -> None:
    raise EngineError("the disk is full")


def break_down() -> None:
    raise ZeroDivisionError("division by zero\nand more")


def return_early() -> None:
    pass


def fail_for_good() -> None:
    raise duckdb.FatalException("FATAL Error: the database has been invalidated\nand more")


@pytest.mark.parametrize(
    ("part", "why"),
    [(refuse, "the disk is full"), (break_down, "division by zero"), (return_early, "it ended")],
)
def test_when_a_part_ends_everything_does_and_one_line_says_why(tmp_path, part, why):
    process = Fork(tmp_path / "log", run_a_part, tmp_path, part)
    assert process.wait(30) == 1
    last = process.said().splitlines()[-1]
    assert last == f"the scheduler ended, and everything with it: {why}"


def test_an_engine_that_fails_for_good_ends_its_process_with_one_line(tmp_path):
    process = Fork(tmp_path / "log", run_a_part, tmp_path, fail_for_good)
    assert process.wait(30) == ENGINE_FAILED
    said = "the engine failed: FATAL Error: the database has been invalidated\n"
    assert process.said() == said
