"""The runner of bodies: what it reads, and what two runs beside each other see."""

import itertools

import pytest
from fakesnow.instance import FakeSnow

from tests.snowflake.standin.running import Database, Run, ScriptError
from tests.snowflake.standin.scripting import NoScript, parse, script_of, statements

# Raises an alert for each score that has none, as the project's tasks do.
RAISE = "insert into alerts select id from scores where id not in (select id from alerts)"
UNGUARDED = f"begin begin transaction; {RAISE}; commit; end"
GUARDED = f"begin begin transaction; update turn set taken = taken + 1; {RAISE}; commit; end"


@pytest.fixture
def instance():
    snow = FakeSnow()
    connection = snow.connect("CHURN", "PIPELINE")
    for sql in (
        "create table scores (id integer)", "create table alerts (id integer)",
        "create table turn (taken integer)", "insert into turn values (0)",
        "insert into scores values (1), (2)",
    ):  # fmt: skip
        connection.cursor().execute(sql)
    return snow


def run(instance, body, **arguments):
    return Run(parse(body), instance.connect("CHURN", "PIPELINE"), arguments=arguments)


def value(instance, query):
    return instance.connect("CHURN", "PIPELINE").cursor().execute(query).fetchall()[0][0]


def interleaved(instance, bodies, order):
    """Run two bodies, a step of one or of the other as the order says; return the steps taken."""
    database = Database()
    runs = [Run(parse(body), instance.connect("CHURN", "PIPELINE"), database) for body in bodies]
    for place in (*order, *(0, 1) * 20):
        if not runs[place].is_done:
            runs[place].step()
    assert all(one.is_done for one in runs)
    return runs


def test_statements_are_found_in_the_order_of_the_text():
    body = """
    declare answer resultset; n integer default 0;
    begin
        -- a comment; with a semicolon
        select count(*) into :n from scores;
        if (n = 0) then return 'nothing; to do'; end if;
        begin transaction;
        insert into alerts select 1;
        answer := (select * from alerts);
        commit;
        return table(answer);
    exception when other then rollback; raise;
    end;
    """
    assert [one.text for one in statements(parse(body))] == [
        "select count(*)  from scores", "begin transaction",
        "insert into alerts select 1", "select * from alerts", "commit", "rollback",
    ]  # fmt: skip


def test_a_guard_returns_before_anything_is_written(instance):
    body = (
        "declare n integer; begin select count(*) into :n from scores where id > 5;"
        f" if (n = 0) then return 'nobody'; end if; {RAISE}; return 'done: ' || n; end"
    )
    assert run(instance, body).run() == "nobody"
    assert value(instance, "select count(*) from alerts") == 0
    assert run(instance, body.replace("> 5", "> 1")).run() == "done: 1"
    assert value(instance, "select count(*) from alerts") == 2


def test_parameters_are_values_and_paths_are_none(instance):
    body = (
        "declare answer resultset; begin answer := (select :who as who, '{\"who\": 1}'::variant:who"
        " as path, ':who' as text); return table(answer); end"
    )
    one = run(instance, body, who="O'Neil; x")
    assert one.run() == [("O'Neil; x", "1", ":who")]
    assert one.columns == ["WHO", "PATH", "TEXT"]


def test_an_error_is_handled_and_raised_again(instance):
    body = (
        "begin begin transaction; insert into alerts values (9); select * from nowhere; commit;"
        " exception when other then rollback; insert into alerts values (7); raise; end"
    )
    with pytest.raises(Exception, match="NOWHERE"):
        run(instance, body).run()
    assert value(instance, "select max(id) from alerts") == 7


def test_what_is_open_at_the_end_is_rolled_back(instance):
    with pytest.raises(ScriptError, match="incomplete"):
        run(instance, f"begin begin transaction; {RAISE}; end").run()
    assert value(instance, "select count(*) from alerts") == 0


def test_a_created_table_commits_what_was_before_it(instance):
    body = f"begin begin transaction; {RAISE}; create table other (id integer); rollback; end"
    run(instance, body).run()
    assert value(instance, "select count(*) from alerts") == 2


@pytest.mark.parametrize("order", list(itertools.product((0, 1), repeat=4)))
def test_who_locks_a_row_first_keeps_the_other_waiting(instance, order):
    interleaved(instance, [GUARDED, GUARDED], order)
    assert value(instance, "select count(*) from alerts") == 2


def test_without_a_lock_both_write(instance):
    interleaved(instance, [UNGUARDED, UNGUARDED], (0, 1, 0, 1))
    assert value(instance, "select count(*) from alerts") == 4


def test_a_statement_in_a_transaction_sees_what_others_committed_before_it(instance):
    reader = (
        "declare n integer; begin begin transaction; insert into alerts values (5);"
        " update turn set taken = 7;"
        " select count(*) into :n from scores; select count(*) + :n into :n from alerts;"
        " commit; return n; end"
    )
    writer = "begin insert into scores values (3); insert into alerts values (6); end"
    runs = interleaved(instance, [reader, writer], (0, 0, 0, 1, 0, 1, 0, 0))
    assert runs[0].answer == 3 + 2
    assert value(instance, "select count(*) from alerts") == 2
    assert value(instance, "select taken from turn") == 7


def test_a_step_that_waits_does_nothing(instance):
    database = Database()
    one, other = (
        Run(parse(GUARDED), instance.connect("CHURN", "PIPELINE"), database) for _ in range(2)
    )
    assert [one.step(), one.step(), other.step(), other.step()] == [True, True, True, False]
    assert other.done == ["begin transaction"]
    assert other.next.startswith("update turn")
    one.run()
    assert other.step()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("begin select 1; end; select 2", "after the last END"),
        ("begin begin; select 1; commit; end", "BEGIN TRANSACTION"),
        ("begin if n = 0 then return 1; end if; end", "brackets"),
        ("begin for row in (select 1) do select 2; end for; end", "does not read FOR"),
        ("begin select 1", "there is no ;"),
        ("begin select 1;", "ends before"),
        ("begin end", "needs a statement"),
        ("begin select count(*) into n from scores; end", "colons"),
    ],
)
def test_what_is_no_script_is_refused(body, words):
    with pytest.raises(NoScript, match=words):
        parse(body)


def test_a_task_of_one_call_is_a_script():
    assert statements(script_of("create task t schedule = '1 MINUTE' as call p()"))[0].text == (
        "call p()"
    )
