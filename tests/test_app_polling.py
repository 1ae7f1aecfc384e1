"""How often the overview looks again: no more often than data can change, and not for nobody."""

import sys

import pytest

from embedded.session import open_database
from tests.app_pipeline import fill
from tests.dbt import PROJECT
from tests.test_app import open_app, turn_to


@pytest.fixture(scope="module")
def pipeline(empty_pipelines, tmp_path_factory):
    path = empty_pipelines.copy("all", tmp_path_factory.mktemp("polling") / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHURN_HOME", str(path))
        fill(open_database(path), 3)
    return path


@pytest.fixture
def polling(monkeypatch):
    """The app's module, whose session is a dictionary."""
    monkeypatch.syspath_prepend(str(PROJECT / "app"))
    import polling

    monkeypatch.setattr(polling.st, "session_state", {})
    monkeypatch.setattr(polling.st, "rerun", lambda: None)
    return polling


def _looks_until_it_stops(polling, source, figures):
    """Open the page, look again and again as its timer would; return the intervals."""
    intervals = []
    polling.note_run()
    while len(intervals) < 1000:
        polling.note_look()
        intervals.append(polling.seconds_between_looks(source, figures))
        if intervals[-1] is None:
            break
    return intervals


def test_on_snowflake_a_tab_looks_once_in_a_lag_and_stops_after_an_hour(polling):
    from connection import SNOWFLAKE, Source

    source = Source(SNOWFLAKE, "viewer")
    intervals = _looks_until_it_stops(polling, source, {"target_lag_seconds": 600})
    assert intervals == [600] * 6 + [None]
    polling.run_again()
    polling.note_run()
    assert polling.seconds_between_looks(source, {"target_lag_seconds": 600}) is None
    polling.note_run()  # somebody has clicked
    assert polling.seconds_between_looks(source, {"target_lag_seconds": 600}) == 600


def test_on_the_laptop_a_tab_looks_every_ten_seconds_for_ever(polling):
    from connection import DUCKDB, Source

    intervals = _looks_until_it_stops(polling, Source(DUCKDB, "viewer"), {"target_lag_seconds": 1})
    assert intervals == [10] * 1000


def test_a_tab_that_has_stopped_goes_on_when_somebody_clicks(monkeypatch, pipeline):
    app = open_app(monkeypatch, pipeline)
    said = [caption.value for caption in app.caption]
    assert any("every 10 s." in text for text in said), said
    assert not [button for button in app.button if button.label == "Look again"]
    module = sys.modules["polling"]
    monkeypatch.setattr(module, "SNOWFLAKE", "duckdb")  # as if each look had its price
    app.session_state[module._LOOKS] = 1000
    app.session_state[module._BY_ITSELF] = True
    app.run()
    assert not app.exception
    assert any("not again by itself" in caption.value for caption in app.caption)
    next(button for button in app.button if button.label == "Look again").click().run()
    assert not [button for button in app.button if button.label == "Look again"]
    assert turn_to(app, "health")
