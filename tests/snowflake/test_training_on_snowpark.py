"""The training model as a stored procedure in Snowpark's local testing: tables, stage."""

import hashlib
import importlib.util
import json

import numpy
import pytest
from snowflake.snowpark import Session
from snowflake.snowpark.types import StringType

from tests.dbt import PROJECT
from tests.model_rows import made_up
from training.artefacts import fetch
from training.forest import score

SOURCE = PROJECT / "python_models" / "train_churn_model.py"
STAGE = "@churn_models"
SETTINGS = {"label": "lapse", "horizon_days": 28, "rolling_origins": 1}


class Config:
    """What dbt hands to a Python model as its configuration."""

    def __call__(self, **_):
        return None

    def meta_get(self, name):
        told = {"artefact_location": STAGE, "artefact_format": "onnx", "settings": SETTINGS}
        return told[name]


class Dbt:
    """The object that dbt-snowflake generates around a Python model."""

    this = "train_churn_model"

    def __init__(self, session, is_incremental):
        self.config, self.session, self.is_incremental = Config(), session, is_incremental

    def ref(self, name):
        return self.session.table(name)


@pytest.fixture
def session():
    session = Session.builder.config("local_testing", True).create()
    yield session
    session.close()


def trained(session, rows, is_incremental):
    """Call the model's file as a stored procedure, as dbt does, and keep what it returns."""
    spec = importlib.util.spec_from_file_location("train_churn_model", SOURCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    upper = rows.rename(columns=str.upper)
    session.create_dataframe(upper).write.mode("overwrite").save_as_table("training_snapshots")

    def main(session: Session) -> str:
        frame = module.model(Dbt(session, is_incremental), session)
        mode = "append" if is_incremental else "overwrite"
        frame.columns = [column.upper() for column in frame.columns]
        session.create_dataframe(frame).write.mode(mode).save_as_table("train_churn_model")
        return "OK"

    procedure = session.sproc.register(
        main, return_type=StringType(), name=f"train_{int(is_incremental)}", replace=True
    )
    # Named, because another test of this process may hold a session of its own.
    assert procedure(session=session) == "OK"
    runs = session.table("train_churn_model").to_pandas()
    return runs.iloc[-1].rename(str.lower)


def test_it_trains_from_tables_and_keeps_its_artefact_on_a_stage(session):
    decided = session.create_dataframe(
        [("none", "kept", "why", "test", "2026-01-01")],
        schema=["VERSION", "ACTION", "REASON", "ACTOR", "DECIDED_AT"],
    )
    decided.write.save_as_table("model_promotions")
    rows = made_up()
    run = trained(session, rows, is_incremental=False)
    assert run.status == "trained"
    assert run.champion_comparison == "none"
    content = fetch(session, STAGE, run.artefact)
    assert hashlib.sha256(content).hexdigest() == run.artefact_hash
    golden = json.loads(run.golden_rows)
    again = score(content, numpy.array([row["features"] for row in golden]))
    assert abs(again - [row["score"] for row in golden]).max() < 1e-6

    # The next window: the version that serves is read from the stage, and scores it too.
    promoted = session.create_dataframe(
        [(run.version, "promoted", "why", "test", "2026-01-02")],
        schema=["VERSION", "ACTION", "REASON", "ACTOR", "DECIDED_AT"],
    )
    promoted.write.mode("append").save_as_table("model_promotions")
    later = trained(session, made_up(rows=1_500, cutoffs=5), is_incremental=True)
    assert later.champion_version == run.version
    assert later.champion_comparison == "compared"
    assert 0.5 < later.champion_roc_auc < 1
