"""Platt's calibration as a formula: the score's logit is stretched and moved. numpy alone."""

import numpy

CLIP = 1e-6  # the logit of 0 and 1 is infinite


def logit(scores: numpy.ndarray) -> numpy.ndarray:
    """Return the logits of scores, which are kept away from 0 and 1."""
    clipped = numpy.clip(scores, CLIP, 1 - CLIP)
    return numpy.log(clipped / (1 - clipped))


def recalibrated(scores: numpy.ndarray, slope: float, intercept: float) -> numpy.ndarray:
    """Return the recalibrated probabilities; the order of the customers stays."""
    return 1 / (1 + numpy.exp(-(slope * logit(scores) + intercept)))
