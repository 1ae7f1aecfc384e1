"""`make backtest EVENTS=file`: how well the model predicts on a business's own events.

The events go through the pipeline itself, with the vars of dbt_project.yml: broker, loader, dynamic
tables, training. Both labels are tested on their latest closed window, or on the one after a given
cut-off, each by itself: one that cannot be tested says why. Last line: JSON.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from embedded.broker import broker
from embedded.engine.dbt import run_dbt
from embedded.session import connect, open_database
from ingest.loader import load
from ingest.replay import replay
from ingest.sinks import open_sink
from runtime.command_line import report
from runtime.errors import EngineError, UserError
from training.status import has_trained

_TOPIC = "backtest.events"
LABELS = ("lapse", "half_spend")
_RUN = """
    select
        horizon_days, test_cutoff_date as cutoff, test_rows as n,
        round(test_churners / test_rows, 4) as base_rate,
        round(roc_auc, 4) as roc_auc,
        round(roc_auc_low, 4) as roc_auc_low,
        round(roc_auc_high, 4) as roc_auc_high,
        round(pr_auc, 4) as pr_auc,
        round(brier, 4) as brier,
        round(lift_at_10_percent, 2) as lift10,
        round(value_at_risk_ratio, 3) as value_at_risk_ratio,
        round(challenger_auc, 4) as logistic_auc,
        round(baseline_auc, 4) as recency_auc,
        spend_by_tenure,
        rolling_origin,
        status
    from train_churn_model order by trained_at desc limit 1
"""

_LISTS = ("spend_by_tenure", "rolling_origin")
# Heading of a column, and what it shows of each earlier cut-off.
_EARLIER = {
    "cut-off": "cutoff",
    "n": "n",
    "churned": "churners",
    "AUC": "roc_auc",
    "PR-AUC": "pr_auc",
    "Brier": "brier",
    "value": "value_at_risk_ratio",
    "logistic": "challenger_auc",
    "recency": "baseline_auc",
}


def backtest(events: Path, variables: dict[str, dict]) -> dict[str, dict]:
    """Return the figures of each label, or why it could not be tested as its `status`.

    `variables` are each label's vars beside those of dbt_project.yml. Raises EngineError or
    IngestError in one line when the events cannot be read.
    """
    if not events.is_file():
        raise EngineError(f"there is no file {events}")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CHURN_HOME"] = str(Path(folder) / "home")
        with _step("making the tables"):
            run_dbt("run", "-s", "raw")
        with _step(f"loading {events.name}"), broker(port=0) as address:
            replay([events], address, _TOPIC)
            with closing(open_sink("duckdb")) as sink:
                load(sink, address, _TOPIC, until_end=True)
        with _step("computing the metrics"):
            run_dbt("seed", "-s", "alert_policy")
            # The label half_spend asks when a customer was first seen.
            run_dbt("run", "-s", "+training_snapshots", "+churn_metrics_live", "model_promotions")
        found = {}
        for label in LABELS:
            with _step(f"training and testing {label}"):
                found[label] = _train({"churn_label": label, **variables[label]})
        open_database().close()  # who has it open makes files
        return found


@contextmanager
def _step(what: str) -> Iterator[None]:
    started = time.monotonic()
    report(f"{what} ...")
    yield
    report(f"{what}: {time.monotonic() - started:.1f} s")


def _train(variables: dict) -> dict:
    models = ("training_cutoffs", "training_snapshots", "train_churn_model")
    run_dbt("run", "-s", *models, "--vars", json.dumps(variables))
    with connect() as pipeline:
        result = pipeline.execute(_RUN)
        names = [column[0] for column in result.description]
        run = dict(zip(names, result.fetchone(), strict=True))
    if not has_trained(status := run.pop("status")):
        return {"status": status}
    return run | {name: json.loads(run[name]) for name in _LISTS}


def _print(found: dict[str, dict], title: str) -> None:
    console = Console(stderr=True)
    tested = {label: run for label, run in found.items() if "status" not in run}
    for label in found.keys() - tested.keys():
        console.print(f"{label} cannot be tested: {found[label]['status']}", highlight=False)
    if not tested:
        return
    table = Table("figure", *tested, title=title)
    for name in next(iter(tested.values())):
        if name not in _LISTS:
            table.add_row(name, *(str(run[name]) for run in tested.values()))
    console.print(table)
    for label, run in tested.items():
        table = Table("known for", "stayed", "expected / spent", title=f"{label}: expected spend")
        for band in run["spend_by_tenure"]:
            ratio = f"{band['expected'] / band['spent']:.3f}" if band["spent"] else "nothing spent"
            table.add_row(band["known"], str(band["n"]), ratio)
        console.print(table)
        # Nine columns fit into 80 characters only without lines between them.
        table = Table(*_EARLIER, title=f"{label}: earlier cut-offs", box=None)
        for window in run["rolling_origin"]:
            figures = [window[name] for name in _EARLIER.values()]
            table.add_row(
                *(f"{one:.3f}" if isinstance(one, float) else str(one) for one in figures)
            )
        console.print(table)


def main() -> int:
    """Run it; return 0, or 1 after one line on what is wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.backtest", description=__doc__)
    parser.add_argument("events", type=Path, help="a file of events, JSONL or Parquet")
    for label in LABELS:
        option = label.replace("_", "-")
        parser.add_argument(
            f"--{option}-cutoff",
            metavar="DATE",
            help="test on the window after it (default: var training_latest_cutoff)",
        )
        parser.add_argument(
            f"--{option}-horizon",
            type=int,
            metavar="DAYS",
            help="of the window (default: var churn_horizon_days)",
        )
    parser.add_argument(
        "--earliest-cutoff",
        metavar="DATE",
        help="train on no cut-off before it (default: var training_earliest_cutoff)",
    )
    arguments = parser.parse_args()
    try:
        found = backtest(
            arguments.events, {label: _variables(arguments, label) for label in LABELS}
        )
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    _print(found, title=arguments.events.name)
    sys.stdout.write(json.dumps(found) + "\n")
    return int(all("status" in run for run in found.values()))


def _variables(arguments: argparse.Namespace, label: str) -> dict:
    """Return the vars that were named for a label; the others are those of the project."""
    named = {
        "training_latest_cutoff": getattr(arguments, f"{label}_cutoff"),
        "churn_horizon_days": getattr(arguments, f"{label}_horizon"),
        "training_earliest_cutoff": arguments.earliest_cutoff,
    }
    return {name: value for name, value in named.items() if value is not None}


if __name__ == "__main__":
    sys.exit(main())
