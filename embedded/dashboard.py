"""The dashboard in this process: Streamlit on the main thread, until SIGTERM or Ctrl-C."""

import ipaddress
import os
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

from embedded.engine.home import keep_churn_home
from runtime.command_line import report
from runtime.errors import EngineError

PROJECT = Path(__file__).parents[1]
DASHBOARD_HOST, DASHBOARD_PORT = "127.0.0.1", 8501
_SCRIPT = PROJECT / "app" / "streamlit_app.py"
_LOOK_SECONDS = 0.1


class Place(NamedTuple):
    """Where the dashboard listens."""

    host: str = DASHBOARD_HOST
    port: int = DASHBOARD_PORT

    @property
    def url(self) -> str:
        """What to open in a browser of this machine."""
        host = "localhost" if self._is_local or self._is_any else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    def check(self) -> None:
        """Raise EngineError when nobody can listen there; warn when others can reach it."""
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise EngineError(f"--dashboard-host {self.host} is no address: {error}") from error
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                server.bind(address)
            except OSError as error:
                raise EngineError(
                    f"the dashboard cannot listen on {self.host}, port {self.port}"
                    f" ({error.strerror}): stop what uses it, or choose another with"
                    " --dashboard-port"
                ) from error
        if not self._is_local:
            report(
                f"the dashboard listens on {self.host}: whoever can reach this machine can read"
                " customers' data and approve messages, because it asks for no login"
            )

    @property
    def _is_local(self) -> bool:
        return self.host == "localhost" or _is(self.host, "is_loopback")

    @property
    def _is_any(self) -> bool:
        return _is(self.host, "is_unspecified")


def serve_dashboard(place: Place, stop: threading.Event, when_ready: Callable[[], None]) -> None:
    """Serve the dashboard until `stop` or a signal; `when_ready` is called once it answers.

    Works in the main thread only. Raises EngineError when the port is taken.
    """
    from streamlit import config  # it takes a second to import, and few commands need it
    from streamlit.web import bootstrap

    options = {
        "server.address": place.host,
        "server.port": place.port,
        "server.headless": True,
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": False,
        "global.developmentMode": False,
        "logger.hideWelcomeMessage": True,
    }
    folder = Path.cwd()
    keep_churn_home()
    os.chdir(PROJECT)  # where Streamlit looks for its settings
    bootstrap.load_config_options({name.replace(".", "_"): one for name, one in options.items()})
    config._main_script_path = str(_SCRIPT)
    ended = threading.Event()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    watching = (stop, ended, handlers[signal.SIGTERM], when_ready)
    threading.Thread(target=_watch, args=watching, daemon=True).start()
    try:
        # Streamlit says that it stops before it does, and where nobody reads that, it would not.
        with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
            bootstrap.run(str(_SCRIPT), False, [], {})
    except SystemExit as error:
        if error.code:
            raise EngineError(
                f"the dashboard ended: is port {place.port} taken? See the lines above"
            ) from error
    finally:
        ended.set()
        for number, handler in handlers.items():
            signal.signal(number, handler)
        os.chdir(folder)


def _watch(
    stop: threading.Event,
    ended: threading.Event,
    handler: Callable[[int, Any], None],
    when_ready: Callable[[], None],
) -> None:
    """Call `when_ready` once Streamlit serves, and end Streamlit when `stop` is set.

    Streamlit takes over the signals as soon as it serves. A signal that comes before reaches
    `handler`, which sets `stop` and nothing that Streamlit knows of.
    """
    while signal.getsignal(signal.SIGTERM) == handler:
        if ended.wait(_LOOK_SECONDS):
            return
    if not stop.is_set():
        when_ready()
    while not ended.wait(_LOOK_SECONDS):
        if stop.is_set():
            os.kill(os.getpid(), signal.SIGTERM)
            return


def _is(host: str, what: str) -> bool:
    try:
        return bool(getattr(ipaddress.ip_address(host), what))
    except ValueError:
        return False
