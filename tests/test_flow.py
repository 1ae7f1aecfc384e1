"""The story, told once: real events through a real broker to alerts and messages."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from embedded.broker import broker
from embedded.engine.registry import streams, tasks
from embedded.session import connect
from ingest.loader import load
from ingest.replay import replay
from ingest.samples import FILES
from ingest.sinks import open_sink
from runtime.clock import utc_now
from tests.conftest import Pipeline, event, run_module
from tests.dbt import run_dbt

TABLES = ("churn_score_history", "churn_scores", "high_risk_history", "retention_emails")


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The pipeline that `make demo` leaves behind, and what it printed."""
    path = tmp_path_factory.mktemp("demo") / "home"
    patch = pytest.MonkeyPatch()
    patch.setenv("CHURN_HOME", str(path))
    done = run_module("embedded", "demo", "--no-dashboard", "--json")
    assert done.returncode == 0, done.stderr
    pipeline = Pipeline(path)
    pipeline.figures = json.loads(done.stdout.splitlines()[-1])
    pipeline.printed = done.stderr
    yield pipeline
    patch.undo()


def counts(pipeline) -> list[int]:
    return [pipeline.one(f"select count(*) from {table}") for table in TABLES]


def test_the_figures_are_those_of_the_database(demo):
    figures = demo.figures
    assert figures["events_loaded"] == figures["events_replayed"]
    assert figures["events_loaded"] == demo.one("select count(*) from churn_scores_raw")
    assert figures["events_rejected"] == 0
    assert figures["customers"] == demo.one(
        "select count(distinct customer_id) from churn_scores_raw"
    )
    assert figures["alerts"] == demo.one("select count(*) from high_risk_history") > 0
    # Nobody has approved a message yet.
    assert demo.rows("select distinct arm from manager_outreach") == [(None,)]
    assert figures["emails"] == demo.one("select count(*) from retention_emails") > 0
    version, auc = demo.rows("select version, roc_auc from active_churn_model")[0]
    assert figures["model"]["version"] == version
    assert figures["model"]["roc_auc"] == auc > 0.7
    assert "Subject: " in demo.printed


def test_alerts_follow_the_policy(demo):
    assert (
        demo.rows("select customer_id from high_risk_history group by 1 having count(*) > 1") == []
    )
    assert demo.one("select count(*) from high_risk_history where score < threshold") == 0
    unconsenting = demo.one(
        "select count(*) from retention_emails join high_risk_history using (alert_id)"
        " join customer_profiles using (customer_id) where not has_marketing_consent"
    )
    assert unconsenting == 0
    assert demo.one("select count(*) from retention_emails where body like '%{%'") == 0


def test_the_stored_score_is_predict_churn_on_the_stored_features(demo):
    from embedded.functions import load_churn_model

    load_churn_model(demo.connection)
    compiled = run_dbt(
        "compile", "-q", "--inline",
        "select scores.customer_id, scores.score, predict_churn("
        "{% for f in churn_features() %}{{ feature_value('f.' ~ f) }}{{ ',' if not loop.last }}"
        "{% endfor %}) as again from ({{ with_clock_features(ref('churn_metrics_live'),"
        " features_date('(select cast(max(last_activity_at) as date) - 1 from churn_metrics_live)'"
        ")) }}) as f"
        " join churn_scores as scores on f.customer_id = scores.customer_id"
        " where scores.band <> 'left'",
    ).stdout  # fmt: skip
    rows = demo.rows(compiled[compiled.index("select") :])
    assert len(rows) > 200
    assert max(abs(score - again) for _, score, again in rows) < 1e-6


def test_ten_more_ticks_do_nothing(demo):
    before = counts(demo)
    for _ in range(9):
        assert demo.tick().summary_lines() == ["nothing to do"]
    assert run_module("embedded", "tick").stdout == "nothing to do\n"
    assert counts(demo) == before
    assert not demo.has_data(streams(demo.connection)["churn_metrics_stream"])


def test_the_same_file_replayed_again_changes_no_metric(demo):
    before = demo.rows("from churn_metrics_live order by customer_id")
    with broker(0) as address:
        replay(FILES, address, "churn.events", shift_to_now=True)
        sink = open_sink("duckdb")
        load(sink, address, "churn.events", until_end=True, recreated=True)
        sink.close()
    run_module("embedded", "tick")
    assert demo.one("select count(*) from churn_scores_raw") == 2 * demo.figures["events_loaded"]
    assert demo.rows("from churn_metrics_live order by customer_id") == before
    positions = "(kafka_topic, kafka_partition, kafka_offset)"
    assert demo.one(f"select count(*) - count(distinct {positions}) from churn_scores_raw") == 0


def test_a_customer_who_comes_back_is_scored_again_and_only_that_one(demo):
    customer = demo.one("select customer_id from churn_scores where band = 'high' limit 1")
    scored = demo.one("select count(*) from churn_score_history")
    demo.add(event("back", customer, "purchase", utc_now(), amount=50.0), published_at=utc_now())
    done = run_module("embedded", "tick")
    assert "refreshed churn_metrics_live: 1 rows written" in done.stdout
    assert demo.one("select count(*) from churn_score_history") == scored + 1
    assert demo.one("select count(*) from high_risk_history where customer_id = ?", customer) == 1


def test_time_alone_raises_alerts_only_while_data_flows(demo):
    before = counts(demo)
    later = (utc_now() + timedelta(days=10)).isoformat()
    assert run_module("embedded", "tick", "--as-of", later).returncode == 0
    assert counts(demo) == before  # the loader is silent, not the customers
    ahead = utc_now() + timedelta(hours=20)
    demo.add(event("ahead", "someone", "login", ahead), loaded_at=utc_now())
    later = (utc_now() + timedelta(hours=5)).isoformat()
    assert run_module("embedded", "tick", "--as-of", later).returncode == 0
    assert counts(demo) == before  # and one device with a wrong clock does not hide that
    assert demo.one("select data_as_of from pipeline_health") <= utc_now()
    demo.add(
        event("alive", "someone", "login", utc_now() + timedelta(days=10)), published_at=utc_now()
    )
    later = (utc_now() + timedelta(days=10, hours=2)).isoformat()
    still_stale = run_module("embedded", "tick", "--as-of", later)
    assert still_stale.returncode == 0
    demo.add(
        event("alive2", "someone", "login", utc_now() + timedelta(days=10, hours=4)),
        published_at=utc_now(),
    )
    later = (utc_now() + timedelta(days=10, hours=4)).isoformat()
    assert run_module("embedded", "tick", "--as-of", later).returncode == 0
    after = counts(demo)
    assert after[0] > before[0]
    assert after[2] > before[2]


def test_a_task_that_fails_halfway_leaves_no_trace_and_its_stream_untouched(demo):
    demo.add(event("half", "someone", "login", utc_now()), published_at=utc_now())
    run_dbt("run-operation", "suspend_tasks")
    run_module("embedded", "tick")
    task, before = tasks(demo.connection)["process_alerts"], counts(demo)
    stream = streams(demo.connection)["churn_metrics_stream"]
    assert demo.has_data(stream)
    broken = replace(task, body=task.body + "; select no_such_column from offers")
    assert "no_such_column" in demo.run_task(broken, utc_now()).error
    assert counts(demo) == before
    assert streams(demo.connection)["churn_metrics_stream"] == stream
    assert demo.has_data(stream)
    run_dbt("run-operation", "resume_tasks")


def test_dbt_build_again_and_with_full_refresh_loses_nothing(demo):
    kept = ("churn_scores_raw", "high_risk_history", "retention_emails", "churn_score_history")
    before = [demo.rows(f"from {table} order by all") for table in kept]
    metrics = demo.rows("from churn_metrics_live order by customer_id")
    run_dbt("build", "--full-refresh")  # the second build: the demo has built it
    assert [demo.rows(f"from {table} order by all") for table in kept] == before
    assert demo.rows("from churn_metrics_live order by customer_id") == metrics


def test_roles_preview_what_they_would_see(demo):
    def seen(role: str) -> list[tuple]:
        with connect(role) as connection:
            return connection.execute("select name, region from manager_customers").fetchall()

    everyone, engineer, analyst, north = (
        seen("CHURN_MANAGER"),
        seen("DATA_ENGINEER"),
        seen("MARKETING_ANALYST"),
        seen("CHURN_MANAGER_NORTH"),
    )
    # Whoever has no name has none to mask.
    for masked in (engineer, analyst):
        assert {name for name, _ in masked} - {None} == {"masked"}
    assert "masked" not in {name for name, _ in everyone}
    assert {region for _, region in north} == {"north"}
    assert 0 < len(north) < len(everyone)
    assert "masked" not in {name for name, _ in north}
    assert seen("PUBLIC") == []
    for role in ("DATA_ENGINEER", "MARKETING_ANALYST"):
        with connect(role) as connection:
            bodies = connection.execute("select distinct body from manager_messages").fetchall()
            emails = connection.execute("select distinct email from manager_customers").fetchall()
        assert set(bodies) == {(None,), ("masked",)}
        assert set(emails) - {(None,)} == {("masked",)}
