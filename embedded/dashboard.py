"""The dashboard in this process: Streamlit on the main thread, until SIGTERM or Ctrl-C."""

import os
from pathlib import Path

from embedded.engine.home import keep_churn_home
from runtime.errors import EngineError

PROJECT = Path(__file__).parents[1]
DASHBOARD_PORT = 8501
_SCRIPT = PROJECT / "app" / "streamlit_app.py"


def serve_dashboard(port: int = DASHBOARD_PORT) -> None:
    """Serve the dashboard on localhost until the process is asked to end.

    Works in the main thread only. Raises EngineError when the port is taken.
    """
    from streamlit import config  # it takes a second to import, and few commands need it
    from streamlit.web import bootstrap

    options = {
        "server.address": "127.0.0.1",
        "server.port": port,
        "server.headless": True,
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": False,
        "global.developmentMode": False,
    }
    folder = Path.cwd()
    keep_churn_home()
    os.chdir(PROJECT)  # where Streamlit looks for its settings
    bootstrap.load_config_options({name.replace(".", "_"): one for name, one in options.items()})
    config._main_script_path = str(_SCRIPT)
    try:
        bootstrap.run(str(_SCRIPT), False, [], {})
    except SystemExit as error:
        if error.code:
            raise EngineError(
                f"the dashboard ended: is port {port} taken? See the lines above"
            ) from error
    finally:
        os.chdir(folder)
