"""Bad input: one clear line, an exit code, nothing lost."""

import json
import socket

import duckdb

from tests.conftest import run_module
from tests.dbt import run_dbt


def one_line(done) -> str:
    assert done.returncode == 1, (done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def test_no_database(tmp_path, monkeypatch):
    monkeypatch.setenv("CHURN_HOME", str(tmp_path / "nowhere"))
    assert "there is no database" in one_line(run_module("embedded", "query", "select 1"))
    assert "there is no database" in one_line(run_module("embedded", "tick"))
    assert not (tmp_path / "nowhere").exists()


def test_a_database_that_is_not_built(tmp_path, monkeypatch):
    monkeypatch.setenv("CHURN_HOME", str(tmp_path))
    duckdb.connect(str(tmp_path / "churn.duckdb")).close()
    assert "run 'dbt build' first" in one_line(run_module("embedded", "tick"))


def test_a_folder_where_none_can_be(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CHURN_HOME", str(tmp_path / "file" / "home"))
    done = run_module("embedded", "demo", "--no-dashboard")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "cannot be used" in done.stderr


def test_a_file_that_is_no_database(tmp_path, monkeypatch):
    monkeypatch.setenv("CHURN_HOME", str(tmp_path))
    (tmp_path / "churn.duckdb").write_text("precious")
    for command in (("tick",), ("query", "select 1"), ("export", str(tmp_path / "new"))):
        assert "is no DuckDB database: move it away" in one_line(run_module("embedded", *command))
    assert (tmp_path / "churn.duckdb").read_text() == "precious"


def test_a_demo_over_someone_elses_database(tmp_path, monkeypatch):
    (tmp_path / "churn.duckdb").write_text("precious")
    monkeypatch.setenv("CHURN_HOME", str(tmp_path))
    assert "set CHURN_HOME" in one_line(run_module("embedded", "demo", "--no-dashboard"))
    assert (tmp_path / "churn.duckdb").read_text() == "precious"


def test_a_number_of_threads_that_is_none(tmp_path, monkeypatch):
    monkeypatch.setenv("CHURN_HOME", str(tmp_path))
    monkeypatch.setenv("CHURN_THREADS", "all")
    duckdb.connect(str(tmp_path / "churn.duckdb")).close()
    said = one_line(run_module("embedded", "query", "select 1"))
    assert said == "CHURN_THREADS must be a whole number of at least 1, not 'all'"


def test_a_taken_port_is_told_before_anything_is_built(tmp_path, monkeypatch):
    monkeypatch.setenv("CHURN_HOME", str(tmp_path))
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = str(server.getsockname()[1])
        done = run_module("embedded", "up", "--port", port, "--no-dashboard")
    assert f"port {port} is taken" in one_line(done)
    assert not (tmp_path / "churn.duckdb").exists()


def test_bad_settings_stop_at_the_start_all_of_them_at_once(shared_pipeline):
    wrong = {
        "churn_horizon_days": 0,
        "population_window_days": "many",
        "churn_label": "gone",
        "retrain_schedule": "weekly",
        "training_latest_cutoff": "soon",
        "contact_cost": -1,
        "effect_to_detect": 2,
        "stale_after_minutes": "soon",
        "quiet_after_minutes": 0,
        "snowflake_target_lag": "30 seconds",
        "snowflake_refresh_size": "HUGE",
        "sender_address": "nobody",
        "event_categories": {
            "purchase": ["a", "Order Placed"],
            "friction": ["a"],
            "sales": ["b"],
            "pause": "freeze",
            "refund": None,
        },
    }
    done = run_dbt("run", "-s", "churn_scores_raw", "--vars", json.dumps(wrong), check=False)
    assert done.returncode != 0
    for words in (
        "'churn_horizon_days' must be a whole number of at least 1, not '0'",
        "'population_window_days' must be a whole number of at least 1, not 'many'",
        "'churn_label' must be lapse or half_spend, not 'gone'",
        "'retrain_schedule' must be off or a span such as 24 HOURS, not 'weekly'",
        "'training_latest_cutoff' must be latest or a date as 2026-01-31, not 'soon'",
        "'contact_cost' must be a number of at least 0, not '-1'",
        "'effect_to_detect' must be above 0 and at most 1, not '2'",
        "'stale_after_minutes' must be derived or a whole number of at least 1, not 'soon'",
        "'quiet_after_minutes' must be derived or a whole number of at least 1, not '0'",
        "'snowflake_target_lag' must be a time as Snowflake prints it, 1 minute at least, not '30",
        "'snowflake_refresh_size' must be XSMALL, SMALL, MEDIUM, LARGE, XLARGE or XXLARGE, not 'HU",
        "'sender_address' must be an e-mail address in plain ASCII, not 'nobody'",
        "'event_categories' lists 'a' twice, in purchase and friction: keep one category",
        "'event_categories' names 'Order Placed', which is no lower_snake_case text of at most 40",
        "'event_categories' has the unknown category 'sales': use activity, purchase, refund, fri",
        "'event_categories' must list the event types of 'pause' in brackets, as [one, another], n",
    ):
        assert words in done.stdout, words
