"""One training run: refuse or fit, test out of time, compare, keep the artefact."""

import hashlib
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed

import numpy
import pandas
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score

from training import artefacts, forest, snapshots, thresholds
from training.calibration import Calibration, choose_calibration, fitted
from training.champion import Champion, best_so_far, compare
from training.evaluation import (
    evaluate,
    intervals,
    lift_curve,
    reliability,
    spend_by_tenure,
    still_here,
    still_here_interval,
)
from training.groups import by_group
from training.references import distribution, feature_reference
from training.registry import run_row
from training.spend import expected_spend, fit_spend_level
from training.stability import feature_psi
from training.status import trained_without
from training.timing import compared_timing, timing_bands

# How the files of each format end: training/onnx_artefact.py, training/trees.py. Before it, arrays
# say which code reads them.
SUFFIXES = {"onnx": ".onnx", "trees": ".npz"}


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
    artefact_format: str = "onnx",
) -> pandas.DataFrame:
    """Train, test, keep the artefact and return the run's row; raises when parity is broken.

    Rows that are no numbers are left out of all of it, and named in the run's status.
    """
    every_row, features = snapshots.in_order(rows), snapshots.feature_names(rows)
    test_cutoff = every_row["cutoff_date"].max()
    reason = snapshots.why_too_many_left_out(*snapshots.split_at(every_row, test_cutoff), features)
    are_numbers = snapshots.are_numbers(every_row, features)
    rows = every_row[are_numbers]
    # Outcomes of the treated teach and test nothing; as customers they are of the population.
    counted = snapshots.counting(rows)
    train_rows, test_rows = snapshots.split_at(counted, test_cutoff)
    if reason := reason or snapshots.why_not(train_rows, test_rows):
        return run_row("none", reason, features)
    version = (
        f"forest-{str(test_cutoff)[:10]}-{artefacts.fingerprint(rows, features, asdict(settings))}"
    )
    windows = _rolling_origin(counted, features, settings)
    calibration = choose_calibration([(one.score, one.truth, one.weight) for one in windows])
    tested_forest = forest.fit(train_rows, features)
    tested = _Window(test_cutoff, test_rows, tested_forest, train_rows, features, settings)
    population_before, population = snapshots.split_at(rows, test_cutoff)
    score, population_score = tested.score, forest.predict(tested_forest, population, features)
    if calibration is not None:
        _calibrate(windows)
        score, population_score = calibration.apply(score), calibration.apply(population_score)
    # What serves is fitted on every closed window, the tested one included; so is the spend level.
    values = snapshots.matrix(counted, features)
    content = forest.to_artefact(
        forest.fit(counted, features), calibration, values, artefact_format
    )
    ending = SUFFIXES[artefact_format]
    if artefact_format == "trees":
        ending = f".{artefacts.store_scoring_code(session, location)}{ending}"
    artefacts.store(session, content, location, f"{version}{ending}")
    # The next version is compared with what was tested, while the labels of what serves reach
    # into the next one's window.
    as_tested = forest.to_artefact(tested_forest, calibration, values, artefact_format)
    artefacts.store(session, as_tested, location, f"{version}-tested{ending}")
    facts = {
        **evaluate(tested.truth, score, tested.weight, tested.value),
        **fit_spend_level(counted, settings.horizon_days).columns(),
        "spend_by_tenure": spend_by_tenure(test_rows, tested.value),
        **intervals(tested.truth, score, tested.weight),
        **still_here(test_rows, score),
        **still_here_interval(test_rows, score),
        **tested.rules(),
        **compare(
            session,
            location,
            champion,
            test_rows,
            score,
            str(test_cutoff)[:10],
            (settings.label, settings.horizon_days),
        ),
        **snapshots.about_alerts(rows),
        **_thresholds(windows, calibration, population_score, settings),
        "is_calibrated": calibration is not None,
        "reliability": reliability(tested.truth, score, tested.weight),
        "lift_curve": lift_curve(tested.truth, score, tested.weight),
        "timing_bands": timing_bands(counted, settings.horizon_days),
        "timing_tested": compared_timing(
            timing_bands(train_rows, settings.horizon_days), test_rows, score, settings.horizon_days
        ),
        "by_segment": by_group(test_rows, score, population, "segment"),
        "by_region": by_group(test_rows, score, population, "region"),
        "rolling_origin": [one.facts() for one in windows],
        "feature_reference": feature_reference(rows, features),
        "score_reference": distribution(population_score),
        "feature_psi": feature_psi(population_before, population, features),
        "golden_rows": artefacts.golden_rows(counted, features, forest.score(content, values)),
    }
    facts["best_so_far"] = best_so_far(version, facts)
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
        churners_in_label=int(counted["has_churned"].sum()),
        cutoffs=sorted(str(one)[:10] for one in rows["cutoff_date"].unique()),
        first_cutoff_date=str(rows["cutoff_date"].min())[:10],
        test_cutoff_date=str(test_cutoff)[:10],
        label_until_date=str(rows["label_until_date"].max())[:10],
        artefact=f"{version}{ending}",
        artefact_hash=hashlib.sha256(content).hexdigest(),
        tested_artefact=f"{version}-tested{ending}",
        tested_artefact_hash=hashlib.sha256(as_tested).hexdigest(),
        library_versions=library_versions(),
        **facts,
    )


def library_versions() -> dict[str, str]:
    """Return the versions that decide what the artefact's numbers are, of what is installed."""
    found = {"python": sys.version.split()[0]}
    for library in ("scikit-learn", "skl2onnx", "onnxruntime", "numpy"):
        try:
            found[library] = installed(library)
        except PackageNotFoundError:
            continue
    return found


class _Window:
    """One tested cut-off: its customers, what was predicted of them and what became of them."""

    def __init__(
        self,
        cutoff: object,
        rows: pandas.DataFrame,
        fitted: RandomForestClassifier,
        train_rows: pandas.DataFrame,
        features: list[str],
        settings: Settings,
    ) -> None:
        self.cutoff, self.rows = cutoff, rows
        self.score = forest.predict(fitted, rows, features)
        self.challenger = forest.predict(
            forest.fit_challenger(train_rows, features), rows, features
        )
        self.truth, self.weight = rows["has_churned"].to_numpy(), snapshots.weights(rows)
        level = fit_spend_level(train_rows, settings.horizon_days)
        self.value = expected_spend(rows, level, settings.horizon_days)
        self.is_calibrated = False

    def rules(self) -> dict[str, float]:
        """Return the AUC of the challenger, and of the recency rule: longest away churns first."""
        rules = {
            "challenger_auc": self.challenger,
            "baseline_auc": self.rows["days_since_last_activity"],
        }
        return {
            name: float(roc_auc_score(self.truth, score, sample_weight=self.weight))
            for name, score in rules.items()
        }

    def facts(self) -> dict[str, object]:
        """Return the window's line in the table of the rolling origin."""
        return {
            "cutoff": str(self.cutoff)[:10],
            "n": len(self.rows),
            "churners": int(self.truth.sum()),
            "is_calibrated": self.is_calibrated,
            **evaluate(self.truth, self.score, self.weight, self.value),
            **still_here(self.rows, self.score),
            **self.rules(),
        }


def _rolling_origin(
    rows: pandas.DataFrame, features: list[str], settings: Settings
) -> list[_Window]:
    windows = []
    for cutoff in snapshots.earlier_cutoffs(rows, settings.rolling_origins):
        train_rows, test_rows = snapshots.split_at(rows, cutoff)
        fitted = forest.fit(train_rows, features)
        windows.append(_Window(cutoff, test_rows, fitted, train_rows, features, settings))
    return windows


def _calibrate(windows: list[_Window]) -> None:
    """Recalibrate earlier windows like what serves, each by those settled before it began.

    The first ones have none before them and stay as they are.
    """
    given = [(one.score, one.truth, one.weight) for one in windows]
    for window in windows:
        settled = [
            facts
            for one, facts in zip(windows, given, strict=True)
            if one.rows["label_until_date"].max() <= window.cutoff
        ]
        if settled:
            window.score, window.is_calibrated = fitted(settled).apply(window.score), True


def _thresholds(
    windows: list[_Window],
    calibration: Calibration | None,
    score: numpy.ndarray,
    settings: Settings,
) -> dict[str, object]:
    """Suggest thresholds; what pays is judged on earlier windows, not on the tested one.

    Alerts compare with the scores that serve: if those are recalibrated, so are these.
    """
    found = {
        "suggested_threshold_capacity": thresholds.by_capacity(
            score, settings.alerts_per_week, settings.horizon_days
        )
    }
    scores = [one.score for one in windows]
    if calibration is not None and any(one.is_calibrated for one in windows):
        windows = [one for one in windows if one.is_calibrated]
        scores = [one.score for one in windows]
    elif calibration is not None:  # windows overlap, so that none was settled before another
        scores = [calibration.apply(one) for one in scores]
    if windows:
        window = thresholds.Window(
            numpy.concatenate(scores),
            *(
                numpy.concatenate([getattr(one, name) for one in windows])
                for name in ("truth", "weight", "value")
            ),
        )
        paying = (settings.contact_cost + settings.offer_cost, settings.contact_success_share)
        found["suggested_threshold_cost"] = thresholds.by_cost(window, *paying)
        found["paid_by_rule"] = thresholds.paid_by_rule(window, *paying)
    return found
