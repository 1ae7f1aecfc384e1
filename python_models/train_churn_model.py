"""Train the churn model: a RandomForest, tested out of time, kept as an ONNX artefact.

One row per version: what it was trained on, how well it did on the latest closed window, and where
its artefact lies. The version is named after its data and settings, so that training again on the
same data gives the same version. The same file runs on DuckDB and as a Snowpark model.
"""

import hashlib
import json
import tempfile
from datetime import datetime, timezone
from pathlib import Path

import numpy
import pandas
import sklearn
from onnxruntime import InferenceSession
from skl2onnx import to_onnx
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

MINIMUM_ROWS = 200  # below this a hold-out says nothing
MINIMUM_OF_EACH_CLASS = 10
PARITY_TOLERANCE = 1e-5  # ONNX computes in 32 bits
# Every other column of training_snapshots is a feature, in its order.
KEYS_AND_LABEL = ("customer_id", "cutoff_date", "label_until_date", "has_churned")
# Bounded trees: scoring costs the same however much was trained on, and they rank as well.
FOREST = {
    "n_estimators": 200,
    "min_samples_leaf": 15,
    "max_leaf_nodes": 128,
    "random_state": 7,
    "n_jobs": -1,
}
BOOTSTRAPS, INTERVAL = 200, (0.025, 0.975)
SPEND_DAYS = 84  # of the window that expected spend is taken from


def split_out_of_time(snapshots: pandas.DataFrame) -> tuple[pandas.DataFrame, pandas.DataFrame]:
    """Hold out the latest cut-off; train on those whose label window had closed by then."""
    test_cutoff = snapshots["cutoff_date"].max()
    test = snapshots[snapshots["cutoff_date"] == test_cutoff]
    train = snapshots[snapshots["label_until_date"] <= test_cutoff]
    return train, test


def why_not(train: pandas.DataFrame, test: pandas.DataFrame) -> str | None:
    """Return in words why these rows cannot be trained on, or None if they can."""
    for name, rows in (("training", train), ("test", test)):
        smaller_class = rows["has_churned"].value_counts().reindex([0, 1]).fillna(0).min()
        if name == "training" and len(rows) < MINIMUM_ROWS:
            return f"waiting for data: {len(rows)} labelled rows, at least {MINIMUM_ROWS} needed"
        if smaller_class < (MINIMUM_OF_EACH_CLASS if name == "training" else 1):
            return (
                f"waiting for data: only {int(smaller_class)} {name} rows of one of the two"
                " outcomes, churned and stayed"
            )
    features = [column for column in train.columns if column not in KEYS_AND_LABEL]
    values = matrix(train, features)
    if broken := [features[at] for at in numpy.flatnonzero(~numpy.isfinite(values).all(axis=0))]:
        return f"features have values that are no numbers: {', '.join(broken)}"
    if (values == values[0]).all():
        return "no feature tells one customer from another: check var event_categories"
    return None


def matrix(rows: pandas.DataFrame, features: list[str]) -> numpy.ndarray:
    """Return the features as the model takes them: 32 bits, in their stated order."""
    return rows[features].to_numpy(dtype="float32")


def fit(rows: pandas.DataFrame, features: list[str]) -> RandomForestClassifier:
    """Fit the forest. Classes keep their weight: balancing them would ruin the probabilities."""
    return RandomForestClassifier(**FOREST).fit(matrix(rows, features), rows["has_churned"])


def fit_challenger(rows: pandas.DataFrame, features: list[str]) -> Pipeline:
    """Fit a logistic regression: nearly free, and it guards against a forest gone wrong."""
    challenger = make_pipeline(
        FunctionTransformer(numpy.log1p), StandardScaler(), LogisticRegression(max_iter=1_000)
    )
    return challenger.fit(matrix(rows, features).clip(min=0), rows["has_churned"])


def evaluate(
    forest: RandomForestClassifier,
    challenger: Pipeline,
    test: pandas.DataFrame,
    features: list[str],
) -> dict[str, float]:
    """Measure the forest, the challenger and the recency rule on rows that none has seen."""
    truth, values = test["has_churned"].to_numpy(), matrix(test, features)
    score = forest.predict_proba(values)[:, 1]
    top = numpy.argsort(-score, kind="stable")[: max(1, len(test) // 10)]
    low, high = interval(truth, score)
    return {
        "roc_auc": float(roc_auc_score(truth, score)),
        "roc_auc_low": low,
        "roc_auc_high": high,
        "pr_auc": float(average_precision_score(truth, score)),
        "brier": float(brier_score_loss(truth, score)),
        "lift_at_10_percent": float(truth[top].mean() / truth.mean()),
        "value_at_risk_ratio": value_at_risk_ratio(test, score),
        "challenger_auc": float(
            roc_auc_score(truth, challenger.predict_proba(values.clip(min=0))[:, 1])
        ),
        "baseline_auc": float(roc_auc_score(truth, test["days_since_last_activity"])),
    }


def interval(truth: numpy.ndarray, score: numpy.ndarray) -> tuple[float, float]:
    """Return the bootstrap interval (95 %) of the AUC: customers are drawn again and again."""
    draw = numpy.random.default_rng(FOREST["random_state"])
    found = []
    for _ in range(BOOTSTRAPS):
        rows = draw.integers(0, len(truth), len(truth))
        if 0 < truth[rows].sum() < len(rows):
            found.append(roc_auc_score(truth[rows], score[rows]))
    low, high = numpy.quantile(found, INTERVAL)
    return float(low), float(high)


def value_at_risk_ratio(test: pandas.DataFrame, score: numpy.ndarray) -> float:
    """Return value at risk over the value that was lost: 1 if the sums agree, empty without any.

    A customer's value is what macros/metrics/expected_spend.sql expects of purchases.
    """
    if "purchase_amount_84d" not in test:
        return numpy.nan
    days = (test["tenure_days"] - test["days_since_last_activity"] + 1).clip(1, SPEND_DAYS)
    spend = (test["purchase_amount_84d"] / days).to_numpy()
    lost = (spend * test["has_churned"]).sum()
    return float((spend * score).sum() / lost) if lost > 0 else numpy.nan


def medians_of_stayers(rows: pandas.DataFrame, features: list[str]) -> dict[str, dict]:
    """Return each feature's median over the rows that stayed: what reasons compare habits with."""
    medians = rows.loc[rows["has_churned"] == 0, features].median()
    return {name: {"median_of_stayers": float(medians[name])} for name in features}


def export(forest: RandomForestClassifier, sample: numpy.ndarray) -> bytes:
    """Return the forest as ONNX, after checking that it scores like the forest itself."""
    content = to_onnx(
        forest, sample[:1], options={id(forest): {"zipmap": False}}, target_opset=17
    ).SerializeToString()
    session = InferenceSession(content, providers=["CPUExecutionProvider"])
    scores = session.run(["probabilities"], {session.get_inputs()[0].name: sample})[0][:, 1]
    difference = float(numpy.abs(scores - forest.predict_proba(sample)[:, 1]).max())
    if difference > PARITY_TOLERANCE:
        raise ValueError(f"the ONNX artefact's scores differ by {difference} from the forest's")
    return content


def store(session: object, content: bytes, location: str, name: str) -> None:
    """Put the artefact where scoring finds it: a stage under Snowpark, a folder elsewhere."""
    if hasattr(session, "file"):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_bytes(content)
            session.file.put(str(path), location, auto_compress=False, overwrite=True)
        return
    folder = Path(location)
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f".{name}"
    unfinished.write_bytes(content)
    unfinished.replace(folder / name)


def fingerprint(snapshots: pandas.DataFrame, features: list[str]) -> str:
    """Return eight characters that change with the rows, the features and the settings."""
    columns = ["customer_id", "has_churned", *features]
    rows = snapshots.sort_values(["cutoff_date", "customer_id"])[columns]
    digest = hashlib.sha256(json.dumps([features, FOREST, sklearn.__version__]).encode())
    digest.update(pandas.util.hash_pandas_object(rows, index=False).to_numpy().tobytes())
    return digest.hexdigest()[:8]


def run_row(version: str, status: str, features: list[str], **facts: object) -> pandas.DataFrame:
    """Return the one row that describes a run; what a run without a model lacks stays empty."""
    empty = {
        "train_rows": 0, "test_rows": 0, "test_churners": 0, "churners_in_label": 0,
        "first_cutoff_date": "", "test_cutoff_date": "",
        "roc_auc": numpy.nan, "roc_auc_low": numpy.nan, "roc_auc_high": numpy.nan,
        "pr_auc": numpy.nan, "brier": numpy.nan, "lift_at_10_percent": numpy.nan,
        "value_at_risk_ratio": numpy.nan, "challenger_auc": numpy.nan, "baseline_auc": numpy.nan,
        "artefact": "", "artefact_hash": "", "library_versions": "", "feature_reference": "{}",
    }  # fmt: skip
    row = {
        "version": version,
        "status": status,
        **empty,
        **facts,
        "features": json.dumps(features),
        "trained_at": datetime.now(timezone.utc).replace(tzinfo=None),
    }
    return pandas.DataFrame([row])


def train(
    session: object, snapshots: pandas.DataFrame, features: list[str], location: str
) -> pandas.DataFrame:
    """Train, test, keep the artefact and return the run's row; raises when parity is broken."""
    train_rows, test_rows = split_out_of_time(snapshots)
    reason = why_not(train_rows, test_rows)
    if reason is not None:
        return run_row("none", reason, features)
    test_cutoff = str(test_rows["cutoff_date"].max())[:10]
    version = f"forest-{test_cutoff}-{fingerprint(snapshots, features)}"
    champion, challenger = fit(train_rows, features), fit_challenger(train_rows, features)
    metrics = evaluate(champion, challenger, test_rows, features)
    # What serves is fitted on every closed window, the tested one included.
    content = export(fit(snapshots, features), matrix(snapshots, features))
    artefact = f"{version}.onnx"
    store(session, content, location, artefact)
    return run_row(
        version,
        "trained",
        features,
        train_rows=len(train_rows),
        test_rows=len(test_rows),
        test_churners=int(test_rows["has_churned"].sum()),
        churners_in_label=int(snapshots["has_churned"].sum()),
        first_cutoff_date=str(snapshots["cutoff_date"].min())[:10],
        test_cutoff_date=test_cutoff,
        artefact=artefact,
        artefact_hash=hashlib.sha256(content).hexdigest(),
        library_versions=json.dumps({"scikit-learn": sklearn.__version__}),
        feature_reference=json.dumps(medians_of_stayers(snapshots, features)),
        **metrics,
    )


def model(dbt: object, session: object) -> pandas.DataFrame:
    """Entry point for dbt: fetch the snapshots, train, return the run's row."""
    dbt.config(
        materialized="incremental",
        packages=["pandas", "scikit-learn", "skl2onnx", "onnxruntime"],
    )
    location = dbt.config.meta_get("artefact_location")
    relation = dbt.ref("training_snapshots")
    snapshots = relation.to_pandas() if hasattr(relation, "to_pandas") else relation.df()
    snapshots.columns = [column.lower() for column in snapshots.columns]
    features = [column for column in snapshots.columns if column not in KEYS_AND_LABEL]
    run = train(session, snapshots, features, location)
    print(f"training: {run['status'].iloc[0]} ({run['version'].iloc[0]})")
    return run
