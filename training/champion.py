"""The model that serves, and how it does on the window that a new one is tested on."""

import hashlib
import json
from dataclasses import dataclass

import numpy
import pandas
from sklearn.metrics import brier_score_loss, roc_auc_score

from training import artefacts, forest
from training.snapshots import matrix, weights


@dataclass(frozen=True)
class Champion:
    """The active run, as far as a comparison needs it."""

    version: str
    artefact: str
    artefact_hash: str
    features: tuple[str, ...]
    label: str
    horizon_days: int
    test_cutoff_date: str
    roc_auc: float
    brier: float


def champion_of(runs: pandas.DataFrame, promotions: pandas.DataFrame) -> Champion | None:
    """Return the run that was promoted, or rolled back to, last.

    None before the first, and when its run is no longer known: then nothing serves.
    """
    decided = promotions[promotions["action"] != "kept"].sort_values("decided_at")
    if decided.empty:
        return None
    known = runs[runs["version"] == decided["version"].iloc[-1]]
    if known.empty:
        return None
    run = known.iloc[0]
    return Champion(
        version=run["version"],
        artefact=run["artefact"],
        artefact_hash=run["artefact_hash"],
        features=tuple(json.loads(run["features"])),
        label=run["label"],
        horizon_days=int(run["horizon_days"]),
        test_cutoff_date=run["test_cutoff_date"],
        roc_auc=float(run["roc_auc"]),
        brier=float(run["brier"]),
    )


def compare(
    session: object,
    location: str,
    champion: Champion | None,
    test_rows: pandas.DataFrame,
    test_cutoff: str,
    label: tuple[str, int],
) -> dict[str, object]:
    """Return how the champion does on the tested window, and whether it can be compared at all.

    champion_comparison is `none` without a champion; `other_label` if it predicts something else
    than this label, over this many days; `newer` if it was tested on a later window;
    `unusable` if its artefact is gone or broken, or needs features that are no more; or `compared`.

    A champion that was tested on an earlier window has not seen this one, and scores it now. One
    that was tested on this very window has been fitted on it since: its figures of then count.
    """
    if champion is None:
        return {"champion_comparison": "none"}
    found = {"champion_version": champion.version, "champion_comparison": "compared"}
    if (champion.label, champion.horizon_days) != label:
        return found | {"champion_comparison": "other_label"}
    if champion.test_cutoff_date == test_cutoff:
        return found | {"champion_roc_auc": champion.roc_auc, "champion_brier": champion.brier}
    if champion.test_cutoff_date > test_cutoff:
        return found | {"champion_comparison": "newer"}
    try:
        score = _scored(session, location, champion, test_rows)
    except Exception as error:  # which one, differs with the engine
        print(f"training: {champion.version} cannot be compared with: {error}")
        return found | {"champion_comparison": "unusable"}
    truth, weight = test_rows["has_churned"], weights(test_rows)
    return found | {
        "champion_roc_auc": float(roc_auc_score(truth, score, sample_weight=weight)),
        "champion_brier": float(brier_score_loss(truth, score, sample_weight=weight)),
    }


def _scored(
    session: object, location: str, champion: Champion, rows: pandas.DataFrame
) -> numpy.ndarray:
    content = artefacts.fetch(session, location, champion.artefact)
    if hashlib.sha256(content).hexdigest() != champion.artefact_hash:
        raise ValueError("its artefact was changed after training")
    return forest.score(content, matrix(rows, list(champion.features)))
