"""One training run: refuse or fit, test out of time, compare, keep the artefact."""

import hashlib
import sys
from dataclasses import asdict, dataclass

import numpy
import onnxruntime
import pandas
import skl2onnx
import sklearn
from sklearn.metrics import roc_auc_score

from training import artefacts, forest, snapshots, thresholds
from training.calibration import choose_calibration
from training.champion import Champion, compare
from training.evaluation import (
    by_segment,
    evaluate,
    intervals,
    lift_curve,
    reliability,
    spend_by_tenure,
)
from training.references import distribution, feature_reference
from training.registry import run_row
from training.spend import expected_spend, fit_spend_level
from training.stability import feature_psi
from training.status import trained_without


@dataclass(frozen=True)
class Settings:
    """What dbt_project.yml says about training; see its vars for units and reasons."""

    label: str = "lapse"
    horizon_days: int = 28
    rolling_origins: int = 4
    alerts_per_week: int = 50
    contact_cost: float = 1.0
    offer_cost: float = 0.0
    contact_success_share: float = 0.1
    population_min_active_days: int = 3
    population_window_days: int = 84


def train(
    session: object,
    rows: pandas.DataFrame,
    location: str,
    settings: Settings,
    champion: Champion | None = None,
) -> pandas.DataFrame:
    """Train, test, keep the artefact and return the run's row; raises when parity is broken.

    Rows that are no numbers are left out of all of it, and named in the run's status.
    """
    every_row, features = snapshots.in_order(rows), snapshots.feature_names(rows)
    test_cutoff = every_row["cutoff_date"].max()
    reason = snapshots.why_too_many_left_out(*snapshots.split_at(every_row, test_cutoff), features)
    are_numbers = snapshots.are_numbers(every_row, features)
    rows = every_row[are_numbers]
    train_rows, test_rows = snapshots.split_at(rows, test_cutoff)
    if reason := reason or snapshots.why_not(train_rows, test_rows):
        return run_row("none", reason, features)
    version = (
        f"forest-{str(test_cutoff)[:10]}-{artefacts.fingerprint(rows, features, asdict(settings))}"
    )
    windows = _rolling_origin(rows, features, settings)
    calibration = choose_calibration([(one.score, one.truth) for one in windows])
    tested = _Window(test_cutoff, *_out_of_time(train_rows, test_rows, features, settings))
    score = tested.score if calibration is None else calibration.apply(tested.score)
    # What serves is fitted on every closed window, the tested one included; so is the spend level.
    values = snapshots.matrix(rows, features)
    content = forest.to_artefact(forest.fit(rows, features), calibration, values)
    artefacts.store(session, content, location, f"{version}.onnx")
    facts = {
        **evaluate(tested.truth, score, tested.value),
        **fit_spend_level(rows, settings.horizon_days).columns(),
        "spend_by_tenure": spend_by_tenure(test_rows, tested.value),
        **intervals(tested.truth, score),
        **tested.rules(),
        **compare(
            session,
            location,
            champion,
            test_rows,
            str(test_cutoff)[:10],
            (settings.label, settings.horizon_days),
        ),
        **_thresholds(windows, test_rows, score, settings),
        "is_calibrated": calibration is not None,
        "reliability": reliability(tested.truth, score),
        "lift_curve": lift_curve(tested.truth, score),
        "by_segment": by_segment(test_rows, score),
        "rolling_origin": [one.facts() for one in windows],
        "feature_reference": feature_reference(rows, features),
        "score_reference": distribution(score),
        "feature_psi": feature_psi(train_rows, test_rows, features),
        "golden_rows": artefacts.golden_rows(rows, features, forest.score(content, values)),
    }
    return run_row(
        version,
        trained_without(
            len(every_row) - len(rows), len(every_row), every_row["customer_id"][~are_numbers]
        ),
        features,
        label=settings.label,
        horizon_days=settings.horizon_days,
        train_rows=len(train_rows),
        test_rows=len(test_rows),
        test_churners=int(tested.truth.sum()),
        churners_in_label=int(rows["has_churned"].sum()),
        cutoffs=sorted(str(one)[:10] for one in rows["cutoff_date"].unique()),
        first_cutoff_date=str(rows["cutoff_date"].min())[:10],
        test_cutoff_date=str(test_cutoff)[:10],
        label_until_date=str(rows["label_until_date"].max())[:10],
        artefact=f"{version}.onnx",
        artefact_hash=hashlib.sha256(content).hexdigest(),
        library_versions=library_versions(),
        **facts,
    )


def library_versions() -> dict[str, str]:
    """Return the versions that decide what the artefact's numbers are."""
    return {
        "python": sys.version.split()[0],
        "scikit-learn": sklearn.__version__,
        "skl2onnx": skl2onnx.__version__,
        "onnxruntime": onnxruntime.__version__,
        "numpy": numpy.__version__,
    }


class _Window:
    """One tested cut-off: its customers, what was predicted of them and what became of them."""

    def __init__(
        self,
        cutoff: object,
        rows: pandas.DataFrame,
        score: numpy.ndarray,
        challenger: numpy.ndarray,
        value: numpy.ndarray,
    ) -> None:
        self.cutoff, self.rows, self.score, self.challenger = cutoff, rows, score, challenger
        self.value = value
        self.truth = rows["has_churned"].to_numpy()

    def rules(self) -> dict[str, float]:
        """Return the AUC of the challenger, and of the recency rule: longest away churns first."""
        return {
            "challenger_auc": float(roc_auc_score(self.truth, self.challenger)),
            "baseline_auc": float(roc_auc_score(self.truth, self.rows["days_since_last_activity"])),
        }

    def facts(self) -> dict[str, object]:
        """Return the window's line in the table of the rolling origin."""
        return {
            "cutoff": str(self.cutoff)[:10],
            "n": len(self.rows),
            "churners": int(self.truth.sum()),
            **evaluate(self.truth, self.score, self.value),
            **self.rules(),
        }


def _rolling_origin(
    rows: pandas.DataFrame, features: list[str], settings: Settings
) -> list[_Window]:
    return [
        _Window(cutoff, *_out_of_time(*snapshots.split_at(rows, cutoff), features, settings))
        for cutoff in snapshots.earlier_cutoffs(rows, settings.rolling_origins)
    ]


def _out_of_time(
    train_rows: pandas.DataFrame,
    test_rows: pandas.DataFrame,
    features: list[str],
    settings: Settings,
) -> tuple[pandas.DataFrame, numpy.ndarray, numpy.ndarray, numpy.ndarray]:
    score, challenger = (
        forest.predict(fit(train_rows, features), test_rows, features)
        for fit in (forest.fit, forest.fit_challenger)
    )
    level = fit_spend_level(train_rows, settings.horizon_days)
    return test_rows, score, challenger, expected_spend(test_rows, level, settings.horizon_days)


def _thresholds(
    windows: list[_Window], test_rows: pandas.DataFrame, score: numpy.ndarray, settings: Settings
) -> dict[str, object]:
    """Suggest thresholds; what pays is judged on earlier windows, not on the tested one."""
    found = {
        "suggested_threshold_capacity": thresholds.by_capacity(
            score, settings.alerts_per_week, settings.horizon_days
        )
    }
    if windows:
        window = thresholds.Window(
            *(
                numpy.concatenate([getattr(one, name) for one in windows])
                for name in ("score", "truth", "value")
            )
        )
        paying = (settings.contact_cost + settings.offer_cost, settings.contact_success_share)
        found["suggested_threshold_cost"] = thresholds.by_cost(window, *paying)
        found["paid_by_rule"] = thresholds.paid_by_rule(window, *paying)
    return found
