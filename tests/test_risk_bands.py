"""Effects by band of the risk at the alert, and what is drawn towards the mean of a dimension."""

import math

import duckdb
import numpy
import pandas
import pytest

from benchmarks.simulations.rendered import rendered
from tests.outreach_fixtures import raise_alerts

pytest_plugins = ("tests.outreach_fixtures",)


@pytest.fixture(scope="module")
def shrunken_sql() -> str:
    """The shrinkage of RETENTION_EFFECT itself, over any relation `groups`."""
    return rendered(
        "with {{ shrunken_steps('groups') }} select * from shrunk order by dimension, name"
    )


def drawn_together(differences: numpy.ndarray, errors: numpy.ndarray) -> numpy.ndarray:
    """DerSimonian and Laird's mean and variance between groups, and Morris' estimates by them."""
    weights = errors**-2
    mean = numpy.average(differences, weights=weights)
    excess = (weights * (differences - mean) ** 2).sum() - (differences.size - 1)
    between = max(excess / (weights.sum() - (weights**2).sum() / weights.sum()), 0)
    mean = numpy.average(differences, weights=1 / (errors**2 + between))
    return mean + between / (between + errors**2) * (differences - mean)


@pytest.mark.parametrize(
    "differences", [[0.2, 0.1, 0.02, -0.05], [0.05, 0.051, 0.049, 0.05]], ids=["apart", "alike"]
)
def test_differences_are_drawn_towards_their_mean_as_in_the_books(shrunken_sql, differences):
    errors = [0.03, 0.02, 0.05, 0.01]
    known = zip("0123", differences, errors, strict=True)
    rows = [("band", *one) for one in known]
    rows += [("band", "new", None, None), ("alone", "all", 0.3, 0.1), ("nobody", "all", None, None)]
    groups = pandas.DataFrame(rows, columns=["dimension", "name", "difference", "standard_error"])
    with duckdb.connect() as connection:
        connection.register("groups", groups)
        found = connection.execute(shrunken_sql).df().set_index(["dimension", "name"])
    expected = drawn_together(numpy.array(differences), numpy.array(errors))
    shrunken = found["shrunken"]
    assert shrunken["band"][:4].tolist() == pytest.approx(expected.tolist())
    assert shrunken["band", "new"] == pytest.approx(found["common_difference"]["band", "new"])
    assert shrunken["alone", "all"] == pytest.approx(0.3)
    assert math.isnan(shrunken["nobody", "all"])
    if differences[0] - differences[1] < 0.01:
        assert numpy.ptp(shrunken["band"]) == pytest.approx(0)


def test_alerts_stand_in_the_band_of_their_score(pipeline):
    raise_alerts(pipeline, "A", "B", "C")
    pipeline.connection.execute(
        "update high_risk_history set score = case customer_id when 'A' then 0.39 when 'B' then 0.4"
        " else 0.95 end"
    )
    arguments = {"alert_ids": '["A", "B", "C"]', "to_state": "APPROVED"}
    assert pipeline.call("move_alerts", arguments | {"reason": "", "revision": None}) == []
    pipeline.connection.execute(
        "insert into outcomes select alert_id, customer_id, arm, 0, now(), 28, 1"
        " from high_risk_history"
    )
    assert pipeline.rows(
        "select name, treated_n, difference from manager_effect where dimension = 'risk_band'"
        " order by name"
    ) == [("0 to 40 %", 1, None), ("40 to 60 %", 1, None), ("80 to 100 %", 1, None)]
