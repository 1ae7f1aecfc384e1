"""What `embedded up` does when one of its processes ends."""

import json
import os
import signal
import subprocess
import sys

import duckdb
import pytest

from embedded.up import ENGINE_FAILED, _Supervised, ending_with_the_engine
from tests.dbt import PROJECT
from tests.ingest_fixtures import wait_until
from tests.soak.forks import Fork


@pytest.fixture
def running(empty_pipelines, tmp_path, monkeypatch):
    """`embedded up` on an empty pipeline, with a broker of its own."""
    monkeypatch.setenv("CHURN_HOME", str(empty_pipelines.copy("all", tmp_path / "home")))
    process = subprocess.Popen(
        [sys.executable, "-m", "embedded", "up", "--no-dashboard", "--port", "0"],
        cwd=PROJECT,
        stderr=(tmp_path / "said").open("w"),
    )
    yield process
    process.kill()


def scheduler_of(pipeline) -> int | None:
    """Return the process that makes the passes of a pipeline, as it has noted itself."""
    holder = pipeline / "scheduler.holder"
    try:
        return int(json.loads(holder.read_text())["process"])
    except (OSError, ValueError):
        return None


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_scheduler_that_is_killed_is_started_again_and_ends_with_the_rest(running, tmp_path):
    pipeline, said = tmp_path / "home", tmp_path / "said"
    wait_until(lambda: scheduler_of(pipeline) is not None, 60)
    first = scheduler_of(pipeline)
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: scheduler_of(pipeline) not in (None, first), 60)
    second = scheduler_of(pipeline)
    assert "the scheduler was ended by SIGKILL: starting it again in 0.4 s\n" in said.read_text()
    assert running.poll() is None
    running.terminate()
    assert running.wait(30) == 0, said.read_text()
    assert not is_alive(second)


def test_a_second_scheduler_says_who_is_at_work_and_waits(running, tmp_path):
    pipeline = tmp_path / "home"
    wait_until(lambda: scheduler_of(pipeline) is not None, 60)
    second = subprocess.Popen(
        [sys.executable, "-m", "embedded", "schedule"],
        cwd=PROJECT,
        stderr=subprocess.PIPE,
        text=True,
    )
    line = second.stderr.readline()
    assert line.startswith(
        f"this pipeline is being scheduled by process {scheduler_of(pipeline)} on "
    )
    assert line.endswith(": waiting until it ends\n")
    running.terminate()
    wait_until(lambda: scheduler_of(pipeline) == second.pid, 60)
    second.terminate()
    assert second.wait(30) == 0
    second.stderr.close()


def fail_for_good() -> None:
    with ending_with_the_engine():
        raise duckdb.FatalException("FATAL Error: the database has been invalidated\nand more")


def test_an_engine_that_fails_for_good_ends_its_process_with_one_line(tmp_path):
    process = Fork(tmp_path / "log", fail_for_good)
    assert process.wait(30) == ENGINE_FAILED
    said = "the engine failed: FATAL Error: the database has been invalidated\n"
    assert process.said() == said


@pytest.mark.parametrize(
    ("code", "starts"), [(ENGINE_FAILED, 2), (0, 1), (1, 1)], ids=["engine", "done", "refused"]
)
def test_only_what_may_go_better_is_started_again(tmp_path, capsys, code, starts):
    started = tmp_path / "started"
    program = f"open({str(started)!r}, 'a').write('.'); raise SystemExit({code})"

    def start() -> subprocess.Popen:
        return subprocess.Popen([sys.executable, "-c", program])

    one = _Supervised("scheduler", start)

    def has_started_again() -> bool:
        one.look()
        return started.exists() and started.read_text() == ".."

    if starts == 2:
        wait_until(has_started_again)
        assert "the scheduler was ended: starting it again" in capsys.readouterr().err
    else:
        one.process.wait()
        with pytest.raises(SystemExit):
            one.look()
        assert f"ended with exit code {code}: stopping the rest" in capsys.readouterr().err
    one.process.wait()
    assert len(started.read_text()) == starts
