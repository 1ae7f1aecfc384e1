"""The fault test of the scheduler: each is killed, nothing scored, alerted or drafted twice."""

import json
import random
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from runtime.clock import utc_now
from tests.conftest import Pipeline, event
from tests.soak.accounts import account
from tests.soak.schedulers import Scheduler
from tests.soak.small_model import activate_model

KILLS, SEED, CUSTOMERS = 15, 20261124, 40
PROFILE = {"segment": "standard", "monthly_value": 29, "marketing_consent": True}
# What the pipeline notes at the end of a pass.
REACTED = "select count(*) from embedded.task_history where state = 'SUCCEEDED'"


class Lives:
    """Schedulers that come and go on one pipeline, and the events that keep them busy."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.pipeline = Pipeline(folder / "home")
        self._folder, self._chance = folder, random.Random(seed)
        self._events: list[dict] = []
        self.kills = 0

    def begin(self) -> None:
        """Give every customer a past, so that all belong to the population; one is active now."""
        self._add([event("present", "c0", "login", utc_now())])
        self._add(
            event(f"past-{number}-{days}", f"c{number}", kind, days_ago(days), properties=PROFILE)
            for number in range(CUSTOMERS)
            for kind, days in (("profile_updated", 50), *(("purchase", at) for at in (3, 25, 40)))
        )

    def add_events(self) -> None:
        """Add some that happened just now, some that are late, and some that came before."""
        chance = self._chance
        new = [
            event(
                len(self._events) + number,
                f"c{chance.randrange(CUSTOMERS)}",
                chance.choice(("login", "purchase", "ticket_opened")),
                days_ago(chance.choice((0, 0, 0, chance.randrange(60)))),
                amount=chance.randrange(100) / 4,
            )
            for number in range(chance.randint(1, 20))
        ]
        again = chance.sample(self._events, 3)
        self._add([*new, *({**one, "amount": 1e6} for one in again)])

    def _add(self, events) -> None:
        events = list(events)
        self._events += events
        self.pipeline.add(*events)

    def live(self, moment: Callable[["Lives"], None]) -> None:
        """Start a scheduler while there are events, add more, and kill it at a moment."""
        self.add_events()
        self._reacted = self.pipeline.one(REACTED)
        self.pipeline.close()
        log = self._folder / f"scheduler-{self.kills}.log"
        self._scheduler = Scheduler(log, self.pipeline.path)
        try:
            moment(self)
        finally:
            self._scheduler.kill()
        self.kills += 1

    def pause(self, seconds: float) -> None:
        time.sleep(self._chance.random() * seconds)

    def wait_for_a_commit(self) -> None:
        """Wait until the first transaction, the refresh of all tables, is in the file's log."""
        log = self.pipeline.path / "churn.duckdb.wal"
        self._wait(lambda: log.exists() and log.stat().st_size > 0)

    def wait_for_a_reaction(self) -> None:
        """Wait until a pass is over, and the scheduler has handed over the file to say so."""
        self._wait(lambda: self.pipeline.one(REACTED) > self._reacted)

    def _wait(self, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not is_so():
            assert self._scheduler.is_alive, self._scheduler.said()
            assert time.monotonic() < deadline, self._scheduler.said()
            time.sleep(0.005)


def days_ago(days: int):
    return utc_now() - timedelta(days=days)


# -- when a scheduler is killed: the figures are the longest that one waits, in seconds ------------


def at_any_moment(lives: Lives) -> None:
    lives.pause(1.5)


def between_refresh_and_reaction(lives: Lives) -> None:
    lives.wait_for_a_commit()
    lives.pause(0.6)


def in_a_later_pass(lives: Lives) -> None:
    lives.wait_for_a_reaction()
    lives.add_events()
    lives.pause(1.2)


MOMENTS = [at_any_moment, between_refresh_and_reaction, at_any_moment, in_a_later_pass]


def test_whenever_schedulers_are_killed_each_change_is_reacted_to_once(
    empty_pipelines, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("CHURN_HOME", str(empty_pipelines.copy("all", tmp_path / "home")))
    lives = Lives(tmp_path, SEED)
    activate_model(lives.pipeline.connection)
    lives.begin()
    for number in range(KILLS):
        lives.live(MOMENTS[number % len(MOMENTS)])
    found = account(lives.pipeline.database)
    figures = {
        "seed": SEED,
        "kills": lives.kills,
        "events": lives.pipeline.one("select count(*) from churn_scores_raw"),
        "scores": lives.pipeline.one("select count(*) from churn_score_history"),
        "alerts": lives.pipeline.one("select count(*) from high_risk_history"),
        "drafts": lives.pipeline.one("select count(*) from retention_emails"),
        **found,
    }
    with capsys.disabled():
        print(f"\n{json.dumps(figures)}")
    assert {name: count for name, count in found.items() if count} == {}
    assert figures["alerts"] > 0
    assert figures["scores"] > 2 * KILLS
