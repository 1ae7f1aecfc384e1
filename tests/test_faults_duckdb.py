"""The fault test on a real pipeline: loaders killed, nothing lost, nothing twice."""

from tests.soak.run import FAILURES, soak

# A file for each sink: test processes take whole files, so that both run side by side.
KILLS, SEED = 20, 20261124


def test_whatever_happens_every_message_is_stored_once(tmp_path, capsys):
    account = soak("duckdb", KILLS, SEED, tmp_path, log=lambda _: None)
    with capsys.disabled():
        print(f"\n{account}")
    assert {name: account[name] for name in FAILURES if account.get(name)} == {}
    assert account["kills"] == KILLS
    assert account["found"] == account["expected"] > 100 * KILLS
    for fault in ("broker_restarts", "locks", "pauses", "takeovers"):
        assert account[fault] > 0, account
