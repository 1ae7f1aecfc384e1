"""`make backtest` on the shipped events: both labels, and one line where a label lacks rows."""

import json
import random
import subprocess
import sys
from datetime import date, timedelta

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


def test_a_label_without_an_outcome_says_which_and_the_other_is_tested(tmp_path):
    """Subscribers visit daily and buy at times; whoever leaves cancels on the first of a month."""
    day = timedelta(days=1)
    lines = []
    for customer in range(260):
        chance = random.Random(customer)
        leaves = date(2025, chance.randrange(2, 13), 1) if customer % 2 else date(2026, 2, 1)
        at, number = date(2025, 1, 1), 0
        # The file ends with January: no first of a month is in its last 28 days.
        while at <= min(leaves, date(2026, 1, 31)):
            kinds = ["login"] if at.day % 3 else []
            kinds += ["purchase"] if chance.random() < 0.15 else []
            kinds += ["subscription_cancelled"] if at == leaves else []
            for kind in kinds:
                number += 1
                lines.append({
                    "event_id": f"{customer}-{number}", "customer_id": f"c{customer}",
                    "event_type": kind, "occurred_at": f"{at}T12:00:00Z",
                    **({"amount": chance.lognormvariate(2, 1.5)} if kind == "purchase" else {}),
                })  # fmt: skip
            at += day
    file = tmp_path / "renewals.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = backtest(str(file))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["lapse"]["status"].startswith(
        "waiting for data: nobody churned in the 28 days after 2026-01-02: some did after the"
        " cut-off of 2025-11-05 (var training_latest_cutoff), and a window of 61 days or more"
    ), found["lapse"]
    assert found["half_spend"]["horizon_days"] == 28
    assert "lapse cannot be tested: waiting for data: nobody churned" in done.stderr


def test_a_file_that_is_none_is_told_in_one_line(tmp_path):
    done = backtest(str(tmp_path / "none.parquet"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("none.parquet\n")
