"""Training and scoring where the account lacks ONNX: var snowflake_model_format: trees."""

import json
import subprocess
import sys

import numpy
import pytest

from tests.dbt import PROJECT, render
from tests.model_rows import made_up
from tests.snowflake.deployment import pack_training
from training import forest, snapshots, trees
from training.calibration import Calibration

# In an interpreter of its own that finds no ONNX package, and the package training/ in its zip.
PROGRAM = """
import json, sys
from pathlib import Path

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("onnx", "onnxruntime", "skl2onnx"):
            raise ModuleNotFoundError(name)

folder, archive = sys.argv[1:]
sys.meta_path.insert(0, Missing())
sys.path[:0] = [archive, folder]
import pandas
from training.run import Settings, train

settings = Settings(rolling_origins=1)
rows = pandas.read_parquet(folder + "/rows.parquet")
run = train(object(), rows, folder, settings, None, "trees")
[row] = run.to_dict("records")
artefact = Path(folder) / row["artefact"]
[code] = Path(folder).glob("scoring-*.zip")
assert code.stem == "scoring-" + artefact.name.split(".")[-2], artefact
artefact.rename(folder + "/model.npz")
# Another release's package is in the place of the one that trained: what serves must not see it.
for name in [name for name in sys.modules if name.split(".")[0] == "training"]:
    del sys.modules[name]
sys.path[0] = str(code)
import handler

golden = json.loads(row["golden_rows"])
found = handler.predict(pandas.DataFrame([one["features"] for one in golden]))
gap = max(abs(a - one["score"]) for a, one in zip(found, golden))
bad = handler.predict(pandas.DataFrame([[float("inf")] * len(golden[0]["features"])]))
print(json.dumps({"status": row["status"], "rows": len(golden), "gap": gap, "bad": str(bad[0]),
                  "versions": json.loads(row["library_versions"])}))
"""  # fmt: skip


@pytest.mark.parametrize("calibration", [None, Calibration(1.7, -0.4)])
def test_trees_score_as_the_forest_and_as_onnx(calibration):
    rows = snapshots.in_order(made_up())
    features = snapshots.feature_names(rows)
    fitted, values = forest.fit(rows, features), snapshots.matrix(rows, features)
    content = forest.to_artefact(fitted, calibration, values, "trees")
    expected = fitted.predict_proba(values)[:, 1]
    expected = calibration.apply(expected) if calibration else expected
    found = forest.score(content, values)
    assert numpy.abs(found - expected).max() < 1e-12
    assert len(numpy.unique(found)) > 20
    onnx = forest.score(forest.to_artefact(fitted, calibration, values), values)
    assert numpy.abs(found - onnx).max() < forest.PARITY_TOLERANCE
    assert len(trees.Trees(content).score(values[:0])) == 0


def test_a_model_is_trained_and_served_without_any_onnx_package(tmp_path):
    pack_training()
    made_up().to_parquet(tmp_path / "rows.parquet")
    (tmp_path / "_snowflake.py").write_text(
        "def vectorized(input, max_batch_size):\n    return lambda handler: handler\n"
    )
    handler = render("{{ predict_churn_handler('model.npz') }}", target="snowflake")
    (tmp_path / "handler.py").write_text(handler)
    done = subprocess.run(
        [sys.executable, "-I", "-X", f"snowflake_import_directory={tmp_path}", "-c", PROGRAM,
         tmp_path, PROJECT / "target" / "training.zip"],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["status"].startswith("trained")
    assert said["rows"] == 5
    assert said["gap"] < 1e-6  # as macros/training/artefact.sql allows
    assert said["bad"] == "nan"


def test_the_function_imports_and_needs_what_scores_trees():
    sql = render(
        "{{ predict_churn_function('forest-1.c0de.npz') }} {{ graph.nodes.values()"
        " | selectattr('name', 'equalto', 'train_churn_model') | map(attribute='config')"
        " | map(attribute='packages') | list }}",
        "--vars", "{snowflake_model_format: trees}", target="snowflake",
    )  # fmt: skip
    head = sql.split("$$")[0]
    assert "churn_models/forest-1.c0de.npz', '@CHURN.MAIN.churn_models/scoring-c0de.zip'" in head
    assert "training.zip" not in head
    assert "packages = ('pandas==" in head
    assert "numpy==" in head
    assert "onnx" not in sql
    assert "scikit-learn==" in sql.split("$$")[2]
