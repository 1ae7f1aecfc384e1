"""The other programs of the pipeline, run as processes: dbt and the dashboard."""

import os
import subprocess
import sys
from pathlib import Path

from embedded.database import LakeError

PROJECT = Path(__file__).parent.parent
DASHBOARD_PORT = 8501


def run_dbt(*arguments: str) -> None:
    """Run dbt quietly in the project; raises LakeError with its own words when it fails."""
    done = subprocess.run(  # noqa: S603 - our own interpreter and fixed words
        [
            sys.executable,
            "-c",
            "from dbt.cli.main import cli; cli()",
            "--no-use-colors",
            *arguments,
        ],
        cwd=PROJECT,
        env={**os.environ, "DBT_PROFILES_DIR": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise LakeError(f"dbt {arguments[0]} failed:\n" + "\n".join(lines[-15:]))


def start_dashboard(port: int = DASHBOARD_PORT) -> subprocess.Popen:
    """Start the dashboard on localhost and return its process."""
    return subprocess.Popen(  # noqa: S603 - our own interpreter and fixed words
        [
            *(sys.executable, "-m", "streamlit", "run", "app/streamlit_app.py"),
            *("--server.address", "127.0.0.1", "--server.port", str(port)),
            *("--server.headless", "true", "--browser.gatherUsageStats", "false"),
        ],
        cwd=PROJECT,
        stdout=subprocess.DEVNULL,
    )
