"""`make soak-together`: all parts of the pipeline for a while; the last line is JSON.

One process has loader, scheduler, outreach and a reader that asks what the dashboard asks, as
`python -m embedded up`; a real broker and a paced sender feed it, and an LLM that takes its time,
if asked for. Beside it every command that wants the file comes again and again: a pass, a query, a
loader of another topic; in the middle `dbt build`. A failed pass or command, a crash or a wrong row
makes it exit 1. It tells how long nobody was answered, during dbt and else.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from itertools import pairwise
from pathlib import Path

import duckdb

from embedded.broker import broker
from embedded.engine.storage import churn_home
from embedded.session import connect, open_database
from embedded.up import up
from ingest.kafka import create_topic
from ingest.libraries import KAFKA_PYTHON
from ingest.publisher import send
from ingest.simulate import Faults, messages, simulate
from runtime.errors import EngineError, first_line
from tests.dbt import PROJECT, run_dbt
from tests.outreach_fixtures import ollama_server
from tests.soak.accounts import COUNTS, account
from tests.soak.forks import Fork
from tests.soak.loaders import load_the_rest
from tests.soak.small_model import activate_model
from tests.soak.stores import use_home

TOPIC, SIDE_TOPIC = "churn.events", "side.events"
CUSTOMERS, DAYS = 300, 120
# What must be 0 at the end.
FAULTS = (
    *("builds_failed", "crashed", "passes_failed", "reactions_failed", "questions_failed"),
    *("commands_failed", "events_missing", "events_twice", *COUNTS),
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
_SIDE_EVENTS = 50
_ANSWER_SECONDS = 60  # after dbt, at the latest
_BETWEEN_QUESTIONS, _BETWEEN_COMMANDS = 0.5, 2.0
Log = Callable[[str], None]


class Together:
    """One run: a pipeline with a past, the processes that work on it, and what they had to say."""

    def __init__(
        self, folder: Path, rate: float, seed: int, log: Log, llm: str | None = None
    ) -> None:
        self._folder, self._rate, self._seed, self.log, self._llm = folder, rate, seed, log, llm
        self._variables = ["--vars", "{email_provider: ollama}"] if llm else []
        run_dbt("build", "-q", "--exclude-resource-type", "test", "unit_test", *self._variables)
        with connect() as connection:
            activate_model(connection)
        self._side_events = 0
        self._commands: dict[str, list[float]] = {}
        self._failed: list[str] = []

    def run(self, seconds: float) -> dict:
        """Let all parts work for so long, end them, load what is left, and return the account."""
        with broker(port=0) as address:
            past = send(_past(self._seed), address, TOPIC)
            create_topic(address, SIDE_TOPIC)
            self._load_the_rest(address, TOPIC)
            self.log(f"{past:,} events of the past are loaded")
            forks = {
                "up": self._fork("up", _up, churn_home(), address, self._llm),
                "sender": self._fork("sender", _send, address, self._rate, seconds, self._seed),
            }
            try:
                of_dbt = self._watch(forks, address, seconds)
            finally:
                for fork in forks.values():
                    fork.kill()
            for topic in (TOPIC, SIDE_TOPIC):
                self._load_the_rest(address, topic)
        sent = past + int(forks["sender"].said().split()[-1]) + self._side_events
        return of_dbt | self._heard(forks["up"], of_dbt) | self._counted(sent)

    def _watch(self, forks: dict[str, Fork], address: str, seconds: float) -> dict:
        """Run the commands in turn until the sender has ended; in the middle, dbt."""
        began, built = time.monotonic(), None
        while forks["sender"].is_alive:
            for command in (self._tick, self._query, lambda: self._load_beside(address)):
                command()
                forks["sender"].wait(_BETWEEN_COMMANDS)
            if built is None and time.monotonic() - began >= seconds / 2:
                built = self._build(forks["up"])
        built = built or self._build(forks["up"])
        crashed = [] if forks["up"].is_alive else ["up"]
        for name in crashed:
            self.log(f"{name} ended: {forks[name].said()[-1_000:]}")
        return {**built, "crashed": len(crashed)}

    # -- what comes beside it ---------------------------------------------------------------------

    def _build(self, everything: Fork) -> dict:
        """Build everything anew, in a process of its own; wait until questions are answered."""
        self.log("dbt build")
        began = time.time()
        build = run_dbt("build", *self._variables, check=False)
        if build.returncode:
            self.log(build.stdout[-3_000:])
        ended = time.time()
        while everything.is_alive and time.time() < ended + _ANSWER_SECONDS:
            if any(at > ended for at in _answers(everything)):
                break
            time.sleep(_BETWEEN_QUESTIONS)
        return {"builds_failed": int(build.returncode != 0), "dbt": (began, ended)}

    def _tick(self) -> None:
        self._command("tick", "embedded", "tick")

    def _query(self) -> None:
        self._command("query", "embedded", "query", QUESTIONS[0])

    def _load_beside(self, address: str) -> None:
        """Load a few events of a topic that nobody else loads."""
        first = self._side_events
        self._side_events += _SIDE_EVENTS
        send(_side(first, self._side_events, self._seed), address, SIDE_TOPIC)
        where = ("--bootstrap-servers", address, "--topic", SIDE_TOPIC)
        self._command("load", "ingest", "load", *where, "--until-end")

    def _command(self, name: str, *words: str) -> None:
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", *words], cwd=PROJECT, capture_output=True, text=True, check=False
        )
        self._commands.setdefault(name, []).append(time.monotonic() - began)
        if done.returncode:
            self._failed.append(f"{name}: {(done.stdout + done.stderr)[-500:]}")
            self.log(self._failed[-1])

    # -- the account ------------------------------------------------------------------------------

    def _heard(self, everything: Fork, of_dbt: dict) -> dict:
        """Count what the process with everything said; what failed is shown."""
        said = everything.said().splitlines()
        failed = [line for line in said if line.startswith("task ") and "failed" in line]
        errors = [line for line in said if line.startswith("error")]
        broken = [line for line in said if line.startswith("pass failed")]
        for line in [*failed, *errors, *broken]:
            self.log(line)
        answered = _answers(everything)
        began, ended = of_dbt.pop("dbt")
        during, else_ = _longest_silences(answered, began, ended)
        return {
            "passes": sum(line.startswith("refreshed churn_metrics_live") for line in said),
            "passes_failed": len(broken),
            "reactions": sum(line.startswith("task process_alerts succ") for line in said),
            "reactions_failed": len(failed),
            "questions": len(answered) * len(QUESTIONS),
            "questions_failed": len(errors),
            "commands": {name: len(seconds) for name, seconds in self._commands.items()},
            "command_s_max": {name: round(max(all_), 1) for name, all_ in self._commands.items()},
            "commands_failed": len(self._failed),
            "dbt_s": round(ended - began, 1),
            "stood_still_for_dbt_s": during,
            "stood_still_else_s": else_,
        }

    def _counted(self, sent: int) -> dict:
        database = open_database()
        places = "count(*), count(distinct (kafka_topic, kafka_partition, kafka_offset))"
        [(rows, distinct)] = database.rows(f"select {places} from churn_scores_raw")
        [(most,)] = database.rows(_LAG)
        figures = account(database)
        [(alerts,)] = database.rows("select count(*) from high_risk_history")
        found = {"events": sent, "events_missing": sent - distinct, "events_twice": rows - distinct}
        called = dict(database.rows(_CALLS))
        return {**found, "alerts": alerts, "lag_max_s": most, "llm_calls": called, **figures}

    # -- processes --------------------------------------------------------------------------------

    def _fork(self, name: str, work: Callable, *arguments: object) -> Fork:
        return Fork(self._folder / f"{name}.log", work, *arguments)

    def _load_the_rest(self, address: str, topic: str) -> None:
        load_the_rest(self._folder / "loader.log", churn_home(), address, topic, 120)


def _answers(everything: Fork) -> list[float]:
    """Return when all questions were answered, each time."""
    said = everything.said().splitlines(keepends=True)
    return [float(one.split()[1]) for one in said if one.startswith("answered ") and "\n" in one]


def _longest_silences(answered: list[float], began: float, ended: float) -> tuple[float, float]:
    """Return the longest time without an answer while dbt ran, and at any other time."""
    silences = {True: 0.0, False: 0.0}
    for one, following in pairwise(answered):
        is_during = one < ended and following > began
        silences[is_during] = max(silences[is_during], following - one - _BETWEEN_QUESTIONS)
    return round(silences[True], 1), round(silences[False], 1)


def _past(seed: int) -> Iterator[tuple[bytes, bytes]]:
    faults = Faults(duplicates=0.02, out_of_order=0.02)
    return messages(simulate(CUSTOMERS, DAYS, seed, datetime.now(timezone.utc)), faults, seed)


def _present(seconds: float, seed: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield events that happen now, of the customers of the past, until the time is over."""
    chance, ends = random.Random(seed), time.monotonic() + seconds
    number = 0
    while time.monotonic() < ends:
        if number == 0 or chance.random() > 0.02:  # now and then an event comes twice
            number += 1
            event = _event(f"now-{number}", chance, seed)
        yield event


def _side(first: int, end: int, seed: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield events of the same customers for the other topic."""
    chance = random.Random(first)
    return (_event(f"side-{number}", chance, seed) for number in range(first, end))


def _event(event_id: str, chance: random.Random, seed: int) -> tuple[bytes, bytes]:
    customer = f"sim-{seed}-{chance.randrange(CUSTOMERS):06d}"
    event = {
        "event_id": event_id,
        "customer_id": customer,
        "event_type": chance.choice(("login", "login", "purchase", "ticket_opened")),
        "occurred_at": datetime.now(timezone.utc).isoformat(),
        "amount": chance.randrange(400) / 4,
    }
    return customer.encode(), json.dumps(event).encode()


def _send(address: str, rate: float, seconds: float, seed: int) -> None:
    print(send(_present(seconds, seed), address, TOPIC, rate=rate), flush=True)


def _up(home: Path, address: str, llm: str | None) -> None:
    """Run everything in this process, with a reader in the dashboard's place."""
    use_home(home)
    if llm:
        os.environ["OLLAMA_HOST"] = llm
    threading.Thread(target=read_pages, daemon=True).start()
    up(port=0, topic=TOPIC, bootstrap_servers=address, client=KAFKA_PYTHON, dashboard=None)


def read_pages() -> None:
    """Ask what the dashboard asks, again and again."""
    while True:
        try:
            for question in QUESTIONS:
                with connect() as connection:
                    connection.execute(question).fetchall()
        except (duckdb.Error, EngineError) as error:
            _say(f"error: {first_line(error)}")
        _say(f"answered {time.time()}")
        time.sleep(_BETWEEN_QUESTIONS)


def _say(line: str) -> None:
    """Print a line at once, which no other thread's line gets into."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


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
        open_database().close()  # who has it open makes files
    sys.stdout.write(json.dumps(found) + "\n")
    return int(any(found[name] for name in FAULTS) or not found["passes"])


if __name__ == "__main__":
    sys.exit(main())
