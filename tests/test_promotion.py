"""Whether a new version serves: compared with fits that know no outcome of the tested window."""

import dataclasses

import pandas
import pytest

from benchmarks.simulations.promotion import RULE, decide, versions
from benchmarks.simulations.rendered import rendered
from tests.model_rows import made_up
from training.champion import best_so_far, champion_of
from training.run import Settings, train

SETTINGS = Settings(rolling_origins=0)


@pytest.fixture(scope="module")
def sql() -> str:
    """The rule itself, over any relation `runs`."""
    return rendered(RULE)


def test_a_version_trained_a_day_later_is_not_worse_than_what_knows_its_labels(sql, tmp_path):
    found = versions(1_500, gap_days=1, folder=str(tmp_path), seed=1, sql=sql)
    # What serves was fitted on nearly the same outcomes as those tested.
    assert found["serving_auc"] > found["auc"] + 0.01
    assert abs(found["champion_auc"] - found["auc"]) < 0.01
    assert not found["is_worse"]


def test_a_champion_is_compared_without_the_outcomes_it_knows_or_waited_for(sql, tmp_path):
    rows = made_up(800)
    first = train(object(), rows, str(tmp_path), SETTINGS)
    decided = pandas.DataFrame(
        [(first["version"].iloc[0], "promoted", 1)], columns=["version", "action", "decided_at"]
    )
    champion = champion_of(first, decided)
    # The same rows on other days: the tested fits are the same, and so are their scores. That holds
    # when all labels of what serves have closed, too: it was fitted on one window more.
    for days in (60, 7):
        later = rows.assign(
            cutoff_date=rows.cutoff_date + pandas.Timedelta(days=days),
            label_until_date=rows.label_until_date + pandas.Timedelta(days=days),
        )
        run = train(object(), later, str(tmp_path), SETTINGS, champion)
        assert run.champion_comparison.iloc[0] == "compared"
        assert run.champion_roc_auc.iloc[0] == pytest.approx(run.roc_auc.iloc[0], abs=1e-4)
        assert run.champion_roc_auc_error.iloc[0] < 1e-3
        assert not decide(run, sql)
    # A run of before the tested fit was kept.
    older = dataclasses.replace(champion, tested_artefact="", tested_artefact_hash="")
    run = train(object(), later, str(tmp_path), SETTINGS, older)
    assert run.champion_comparison.iloc[0] == "overlapping"
    assert decide(run, sql)
    # The best on record counts as well.
    better = dataclasses.replace(champion, version="forest-best")
    run = train(
        object(), later, str(tmp_path), SETTINGS, dataclasses.replace(champion, best=better)
    )
    assert run.best_version.iloc[0] == "forest-best"
    assert run.best_roc_auc.iloc[0] == run.champion_roc_auc.iloc[0]
    known = pandas.concat([first.assign(best_so_far=run.version.iloc[0]), run])
    assert champion_of(known, decided).best.version == run.version.iloc[0]


FIGURES = ("roc_auc", "brier", "roc_auc_error", "brier_error")


@pytest.mark.parametrize(
    ("champion", "best", "is_worse"),
    [
        ((0.80, 0.1000, 0.001, 0.0001), None, False),
        ((0.81, 0.1000, 0.001, 0.0001), None, True),
        ((0.81, 0.1000, 0.006, 0.0001), None, False),  # by chance
        ((0.804, 0.1000, 0.001, 0.0001), None, False),  # within the tolerance
        ((0.80, 0.0985, 0.001, 0.0005), None, True),
        ((0.80, 0.0985, 0.001, 0.0010), None, False),
        ((0.81, 0.1000, None, None), None, True),  # noted without errors
        ((0.804, 0.1000, 0.001, 0.0001), (0.82, 0.1, 0.002, 0.0001), True),
    ],
)
def test_worse_is_beyond_tolerance_and_chance(sql, champion, best, is_worse):
    given = {"champion_comparison": "compared", "roc_auc": 0.80, "brier": 0.1}
    for name, figures in (("champion", champion), ("best", best or [None] * 4)):
        values = dict(zip(FIGURES, figures, strict=True))
        given |= {f"{name}_{one}": value for one, value in values.items()}
    numbers = [name for name in given if name != "champion_comparison"]
    run = pandas.DataFrame([given]).astype(dict.fromkeys(numbers, float))
    assert decide(run, sql) == is_worse


def test_the_best_so_far_is_followed_only_by_one_that_is_worse_in_nothing():
    facts = {"roc_auc": 0.8, "brier": 0.1}
    assert best_so_far("new", facts) == "new"
    facts |= {"champion_version": "old", "champion_roc_auc": 0.8, "champion_brier": 0.1}
    assert best_so_far("new", facts) == "new"
    assert best_so_far("new", facts | {"champion_brier": 0.0999}) == "old"
    facts |= {"best_version": "best", "best_roc_auc": 0.801, "best_brier": 0.2}
    assert best_so_far("new", facts) == "best"
