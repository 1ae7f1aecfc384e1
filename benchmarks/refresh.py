"""What a refresh costs as the history grows: 10,000 changed events at 1, 10 and 50 times of it."""

import os
import shutil
import statistics
import time

import duckdb

from benchmarks.history import event_type
from embedded.engine.dbt import run_dbt
from embedded.engine.refresh_pass import Refresh, refresh
from embedded.engine.statements import Statements
from embedded.engine.storage import churn_home
from embedded.session import open_database

CUSTOMERS = 100_000
CHANGE = 10_000
_SCALES = (1, 10, 50)
# The first refreshes after so large a load read files that nobody has in memory yet.
_ROUNDS_BEFORE, _ROUNDS = 2, 7
# Between two events, at every scale: a longer history is an older business, not a busier one.
# Fifty million of them are two years.
_MICROSECONDS = 1_261_440
# Identifiers rise with time, as UUIDv7, ULID and numbers from a sequence do. Of a change, one event
# in a hundred was sent before, and one in fifty is up to thirty days late.
_EVENTS = f"""
    insert into churn.main.churn_scores_raw
    with numbered as (
        select
            number,
            case when $is_change and number % 100 = 0 then number - 50_000 else number end as event,
            case when $is_change and number % 50 = 1 then number % 2_592_000 else 0 end as late
        from range($first, $first + $count) as numbers (number)
    )
    select
        format('{{:012x}}-{{:04x}}', event, hash(event) % 65_536),
        'c' || hash(event * 7 + 1) % {CUSTOMERS},
        {event_type("event")},
        timestamp '2024-01-01' + to_microseconds(event * {_MICROSECONDS}) - to_seconds(late),
        event % 1_000 / 4,
        '{{"properties":{{"name":"Ada","segment":"premium"}}}}',
        'bench',
        0,
        number,
        timestamp '2024-01-01' + to_microseconds(number * {_MICROSECONDS}),
        now()::timestamp
    from numbered
"""
_AT_ONCE = 5_000_000


def measure(events: int) -> dict[str, float]:
    """Return seconds and ratios at 1, 10 and 50 times as many events of history."""
    folder, figures = churn_home(), {}
    for scale in _SCALES:
        os.environ["CHURN_HOME"] = str(folder / f"{scale}")
        figures |= _measure_at(scale * events, is_last=scale == _SCALES[-1])
        shutil.rmtree(folder / f"{scale}")
    os.environ["CHURN_HOME"] = str(folder)
    first, last = (figures[f"{_millions(scale * events)} change s"] for scale in (1, _SCALES[-1]))
    figures[f"change at {_SCALES[-1]}x / at 1x"] = round(last / first, 2)
    full = figures[f"{_millions(_SCALES[-1] * events)} full rebuild s"]
    figures[f"change / full rebuild at {_SCALES[-1]}x"] = round(last / full, 4)
    return figures


def _measure_at(events: int, *, is_last: bool) -> dict[str, float]:
    run_dbt("run", "-s", "+metrics")
    with open_database().session() as opened:
        pipeline, statements = opened.cursor(), Statements(opened)
        for first in range(0, events, _AT_ONCE):
            _add(pipeline, first, min(_AT_ONCE, events - first), is_change=False)
        full = _seconds(statements)[0]
    open_database().close()  # as a scheduler finds it: the memory of the load is given back
    with open_database().session() as opened:
        pipeline, statements = opened.cursor(), Statements(opened)
        rounds = []
        for number in range(_ROUNDS_BEFORE + _ROUNDS):
            _add(pipeline, events + number * CHANGE, CHANGE, is_change=True)
            rounds.append(_seconds(statements))
        rounds = rounds[_ROUNDS_BEFORE:]
        nothing = _seconds(statements)[0]
    open_database().close()
    size = sum(file.stat().st_size for file in churn_home().rglob("*") if file.is_file())
    _, middle = sorted(rounds, key=lambda one: one[0])[len(rounds) // 2]
    figures = {
        f"{_millions(events)} full rebuild s": round(full, 2),
        f"{_millions(events)} change s": round(statistics.median(one[0] for one in rounds), 3),
        f"{_millions(events)} nothing to do s": round(nothing, 3),
    }
    if is_last:
        figures["pipeline MB per million events"] = round(size / events)
        figures |= {f"change, of it {one.name} s": round(one.seconds, 3) for one in middle}
    return figures


def _add(pipeline: duckdb.DuckDBPyConnection, first: int, count: int, *, is_change: bool) -> None:
    pipeline.execute(_EVENTS, {"first": first, "count": count, "is_change": is_change})


def _seconds(statements: Statements) -> tuple[float, list[Refresh]]:
    started = time.perf_counter()
    done = refresh(statements)
    return time.perf_counter() - started, done


def _millions(events: int) -> str:
    return f"{events / 1e6:g} M:"
