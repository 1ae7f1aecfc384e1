"""What is due and when, what becomes of what fails, and how late the tables are."""

import time
from datetime import timedelta
from types import SimpleNamespace

import duckdb
import pytest

from embedded.dbt_plugin import ACTIONS
from embedded.engine.dbt_commands import Commands
from embedded.engine.due_tables import pause
from embedded.engine.intervals import parse_interval, parse_target_lag
from embedded.engine.registry import refresh_failures, tasks
from embedded.engine.scheduler import Passes
from embedded.engine.task_history import retry_pause
from runtime.clock import utc_now
from runtime.errors import EngineError
from tests.conftest import EPOCH, event, run_module
from tests.dbt import run_dbt

NOW = utc_now()


def after(seconds: float):
    return NOW + timedelta(seconds=seconds)


@pytest.fixture
def pipeline(empty_pipeline):
    return empty_pipeline


def set_lag(pipeline, lag: str, *names: str) -> None:
    for name in names or [
        row[0] for row in pipeline.rows("select name from embedded.dynamic_tables")
    ]:
        pipeline.rows("update embedded.dynamic_tables set target_lag = ? where name = ?", lag, name)


def break_table(pipeline, name: str) -> str:
    """Make each refresh of a table fail; return the query that it had."""
    query = pipeline.one("select query from embedded.dynamic_tables where name = ?", name)
    broken = f"select * from ({query}) where (select count(*) from churn.main.no_such_table) = 1"
    set_query(pipeline, name, broken)
    return query


def set_query(pipeline, name: str, query: str) -> None:
    pipeline.rows("update embedded.dynamic_tables set query = ? where name = ?", query, name)


def state(pipeline, name: str):
    columns = [row[0] for row in pipeline.rows("describe dynamic_table_lag")]
    row = pipeline.rows("from dynamic_table_lag where name = ?", name)[0]
    return SimpleNamespace(**dict(zip(columns, row, strict=True)))


def passes_on(pipeline) -> Passes:
    """Return the passes of somebody who has just opened the file."""
    with pipeline.database.session() as opened:
        return Passes(opened, Commands())


def names(done) -> set[str]:
    return {one.name for one in done.refreshes}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1 second", 1),
        ("90 SECONDS", 90),
        (" 5 minutes ", 300),
        ("2 HOURS", 7200),
        ("1 day", 86400),
    ],
)
def test_spans_are_read_as_snowflake_writes_them(text, seconds):
    assert parse_target_lag(text) == parse_interval(text, "schedule") == timedelta(seconds=seconds)


def test_downstream_is_no_span():
    assert parse_target_lag("downstream") is None
    with pytest.raises(EngineError):
        parse_interval("downstream", "schedule")


@pytest.mark.parametrize("text", ["soon", "0 seconds", "-1 minute", "1.5 hours", "minute", "", "5"])
def test_other_target_lags_are_refused_in_one_line(text):
    with pytest.raises(EngineError) as refused:
        ACTIONS["check_target_lag"](None, text)
    assert str(refused.value) == f"target_lag '{text}' is not understood here: write '60 MINUTES'"


def test_a_table_is_due_when_a_tenth_of_its_lag_has_passed(pipeline):
    set_lag(pipeline, "10 minutes", "churn_metrics_live")
    set_lag(pipeline, "DOWNSTREAM", "customer_profiles")
    passes = passes_on(pipeline)
    pipeline.add(event(1, "a", "login", EPOCH))
    assert "churn_metrics_live" in names(passes.make(NOW))
    pipeline.add(event(2, "b", "login", EPOCH))
    assert passes.make(after(59)).is_calm
    assert pipeline.one("select count(*) from churn_metrics_live") == 1
    assert "churn_metrics_live" in names(passes.make(after(60)))
    assert pipeline.one("select count(*) from churn_metrics_live") == 2


def test_a_look_that_finds_nothing_puts_nothing_off(pipeline):
    set_lag(pipeline, "10 minutes", "churn_metrics_live")
    passes = passes_on(pipeline)
    assert passes.make(NOW).is_calm
    pipeline.add(event(1, "a", "login", EPOCH))
    assert "churn_metrics_live" in names(passes.make(after(1)))


def test_a_clock_that_was_set_back_stops_nothing(pipeline):
    passes = passes_on(pipeline)
    pipeline.add(event(1, "a", "login", EPOCH))
    passes.make(NOW)
    pipeline.add(event(2, "b", "login", EPOCH))
    assert "churn_metrics_live" in names(passes.make(after(-3600)))


def test_downstream_tables_are_refreshed_only_for_one_that_reads_them(pipeline):
    set_lag(pipeline, "DOWNSTREAM")
    pipeline.add(event(1, "a", "login", EPOCH))
    passes = passes_on(pipeline)
    assert passes.make(NOW).is_calm
    set_lag(pipeline, "1 minute", "churn_metrics_live")
    done = names(passes.make(NOW))
    assert {"customer_events", "customer_activity_daily", "churn_metrics_live"} <= done
    assert "customer_profiles" not in done
    assert "customer_profile_events" in names(pipeline.tick())  # a single pass is for all


def test_a_lag_that_slipped_through_ends_in_one_line(pipeline):
    set_lag(pipeline, "soon", "churn_metrics_live")
    with pytest.raises(EngineError, match="target_lag 'soon' is not understood"):
        passes_on(pipeline).make(NOW)


def test_a_table_is_overdue_while_changes_are_older_than_its_lag(pipeline):
    set_lag(pipeline, "1 second", "churn_metrics_live")
    set_lag(pipeline, "1 day", "customer_profiles")
    calm = state(pipeline, "churn_metrics_live")
    assert (calm.lag_seconds, calm.is_overdue, calm.target_lag_seconds) == (0, False, 1)
    pipeline.add(event(1, "a", "login", EPOCH), loaded_at=utc_now())
    while not state(pipeline, "churn_metrics_live").is_overdue:
        time.sleep(0.2)
    assert state(pipeline, "churn_metrics_live").lag_seconds > 1
    patient = state(pipeline, "customer_profiles")
    assert patient.lag_seconds > 1
    assert not patient.is_overdue
    assert state(pipeline, "customer_events").target_lag_seconds is None
    pipeline.tick()
    late = state(pipeline, "churn_metrics_live")
    assert (late.lag_seconds, late.is_overdue) == (0, False)
    assert late.max_lag_seconds > 1


def test_the_actual_lag_is_that_of_the_oldest_change(pipeline):
    began = time.monotonic()
    pipeline.add(event(1, "a", "login", EPOCH), loaded_at=utc_now())
    committed = time.monotonic()
    pipeline.add(event(2, "a", "login", EPOCH), loaded_at=utc_now())
    passes = passes_on(pipeline)
    refreshed_from = time.monotonic()
    assert passes.make(NOW).refreshes
    ended = time.monotonic()
    passes.record_lags()
    lag = pipeline.one(
        "select lag_seconds from embedded.refresh_lags where name = 'churn_metrics_live'"
    )
    assert refreshed_from - committed <= lag <= ended - began
    passes.record_lags()
    assert (
        pipeline.one("select count(*) from embedded.refresh_lags where name = 'customer_events'")
        == 1
    )


def test_a_table_that_fails_is_tried_later_and_later_then_suspended_and_others_go_on(pipeline):
    query = break_table(pipeline, "customer_profiles")
    passes, moment = passes_on(pipeline), NOW
    for number in range(1, 6):
        pipeline.add(
            event(number, f"c{number}", "login", EPOCH),
            event(f"p{number}", f"c{number}", "profile_updated", EPOCH),
        )
        done = passes.make(moment)
        (failure,) = done.failures
        assert failure.name == "customer_profiles"
        assert failure.consecutive_failures == number
        assert failure.is_suspended == (number == 5)
        assert "no_such_table" in failure.error
        assert pipeline.one("select count(*) from churn_metrics_live") == number
        assert done.has_failed
        waits = moment + pause(number)
        assert passes.make(waits - timedelta(milliseconds=1)).failures == []
        moment = waits
    (line,) = [line for line in done.summary_lines() if "customer_profiles" in line]
    assert "suspended after 5 failures in a row" in line
    assert "resume_tasks" in line
    pipeline.add(event(6, "c6", "login", EPOCH))
    done = passes.make(after(86400))
    assert done.failures == []
    assert "churn_metrics_live" in names(done)
    pipeline.add(event(7, "c7", "login", EPOCH))
    assert pipeline.tick().failures == []
    seen = state(pipeline, "customer_profiles")
    assert (seen.is_suspended, seen.consecutive_failures) == (True, 5)
    assert "no_such_table" in seen.last_error
    shown = run_dbt("run-operation", "show_pipeline").stdout
    (line,) = [line for line in shown.splitlines() if "customer_profiles |" in line]
    assert "suspended" in line
    assert "no_such_table" in line

    set_query(pipeline, "customer_profiles", query)
    run_dbt("run-operation", "resume_tasks")
    assert not state(pipeline, "customer_profiles").is_suspended
    assert "customer_profiles" in names(pipeline.tick())


def test_a_failure_is_forgotten_with_the_first_success(pipeline):
    query = break_table(pipeline, "customer_profiles")
    passes = passes_on(pipeline)
    pipeline.add(event(1, "a", "profile_updated", EPOCH))
    assert passes.make(NOW).failures
    set_query(pipeline, "customer_profiles", query)
    assert "customer_profiles" in names(passes.make(after(10)))
    assert refresh_failures(pipeline.connection) == {}


def test_what_reads_a_failing_table_waits_and_is_not_blamed(pipeline):
    query = break_table(pipeline, "customer_activity_daily")
    pipeline.add(event(1, "a", "login", EPOCH))
    done = passes_on(pipeline).make(NOW)
    assert [one.name for one in done.failures] == ["customer_activity_daily"]
    assert "customer_profile_events" in names(done)
    assert "churn_metrics_live" not in names(done)
    set_query(pipeline, "customer_activity_daily", query)
    assert "churn_metrics_live" in names(pipeline.tick())


def test_a_tick_with_a_failing_table_ends_with_1_and_says_why(pipeline):
    break_table(pipeline, "customer_profiles")
    done = run_module("embedded", "tick")
    assert done.returncode == 1
    assert "dynamic table customer_profiles failed: " in done.stdout


@pytest.mark.parametrize(
    "refusal",
    [duckdb.IOException("No space left on device"), duckdb.TransactionException("Conflict")],
)
def test_a_file_that_refuses_is_no_table_s_fault(pipeline, monkeypatch, refusal):
    pipeline.add(event(1, "a", "login", EPOCH))

    def refuse(*_):
        raise refusal

    with monkeypatch.context() as patch:
        patch.setattr("embedded.engine.refresh_pass.refresh_table", refuse)
        with pytest.raises((EngineError, duckdb.Error)):
            pipeline.tick()
    assert refresh_failures(pipeline.connection) == {}
    assert "churn_metrics_live" in names(pipeline.tick())


def test_a_failed_task_waits_twice_as_long_each_time_until_it_is_suspended(pipeline):
    pipeline.rows(
        "insert into embedded.tasks (name, body, schedule, is_suspended, suspend_after_failures,"
        " consecutive_failures) values ('broken', 'select no_such_column', '1 SECOND', false, 5, 0)"
    )
    moment = NOW
    for number, seconds in enumerate((2, 4, 8, 16), start=1):
        (failed,) = pipeline.tick(moment).task_runs
        assert "no_such_column" in failed.error
        assert failed.outlook == f"trying again in {seconds} s"
        assert tasks(pipeline.connection)["broken"].consecutive_failures == number
        assert pipeline.tick(moment + timedelta(seconds=seconds - 1)).task_runs == []
        moment += timedelta(seconds=seconds)
    done = pipeline.tick(moment)
    assert "suspended after 5 failures in a row" in done.summary_lines()[0]
    assert pipeline.tick(moment + timedelta(days=1)).task_runs == []


def test_no_pause_is_longer_than_what_a_person_would_wait():
    assert [retry_pause(n).total_seconds() for n in (1, 3, 8, 9, 10_000)] == [2, 8, 256, 300, 300]
    assert [pause(n).total_seconds() for n in (1, 2, 7, 8, 10_000)] == [0.4, 0.8, 25.6, 30, 30]


def test_what_another_process_has_registered_counts_from_the_next_pass(pipeline):
    passes = passes_on(pipeline)
    assert passes.make(NOW).is_calm
    pipeline.rows(
        "insert into embedded.tasks (name, body, schedule, is_suspended, suspend_after_failures,"
        " consecutive_failures) values ('new', 'select 1', '1 DAY', false, 5, 0)"
    )
    assert [one.name for one in passes.make(after(1)).task_runs] == ["new"]
    pipeline.add(event(1, "a", "profile_updated", EPOCH))
    set_lag(pipeline, "DOWNSTREAM")
    assert passes.make(after(2)).is_calm
    set_lag(pipeline, "1 minute", "customer_profiles")
    assert "customer_profiles" in names(passes.make(after(3)))


def test_a_moment_that_is_none_is_refused_in_words():
    done = run_module("embedded", "tick", "--as-of", "nonsense")
    assert done.returncode == 2
    assert done.stderr.endswith("--as-of: not a moment like 2026-01-31T12:00:00Z: nonsense\n")


def test_refresh_takes_each_table_after_all_that_it_reads(pipeline, empty_pipelines):
    """Also after those that it reads through models that are no tables."""
    manifest = empty_pipelines.manifest("metrics")
    lines = run_dbt("run-operation", "refresh").stdout.splitlines()
    refreshed = [line.split()[-2].rstrip(":") for line in lines if line.endswith(": refreshed")]
    known = pipeline.rows("select name from embedded.dynamic_tables order by 1")
    assert [(name,) for name in sorted(refreshed)] == known

    def beneath(unique_id: str) -> set[str]:
        parents = manifest["parent_map"].get(unique_id, [])
        return {*parents, *(one for parent in parents for one in beneath(parent))}

    for place, name in enumerate(refreshed):
        read = {one.rpartition(".")[2] for one in beneath(f"model.churn_intelligence.{name}")}
        assert not read & set(refreshed[place:]), name
