"""dbt's command line in a process of its own, and empty pipelines that it has built once."""

import json
import os
import shutil
import subprocess
import tempfile
from hashlib import md5
from pathlib import Path

import pytest
from filelock import FileLock

from tests.soak.forks import Fork

PROJECT = Path(__file__).parent.parent
# Test processes run side by side, and dbt writes into its target folder.
TARGETS = f"target/tests-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
os.environ["DBT_TARGET_PATH"] = TARGETS
# So few rows are not worth the second thread, and the other processor is another process's.
os.environ.setdefault("CHURN_THREADS", "1")
# What is built of the pipeline, on an empty pipeline.
PARTS = {
    "raw": ("run", "-s", "raw"),
    "metrics": (
        *("build", "-s", "+metrics", "+training_snapshots", "dynamic_table_lag"),
        *("--exclude-resource-type", "test", "unit_test"),
    ),
    "all": ("build", "--exclude-resource-type", "test", "unit_test"),
}
OFFLINE = ("--no-populate-cache", "--no-introspect")
# What is off by default is rendered as well.
SNOWFLAKE_VARS = (
    "{email_provider: cortex, digest_recipients: a@example.com, churn_label: half_spend,"
    " retrain_schedule: 24 HOURS, alert_order: value_kept, warning_recipients: b@example.com,"
    " rejected_days: 30, letter_days: 90, inactive_customer_days: 900,"
    " slack_integration: churn_slack}"
)


def run_dbt(*arguments: str, target: str = "duckdb", check: bool = True):
    """Run dbt as a user does, on the pipeline that CHURN_HOME names."""
    environment = {
        "DBT_PROFILES_DIR": str(PROJECT),
        "DBT_TARGET": target,
        "DBT_TARGET_PATH": _target_path(target, arguments),
        "SNOWFLAKE_ACCOUNT": "offline",
        "SNOWFLAKE_USER": "offline",
    }
    with tempfile.TemporaryDirectory() as folder:
        output, errors = Path(folder) / "output", Path(folder) / "errors"
        dbt = Fork(output, _dbt, arguments, {**os.environ, **environment}, errors)
        code = dbt.wait(600)
        assert code is not None, f"dbt {arguments} goes on and on: {dbt.said()}"
        done = subprocess.CompletedProcess(arguments, code, dbt.said(), errors.read_text())
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


def render(inline: str, *options: str, target: str = "duckdb") -> str:
    """Return SQL with the project's macros, as an engine gets it; no database is needed."""
    arguments = ("--no-write-json", "compile", "-q", *OFFLINE, *options, "--inline", inline)
    with tempfile.TemporaryDirectory() as home, pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHURN_HOME", home)
        return run_dbt(*arguments, target=target).stdout


def _target_path(target: str, arguments: tuple[str, ...]) -> str:
    """Return a folder of its own for each setting: dbt reads all files again when one changes."""
    if target == "duckdb" and "--vars" not in arguments:
        return TARGETS
    variables = arguments[arguments.index("--vars") + 1] if "--vars" in arguments else ""
    return f"{TARGETS}-{md5(f'{target} {variables}'.encode(), usedforsecurity=False).hexdigest()}"


def _dbt(arguments: tuple[str, ...], environment: dict[str, str], errors: Path) -> None:
    os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT), 2)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(PROJECT)

    from dbt.cli.main import cli

    cli(["--no-use-colors", *arguments])


class EmptyPipelines:
    """Each of PARTS, built once for all test processes of a run, to be copied."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def copy(self, part: str, path: Path) -> Path:
        """Leave an empty pipeline with a part of the pipeline at `path`."""
        built = self._folder / part
        with FileLock(self._folder / f"{part}.lock"):
            if not built.exists():
                self._build(part, built)
        return Path(shutil.copytree(built, path))

    def manifest(self, part: str) -> dict:
        """Return dbt's description of what was built, with each model's SQL."""
        assert (self._folder / part).exists(), "copy it first"
        return json.loads((self._folder / f"{part}.json").read_text())

    def for_snowflake(self) -> dict:
        """Return the same of every model as it would be sent to Snowflake, without a connection."""
        target = self._folder / "snowflake"
        with FileLock(self._folder / "snowflake.lock"):
            if not (target / "manifest.json").exists():
                run_dbt(
                    "compile", *OFFLINE, "--target-path", str(target), "-s", "resource_type:model",
                    "--exclude", "train_churn_model", "--vars", SNOWFLAKE_VARS, target="snowflake",
                )  # fmt: skip
        return json.loads((target / "manifest.json").read_text())

    def _build(self, part: str, built: Path) -> None:
        under_way = built.with_suffix(".under-way")
        shutil.rmtree(under_way, ignore_errors=True)  # of one that failed
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CHURN_HOME", str(under_way))
            run_dbt("-q", *PARTS[part])
        shutil.copy(PROJECT / TARGETS / "manifest.json", self._folder / f"{part}.json")
        under_way.rename(built)
