"""Which version serves: promoted if not worse, chosen by hand, never one that is broken."""

import json
from pathlib import Path

import pytest

from embedded.functions import load_churn_model, load_model_that_serves
from runtime.clock import utc_now
from tests.conftest import Pipeline
from tests.dbt import render, run_dbt
from tests.model_rows import made_up
from training.snapshots import KEYS_AND_LABEL

DECISIONS = "select version, action, actor from model_promotions order by decided_at"
ACTIVE = "select version from active_churn_model"


@pytest.fixture
def pipeline(empty_pipelines, tmp_path, monkeypatch):
    """A pipeline whose snapshots are made-up rows of today's features."""
    monkeypatch.setenv("CHURN_HOME", str(tmp_path / "home"))
    pipeline = Pipeline(empty_pipelines.copy("all", tmp_path / "home"))
    columns = [name for name, *_ in pipeline.rows("describe training_snapshots")]
    made = made_up(features=[name for name in columns if name not in KEYS_AND_LABEL])
    pipeline.connection.register("made", made)
    pipeline.connection.execute("insert into training_snapshots by name select * from made")
    yield pipeline
    pipeline.close()


def trained(pipeline, check=True):
    """Train on what the snapshots hold; return the newest version."""
    run_dbt("run", "-s", "train_churn_model", check=check)
    return pipeline.one(
        "select version from train_churn_model where status = 'trained' order by trained_at desc"
    )


def test_versions_are_promoted_kept_rolled_back_and_never_broken(pipeline):
    first = trained(pipeline)
    assert pipeline.rows(DECISIONS) == [(first, "promoted", "training")]
    assert trained(pipeline) == first  # the same data: the same version, and no second decision
    assert pipeline.one("select count(*) from model_promotions") == 1

    card = run_dbt("run-operation", "show_model_card").stdout
    assert f"# Model card: {first}" in card
    assert "| premium | " in card
    assert "promoted by training: the first version" in card
    assert len(list((pipeline.path / "models").glob(f"{first}-*.svg"))) == 3

    # On the same window the serving version is better than one that has learnt the contrary.
    before_the_test = "where cutoff_date < (select max(cutoff_date) from training_snapshots)"
    pipeline.connection.execute(
        f"update training_snapshots set has_churned = 1 - has_churned {before_the_test}"
    )
    second = trained(pipeline)
    assert second != first
    assert pipeline.rows(DECISIONS)[1:] == [(second, "kept", "training")]
    assert (
        pipeline.rows("select table_name from duckdb_tables() where table_name like '%tmp%'") == []
    )
    assert pipeline.one(ACTIVE) == first
    reason = pipeline.one("select reason from model_promotions where action = 'kept'")
    assert f"against {first} on " in reason
    champion_auc = pipeline.one(
        "select champion_roc_auc from train_churn_model where roc_auc < 0.5"
    )
    assert f"against {champion_auc:.4f}, Brier score" in reason
    assert pipeline.rows(
        "select distinct best_so_far from train_churn_model where version <> 'none'"
    ) == [(first,)]

    arguments = json.dumps({"version": second, "reason": "newer customers"})
    said = run_dbt("run-operation", "promote_model", "--args", arguments).stdout
    assert f"{second} serves now" in said
    assert pipeline.one(ACTIVE) == second
    run_dbt("run-operation", "rollback_model", "--args", '{reason: "too many alarms"}')
    assert pipeline.one(ACTIVE) == first
    again = run_dbt("run-operation", "rollback_model", check=False)
    assert again.returncode != 0
    assert "there is no earlier version to go back to" in again.stdout

    artefact = Path(pipeline.path) / "models" / f"{second}.onnx"
    whole = artefact.read_bytes()
    artefact.write_bytes(whole[:-1])
    refused = run_dbt("run-operation", "promote_model", "--args", arguments, check=False)
    assert "was changed after training" in refused.stdout
    assert pipeline.one(ACTIVE) == first
    unknown = run_dbt(
        "run-operation", "promote_model", "--args", "{version: forest-x}", check=False
    )
    assert "there is no trained version 'forest-x'" in unknown.stdout

    # The serving version breaks: scoring goes back to the last good one, and says so.
    artefact.write_bytes(whole)
    pipeline.connection.execute(
        "insert into model_promotions values (?, 'promoted', 'again', 'test', ?)",
        [second, utc_now()],
    )
    assert load_churn_model(pipeline.connection).version == second
    pipeline.connection.execute(
        "insert into model_promotions values (?, 'promoted', 'again', 'test', ?)",
        [first, utc_now()],
    )
    (Path(pipeline.path) / "models" / f"{first}.onnx").unlink()
    load_model_that_serves(pipeline.connection)
    assert pipeline.one(ACTIVE) == second
    version, action, actor = pipeline.rows(DECISIONS)[-1]
    assert (version, action, actor) == (second, "rolled_back", "scoring")
    assert (
        "is missing at"
        in pipeline.rows("select reason from model_promotions order by decided_at")[-1][0]
    )


def test_a_version_that_was_trained_without_some_rows_serves_like_any_other(pipeline):
    pipeline.connection.execute(
        "update training_snapshots set purchase_amount_84d = 4e38 where customer_id in ('c1', 'c5')"
    )
    run_dbt("run", "-s", "train_churn_model")
    version, said = pipeline.rows(
        "select version, status from train_churn_model where version <> 'none'"
    )[0]
    assert said == "trained without 2 of 1,200 rows that are no numbers, of customers c1, c5"
    assert pipeline.rows(DECISIONS) == [(version, "promoted", "training")]
    assert pipeline.one(ACTIVE) == version
    assert load_churn_model(pipeline.connection).version == version
    assert pipeline.rows("select status from manager_model_runs where is_active") == [
        ("trained without 2 of 1,200 rows that are no numbers",)
    ]
    promote = ("run-operation", "promote_model", "--args", json.dumps({"version": version}))
    assert f"{version} serves now" in run_dbt(*promote).stdout
    card = (Path(pipeline.path) / "models" / f"{version}.md").read_text()
    assert "trained without 2 of 1,200 rows" in card
    # The same rows without those two: the same version.
    pipeline.connection.execute("delete from training_snapshots where customer_id in ('c1', 'c5')")
    assert trained(pipeline) == version
    pipeline.connection.execute("update training_snapshots set gap_days_mean = 'inf'")
    run_dbt("run", "-s", "train_churn_model")
    refusal = pipeline.one("select status from manager_model_runs where version = 'none'")
    assert refusal.endswith("rows, more than 5 %")
    assert pipeline.one(ACTIVE) == version  # the old one stays


def test_features_that_differ_fail_in_words(empty_pipeline):
    expression = "{{ fail(\"'model ' || 'x' || ' was trained on other features'\") }}"
    compiled = render(f"select {expression} as score")
    with pytest.raises(Exception, match="model x was trained on other features"):
        empty_pipeline.rows(compiled[compiled.index("select") :])
