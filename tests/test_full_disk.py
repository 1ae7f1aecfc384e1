"""A disk that fills while everything works: said in one line, and nothing is lost or done twice."""

import json
import subprocess
import sys

import pytest

from tests.dbt import PROJECT
from tests.soak.accounts import COUNTS

_NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")


def can_mount(folder) -> bool:
    command = [*_NAMESPACE, "mount", "-t", "tmpfs", "tmpfs", str(folder)]
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        return False


def test_up_ends_with_one_line_and_goes_on_when_there_is_room(empty_pipelines, tmp_path):
    if not can_mount(tmp_path):
        pytest.skip("this machine lets nobody mount a small disk: user namespaces are needed")
    pipeline = empty_pipelines.copy("all", tmp_path / "home")
    command = [*_NAMESPACE, sys.executable, "-m", "tests.soak.full_disk", pipeline, tmp_path]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3_000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["codes"] == [1, 1, 0]
    assert "ended, and everything with it: the disk is full at " in found["said"]
    assert "Could not write" not in found["said"]
    assert [name for name in ("missing", "twice", *COUNTS) if found[name]] == []
