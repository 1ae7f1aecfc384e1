"""The other programs of the pipeline, run as processes: dbt and the dashboard."""

import os
import re
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

from embedded.database import lake_path
from runtime.errors import EngineError

PROJECT = Path(__file__).parent.parent
DASHBOARD_PORT = 8501
# dbt names the kind of an error on a line of its own, sometimes twice, and then says what it is.
_HEADING = re.compile(r"\bError( in .*)?$")


def run_dbt(*arguments: str) -> None:
    """Run dbt quietly in the project; raises EngineError with its own words when it fails."""
    dbt = Dbt(*arguments)
    dbt.wait()
    if (error := dbt.error()) is not None:
        raise EngineError(error)


class Dbt:
    """dbt in the project, as a process whose output is kept for what it may have to say."""

    def __init__(self, *arguments: str) -> None:
        self._arguments = arguments
        # It is read when dbt has ended.
        self._output = tempfile.TemporaryFile(  # noqa: SIM115 - closed with this object
            "w+", encoding="utf-8", errors="replace"
        )
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter, fixed words
            [
                sys.executable,
                *("-c", "from dbt.cli.main import cli; cli()"),
                "--no-use-colors",
                *arguments,
            ],
            cwd=PROJECT,
            env={**os.environ, "DBT_PROFILES_DIR": str(PROJECT)},
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )

    @property
    def is_running(self) -> bool:
        """Whether dbt goes on."""
        return self._process.poll() is None

    def wait(self) -> None:
        """Wait until dbt has ended."""
        self._process.wait()

    def stop(self) -> None:
        """End dbt where it stands."""
        self._process.terminate()
        self._process.wait()

    def error(self) -> str | None:
        """Return why dbt failed, in one line; None when it succeeded."""
        if self._process.returncode == 0:
            return None
        self._output.seek(0)
        return _first_error(self._output.read(), self._arguments[0])


def _first_error(output: str, command: str) -> str:
    """Return dbt's first error as one line; the whole story is in logs/dbt.log."""
    if any(words in output for words in ("No space left", "disk is full", "Disk quota")):
        return f"the disk is full at {lake_path()}: free some space and run the command again"
    lines = [line.strip() for line in output.splitlines()]
    causes = (
        cause
        for heading, cause in pairwise(line for line in lines if line)
        if _HEADING.search(heading) and not _HEADING.search(cause)
    )
    if (cause := next(causes, None)) is not None:
        return f"dbt {command} failed: {cause} (see logs/dbt.log)"
    return f"dbt {command} failed: {lines[-1] if lines else 'no output'} (see logs/dbt.log)"


def start_dashboard(port: int = DASHBOARD_PORT) -> subprocess.Popen:
    """Start the dashboard on localhost and return its process."""
    return subprocess.Popen(  # noqa: S603 - dbt, no shell - our own interpreter and fixed words
        [
            *(sys.executable, "-m", "streamlit", "run", "app/streamlit_app.py"),
            *("--server.address", "127.0.0.1", "--server.port", str(port)),
            *("--server.headless", "true", "--browser.gatherUsageStats", "false"),
        ],
        cwd=PROJECT,
        stdout=subprocess.DEVNULL,
    )
