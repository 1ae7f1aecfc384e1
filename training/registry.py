"""The row that describes a training run."""

import json
from datetime import datetime, timezone

import numpy
import pandas

# What a run without a model lacks stays empty, with the type that it has otherwise.
_NO_NUMBER, _NO_TEXT, _NO_LIST = numpy.nan, "", "[]"
_EMPTY = {
    "label": _NO_TEXT, "horizon_days": 0,
    "train_rows": 0, "test_rows": 0, "test_churners": 0, "churners_in_label": 0,
    "treated_rows": 0, "held_out_rows": 0, "as_treated_share": _NO_NUMBER,
    "cutoffs": _NO_LIST, "first_cutoff_date": _NO_TEXT, "test_cutoff_date": _NO_TEXT,
    "label_until_date": _NO_TEXT,
    "roc_auc": _NO_NUMBER, "roc_auc_low": _NO_NUMBER, "roc_auc_high": _NO_NUMBER,
    "still_here_rows": 0, "still_here_churners": 0, "still_here_auc": _NO_NUMBER,
    "still_here_auc_low": _NO_NUMBER, "still_here_auc_high": _NO_NUMBER,
    "pr_auc": _NO_NUMBER, "pr_auc_low": _NO_NUMBER, "pr_auc_high": _NO_NUMBER,
    "brier": _NO_NUMBER, "brier_low": _NO_NUMBER, "brier_high": _NO_NUMBER,
    "lift_at_10_percent": _NO_NUMBER, "value_at_risk_ratio": _NO_NUMBER,
    "average_spend_per_day": _NO_NUMBER, "spend_credibility_days": _NO_NUMBER,
    "spend_by_tenure": _NO_LIST,
    "challenger_auc": _NO_NUMBER, "baseline_auc": _NO_NUMBER,
    "champion_version": _NO_TEXT, "champion_comparison": _NO_TEXT,
    "champion_roc_auc": _NO_NUMBER, "champion_brier": _NO_NUMBER,
    "champion_roc_auc_error": _NO_NUMBER, "champion_brier_error": _NO_NUMBER,
    "best_version": _NO_TEXT, "best_roc_auc": _NO_NUMBER, "best_brier": _NO_NUMBER,
    "best_roc_auc_error": _NO_NUMBER, "best_brier_error": _NO_NUMBER, "best_so_far": _NO_TEXT,
    "suggested_threshold_capacity": _NO_NUMBER, "suggested_threshold_cost": _NO_NUMBER,
    "paid_by_rule": _NO_LIST,
    "is_calibrated": False,
    "reliability": _NO_LIST, "lift_curve": _NO_LIST, "by_segment": _NO_LIST,
    "by_region": _NO_LIST,
    "timing_bands": _NO_LIST, "timing_tested": _NO_LIST,
    "rolling_origin": _NO_LIST, "feature_reference": "{}", "score_reference": "{}",
    "feature_psi": "{}",
    "golden_rows": _NO_LIST,
    "artefact": _NO_TEXT, "artefact_hash": _NO_TEXT,
    "tested_artefact": _NO_TEXT, "tested_artefact_hash": _NO_TEXT, "library_versions": "{}",
}  # fmt: skip


def run_row(version: str, status: str, features: list[str], **facts: object) -> pandas.DataFrame:
    """Return a run as one row; lists and dictionaries become JSON text."""
    row = {
        "version": version,
        "status": status,
        "trained_at": datetime.now(timezone.utc).replace(tzinfo=None),
        **_EMPTY,
        # A figure that there is none of stays empty, with its type.
        **{name: value for name, value in facts.items() if value is not None},
        "features": features,
    }
    return pandas.DataFrame(
        [
            {
                name: json.dumps(value) if isinstance(value, list | dict) else value
                for name, value in row.items()
            }
        ]
    )
