"""The AUC of those still here: whoever has lapsed already is easily told, and flatters a score."""

import numpy
import pandas
import pytest
from sklearn.metrics import roc_auc_score

from tests.model_rows import made_up
from training.evaluation import still_here, still_here_interval
from training.model_card import model_card
from training.run import Settings, train


def lapsed_and_active(number: int, seed: int) -> tuple[pandas.DataFrame, numpy.ndarray]:
    """Draw customers; a fifth is away for a horizon or more, and nearly all of them stay so."""
    draw = numpy.random.default_rng(seed)
    is_gone = draw.random(number) < 0.2
    away = numpy.where(is_gone, draw.integers(28, 84, number), draw.integers(0, 28, number))
    risk = numpy.where(is_gone, 0.95, 0.05 + 0.01 * away)
    rows = pandas.DataFrame(
        {
            "days_since_last_activity": away,
            "has_lapsed": is_gone,
            "has_churned": (draw.random(number) < risk).astype(int),
        }
    )
    return rows, risk


def test_the_auc_of_those_still_here_leaves_out_who_has_lapsed_already():
    rows, score = lapsed_and_active(4_000, seed=3)
    found = still_here(rows, score)
    active = (rows.days_since_last_activity < 28).to_numpy()
    expected = roc_auc_score(rows.has_churned[active], score[active])
    assert found["still_here_auc"] == pytest.approx(expected)
    assert found["still_here_rows"] == active.sum()
    assert found["still_here_churners"] == rows.has_churned[active].sum()
    assert roc_auc_score(rows.has_churned, score) > found["still_here_auc"] + 0.1
    interval = still_here_interval(rows, score)
    assert interval["still_here_auc_low"] < expected < interval["still_here_auc_high"]
    # Held-out customers stand for others here, too.
    weighted = rows.assign(snapshot_weight=numpy.where(rows.index % 10 == 0, 10.0, 0.0))
    some = active & (rows.index % 10 == 0)
    assert still_here(weighted, score)["still_here_auc"] == pytest.approx(
        roc_auc_score(rows.has_churned[some], score[some])
    )


def test_nobody_still_here_is_no_figure():
    rows, score = lapsed_and_active(200, seed=3)
    gone = rows.assign(has_lapsed=True)
    assert still_here(gone, score) == {
        "still_here_rows": 0, "still_here_churners": 0, "still_here_auc": None,
    }  # fmt: skip
    assert numpy.isnan(list(still_here_interval(gone, score).values())).all()


def test_a_run_and_its_card_tell_it(tmp_path):
    found = train(object(), made_up(800), str(tmp_path), Settings(rolling_origins=0)).iloc[0]
    assert found.still_here_auc_low < found.still_here_auc < found.still_here_auc_high
    card = model_card(found.to_dict(), Settings())[f"{found.version}.md"].decode()
    assert f"| AUC of those still here ({found.still_here_rows:,} active in the 28 days" in card
