"""The versions that a new one is compared with, and how they do on the window of its test."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy
import pandas
from sklearn.metrics import brier_score_loss, roc_auc_score

from training import artefacts, forest
from training.evaluation import BOOTSTRAPS, SEED
from training.snapshots import matrix, weights


@dataclass(frozen=True)
class Champion:
    """An earlier run, as far as a comparison needs it."""

    version: str
    artefact: str
    artefact_hash: str
    tested_artefact: str  # fitted without the tested window; none of runs that did not keep it
    tested_artefact_hash: str
    features: tuple[str, ...]
    label: str
    horizon_days: int
    test_cutoff_date: str
    label_until_date: str
    roc_auc: float
    brier: float
    # The best version on record when this one was tested, if that is another one.
    best: "Champion | None" = None


def champion_of(runs: pandas.DataFrame, promotions: pandas.DataFrame) -> Champion | None:
    """Return the run that was promoted, or rolled back to, last.

    None before the first, and when its run is no longer known: then nothing serves.
    """
    decided = promotions[promotions["action"] != "kept"].sort_values("decided_at")
    if decided.empty:
        return None
    run = _run(runs, decided["version"].iloc[-1])
    if run is None:
        return None
    best = _run(runs, _text(run, "best_so_far"))
    is_other = best is not None and best["version"] != run["version"]
    return _champion(run, _champion(best) if is_other else None)


def compare(
    session: object,
    location: str,
    champion: Champion | None,
    test_rows: pandas.DataFrame,
    score: numpy.ndarray,
    test_cutoff: str,
    label: tuple[str, int],
) -> dict[str, object]:
    """Return how the champion does on the tested window, and whether it can be compared at all.

    champion_comparison is `none` without a champion; `other_label` if it predicts something else
    than this label, over this many days; `newer` if it was tested on a later window; `overlapping`
    if it has learnt from outcomes of the tested window; `unusable` if its artefact is gone or
    broken, or needs features that are no more; or `compared`. `score` is the new version's: the
    errors are those of the differences between both, customers drawn anew.

    The best version on record is compared as well, where it can be: else a row of versions that
    are each a little worse, within the noise, would lead downwards.
    """
    if champion is None:
        return {"champion_comparison": "none"}
    found = {"champion_version": champion.version, "champion_comparison": "compared"}
    if (champion.label, champion.horizon_days) != label:
        return found | {"champion_comparison": "other_label"}
    if champion.test_cutoff_date > test_cutoff:
        return found | {"champion_comparison": "newer"}
    if not (chosen := _unseeing(champion, test_cutoff)):
        if champion.test_cutoff_date == test_cutoff:  # what was noted then counts
            return found | {"champion_roc_auc": champion.roc_auc, "champion_brier": champion.brier}
        return found | {"champion_comparison": "overlapping"}
    try:
        other = _scored(session, location, chosen, champion.features, test_rows)
    except Exception as error:  # which one, differs with the engine
        print(f"training: {champion.version} cannot be compared with: {error}")
        return found | {"champion_comparison": "unusable"}
    found |= _figures("champion", test_rows, score, other)
    best = champion.best
    if best is not None and (best.label, best.horizon_days) == label:
        try:
            artefact = _unseeing(best, test_cutoff)
            other = _scored(session, location, artefact, best.features, test_rows)
            found |= {"best_version": best.version, **_figures("best", test_rows, score, other)}
        except Exception as error:
            print(f"training: {best.version}, the best so far, cannot be compared with: {error}")
    return found


def best_so_far(version: str, facts: Mapping[str, Any]) -> str:
    """Return the best version on record, the new one included.

    A new one takes the place only if it is worse in no figure on the same window.
    """
    for name in ("best", "champion"):
        if f"{name}_roc_auc" in facts:
            is_better = facts["roc_auc"] >= facts[f"{name}_roc_auc"]
            is_better &= facts["brier"] <= facts[f"{name}_brier"]
            return version if is_better else str(facts[f"{name}_version"])
    return version


def _unseeing(champion: Champion, test_cutoff: str) -> tuple[str, str] | None:
    """Return name and hash of the artefact that knows no outcome of the tested window, if any.

    The fit that was tested, if there is one: what serves was fitted on one more window, and so has
    an advantage over any new fit that is tested, besides knowing labels that reach further.
    """
    if champion.tested_artefact and champion.test_cutoff_date <= test_cutoff:
        return champion.tested_artefact, champion.tested_artefact_hash
    if champion.label_until_date <= test_cutoff:
        return champion.artefact, champion.artefact_hash
    return None


def _scored(
    session: object,
    location: str,
    artefact: tuple[str, str] | None,
    features: tuple[str, ...],
    rows: pandas.DataFrame,
) -> numpy.ndarray:
    if artefact is None:
        raise ValueError("it has learnt from outcomes of the tested window")
    name, expected_hash = artefact
    content = artefacts.fetch(session, location, name)
    if hashlib.sha256(content).hexdigest() != expected_hash:
        raise ValueError("its artefact was changed after training")
    return forest.score(content, matrix(rows, list(features)))


def _figures(
    name: str, rows: pandas.DataFrame, score: numpy.ndarray, other: numpy.ndarray
) -> dict[str, float]:
    """Return the other's figures, and the standard errors of the differences to this score."""
    truth, weight = rows["has_churned"].to_numpy(), weights(rows)
    measures = {"roc_auc": roc_auc_score, "brier": brier_score_loss}
    draw, differences = numpy.random.default_rng(SEED), {measure: [] for measure in measures}
    for _ in range(BOOTSTRAPS):
        at = draw.integers(0, len(truth), len(truth))
        if 0 < truth[at].sum() < len(at):
            for measure, figure in measures.items():
                of_each = [
                    figure(truth[at], s[at], sample_weight=weight[at]) for s in (score, other)
                ]
                differences[measure].append(of_each[0] - of_each[1])
    found = {}
    for measure, figure in measures.items():
        found[f"{name}_{measure}"] = float(figure(truth, other, sample_weight=weight))
        found[f"{name}_{measure}_error"] = float(numpy.std(differences[measure] or [numpy.nan]))
    return found


def _run(runs: pandas.DataFrame, version: str) -> pandas.Series | None:
    known = runs[runs["version"] == version]
    return None if known.empty else known.iloc[0]


def _champion(run: pandas.Series, best: Champion | None = None) -> Champion:
    return Champion(
        version=run["version"],
        artefact=run["artefact"],
        artefact_hash=run["artefact_hash"],
        tested_artefact=_text(run, "tested_artefact"),
        tested_artefact_hash=_text(run, "tested_artefact_hash"),
        features=tuple(json.loads(run["features"])),
        label=run["label"],
        horizon_days=int(run["horizon_days"]),
        test_cutoff_date=run["test_cutoff_date"],
        label_until_date=run["label_until_date"],
        roc_auc=float(run["roc_auc"]),
        brier=float(run["brier"]),
        best=best,
    )


def _text(run: pandas.Series, name: str) -> str:
    """Return a text of a run; empty where it is older than the column."""
    found = run.get(name)
    return found if isinstance(found, str) else ""
