"""`make soak-steady`: events at a steady rate for an hour; what the file, memory and passes become.

`up` runs in a process of its own, with the pages' questions in the dashboard's place, over a
pipeline with a past. Every few minutes a line tells how things are: whether anything grows that
should not. The last line is JSON.
"""

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import duckdb

from benchmarks import history
from embedded.broker import broker
from embedded.engine.home import database_file
from embedded.engine.scheduler import Passes, tick
from embedded.session import open_database
from embedded.up import up
from ingest.libraries import KAFKA_PYTHON, LIBRDKAFKA
from ingest.publisher import send
from runtime.clock import utc_now
from tests.soak.accounts import account
from tests.soak.forks import Fork
from tests.soak.stores import use_home
from tests.soak.together import read_pages

TOPIC = "churn.events"
_MB = 1024**2
_COLUMNS = (
    *("minute", "events", "file MB", "log MB", "memory MB", "passes", "longest pass s"),
    *("longest checkpoint s", "events not in metrics yet"),
)
_PROGRESS = """
    select
        (select count(*) from churn_scores_raw),
        (select sum(events_total) from churn_metrics_live)
"""
_FIGURES = ("events", "file_mb", "copy_mb")
_KINDS = ("login", "login", "login", "purchase", "ticket_opened")


def steady(folder: Path, minutes: float, rate: float, every: float, report: Callable) -> dict:
    """Run it, report a row of _COLUMNS now and then, and return how it ended."""
    home = folder / "home"
    with broker(port=0) as address:
        timings = folder / "timings"
        all_ = Fork(folder / "up.log", _up, home, address, timings)
        sender = Fork(folder / "sender.log", _send, address, rate, minutes * 60)
        began, seen = time.monotonic(), 0
        while sender.is_alive:
            sender.wait(every * 60)
            texts = timings.read_text().splitlines()
            timed, seen = [line.split() for line in texts[seen:]], len(texts)
            report(_row(home, all_, timed, time.monotonic() - began))
            assert all_.is_alive, all_.said()[-3_000:]
        sent = int(sender.said().split()[-1])
        _wait_until_loaded(home, sent)
        all_.send_signal(15)
        assert all_.wait(60) == 0, all_.said()[-3_000:]
    database = open_database(home)
    [(rows_found,)] = database.rows(
        f"select count(*) from churn_scores_raw where kafka_topic = '{TOPIC}'"
    )
    found = {"events": sent, "events_missing": sent - rows_found, **account(database)}
    database.close()
    size = database_file(home).stat().st_size
    return {**found, "file_mb": round(size / _MB), "copy_mb": round(_copied(home, folder) / _MB)}


def _row(home: Path, all_: Fork, timed: list[list[str]], seconds: float) -> dict:
    # Before anything is asked: whoever asks has the file closed here, and so gives memory back.
    log = Path(f"{database_file(home)}.wal")
    log_bytes, memory = log.stat().st_size if log.exists() else 0, _memory(all_.pid)
    [(events, seen)] = _ask(home, _PROGRESS)
    passes = [float(took) for kind, took in timed if kind == "pass"]
    checkpoints = [float(took) for kind, took in timed if kind == "checkpoint"]
    values = (
        round(seconds / 60),
        events,
        round(database_file(home).stat().st_size / _MB),
        round(log_bytes / _MB),
        memory,
        len(passes),
        round(max(passes, default=0), 2),
        round(max(checkpoints, default=0), 2),
        events - int(seen),
    )
    return dict(zip(_COLUMNS, values, strict=True))


def _ask(home: Path, query: str) -> list[tuple]:
    """Ask in between, as any other command."""
    database = open_database(home)
    found = database.rows(query)
    database.close()
    return found


def _memory(process: int) -> int:
    """Return the resident memory of a process and its children, in MB."""
    pages = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            if str(process) in (folder.name, parent):
                pages += int((folder / "statm").read_text().split()[1])
        except OSError:  # it has just ended
            continue
    return pages * os.sysconf("SC_PAGE_SIZE") // _MB


def _wait_until_loaded(home: Path, sent: int) -> None:
    query = f"select count(*) from churn_scores_raw where kafka_topic = '{TOPIC}'"
    deadline = time.monotonic() + 120
    while _ask(home, query)[0][0] < sent and time.monotonic() < deadline:
        time.sleep(2)


def _copied(home: Path, folder: Path) -> int:
    """Return how large a new file with the same rows is: what the data need."""
    copy = folder / "copy.duckdb"
    with duckdb.connect() as connection:
        connection.execute(f"attach '{database_file(home)}' as old (read_only)")
        connection.execute(f"attach '{copy}' as new")
        connection.execute("copy from database old to new (schema)")
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables()"
            " where database_name = 'old' and not internal"
        ).fetchall()
        for schema, table in tables:
            connection.execute(
                f'insert into new."{schema}"."{table}" from old."{schema}"."{table}"'
            )
    return copy.stat().st_size


# -- what the processes do ------------------------------------------------------------------------


def _up(home: Path, address: str, timings: Path) -> None:
    use_home(home)
    _time(timings)
    threading.Thread(target=read_pages, daemon=True).start()
    up(port=0, topic=TOPIC, bootstrap_servers=address, client=KAFKA_PYTHON, dashboard=None)


def _time(timings: Path) -> None:
    """Note how long each pass takes that does something, and each checkpoint."""
    file = timings.open("a", buffering=1)

    def timed(kind: str, work: Callable, is_worth: Callable[[object, float], bool]) -> Callable:
        def wrapped(*arguments, **options):
            began = time.monotonic()
            done = work(*arguments, **options)
            if is_worth(done, time.monotonic() - began):
                file.write(f"{kind} {time.monotonic() - began:.4f}\n")
            return done

        return wrapped

    Passes.make = timed("pass", Passes.make, lambda done, _: not done.is_calm)
    Passes.checkpoint = timed("checkpoint", Passes.checkpoint, lambda done, _: bool(done))


def _send(address: str, rate: float, seconds: float) -> None:
    events = _events(int(rate * seconds))
    print(send(events, address, TOPIC, rate=rate, client=LIBRDKAFKA), flush=True)


def _events(count: int) -> Iterator[tuple[bytes, bytes]]:
    for number in range(count):
        customer = f"c{hash((number, 7)) % history.CUSTOMERS}"
        event = {
            "event_id": f"steady-{number}",
            "customer_id": customer,
            "event_type": _KINDS[hash((number, 3)) % len(_KINDS)],
            # Some are late.
            "occurred_at": f"{(utc_now() - timedelta(minutes=number % 50)).isoformat()}Z",
            "amount": number % 1_000 / 4,
            "properties": {"feature": "reports", "device": "mobile"},
        }
        yield customer.encode(), json.dumps(event).encode()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak.steady", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--every", type=float, default=5, help="minutes between two lines")
    parser.add_argument("--rate", type=float, default=5_000, help="events a second")
    parser.add_argument("--past", type=int, default=1_000_000, help="events before the first")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["CHURN_HOME"] = str(folder / "home")
        history.build(arguments.past)
        with open_database().session() as opened:
            tick(opened)
        open_database().close()

        def report(row: dict) -> None:
            sys.stderr.write("| " + " | ".join(f"{value:,}" for value in row.values()) + " |\n")

        sys.stderr.write("| " + " | ".join(_COLUMNS) + " |\n")
        found = steady(folder, arguments.minutes, arguments.rate, arguments.every, report)
    sys.stdout.write(json.dumps(found) + "\n")
    return int(any(count for name, count in found.items() if name not in _FIGURES))


if __name__ == "__main__":
    sys.exit(main())
