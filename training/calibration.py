"""Recalibration of the scores, used only where it helped on windows that it had not seen."""

from dataclasses import dataclass

import numpy
from sklearn.linear_model import LogisticRegression

from training.platt import CLIP, logit, recalibrated

BOOTSTRAPS = 200
# Of the bootstrap draws that must agree that it helps: chance alone shall not recalibrate.
AGREEING = 0.975


@dataclass(frozen=True)
class Calibration:
    """Platt's: the score's logit is stretched and moved."""

    slope: float
    intercept: float

    def apply(self, scores: numpy.ndarray) -> numpy.ndarray:
        """Return the recalibrated probabilities; the order of the customers stays."""
        return recalibrated(scores, self.slope, self.intercept)

    def constants(self) -> dict[str, float | list[list[float]]]:
        """Return what the steps use. Columns are the probabilities to stay and to churn."""
        return {
            "calibration_low": CLIP,
            "calibration_high": 1 - CLIP,
            "calibration_one": 1.0,
            "calibration_slope": self.slope,
            # The probability to stay mirrors the one to churn.
            "calibration_intercepts": [[-self.intercept, self.intercept]],
        }

    def steps(self, before: str, after: str) -> list[tuple[str, list[str], str]]:
        """Return the same computation as ONNX operators: operator, inputs, output."""
        return [
            ("Clip", [before, "calibration_low", "calibration_high"], "calibration_clipped"),
            ("Sub", ["calibration_one", "calibration_clipped"], "calibration_rest"),
            ("Div", ["calibration_clipped", "calibration_rest"], "calibration_odds"),
            ("Log", ["calibration_odds"], "calibration_logit"),
            ("Mul", ["calibration_logit", "calibration_slope"], "calibration_stretched"),
            ("Add", ["calibration_stretched", "calibration_intercepts"], "calibration_moved"),
            ("Sigmoid", ["calibration_moved"], after),
        ]


def choose_calibration(
    windows: list[tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray]],
) -> Calibration | None:
    """Return a calibration if one fitted on the earlier windows helps on the latest of them.

    `windows` are out-of-time scores, outcomes and weights, in order of time and without the test
    window.
    """
    if len(windows) < 2:
        return None
    scores, truth, weight = windows[-1]
    candidate = fitted(windows[:-1])
    errors_before = (scores - truth) ** 2
    errors_after = (candidate.apply(scores) - truth) ** 2
    draw = numpy.random.default_rng(BOOTSTRAPS)
    helped = [
        numpy.average(errors_after[rows], weights=weight[rows])
        < numpy.average(errors_before[rows], weights=weight[rows])
        for rows in (draw.integers(0, len(truth), len(truth)) for _ in range(BOOTSTRAPS))
    ]
    return fitted(windows) if numpy.mean(helped) >= AGREEING else None


def fitted(windows: list[tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray]]) -> Calibration:
    """Return the calibration that fits scores, outcomes and weights of these windows best."""
    scores, truth, weight = (numpy.concatenate(part) for part in zip(*windows, strict=True))
    logistic = LogisticRegression(C=1e6).fit(
        logit(scores).reshape(-1, 1), truth, sample_weight=weight
    )
    return Calibration(float(logistic.coef_[0][0]), float(logistic.intercept_[0]))
