"""The fault test of everything: `up`, and whoever borrows the file from it, killed at any moment.

Events come all the while, of now and late, some of them again; a second `up` waits to take over.
"""

import faulthandler
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path

from embedded.__main__ import main
from embedded.engine.dbt import run_dbt
from embedded.engine.procedures import call
from embedded.session import open_database
from embedded.up import up
from ingest.kafka import create_topic
from ingest.libraries import KAFKA_PYTHON
from runtime.clock import utc_now
from tests.conftest import event
from tests.ingest_fixtures import produce
from tests.soak.accounts import COUNTS, account
from tests.soak.brokers import Broker
from tests.soak.forks import Fork
from tests.soak.loaders import Loader, fetch_patiently, load_arguments, load_the_rest
from tests.soak.stores import use_home

TOPIC, SIDE_TOPIC, CUSTOMERS = "events", "side.events", 40
PROFILE = {"segment": "standard", "monthly_value": 29, "marketing_consent": True}
# What must be 0 in the account of a run.
FAILURES = ("ended", "failed", "missing", "twice", "moves_twice", *COUNTS)
REACTED = "task process_alerts succ"
# What says why it ended when it took over while the broker was away: that is not its fault.
_NO_BROKER = "no Kafka broker answers"
# So long, in seconds, each borrower may live: mostly it is killed while it waits or works.
SPANS = {"tick": 1.5, "query": 0.8, "assign": 0.5, "load": 1.5, "dbt": 6.0}
_PATIENCE_SECONDS = 180
_ALERTS = "select coalesce(list(alert_id), []) from high_risk_history"
_PLACES = "count(*), count(distinct (kafka_topic, kafka_partition, kafka_offset))"


class Everything:
    """One run on one pipeline: processes that come and are killed, and what was sent meanwhile."""

    def __init__(
        self, broker: Broker, home: Path, seed: int, folder: Path, log: Callable[[str], None]
    ) -> None:
        self.broker, self.home, self.log = broker, home, log
        self._folder, self._chance = folder, random.Random(seed)
        self.kills: Counter[str] = Counter()
        self._broker_restarts = self._starts_without_a_broker = 0
        self._logs: list[Path] = []
        self._ended = self._acknowledged = 0
        self._events: list[dict] = []
        for topic in (TOPIC, SIDE_TOPIC):
            create_topic(broker.address, topic)

    def run(self, kills: int) -> dict:
        """Kill that many processes, load the rest, and return the account of it."""
        began = time.monotonic()
        self._send(TOPIC, _past())
        self._load_the_rest(TOPIC)
        self._current, self._standby = self._in_order(self._start_up(), self._start_up())
        deck: list[Callable[[], None]] = []
        try:
            while self.kills.total() < kills:
                self._send_events()
                deck = deck or self._shuffled_faults()
                deck.pop()()
                self.log(f"{self.kills.total()} kills: {dict(self.kills)}")
        finally:
            self._current.kill()
            self._standby.kill()
        for topic in (TOPIC, SIDE_TOPIC):
            self._load_the_rest(topic)
        return self._account(time.monotonic() - began)

    def _shuffled_faults(self) -> list[Callable[[], None]]:
        """Return what is done in the next rounds, in a random order; each kind comes."""
        moments = (self._any_moment, self._after_a_commit, self._in_a_later_pass)
        faults = [partial(self._kill_up, moment) for moment in moments]
        faults += [partial(self._kill_borrower, name) for name in SPANS]
        faults += [self._kill_both, self._restart_the_broker]
        self._chance.shuffle(faults)
        return faults

    # -- faults -----------------------------------------------------------------------------------

    def _kill_up(self, moment: Callable[[], None]) -> None:
        """Kill `up` at a moment; the one that waits takes over, and another one waits."""
        moment()
        if self._current.is_alive:
            self._current.kill()
            self.kills["up"] += 1
        elif _NO_BROKER in self._current.said():
            self._starts_without_a_broker += 1
        else:
            self._ended += 1
            self.log(f"up ended: {self._current.said()[-2_000:]}")
        self._current, self._standby = self._in_order(self._standby, self._start_up())

    def _kill_borrower(self, name: str) -> None:
        """Kill a command that wants the file while `up` is at work, or that has it already."""
        one = self._start_borrower(name)
        one.wait(self._chance.random() * SPANS[name])
        self.kills[name] += one.is_alive
        one.kill()

    def _kill_both(self) -> None:
        """Kill who has the file and who asks for it; a third one waits meanwhile."""
        names = self._chance.sample(sorted(set(SPANS) - {"dbt"}), 2)
        first, second = (self._start_borrower(name) for name in names)
        first.wait(self._chance.random() * 0.3)
        self._kill_up(lambda: None)
        for name, one in zip(names, (first, second), strict=True):
            self.kills[name] += one.is_alive
            one.kill()

    def _restart_the_broker(self) -> None:
        self.broker.restart()
        self._broker_restarts += 1

    # -- moments ----------------------------------------------------------------------------------

    def _any_moment(self) -> None:
        time.sleep(self._chance.random() * 1.5)

    def _after_a_commit(self) -> None:
        """Wait until the events are in the file's log: then come the pass and its tasks."""
        log = self.home / "churn.duckdb.wal"

        def size() -> int:
            with suppress(FileNotFoundError):
                return log.stat().st_size
            return 0

        before = size()
        self._wait(lambda: size() != before)
        time.sleep(self._chance.random() * 0.6)

    def _in_a_later_pass(self) -> None:
        reacted = self._current.said().count(REACTED)
        self._wait(lambda: self._current.said().count(REACTED) > reacted)
        self._send_events()
        time.sleep(self._chance.random() * 1.2)

    def _wait(self, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not is_so() and self._current.is_alive:
            if time.monotonic() > deadline:
                self._current.send_signal(signal.SIGUSR1)
                time.sleep(1)
                raise AssertionError(f"nothing happens any more: {self._current.said()}")
            time.sleep(0.01)

    # -- processes --------------------------------------------------------------------------------

    def _start_up(self) -> Fork:
        self._logs.append(self._folder / f"up-{len(self._logs)}.log")
        return Fork(self._logs[-1], run_up, self.home, self.broker.address)

    def _in_order(self, *both: Fork) -> list[Fork]:
        """Return who is at work, then who waits: one that has just come may be faster."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while (holder := self._holder()) not in [one.pid for one in both]:
            assert time.monotonic() < deadline, [one.said() for one in both]
            time.sleep(0.01)
        return sorted(both, key=lambda one: one.pid != holder)

    def _holder(self) -> int | None:
        with suppress(OSError, ValueError):  # it is just being written
            return int(json.loads((self.home / "up.holder").read_text())["process"])
        return None

    def _start_borrower(self, name: str) -> Fork:
        log = self._folder / f"{name}.log"
        if name == "load":
            self._send(SIDE_TOPIC, self._new_events())
            arguments = load_arguments(self.broker.address, SIDE_TOPIC)
            return Loader(log, partial(use_home, self.home), arguments)
        return Fork(log, _BORROWERS[name], self.home)

    def _load_the_rest(self, topic: str) -> None:
        log = self._folder / "last.log"
        load_the_rest(log, self.home, self.broker.address, topic, _PATIENCE_SECONDS)

    # -- events -----------------------------------------------------------------------------------

    def _send_events(self) -> None:
        """Send some that happened just now, some that are late, and some that came before."""
        again = self._chance.sample(self._events, 3) if self._events else []
        new = self._new_events()
        self._send(TOPIC, [*new, *({**one, "amount": 1e6} for one in again)])

    def _new_events(self) -> list[dict]:
        chance = self._chance
        new = [
            event(
                len(self._events) + number,
                f"c{chance.randrange(CUSTOMERS)}",
                chance.choice(("login", "purchase", "ticket_opened")),
                _days_ago(chance.choice((0, 0, 0, chance.randrange(60)))),
                amount=chance.randrange(100) / 4,
            )
            for number in range(chance.randint(1, 20))
        ]
        self._events += new
        return new

    def _send(self, topic: str, events: Sequence[dict]) -> None:
        sent = produce(self.broker.address, topic, [_as_message(one) for one in events])
        self._acknowledged += len(sent)

    # -- the account ------------------------------------------------------------------------------

    def _account(self, seconds: float) -> dict:
        database = open_database(self.home)
        # One that was killed at once has not even begun its log.
        logs = [log for log in self._logs if log.exists()]
        said = [line for log in logs for line in log.read_text("utf-8").splitlines()]
        failed = [line for line in said if line.startswith(("pass failed", "dynamic table"))]
        failed += [line for line in said if line.startswith("task ") and "failed" in line]
        for line in failed:
            self.log(line)
        [(rows, distinct)] = database.rows(f"select {_PLACES} from churn_scores_raw")
        found = account(database)
        [(alerts, moves_twice)] = database.rows(
            "select (select count(*) from high_risk_history),"
            " (select count(*) - count(distinct event_id) from alert_events)"
        )
        return {
            "kills": self.kills.total(),
            **{f"killed_{name}": count for name, count in sorted(self.kills.items())},
            "broker_restarts": self._broker_restarts,
            "starts_without_a_broker": self._starts_without_a_broker,
            "ended": self._ended,
            "failed": len(failed),
            "events": self._acknowledged,
            "missing": self._acknowledged - distinct,
            "twice": rows - distinct,
            "alerts": alerts,
            "moves_twice": moves_twice,
            **found,
            "seconds": round(seconds, 1),
        }


def _past() -> list[dict]:
    """Return a past of every customer, so that all belong to the population; one is active now."""
    return [
        event("present", "c0", "login", utc_now()),
        *(
            event(f"past-{number}-{days}", f"c{number}", kind, _days_ago(days), properties=PROFILE)
            for number in range(CUSTOMERS)
            for kind, days in (("profile_updated", 50), *(("purchase", at) for at in (3, 25, 40)))
        ),
    ]


def _as_message(one: dict) -> bytes:
    return json.dumps({**one, "occurred_at": f"{one['occurred_at'].isoformat()}Z"}).encode()


def _days_ago(days: int):
    return utc_now() - timedelta(days=days)


# -- what the processes do ------------------------------------------------------------------------


def run_up(home: Path, address: str) -> None:
    use_home(home)
    fetch_patiently()
    faulthandler.register(signal.SIGUSR1)  # then it says where each of its threads is
    up(port=0, topic=TOPIC, bootstrap_servers=address, client=KAFKA_PYTHON, dashboard=None)


def _command(home: Path, *words: str) -> None:
    use_home(home)
    sys.argv = ["embedded", *words]
    sys.exit(main())


def _tick(home: Path) -> None:
    _command(home, "tick")


def _query(home: Path) -> None:
    _command(home, "query", "select * from manager_risk_queue")


def _assign(home: Path) -> None:
    """Press a button of the dashboard: give every alert to somebody else."""
    database = open_database(home)
    [(alerts,)] = database.rows(_ALERTS)
    owner = f"manager {os.getpid()}"
    given = {"alert_ids": json.dumps(alerts), "owner": owner, "due_on": None}
    call(database, "assign_alerts", given)


def _dbt(home: Path) -> None:
    use_home(home)
    run_dbt("build", "--exclude-resource-type", "test", "unit_test")


_BORROWERS = {"tick": _tick, "query": _query, "assign": _assign, "dbt": _dbt}
