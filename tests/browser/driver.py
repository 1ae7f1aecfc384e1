"""The dashboard in a real browser: a server of its own, and the system's Chromium."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.dbt import PROJECT

PAGES = {
    "overview": "",
    "action_queue": "action_queue",
    "customer": "customer",
    "outreach": "outreach",
    "outcomes": "outcomes",
    "cohorts": "cohorts",
    "model": "model",
    "health": "health",
}
_CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")


def chromium() -> str | None:
    """Return where the system's Chromium lies, or None."""
    return next((path for name in _CHROMIUM if (path := shutil.which(name))), None)


@contextmanager
def browser() -> Iterator[Browser]:
    """Start Chromium; the sandbox needs rights that containers rarely have."""
    with sync_playwright() as playwright:
        one = playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            yield one
        finally:
            one.close()


@contextmanager
def serving(pipeline: Path) -> Iterator[str]:
    """Serve the dashboard on a pipeline and return its address."""
    with serving_process(pipeline) as (address, _):
        yield address


@contextmanager
def serving_process(pipeline: Path) -> Iterator[tuple[str, subprocess.Popen]]:
    """Serve the dashboard on a pipeline and return its address and its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "streamlit", "run", "app/streamlit_app.py"),
            *("--server.address", "127.0.0.1", "--server.port", str(port)),
            *("--server.headless", "true", "--server.fileWatcherType", "none"),
        ],
        cwd=PROJECT,
        env={**os.environ, "CHURN_HOME": str(pipeline)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(address, process)
        yield address, process
    finally:
        process.terminate()
        process.wait()


def _wait_for(address: str, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=5):  # noqa: S310 - ours
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise RuntimeError(f"the dashboard did not start at {address}")


def settle(page: Page) -> None:
    """Wait until the page is shown whole: the script is done, tables and pictures are drawn."""
    page.wait_for_selector("h1", timeout=60_000)
    page.wait_for_function(
        """() => {
            const all = (selector) => [...document.querySelectorAll(selector)];
            const app = document.querySelector('[data-testid="stApp"]');
            const running = app && app.getAttribute('data-test-script-state') === 'running';
            const undone = all('[data-stale="true"], [data-testid="stSkeleton"]').length;
            const drawn = (one) => one.querySelector('canvas, svg');
            const shown = all('[data-testid="stDataFrame"], [data-testid="stVegaLiteChart"]');
            if (running || undone || !shown.every(drawn)) { window.settled = 0; return false; }
            // Canvases are drawn a moment after they are there.
            window.settled = (window.settled || 0) + 1;
            return window.settled > 15;
        }""",
        polling="raf",
        timeout=60_000,
    )
