"""What is computed in memory is what would have been computed on the lake, row for row."""

import random
import shutil
from datetime import datetime, timedelta

import pytest
from embedded.computed_task import ComputedTask
from embedded.database import transact
from embedded.procedures import call
from embedded.refresh import refresh
from embedded.registry import tasks
from embedded.scheduler import Passes, tick
from embedded.tasks import run_task

from embedded import compaction, hot_tables, maintenance, working_copy
from tests.conftest import Lake, event
from tests.outreach_fixtures import set_up
from tests.recomputed import differing_rows
from tests.soak.small_model import activate_model

START = datetime(2026, 3, 1, 12)
CUSTOMERS = [f"c{number}" for number in range(25)]
PROFILE = {
    "segment": "standard",
    "monthly_value": 29,
    "marketing_consent": True,
    "email": "a@b.org",
}
TASKS = ("process_alerts", "sweep_silent_customers", "advance_alerts")
WRITTEN = (
    "churn_score_history", "churn_scores", "high_risk_history", "alert_events", "retention_emails",
)  # fmt: skip

SCORED_AT = "select count(*) from churn_score_history where scored_at = ?"


class Side:
    """One of two lakes to which the same happens."""

    def __init__(self, path, monkeypatch) -> None:
        self._path, self._monkeypatch = path, monkeypatch
        with self:
            self.lake = Lake(path)
            self.passes = Passes(self.lake.connection)

    def __enter__(self) -> "Side":
        self._monkeypatch.setenv("CHURN_LAKE", str(self._path))
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def tables(self) -> dict[str, list[tuple]]:
        return {name: self.lake.rows(f"from {name} order by all") for name in WRITTEN}


@pytest.fixture(scope="module")
def prepared(empty_lakes, tmp_path_factory):
    """A pipeline with a model, and customers with a past."""
    path = empty_lakes.copy("all", tmp_path_factory.mktemp("copies") / "lake")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHURN_LAKE", str(path))
        lake = Lake(path)
        activate_model(lake.connection)
        past = [
            event(f"past-{one}-{days}", one, kind, START - timedelta(days=days), properties=PROFILE)
            for one in CUSTOMERS
            for kind, days in (("profile_updated", 50), *(("purchase", at) for at in (3, 25, 40)))
        ]
        lake.add(*past, event("present", "c0", "login", START))
        # What has nothing to do with alerts takes most of the time.
        lake.rows("update embedded.tasks set is_suspended = name not in (?, ?, ?)", *TASKS)
        tick(lake.connection, START)
        lake.connection.close()
    return path


@pytest.fixture
def sides(prepared, tmp_path, monkeypatch):
    for name in ("plain", "copied"):
        shutil.copytree(prepared, tmp_path / name)
    both = [Side(tmp_path / name, monkeypatch) for name in ("plain", "copied")]
    yield both
    for side in both:
        side.lake.connection.close()


def new_events(chance: random.Random, number: int, moment: datetime) -> list[dict]:
    kinds = ("login", "purchase", "ticket_opened", "ticket_opened", "payment_failed")
    new = [
        event(f"{number}-{one}", chance.choice(CUSTOMERS), chance.choice(kinds), moment, amount=5)
        for one in range(12)
    ]
    return [*new, {**chance.choice(new), "amount": 1e6}]


# -- what others may do meanwhile ------------------------------------------------------------------


def change_policy(lake: Lake, moment: datetime) -> None:
    lake.rows("update alert_policy set threshold = 0.05, cooldown_days = 0")


def replace_policy(lake: Lake, moment: datetime) -> None:
    lake.rows("create or replace table alert_policy as from alert_policy")
    lake.rows("update alert_policy set max_alerts_per_run = 2")


def add_column(lake: Lake, moment: datetime) -> None:
    lake.rows(f"alter table offers add column note_{moment:%H%M} varchar")


def change_view(lake: Lake, moment: datetime) -> None:
    set_up(lake, prompt_version=f"{moment:%H%M}")


def suppress(lake: Lake, moment: datetime) -> None:
    row = {"customer_id": f"c{moment.hour}", "reason": "asked", "actor": "ann"}
    lake.rows(f"set variable as_of = timestamp '{moment}'")
    call(lake.connection, "suppress_customer", row)


def promote(lake: Lake, moment: datetime) -> None:
    version = f"m{moment:%H%M}"
    lake.rows(
        "insert into train_churn_model select * replace (? as version) from train_churn_model"
        " where version = 'small'",
        version,
    )
    lake.rows(
        "insert into model_promotions select * replace (? as version, ? as decided_at)"
        " from model_promotions where version = 'small'",
        version,
        moment,
    )


def maintain(lake: Lake, moment: datetime) -> None:
    assert maintenance.maintain().errors == {}


def run_the_task(lake: Lake, moment: datetime) -> None:
    refresh(lake.connection)
    task = tasks(lake.connection)["process_alerts"]
    assert run_task(lake.connection, task, moment - timedelta(minutes=1)).error is None


def nothing(lake: Lake, moment: datetime) -> None:
    return None


OTHERS = [change_policy, replace_policy, add_column, change_view, suppress, promote, maintain]
OTHERS += [run_the_task, nothing, nothing]


@pytest.mark.parametrize(("seed", "most_rows"), [(1, None), (2, 40), (2, 10)])
def test_a_task_on_its_copy_writes_what_it_writes_on_the_lake(sides, monkeypatch, seed, most_rows):
    """With 40 rows allowed in memory some tables stay in the lake, with 10 there is no copy."""
    monkeypatch.setattr(maintenance, "SNAPSHOT_AGE", "0 s")
    monkeypatch.setattr(compaction, "FLUSHED_ROWS", 1)
    if most_rows is not None:
        monkeypatch.setattr(working_copy, "COPIED_ROWS", most_rows)
        monkeypatch.setattr(hot_tables, "MOST_ROWS", most_rows)
    chance, computed = random.Random(seed), []
    write = ComputedTask.write
    monkeypatch.setattr(
        ComputedTask, "write", lambda self, one: (computed.append(one.rows), write(self, one))
    )
    others = chance.sample(OTHERS, len(OTHERS) if most_rows is None else 4)
    for number, other in enumerate(others):
        moment = START + timedelta(minutes=30 * (number + 1))
        events = new_events(chance, number, moment)
        for side, do in zip(sides, (tick_one, step_one), strict=True):
            with side:
                other(side.lake, moment)
                side.lake.add(*events)
                assert do(side, moment) == [], other
        plain, copied = (side.tables() for side in sides)
        assert plain == copied, other
        assert differing_rows(sides[1].lake.connection) == {}
    assert len(plain["high_risk_history"]) > 2
    assert len(plain["retention_emails"]) > 1
    assert len(computed) >= len(others) - 1 if most_rows != 10 else computed == []


def tick_one(side: Side, moment: datetime) -> list[str]:
    return [run.error for run in tick(side.lake.connection, moment).task_runs if run.error]


def step_one(side: Side, moment: datetime) -> list[str]:
    return [run.error for run in side.passes.step(moment).task_runs if run.error]


def test_changes_that_wait_are_handed_out_together(sides):
    for minutes, is_suspended in ((1, False), (5, True), (9, True), (13, False)):
        moment = START + timedelta(minutes=minutes)
        events = new_events(random.Random(minutes), minutes, moment)
        for side, do in zip(sides, (tick_one, step_one), strict=True):
            with side:
                side.lake.rows(
                    "update embedded.tasks set is_suspended = ? where name = 'process_alerts'",
                    is_suspended,
                )
                side.lake.add(*events)
                assert do(side, moment) == []
        plain, copied = (side.tables() for side in sides)
        assert plain == copied


def test_who_was_overtaken_computes_anew(sides, monkeypatch):
    """Somebody who takes no turn writes while a task is being computed."""
    [_, side] = sides
    with side:
        side.lake.add(*new_events(random.Random(1), 1, START))
        side.passes.step(START + timedelta(minutes=5))
        other = Lake(side.lake.path)
        compute, snapshots = ComputedTask.compute, []

        def compute_and_be_overtaken(self, as_of):
            done = compute(self, as_of)
            snapshots.append(done.snapshot)
            if len(snapshots) == 1:
                other.connection.execute("update alert_policy set threshold = 2")
            return done

        monkeypatch.setattr(ComputedTask, "compute", compute_and_be_overtaken)
        before = side.lake.one("select count(*) from high_risk_history")
        side.lake.add(*new_events(random.Random(2), 2, START + timedelta(minutes=10)))
        assert step_one(side, START + timedelta(minutes=10)) == []
        assert len(snapshots) == 2
        assert side.lake.one("select count(*) from high_risk_history") == before
        assert side.lake.one(SCORED_AT, START + timedelta(minutes=10)) > 0
        other.connection.close()


def test_what_could_not_be_written_is_computed_anew(sides, monkeypatch):
    """The copy is ahead of the lake then, and is of no use any more."""
    plain, copied = sides
    events = [new_events(random.Random(one), one, START + timedelta(minutes=one)) for one in (1, 9)]
    for side, do in ((plain, tick_one), (copied, step_one)):
        with side:
            side.lake.add(*events[0])
            do(side, START + timedelta(minutes=1))
            side.lake.add(*events[1])
    with copied, monkeypatch.context() as patch:
        patch.setattr("embedded.tasks.move_offset", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            step_one(copied, START + timedelta(minutes=9))
    for side, do in ((plain, tick_one), (copied, step_one)):
        with side:
            assert do(side, START + timedelta(minutes=9)) == []
    assert plain.tables() == copied.tables()


def test_a_task_that_failed_counts_as_well_again(sides, monkeypatch):
    [_, side] = sides
    with side:
        side.lake.add(*new_events(random.Random(1), 1, START))
        assert step_one(side, START + timedelta(minutes=1)) == []
        side.lake.add(*new_events(random.Random(2), 2, START + timedelta(minutes=2)))
        with monkeypatch.context() as patch:
            patch.setattr(
                ComputedTask, "write", lambda self, _: self._connection.execute("from nowhere")
            )
            assert len(step_one(side, START + timedelta(minutes=2))) == 1
        assert tasks(side.lake.connection)["process_alerts"].consecutive_failures == 1
        assert step_one(side, START + timedelta(minutes=3)) == []
        assert tasks(side.lake.connection)["process_alerts"].consecutive_failures == 0
        scored_at = START + timedelta(minutes=3)
        assert side.lake.one(SCORED_AT, scored_at) > 0


@pytest.mark.parametrize(
    "statement",
    [
        "update lake.main.suppressions set reason = 'noted'",
        'merge into "lake"."main"."suppressions" as old using (select customer_id from'
        ' "lake"."main"."churn_scores") as new on old.customer_id = new.customer_id'
        " when matched then update set reason = 'noted';"
        ' insert into "lake"."main"."churn_scores" (customer_id)'
        ' select customer_id from "lake"."main"."suppressions" where false',
        'insert into "lake"."main"."suppressions" (customer_id, reason)'
        ' select name, name from "lake"."embedded"."tasks"',
        'insert into "lake"."main"."suppressions" (customer_id, reason)'
        " select name, name from embedded.tasks"
        " where name not in (select reason from suppressions)",
    ],
)
def test_a_task_that_cannot_be_computed_on_a_copy_runs_on_the_lake(sides, statement):
    [_, side] = sides
    with side:
        connection = side.lake.connection
        transact(connection, lambda open_: open_.execute(
            "insert into suppressions (customer_id, reason) values ('c1', 'asked')"))  # fmt: skip
        transact(connection, lambda open_: open_.execute(
            "update embedded.tasks set body = ? where name = 'process_alerts'", [statement]
        ))  # fmt: skip
        side.lake.add(*new_events(random.Random(1), 1, START))
        assert step_one(side, START + timedelta(minutes=5)) == []
        reasons = {row[0] for row in side.lake.rows("select reason from suppressions")}
        assert reasons in ({"noted"}, {"asked", *tasks(connection)})


def test_a_model_that_cannot_serve_is_left_as_on_the_lake(sides):
    [_, side] = sides
    with side:
        side.lake.add(*new_events(random.Random(1), 1, START))
        side.passes.step(START + timedelta(minutes=5))
        side.lake.rows(
            "insert into train_churn_model select * replace ('gone' as version, 'gone' as artefact)"
            " from train_churn_model where version = 'small'"
        )
        side.lake.rows("insert into model_promotions values ('gone', 'promoted', '', 'ann', now())")
        side.lake.add(*new_events(random.Random(2), 2, START + timedelta(minutes=10)))
        assert step_one(side, START + timedelta(minutes=10)) == []
        assert side.lake.one("select version from active_churn_model") == "small"
        assert side.lake.one(SCORED_AT, START + timedelta(minutes=10)) > 0
