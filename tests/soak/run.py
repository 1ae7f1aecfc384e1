"""The fault test: loaders are killed while messages flow, then every message is counted."""

import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from ingest.clients import KAFKA_PYTHON, LIBRDKAFKA
from ingest.kafka import create_topic
from tests.conftest import PROJECT
from tests.ingest_fixtures import produce
from tests.soak.brokers import Broker
from tests.soak.stores import Store, message

PARTITIONS = 3


class Soak:
    """One run: a topic, a store, loaders that come and go, and what was acknowledged."""

    def __init__(self, broker: Broker, store: Store, seed: int, log: Callable[[str], None]) -> None:
        self.broker, self.store, self.log = broker, store, log
        self.chance = random.Random(seed)
        self.topic = f"soak.{uuid4().hex[:12]}"
        self.faults: Counter[str] = Counter()
        self._acknowledged: list[tuple[int, int]] = []
        self._loaders: list[subprocess.Popen] = []
        self._sent = 0
        create_topic(broker.address, self.topic, PARTITIONS)

    def run(self, kills: int) -> dict:
        """Kill that many loaders, load the rest, and return the account of it."""
        began = time.monotonic()
        try:
            self._run(kills)
        finally:
            for loader in self._loaders:
                loader.kill()
        return self._account(time.monotonic() - began)

    def _run(self, kills: int) -> None:
        faults = (
            *((self._kill_while_loading, 5), (self._kill_at_any_moment, 2)),
            *((self._restart_the_broker, 1), (self._lock_the_store, 1), (self._pause, 1)),
        )
        standby = self._start_loader()
        while self.faults["kills"] < kills:
            loader, standby = standby, self._start_loader()
            sender = threading.Thread(target=self._send, daemon=True)
            sender.start()
            [fault] = self.chance.choices(*zip(*faults, strict=True))
            fault(loader, sender)
            sender.join()
            self.log(f"{self.faults['kills']} kills, {len(self._acknowledged):,} acknowledged")
        self._end(standby, signal.SIGTERM)
        last = self._start_loader("--until-end")
        _, errors = last.communicate(timeout=120)
        assert last.returncode == 0, errors

    # -- faults: each ends the loader that it is given -------------------------------------------

    def _kill_while_loading(self, loader: subprocess.Popen, sender: threading.Thread) -> None:
        """Kill it once it has stored something: mostly in the middle of the next batch."""
        before, deadline = len(self.store.places(self.topic)), time.monotonic() + 10
        while len(self.store.places(self.topic)) == before and time.monotonic() < deadline:
            time.sleep(0.03)
        time.sleep(self.chance.random() * 0.1)
        self._kill(loader)

    def _kill_at_any_moment(self, loader: subprocess.Popen, sender: threading.Thread) -> None:
        time.sleep(self.chance.random() * 1.5)
        self._kill(loader)

    def _restart_the_broker(self, loader: subprocess.Popen, sender: threading.Thread) -> None:
        """Only between bursts: the broker under test is not what is tested."""
        sender.join()
        self.broker.restart()
        self.faults["broker_restarts"] += 1
        self._kill_at_any_moment(loader, sender)

    def _lock_the_store(self, loader: subprocess.Popen, sender: threading.Thread) -> None:
        self.store.lock(self.chance.random() * 0.5)
        self.faults["locks"] += 1
        self._kill_while_loading(loader, sender)

    def _pause(self, loader: subprocess.Popen, sender: threading.Thread) -> None:
        """Stop it where it stands, let it go on later."""
        time.sleep(self.chance.random())
        loader.send_signal(signal.SIGSTOP)
        time.sleep(self.chance.random())
        loader.send_signal(signal.SIGCONT)
        self.faults["pauses"] += 1
        self._kill_at_any_moment(loader, sender)

    # -- loaders and messages ---------------------------------------------------------------------

    def _start_loader(self, *more: str) -> subprocess.Popen:
        """Start a loader; while another one runs, it waits and takes over."""
        client = self.chance.choice((KAFKA_PYTHON, LIBRDKAFKA))
        loader = subprocess.Popen(
            [
                *self.store.loader(len(self._loaders)),
                *("load", "--into", self.store.name, "--client", client),
                *("--bootstrap-servers", self.broker.address, "--topic", self.topic),
                *("--batch-rows", str(self.chance.randint(20, 300)), "--linger-seconds", "0.02"),
                *more,
            ],
            cwd=PROJECT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._loaders.append(loader)
        return loader

    def _kill(self, loader: subprocess.Popen) -> None:
        assert loader.poll() is None, loader.communicate()[1]
        self._end(loader, signal.SIGKILL)
        self.faults["kills"] += 1

    def _end(self, loader: subprocess.Popen, number: signal.Signals) -> None:
        loader.send_signal(number)
        _, errors = loader.communicate(timeout=60)
        assert loader.returncode in (0, -signal.SIGKILL), errors
        self.faults["takeovers"] += "waiting until it ends" in errors

    def _send(self) -> None:
        for _ in range(self.chance.randint(1, 4)):
            numbers = range(self._sent, self._sent + self.chance.randint(10, 400))
            texts = [message(number, self.chance) for number in numbers]
            self._acknowledged += produce(self.broker.address, self.topic, texts)
            self._sent = numbers.stop

    # -- the account ------------------------------------------------------------------------------

    def _account(self, seconds: float) -> dict:
        found, expected = self.store.places(self.topic), set(self._acknowledged)
        assert len(expected) == len(self._acknowledged)
        return {
            "sink": self.store.name,
            **dict(sorted(self.faults.items())),
            "expected": len(expected),
            "found": len(found),
            "duplicates": len(found) - len(set(found)),
            "missing": len(expected - set(found)),
            "unexpected": len(set(found) - expected),
            "offset_gaps": _gaps(self.store.spans(self.topic)),
            "seconds": round(seconds, 1),
        }


def _gaps(spans: list[tuple[int, int, int]]) -> int:
    """Count where the offsets noted with the batches do not join: each goes on from the last."""
    reached: dict[int, int] = {}
    gaps = 0
    for partition, first, following in spans:
        gaps += first > reached.get(partition, 0)
        reached[partition] = max(following, reached.get(partition, 0))
    return gaps


def new_folder(parent: Path) -> Path:
    """Return a folder of its own for one run."""
    folder = parent / uuid4().hex[:8]
    folder.mkdir(parents=True)
    os.environ["CHURN_LAKE"] = str(folder / "lake")
    return folder
