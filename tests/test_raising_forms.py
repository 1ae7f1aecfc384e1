"""The checker of tests/raising itself: what it takes for a fault fails on DuckDB, and what it
accepts holds there, for rows that hold the worst of every type.
"""

from math import isfinite

import duckdb
import pytest

from tests.raising.hostile import COLUMNS, T, hostile_table
from tests.raising.statements import Project

# What fails on DuckDB: raises, or makes a sum or a quotient infinite or NaN for everybody.
FAILS = [
    f"select cast(label as integer) from {T}",
    f"select cast(label as date) from {T}",
    f"select cast(label as json) from {T}",
    f"select cast(label as double) from {T}",
    f"select cast(number as bigint) from {T}",
    f"select cast(number as decimal(18, 2)) from {T}",
    f"select cast(round(100 * number) as integer) from {T}",
    f"select cast(big as integer) from {T}",
    f"select cast(share as smallint) from {T}",
    f"select cast(data as double) from {T}",
    f"select cast(try_cast(label as double) as integer) from {T}",
    f"select strptime(label, '%Y') from {T}",
    f"select json(label) from {T}",
    f"select label ->> '$.a' from {T}",
    f"select json_extract(label, '$.a') from {T}",
    f"select from_json(label, '[\"varchar\"]') from {T}",
    f"select each.key from {T} as t cross join json_each(t.label) as each",
    f"select error(label) from {T}",
    f"select 1 / number from {T} where number = 0",
    f"select 1.0 / (number - number) from {T} where number = 1",
    f"select 1 / nullif(number, 1) from {T} where number = 0",
    f"select 1 / greatest(number, 0) from {T} where number = 0",
    f"select case when big = 0 then 1 / big else 1 end from {T}",
    f"select case when number > 0 then 1 else 1 / number end from {T} where number = 0",
    f"select sqrt(number) from {T}",
    f"select sqrt(number - 1) from {T}",
    f"select ln(number) from {T}",
    f"select ln(greatest(number, 0)) from {T}",
    f"select log(number) from {T}",
    f"select asin(number) from {T}",
    f"select acos(small) from {T}",
    f"select factorial(small) from {T}",
    f"select power(number, 0.5) from {T} where number = -2.5",
    f"select small + 1 from {T}",
    f"select small * small from {T}",
    f"select big * 2 from {T}",
    f"select big - small from {T}",
    f"select -small from {T}",
    f"select abs(big) from {T}",
    f"select big % small from {T} where small = -1",
    f"select cast(sum(big) as bigint) from {T} where big > 0",
    f"select sum(number) from {T}",
    f"select avg(number) from {T}",
    f"select stddev(number) from {T}",
    f"select sum(number) over () from {T}",
    f"select sum(case when number > 0 then number end) from {T}",
    f"select chr(small) from {T}",
    f"select day + small from {T}",
    f"select try_cast(label as date) + 1 from {T}",
    f"select cast(try_cast(label as date) as timestamp) from {T}",
    f"select sum(big) * 1000000000000 * 1000000000 from {T} where big > 0",
    f"select day + interval '1 day' * big from {T}",
    f"select moment - to_days(small) from {T}",
    f"select regexp_matches('a', label) from {T}",
    f"select regexp_full_match('a', label) from {T}",
    f"select regexp_replace('a', label, '') from {T}",
    f"select json_exists(label, '$.a') from {T}",
    f"select repeat(label, big) from {T}",
    f"select (select label from {T}) as one",
    f"select label = small from {T}",
    f"select label = day from {T}",
    f"select label = data from {T}",
    f"select label in (1, 2) from {T}",
    f"select t.id from {T} as t inner join {T} as u on t.label = u.big",
    f"insert into {T} (small) select big from {T}",
    f"insert into {T} (small) select number from {T}",
    f"insert into {T} (number) select label from {T}",
    f"update {T} set small = big",
    f"update {T} set small = u.big from (select max(big) as big from {T}) as u",
    f"delete from {T} where cast(label as integer) = 1",
]  # fmt: skip
# What never fails on DuckDB, and gives nothing that is infinite or NaN.
HOLDS = [
    f"select cast(number as varchar), cast(data as varchar), cast(day as varchar) from {T}",
    f"select try_cast(label as integer), try_cast(label as date), try_cast(label as json) from {T}",
    f"select try_cast(number as bigint), try_cast(number as decimal(9, 2)) from {T}",
    f"select cast(small as bigint), cast(small as double), cast(moment as date) from {T}",
    f"select cast(day as timestamp), cast(flag as integer) from {T}",
    f"select cast(big as decimal(20, 0)) from {T}",
    f"select case when abs(number) < 1e6 then cast(number as integer) end from {T}",
    f"select cast(least(greatest(number, 0), 9) as integer) from {T}",
    f"select data ->> '$.a', data -> '$.a' from {T}",
    f"select try_cast(label as json) ->> '$.a' from {T}",
    f"select from_json(try_cast(label as json), '[\"varchar\"]') from {T}",
    f"select each.key from {T} as t cross join json_each(try_cast(t.label as json)) as each",
    f"select 5 / 2, small / 2, small % 7 from {T}",
    f"select 1 / nullif(small, 0), small / nullif(big, 0), small % nullif(big, 0) from {T}",
    f"select 1 / greatest(1, small), 1 / greatest(number, 0.5) from {T} where number < 9",
    f"select case when big = 0 then 0 else 1 / big end from {T}",
    f"select case when number > 0 then 1 / number else 1 end from {T} where number < 9",
    f"select case when not (small = 0 or small is null) then 1 / small end from {T}",
    f"select case when small = 0 or big = 0 then 1 else small / big end from {T}",
    f"select sqrt(greatest(small, 0)), sqrt(abs(share)), sqrt(power(share, 2)) from {T}",
    f"select ln(greatest(share, 0.0001)) from {T}",
    f"select asin(least(greatest(share, -1), 1)) from {T}",
    f"select factorial(least(greatest(small, 0), 33)) from {T}",
    f"select small + 1.0, cast(small as bigint) + 1, cast(small as double) * big from {T}",
    f"select sum(big), sum(small), count(*) * 2 from {T}",
    f"select cast(sum(case when flag then 1 else 0 end) as bigint) from {T}",
    f"select cast(sum(n) as bigint) from (select flag, count(*) as n from {T} group by flag) as x",
    f"select sum(case when number between -1e15 and 1e15 then number end) from {T}",
    f"select avg(case when abs(number) < 1e15 then number end) from {T}",
    f"select sum(least(greatest(number, -1e9), 1e9)) from {T}",
    f"select day + 28, day - 112, moment - interval '7 days', day + interval '1' month from {T}",
    f"select date_trunc('month', day), datediff('second', moment, now()::timestamp) from {T}",
    f"select (datediff('day', day, date '2020-01-01')) * 86400 from {T}",
    f"select (select count(*) from {T}) as n, (select max(label) from {T}) as x",
    f"with one as (select max(day) as day from {T}) select (select day from one) as day",
    f"select (select label from {T} limit 1) as one",
    f"select label like '%' || label || '%', lower(label), md5(label), label || small from {T}",
    f"select label = '1', small = '1', day = '2020-01-01', day < moment, small < number from {T}",
    f"select coalesce(small, 0), coalesce(label, ''), nullif(small, 5) from {T}",
    f"select max(label), max_by(label, number) from {T}",
    f"select regexp_replace(label, '[0-9]', ''), split_part(label, ',', 1), length(label) from {T}",
    f"select regexp_matches(label, '^a'), json_exists(try_cast(label as json), '$.a') from {T}",
    f"select case when try_cast(label as date) < date '2999-12-31'"
    f" and try_cast(label as date) > date '1900-01-01' then try_cast(label as date) end + 1"
    f" from {T}",
    f"insert into {T} (big, number, label) select small, big, day from {T}",
    f"update {T} set big = small, label = big where small > 5",
    f"update {T} set big = u.small from (select max(small) as small from {T}) as u",
    f"delete from {T} using (select max(big) as big from {T}) as u where t.big = u.big",
]  # fmt: skip
# Snowflake cannot be asked here; its documentation says so of each.
FAILS_ON_SNOWFLAKE = [
    f"select to_number(label) from {T}",
    f"select to_double(label) from {T}",
    f"select to_date(label) from {T}",
    f"select to_timestamp(label) from {T}",
    f"select to_boolean(label) from {T}",
    f"select parse_json(label) from {T}",
    f"select cast(label as integer) from {T}",
    f"select label::date from {T}",
    f"select cast(get_path(data, 'a') as double) from {T}",
    f"select data:a::integer from {T}",
    f"select try_cast(number as integer) from {T}",
    f"select try_cast(get_path(data, 'a') as double) from {T}",
    f"select get_path(label, 'a') from {T}",
    f"select small / big from {T}",
    f"select mod(small, big) from {T}",
    f"select div0(small, big) + ln(number) from {T}",
    f"select sqrt(number) from {T}",
    f"select cast(number as number(9, 2)) from {T}",
    f"select big * big * big from {T}",
    f"select sum(number) from {T}",
    f"select dateadd(day, big, day) from {T}",
    f"select (select label from {T}) as one",
    f"select t.id from {T} as t where t.label = t.small",
    # Each X of Snowflake's format stands for a hexadecimal digit.
    f"select to_number(substr(md5(label), 1, 8), 'XXXXXXXX') from {T}",
    f"select some_function(label) from {T}",
    f"call system$send_email('a', 'b', (select label from {T}))",
    f"update {T} set small = to_number(label)",
    f"update {T} set small = to_number(u.label) from (select max(label) as label from {T}) as u",
    f"merge into {T} as t using (select id, max(label) as label from {T} group by id) as u"
    " on t.label = u.label when matched then update set label = u.label",
    f"merge into {T} as t using (select * from {T}) as u on t.id = u.id"
    " when not matched then insert (id) values (u.id)",
    f"merge into {T} as t using (select id, max(label) as label from {T} group by id) as u"
    " on t.id = u.id when matched then update set small = to_number(u.label)",
]  # fmt: skip
HOLDS_ON_SNOWFLAKE = [
    f"select try_to_number(label), try_to_double(label), try_to_date(label) from {T}",
    f"select try_cast(label as integer), try_cast(:given as date) from {T}",
    f"select try_parse_json(label), get_path(try_parse_json(label), '[0].a') from {T}",
    f"select try_cast(cast(get_path(data, 'a') as varchar) as double) from {T}",
    # Eight hexadecimal digits, as above.
    f"select try_to_number(substr(md5(label), 1, 8), 'XXXXXXXX') from {T}",
    f"select cast(case when abs(number) < 1e9 then number end as number(12, 2)) from {T}",
    f"select small / nullif(big, 0), iff(big = 0, 0, small / big) from {T}",
    f"select x.value from {T} as t, lateral flatten(input => try_parse_json(t.label)) as x",
    f"select sum(big), sum(small), small * big, dateadd(day, -7, sysdate()) from {T}",
    f"call system$send_email('a', 'b', (select count(*) || ' rows' from {T}))",
    f"merge into {T} as t using (select id, max(label) as label from {T} group by id) as u"
    " on t.id = u.id when matched and u.label > t.label then update set label = u.label"
    " when not matched then insert (id, label) values (u.id, u.label)",
    f"merge into {T} as t using (select * from {T}"
    " qualify row_number() over (partition by id order by moment desc) = 1) as u"
    " on t.id = u.id when matched then update set label = u.label",
]  # fmt: skip


def faults(sql: str, dialect: str = "duckdb") -> list:
    project = Project(dialect, {"t": COLUMNS})
    project.add("statement", sql)
    return project.faults().get("statement", [])


@pytest.fixture(scope="module")
def hostile():
    with hostile_table() as connection:
        yield connection


@pytest.mark.parametrize("sql", FAILS)
def test_what_fails_on_duckdb_is_a_fault(hostile, sql):
    assert _fails(hostile, sql), "it does not fail: it belongs to what holds"
    assert faults(sql)


@pytest.mark.parametrize("sql", HOLDS)
def test_what_holds_on_duckdb_is_none(hostile, sql):
    assert not _fails(hostile, sql)
    assert faults(sql) == []


@pytest.mark.parametrize("sql", FAILS_ON_SNOWFLAKE)
def test_what_fails_on_snowflake_is_a_fault(sql):
    assert faults(sql, "snowflake")


@pytest.mark.parametrize("sql", HOLDS_ON_SNOWFLAKE)
def test_what_holds_on_snowflake_is_none(sql):
    assert faults(sql, "snowflake") == []


def _fails(hostile: duckdb.DuckDBPyConnection, sql: str) -> bool:
    hostile.begin()
    try:
        rows = hostile.execute(sql).fetchall()
    except (duckdb.ConversionException, duckdb.OutOfRangeException,
            duckdb.InvalidInputException):  # fmt: skip
        return True
    finally:
        hostile.rollback()
    return any(isinstance(one, float) and not isfinite(one) for row in rows for one in row)
