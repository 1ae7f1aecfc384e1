"""The fault test of everything on one file: nothing lost, stored, scored or alerted twice."""

from embedded.session import open_database
from tests.soak.brokers import broker_under_test
from tests.soak.everything import FAILURES, SPANS, Everything
from tests.soak.small_model import activate_model

KILLS, SEED = 36, 20261124


def test_whatever_is_killed_everything_happens_once(empty_pipelines, tmp_path, monkeypatch, capsys):
    home = empty_pipelines.copy("all", tmp_path / "home")
    monkeypatch.setenv("CHURN_HOME", str(home))
    with open_database().session() as opened, opened.cursor() as connection:
        activate_model(connection)
    open_database().close()
    with broker_under_test() as broker:
        account = Everything(broker, home, SEED, tmp_path, lambda _: None).run(KILLS)
    with capsys.disabled():
        print(f"\n{account}")
    assert {name: account[name] for name in FAILURES if account[name]} == {}
    assert account["kills"] >= KILLS
    assert account["alerts"] > 0 < account["broker_restarts"]
    assert account["killed_up"] > 5
    assert sum(account[f"killed_{name}"] for name in SPANS) > 5, account
