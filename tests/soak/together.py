"""`make soak-together`: all parts of the pipeline on one pipeline for a while; ends in one JSON line.

A real broker, a paced sender, the loader, the scheduler, a reader that asks what the dashboard
asks, `dbt build` in the middle and, if asked for, an LLM that takes its time. A failed pass, a
crash or a wrong row makes it exit 1.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from functools import partial
from pathlib import Path

import duckdb

from embedded.broker import broker
from embedded.engine.storage import churn_home
from embedded.session import connect
from ingest.publisher import send
from ingest.simulate import Faults, messages, simulate
from outreach.work import work
from runtime.errors import first_line
from tests.dbt import run_dbt
from tests.outreach_fixtures import ollama_server
from tests.soak.accounts import COUNTS, account
from tests.soak.forks import Fork
from tests.soak.loaders import Loader
from tests.soak.schedulers import LOST_A_RACE, Scheduler
from tests.soak.small_model import activate_model
from tests.soak.stores import use_home

TOPIC = "churn.events"
CUSTOMERS, DAYS = 300, 120
# What must be 0 at the end. A pass that fails is made again by the next one; a task is not.
FAULTS = (
    *("builds_failed", "crashed", "reactions_failed", "questions_failed"),
    *("events_missing", "events_twice", *COUNTS),
)
# What the dashboard asks, in the order of its pages.
QUESTIONS = (
    "select * from manager_overview",
    "select band, count(*) from manager_customers group by band",
    "select * from manager_risk_queue order by value_at_risk desc, customer_id",
    *(
        f"select * from {view} where customer_id = 'sim-1-000007' order by {order}"
        for view, order in {
            "manager_customers": "customer_id",
            "manager_customer_events": "occurred_at desc",
            "manager_messages": "alerted_at desc",
        }.items()
    ),
)
_LAG = "select round(max_lag_seconds, 1) from dynamic_table_lag where name = 'churn_metrics_live'"
_CALLS = "select outcome, count(*) from llm_calls group by outcome"
Log = Callable[[str], None]


class Together:
    """One run: a pipeline with a past, the processes that work on it, and what they had to say."""

    def __init__(
        self, folder: Path, rate: float, seed: int, log: Log, llm: str | None = None
    ) -> None:
        self._folder, self._rate, self._seed, self.log, self._llm = folder, rate, seed, log, llm
        self._variables = ["--vars", "{email_provider: ollama}"] if llm else []
        run_dbt("build", "-q", "--exclude-resource-type", "test", "unit_test", *self._variables)
        self._lake = connect()
        activate_model(self._lake)

    def run(self, seconds: float) -> dict:
        """Let all parts work for so long, end them, load what is left, and return the account."""
        with broker(port=0) as address:
            past = send(_past(self._seed), address, TOPIC)
            self._load_the_rest(address)
            self.log(f"{past:,} events of the past are loaded")
            forks = {
                "loader": self._loader(address),
                "scheduler": Scheduler(self._folder / "scheduler.log", churn_home()),
                "reader": self._fork("reader", _read, churn_home()),
                "sender": self._fork("sender", _send, address, self._rate, seconds, self._seed),
            }
            if self._llm:
                forks["messages"] = self._fork(
                    "messages", _handle_messages, churn_home(), self._llm
                )
            try:
                account_of_dbt = self._watch(forks, seconds)
            finally:
                for fork in forks.values():
                    fork.kill()
            self._load_the_rest(address)
        return account_of_dbt | self._heard(forks) | self._counted(past, forks["sender"])

    def _watch(self, forks: dict[str, Fork], seconds: float) -> dict:
        """Wait until the sender has ended; in the middle, build everything anew."""
        forks["sender"].wait(seconds / 2)
        self.log("dbt build")
        build = run_dbt("build", *self._variables, check=False)
        if build.returncode:
            self.log(build.stdout[-3_000:])
        forks["sender"].wait(seconds)
        crashed = [name for name, fork in forks.items() if name != "sender" and not fork.is_alive]
        for name in crashed:
            self.log(f"the {name} ended: {forks[name].said()[-1_000:]}")
        return {"builds_failed": int(build.returncode != 0), "crashed": len(crashed)}

    def _heard(self, forks: dict[str, Fork]) -> dict:
        """Count what the processes said; what failed is shown."""
        scheduler, reader = (forks[name].said().splitlines() for name in ("scheduler", "reader"))
        failed = [line for line in scheduler if line.startswith("task ") and "failed" in line]
        errors = [line for line in reader if line.startswith("error")]
        lost = [line for line in scheduler if line.startswith(LOST_A_RACE)]
        for line in [*failed, *errors, *sorted(set(lost))]:
            self.log(line)
        return {
            "passes": sum(line.startswith("refreshed churn_metrics_live") for line in scheduler),
            "passes_retried": len(lost),
            "passes_failed": sum(line.startswith("pass failed") for line in scheduler),
            "reactions": sum(line.startswith("task process_alerts succ") for line in scheduler),
            "reactions_failed": len(failed),
            "questions": sum(line == "answered" for line in reader) * len(QUESTIONS),
            "questions_failed": len(errors),
        }

    def _counted(self, past: int, sender: Fork) -> dict:
        sent = past + int(sender.said().split()[-1])
        places = "count(*), count(distinct (kafka_partition, kafka_offset))"
        query = f"select {places} from churn_scores_raw"
        rows, distinct = self._lake.execute(query).fetchall()[0]
        most = self._lake.execute(_LAG).fetchall()[0][0]
        figures = account(self._lake)
        alerts = self._lake.execute("select count(*) from high_risk_history").fetchall()[0][0]
        found = {"events": sent, "events_missing": sent - distinct, "events_twice": rows - distinct}
        called = dict(self._lake.execute(_CALLS).fetchall())
        return {**found, "alerts": alerts, "lag_max_s": most, "llm_calls": called, **figures}

    # -- processes --------------------------------------------------------------------------------

    def _fork(self, name: str, work: Callable, *arguments: object) -> Fork:
        return Fork(self._folder / f"{name}.log", work, *arguments)

    def _loader(self, address: str, *more: str) -> Loader:
        arguments = ["load", "--bootstrap-servers", address, "--topic", TOPIC, *more]
        return Loader(self._folder / "loader.log", partial(use_home, churn_home()), arguments)

    def _load_the_rest(self, address: str) -> None:
        loader = self._loader(address, "--until-end")
        assert loader.wait(120) == 0, loader.said()


def _past(seed: int) -> Iterator[tuple[bytes, bytes]]:
    faults = Faults(duplicates=0.02, out_of_order=0.02)
    return messages(simulate(CUSTOMERS, DAYS, seed, datetime.now(timezone.utc)), faults, seed)


def _present(seconds: float, seed: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield events that happen now, of the customers of the past, until the time is over."""
    chance, ends = random.Random(seed), time.monotonic() + seconds
    number = 0
    while time.monotonic() < ends:
        customer = f"sim-{seed}-{chance.randrange(CUSTOMERS):06d}"
        number += chance.random() > 0.02  # now and then an event comes twice
        event = {
            "event_id": f"now-{number}",
            "customer_id": customer,
            "event_type": chance.choice(("login", "login", "purchase", "ticket_opened")),
            "occurred_at": datetime.now(timezone.utc).isoformat(),
            "amount": chance.randrange(400) / 4,
        }
        yield customer.encode(), json.dumps(event).encode()


def _send(address: str, rate: float, seconds: float, seed: int) -> None:
    print(send(_present(seconds, seed), address, TOPIC, rate=rate), flush=True)


def _read(pipeline: Path) -> None:
    use_home(pipeline)
    with connect() as connection:
        while True:
            for question in QUESTIONS:
                try:
                    connection.execute(question).fetchall()
                except duckdb.Error as error:
                    print(f"error: {first_line(error)}", flush=True)
            print("answered", flush=True)
            time.sleep(0.5)


def _handle_messages(pipeline: Path, llm: str) -> None:
    use_home(pipeline)
    os.environ["OLLAMA_HOST"] = llm
    work()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak.together", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--rate", type=float, default=300, help="events a second")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--llm-seconds", type=float, help="until an LLM answers; default: no LLM")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ollama_server() as (llm, address):
        llm.wait_seconds = arguments.llm_seconds or 0.0
        os.environ["CHURN_HOME"] = str(Path(folder) / "home")
        run = Together(
            Path(folder), arguments.rate, arguments.seed,
            lambda line: sys.stderr.write(line + "\n"),
            address if arguments.llm_seconds is not None else None,
        )  # fmt: skip
        found = run.run(arguments.seconds)
    sys.stdout.write(json.dumps(found) + "\n")
    return int(any(found[name] for name in FAULTS) or not found["passes"])


if __name__ == "__main__":
    sys.exit(main())
