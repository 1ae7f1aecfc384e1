"""A disk that fills while `up` works, and has room again later: the account of it as JSON.

Runs where it may mount: `unshare --user --map-root-user --mount`. Its arguments are an empty
pipeline, which is copied onto a small disk, and a folder for that disk and the logs.
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from embedded.broker import broker
from embedded.session import open_database
from ingest.publisher import send
from runtime.clock import utc_now
from tests.soak.accounts import account
from tests.soak.everything import TOPIC, run_up
from tests.soak.forks import Fork

EVENTS, PADDING = 40_000, "x" * 1_000
_MEGABYTES, _MORE_MEGABYTES, _PATIENCE_SECONDS = 24, 400, 180


def main(pipeline: Path, folder: Path) -> dict:
    disk = folder / "disk"
    disk.mkdir()
    _mount(disk, f"size={_MEGABYTES}m")
    home = shutil.copytree(pipeline, disk / "home")
    with broker(port=0) as address:
        start = partial(Fork, folder / "up.log", run_up, home, address)
        first = start()
        sent = send(_events(), address, TOPIC)
        code = first.wait(_PATIENCE_SECONDS)
        first.kill()
        said = first.said()
        again = start()
        code_again = again.wait(_PATIENCE_SECONDS)
        again.kill()
        _mount(disk, f"remount,size={_MORE_MEGABYTES}m")
        last = start()
        try:
            _wait_until_loaded(home, sent, last)
            last.send_signal(15)
            code_at_last = last.wait(_PATIENCE_SECONDS)
        finally:
            last.kill()
    [(rows, distinct)] = open_database(home).rows(
        "select count(*), count(distinct (kafka_partition, kafka_offset)) from churn_scores_raw"
    )
    found = {"missing": sent - distinct, "twice": rows - distinct, **account(open_database(home))}
    open_database(home).close()
    return {"codes": [code, code_again, code_at_last], "said": said, **found}


def _mount(disk: Path, options: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)], check=True)


def _events() -> Iterator[tuple[bytes, bytes]]:
    for number in range(EVENTS):
        customer = f"c{number % 500}"
        event = {
            "event_id": f"e{number}",
            "customer_id": customer,
            "event_type": "login",
            "occurred_at": f"{utc_now().isoformat()}Z",
            "properties": {"note": f"{number}{PADDING}"},
        }
        yield customer.encode(), json.dumps(event).encode()


def _wait_until_loaded(home: Path, sent: int, up: Fork) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    query = "select coalesce(sum(events_total), 0) from churn_metrics_live"
    while open_database(home).rows(query)[0][0] < sent:
        open_database(home).close()
        assert up.is_alive and time.monotonic() < deadline, up.said()[-3_000:]
        time.sleep(0.5)
    open_database(home).close()


if __name__ == "__main__":
    print(json.dumps(main(*(Path(one) for one in sys.argv[1:]))))
