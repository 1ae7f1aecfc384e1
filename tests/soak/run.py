"""The fault test: loaders are killed while messages flow, then every message is counted."""

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from ingest.kafka import create_topic
from ingest.libraries import KAFKA_PYTHON, LIBRDKAFKA
from tests.ingest_fixtures import produce
from tests.soak.brokers import Broker, broker_under_test
from tests.soak.loaders import Loader
from tests.soak.stores import STORES, DuckDBStore, Store, message

PARTITIONS = 3
# What must be 0 in the account of a run.
FAILURES = (
    *("duplicates", "missing", "unexpected", "offset_gaps", "events_differ", "metrics_differ"),
)


class Soak:
    """One run: a topic, a store, loaders that come and go, and what was acknowledged."""

    def __init__(
        self,
        broker: Broker,
        store: Store,
        seed: int,
        folder: Path,
        log: Callable[[str], None],
    ) -> None:
        self.broker, self.store, self._folder, self.log = broker, store, folder, log
        # One for each thread, so that the same seed plans the same faults and messages.
        self.chance, self._sending_chance = random.Random(seed), random.Random(seed + 1)
        self.topic = f"soak.{uuid4().hex[:12]}"
        self.faults: Counter[str] = Counter()
        self._acknowledged: list[tuple[int, int]] = []
        self._loaders: list[Loader] = []
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
        deck: list = []
        standby = self._start_loader()
        while self.faults["kills"] < kills:
            loader, standby = standby, self._start_loader()
            self._stored_before = len(self.store.places(self.topic))
            sender = threading.Thread(target=self._send, daemon=True)
            sender.start()
            deck = deck or self._shuffled_faults()
            deck.pop()(loader, sender)
            sender.join()
            self.log(f"{self.faults['kills']} kills, {len(self._acknowledged):,} acknowledged")
        standby.kill()
        last = self._start_loader("--until-end")
        assert last.wait(120) == 0, last.said()

    def _shuffled_faults(self) -> list:
        """Return the faults of ten lives in a random order: each kind comes in every ten."""
        faults = [self._kill_while_loading] * 5 + [self._kill_at_any_moment] * 2
        faults += [self._restart_the_broker, self._lock_the_store, self._pause]
        self.chance.shuffle(faults)
        return faults

    # -- faults: each ends the loader that it is given -------------------------------------------

    def _kill_while_loading(self, loader: Loader, sender: threading.Thread) -> None:
        """Kill it once it has stored something: mostly in the middle of the next batch."""
        deadline = time.monotonic() + 60
        while len(self.store.places(self.topic)) <= self._stored_before:
            if not loader.is_alive:
                return
            assert time.monotonic() < deadline, loader.said()
            time.sleep(0.03)
        time.sleep(self.chance.random() * 0.1)
        self._kill(loader)

    def _kill_at_any_moment(self, loader: Loader, sender: threading.Thread) -> None:
        time.sleep(self.chance.random() * 1.5)
        self._kill(loader)

    def _restart_the_broker(self, loader: Loader, sender: threading.Thread) -> None:
        """Only between bursts: the broker under test is not what is tested."""
        sender.join()
        self.broker.restart()
        self.faults["broker_restarts"] += 1
        self._kill_at_any_moment(loader, sender)

    def _lock_the_store(self, loader: Loader, sender: threading.Thread) -> None:
        self.store.lock(self.chance.random() * 0.5)
        self.faults["locks"] += 1
        self._kill_while_loading(loader, sender)

    def _pause(self, loader: Loader, sender: threading.Thread) -> None:
        """Stop it where it stands, let it go on later."""
        time.sleep(self.chance.random())
        loader.send_signal(signal.SIGSTOP)
        time.sleep(self.chance.random())
        loader.send_signal(signal.SIGCONT)
        self.faults["pauses"] += 1
        self._kill_at_any_moment(loader, sender)

    # -- loaders and messages ---------------------------------------------------------------------

    def _start_loader(self, *more: str) -> Loader:
        """Start a loader; while another one runs, it waits and takes over."""
        number, client = len(self._loaders), self.chance.choice((KAFKA_PYTHON, LIBRDKAFKA))
        arguments = [
            *self.load_arguments(),
            *("--into", self.store.name, "--client", client),
            *("--batch-rows", str(self.chance.randint(20, 300)), "--linger-seconds", "0.02"),
            *more,
        ]
        log = self._folder / f"loader-{number}.log"
        self._loaders.append(Loader(log, self.store.prepare(number), arguments))
        return self._loaders[-1]

    def load_arguments(self) -> list[str]:
        return ["load", "--bootstrap-servers", self.broker.address, "--topic", self.topic]

    def _kill(self, loader: Loader) -> None:
        if not loader.is_alive:  # it was just starting when the broker was away
            assert "no Kafka broker answers" in loader.said(), loader.said()
            self.faults["starts_without_a_broker"] += 1
            return
        loader.kill()
        self.faults["kills"] += 1
        self.faults["takeovers"] += "waiting until it ends" in loader.said()

    def _send(self) -> None:
        for _ in range(self._sending_chance.randint(1, 3)):
            numbers = range(self._sent, self._sent + self._sending_chance.randint(10, 200))
            texts = [message(number, self._sending_chance) for number in numbers]
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


def soak(sink: str, kills: int, seed: int, folder: Path, log: Callable[[str], None]) -> dict:
    """Run the fault test in a folder of its own and return its account.

    The same topic is then loaded once more, at one go and without faults: events and, on the
    pipeline, the metrics of every customer must be the same.
    """
    (folder / "faulty").mkdir()
    (folder / "calm").mkdir()
    with broker_under_test() as broker:
        store = STORES[sink](folder / "faulty", seed)
        run = Soak(broker, store, seed, folder, log)
        account = {"seed": seed, **run.run(kills)}
        calm = DuckDBStore(folder / "calm")
        arguments = [*run.load_arguments(), "--until-end"]
        loader = Loader(folder / "calm.log", calm.prepare(0), arguments)
        assert loader.wait(300) == 0, loader.said()
        account["events_differ"] = len(set(store.events(run.topic)) ^ set(calm.events(run.topic)))
        if isinstance(store, DuckDBStore):
            account["metrics_differ"] = len(set(store.metrics()) ^ set(calm.metrics()))
    return account
