"""The rules of dates and times: what may lie beyond the days that an engine knows."""

from dataclasses import replace
from math import inf

from sqlglot import exp

from tests.raising import values
from tests.raising.casts import of_day
from tests.raising.functions import rule
from tests.raising.place import Place
from tests.raising.values import DATE_LIMIT, MOMENT, MOMENT_LIMIT, TIMES, Value

# The least days of a unit: so many units fit into a span at most.
_DAYS = {
    "MICROSECOND": 1 / 8.64e10, "MILLISECOND": 1 / 8.64e7, "SECOND": 1 / 86400, "MINUTE": 1 / 1440,
    "HOUR": 1 / 24, "DAY": 1, "WEEK": 7, "MONTH": 28, "QUARTER": 90, "YEAR": 365,
}  # fmt: skip
_LONGEST = {"MONTH": 31, "QUARTER": 92, "YEAR": 366}


def moved(place: Place, one: Value, other: Value) -> Value:
    """Return a day or moment that is moved, or the span between two."""
    is_sum = isinstance(place.node, exp.Add)
    if is_sum and other.kind in TIMES:
        one, other = other, one
    if other.kind in TIMES:
        return Value("whole" if one.kind == other.kind == "date" else "interval",
                     one.low - other.high, one.high - other.low, limit=2**63)  # fmt: skip
    if other.kind not in ("whole", "interval", "null"):
        place.fault(f"{one.kind} and {other.kind} are calculated with")
        return one
    low, high = (other.low, other.high) if is_sum else (-other.high, -other.low)
    kind = one.kind
    if other.kind == "interval" and place.dialect == "duckdb":
        kind = "moment"
    return _reachable(place, replace(one, kind=kind, low=one.low + low, high=one.high + high))


def _reachable(place: Place, result: Value) -> Value:
    limit = DATE_LIMIT if result.kind == "date" else MOMENT_LIMIT
    if max(-result.low, result.high) > limit:
        place.fault(f"the {result.kind} may be out of the engine's range")
        return result.within(-limit, limit)
    return result


@rule(exp.Interval)
def _interval(place: Place) -> Value:
    amount, text = place.of(place.node.this), place.node.this.name
    number, _, unit = text.partition(" ")
    unit = (unit or place.node.text("unit")).upper().rstrip("S")
    if not amount.is_constant or unit not in _DAYS:
        place.fault("an interval whose length a row says")
        return Value("interval")
    days = float(number) * _LONGEST.get(unit, _DAYS[unit])
    return Value("interval", min(days, 0), max(days, 0), may_be_null=False)


def longer(place: Place, one: Value, other: Value) -> Value:
    """Return an interval that is multiplied."""
    span, times = (one, other) if one.kind == "interval" else (other, one)
    if not times.is_number or times.low != times.high:
        place.fault("an interval whose length a row says")
        return Value("interval")
    return replace(span, low=span.low * times.low, high=span.high * times.high)


@rule(exp.DateAdd, exp.TsOrDsAdd)
def _date_add(place: Place) -> Value:
    one, amount = place.of(place.node.this), place.of(place.node.expression)
    if one.kind not in TIMES or not (amount.is_number or amount.kind == "interval"):
        place.fault(f"{amount.kind} is added to {one.kind}")
        return MOMENT
    unit = place.node.text("unit").upper().rstrip("S") or "DAY"
    days = 1 if amount.kind == "interval" else _LONGEST.get(unit, _DAYS.get(unit, inf))
    moved = replace(one, low=one.low + min(amount.low * days, 0),
                    high=one.high + max(amount.high * days, 0))  # fmt: skip
    is_date = one.kind == "date" and place.dialect == "snowflake" and unit in ("DAY", "MONTH")
    return _reachable(place, replace(moved, kind="date" if is_date else "moment"))


@rule(exp.DateDiff)
def _date_diff(place: Place) -> Value:
    one, other = place.of(place.node.this), place.of(place.node.expression)
    if one.kind not in TIMES or other.kind not in TIMES:
        place.fault(f"the span between {other.kind} and {one.kind}")
        return replace(values.COUNT, low=-(2**62))
    days = _DAYS[place.node.text("unit").upper().rstrip("S") or "DAY"]
    return Value("whole", (one.low - other.high) / days - 1, (one.high - other.low) / days + 1,
                 limit=2**63)  # fmt: skip


@rule(exp.TimestampTrunc, exp.DateTrunc)
def _truncated(place: Place) -> Value:
    one = place.of(place.node.this)
    if one.kind not in TIMES:
        place.fault(f"{one.kind} is taken for a date")
        return MOMENT
    # DuckDB makes a TIMESTAMP of a DATE, which reaches further.
    kind = "moment" if place.dialect == "duckdb" else one.kind
    return _reachable(place, replace(one, kind=kind, low=one.low - 366))


@rule(exp.DayOfWeekIso)
def _day_of_week(place: Place) -> Value:
    one = place.of(place.node.this)
    if one.kind not in TIMES:
        place.fault(f"{one.kind} is taken for a date")
    return Value("whole", 1, 7, may_be_null=one.may_be_null, limit=2**31)


@rule(exp.TsOrDsToDate)
def _date_of_a_literal(place: Place) -> Value:
    """TO_DATE with a format: of a literal, which no row decides. TRY_TO_DATE never fails."""
    literal = place.node.this
    if place.node.args.get("safe"):
        return values.DATE
    if not (isinstance(literal, exp.Literal) and place.node.args.get("format")):
        place.fault("a text that may be no date")
        return values.DATE
    return of_day(literal, replace(values.DATE, may_be_null=False))


@rule(exp.TimeToUnix)
def _epoch(place: Place) -> Value:
    one = place.of(place.node.this)
    if one.kind not in (*TIMES, "interval"):
        place.fault(f"{one.kind} is taken for a date")
    return Value("double", -1e13, 1e13)


@rule(exp.ConvertTimezone)
def _converted(place: Place) -> Value:
    if place.parts()[-1].kind != "moment":
        place.fault("what is converted to another zone is no moment")
    return MOMENT
