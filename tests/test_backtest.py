"""`make backtest` on the shipped events: both labels, and one line where a label lacks rows."""

import json
import subprocess
import sys

from tests.dbt import PROJECT

SAMPLE = PROJECT / "ingest" / "samples" / "complete_journey_300.parquet"


def backtest(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.backtest", *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_both_labels_are_tested_on_a_file_of_events():
    done = backtest(str(SAMPLE), "--earliest-cutoff", "2017-09-01")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert list(found) == ["lapse", "half_spend"]
    for run in found.values():
        assert run["n"] > 200
        assert 0.6 < run["roc_auc"] < 1
        assert sum(band["n"] for band in run["spend_by_tenure"]) > 100
    assert found["lapse"]["rolling_origin"]
    assert "expected / spent" in done.stderr


def test_a_file_that_is_none_is_told_in_one_line(tmp_path):
    done = backtest(str(tmp_path / "none.parquet"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("none.parquet\n")
