"""Pass after pass: what comes between them, and when they end."""

import threading
import time
from datetime import timedelta
from types import SimpleNamespace

import pytest

from embedded import background_maintenance, scheduler
from embedded.engine.scheduler import Passes, run
from tests.conftest import EPOCH, Pipeline, event


@pytest.fixture
def pipeline(empty_pipeline):
    return empty_pipeline


def test_a_pipeline_that_is_never_calm_is_compacted_after_so_many_files(pipeline, monkeypatch):
    monkeypatch.setattr(background_maintenance, "COMPACTION_PASSES", 8)
    lines, passes = [], Passes(pipeline.connection)
    for number in range(9):
        # The last one writes so little that the catalog keeps it.
        few = (event(f"{number}-{one}", "a", "login", EPOCH) for one in range(101 - number // 8))
        pipeline.add(*few)
        passes.step(EPOCH + timedelta(seconds=10 * number))
        begun = passes.maintenance.begin_if_due(lines.append, is_calm=False)
        assert begun == (number == 7)
    until = time.monotonic() + 60
    while not lines and time.monotonic() < until:
        time.sleep(0.05)
    passes.end()
    assert len(lines) == 1
    assert "small files merged" in lines[0]
    assert pipeline.one("select count(*) from customer_events") == 9 * 101 - 1


def test_it_runs_until_it_is_told_to_stop_and_maintains_the_lake(pipeline, monkeypatch):
    monkeypatch.setattr(background_maintenance, "MAINTENANCE_SECONDS", 0)
    pipeline.rows("insert into embedded.refresh_lags values ('old', timestamp '2020-01-01', 1)")
    pipeline.add(event(1, "a", "login", EPOCH))
    stop, lines = threading.Event(), []
    other = Pipeline(pipeline.path)
    thread = threading.Thread(target=run, args=(other.connection, stop, lines.append))
    thread.start()
    while not any("maintenance: " in line for line in lines) and thread.is_alive():
        time.sleep(0.05)
    stop.set()
    thread.join()
    other.connection.close()
    assert pipeline.one("select count(*) from churn_metrics_live") == 1
    assert any(line.startswith("refreshed churn_metrics_live: 1 rows written") for line in lines)
    assert "1 old notes deleted" in "".join(lines)
    assert pipeline.rows("select name from embedded.refresh_lags where name = 'old'") == []
    assert pipeline.one("select count(*) from embedded.refresh_lags") > 0


def test_after_a_large_pass_it_rests(pipeline, monkeypatch):
    monkeypatch.setattr(scheduler, "CATCHING_UP_ROWS", 2)
    stop, rests = threading.Event(), []

    def rest(passes, until, seconds):
        rests.append(seconds)
        stop.set()

    monkeypatch.setattr(Passes, "rest", rest)
    pipeline.add(event(1, "a", "login", EPOCH), event(2, "b", "login", EPOCH))
    run(pipeline.connection, stop, lambda _: None)
    assert len(rests) == 1
    assert rests[0] > 0


def test_only_after_a_large_pass_all_processors_compute(pipeline, monkeypatch):
    monkeypatch.setattr(scheduler, "CATCHING_UP_ROWS", 2)
    pipeline.rows("set threads = 3")
    passes = Passes(pipeline.connection)
    used = []
    for count in (1, 2, 1, 2):
        pipeline.add(*(event(f"{len(used)}-{one}", "a", "login", EPOCH) for one in range(count)))
        passes.step(EPOCH + timedelta(hours=len(used)))
        used.append(pipeline.one("select current_setting('threads')"))
    assert used == [1, 3, 1, 3]


@pytest.mark.parametrize(("writes", "stops_at", "looks"), [(0, 9, 2), (3, 9, 4), (9, 3, 3)])
def test_a_rest_ends_when_nobody_writes_or_it_is_told_to_stop(pipeline, writes, stops_at, looks):
    seen = []

    def wait(seconds):
        seen.append(seconds)
        if len(seen) <= writes:
            pipeline.add(event(len(seen), "a", "login", EPOCH))
        return len(seen) >= stops_at

    passes = Passes(pipeline.connection)
    passes.rest(SimpleNamespace(wait=wait), seconds=600)
    assert len(seen) == looks
    passes.rest(SimpleNamespace(wait=wait), seconds=0)
    assert len(seen) == looks
