"""The Python of functions and procedures that a deploy sends, run as it was sent."""

import re
import subprocess
import sys
import textwrap
from contextlib import closing

import numpy
import pandas
from onnxruntime import InferenceSession

from tests.snowflake.standin.statements import QUOTED_BODY, creates, option


def test_predict_churn_scores_like_its_artefact(deployment, tmp_path):
    """The text that was sent, in a clean interpreter, with the folder that Snowflake would fill."""
    sql = [
        one.sql for one in deployment.second if creates(one.sql, ("function",), "PREDICT_CHURN")
    ][-1]
    artefact = re.search(r"churn_models/([^']+)'", sql)[1]
    stage = deployment.account.folder / "stages" / "CHURN.PIPELINE.CHURN_MODELS"
    features = sql.split("returns")[0].count(" float")
    rows = numpy.random.default_rng(7).uniform(0, 50, (257, features))
    bad = {3: numpy.inf, 90: numpy.nan, 91: 4e38, 256: -1e300}
    for row, value in bad.items():
        rows[row, row % features] = value
    pandas.DataFrame(rows).to_parquet(tmp_path / "rows.parquet")
    (tmp_path / "_snowflake.py").write_text(
        "def vectorized(input, max_batch_size):\n    return lambda handler: handler\n"
    )
    (tmp_path / "handler.py").write_text(textwrap.dedent(QUOTED_BODY.search(sql)[1]))
    program = (
        "import pandas, sys; sys.path.insert(0, sys.argv[1])\n"
        "import handler\n"
        "rows = pandas.read_parquet(sys.argv[1] + '/rows.parquet')\n"
        f"scores = handler.{option(sql, 'handler')}(rows)\n"
        "scores.to_frame('score').to_parquet(sys.argv[1] + '/scores.parquet')\n"
    )
    subprocess.run(
        [sys.executable, "-I", "-X", f"snowflake_import_directory={stage}", "-c", program,
         tmp_path],
        check=True, cwd=tmp_path,
    )  # fmt: skip
    session = InferenceSession(stage / artefact, providers=["CPUExecutionProvider"])
    found = pandas.read_parquet(tmp_path / "scores.parquet")["score"]
    assert len(found) == 257
    # What is no finite number in 32 bits has no score: NaN, which Snowflake takes for NULL.
    assert found.index[found.isna()].tolist() == list(bad)
    good = numpy.delete(rows, list(bad), axis=0).astype("float32")
    expected = session.run(["probabilities"], {session.get_inputs()[0].name: good})[0][:, 1]
    assert numpy.abs(found.dropna().to_numpy() - expected).max() == 0


def test_the_training_procedure_trains_what_dbt_trains(deployment):
    """The text that was sent, under Snowpark's local testing, on the rows of the same deploy."""
    from snowflake.snowpark import Session

    sql = next(
        one.sql
        for one in deployment.second
        if creates(one.sql, ("procedure",), "TRAIN_CHURN_MODEL")
    )
    scope = {"__name__": "procedure"}
    exec(compile(textwrap.dedent(QUOTED_BODY.search(sql)[1]), "procedure", "exec"), scope)  # noqa: S102 - the project's own text
    with closing(Session.builder.config("local_testing", True).create()) as session:
        for name in (*scope["TABLES"], "train_churn_model"):
            frame = deployment.account.rows(f"select * from {name}").rename(columns=str.upper)
            table = session.create_dataframe(frame)
            table.write.save_as_table(f"CHURN.PIPELINE.{name}".upper().split("."))
        version = deployment.pipeline.one("select version from active_churn_model")
        assert scope[option(sql, "handler")](session) == version
        kept = session.table(scope["TARGET"]).to_pandas()
        assert sorted(kept["VERSION"]) == sorted(["none", version])
