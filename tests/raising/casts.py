"""The rules of casts, of parsing texts, and of JSON: what a row may hold that does not convert."""

from dataclasses import replace
from datetime import date

from sqlglot import exp

from tests.raising import values
from tests.raising.functions import rule
from tests.raising.place import Place
from tests.raising.values import (
    BOOLEAN,
    DATE,
    DATE_LIMIT,
    DOUBLE,
    JSON,
    MOMENT,
    MOMENT_LIMIT,
    TEXT,
    TIMES,
    Value,
)


@rule(exp.Cast)
def _cast(place: Place) -> Value:
    one, to = place.of(place.node.this), values.of_type(place.node.to, place.dialect)
    if why := why_it_may_not_fit(one, to, place.dialect):
        place.fault(why)
        return to
    return converted(one, to, place.node.this)


def why_it_may_not_fit(one: Value, to: Value, dialect: str) -> str:
    """Return why a value may not convert to a type, or nothing when it always does."""
    if one.kind == "null" or (one.kind == "text" and one.is_constant) or to.kind == "text":
        return "" if one.kind not in ("unknown", "mixed") or to.kind == "text" else "unknown"
    if to.is_number and one.is_number:
        if to.kind == "double":
            return ""
        rounding = 0 if one.scale <= to.scale and one.kind != "double" else 0.5 / 10**to.scale
        if one.may_be_nan or not converted_bounds(one, to, rounding).fits:
            span = f"{float(one.low):g} to {float(one.high):g}"
            return f"the number may be too large for its new type, or NaN: {span}"
        return ""
    if to.kind in TIMES and one.kind in TIMES:
        limit = DATE_LIMIT if to.kind == "date" else MOMENT_LIMIT
        return "" if max(-one.low, one.high) <= limit else "the date may be out of range"
    if (to.is_number and one.kind == "boolean") or (one.kind == to.kind != "unknown"):
        return ""
    if to.kind == "json" and dialect == "snowflake" and one.kind not in ("unknown", "mixed"):
        return ""  # a VARIANT holds anything
    return f"{one.kind} may not convert to {to.kind}"


def converted_bounds(one: Value, to: Value, rounding: float) -> Value:
    return replace(one, kind=to.kind, limit=to.limit, scale=to.scale,
                   low=one.low - rounding, high=one.high + rounding)  # fmt: skip


def of_day(literal: exp.Expression, value: Value) -> Value:
    """Return the date that a literal writes."""
    try:
        day = (date.fromisoformat(literal.name) - date(1970, 1, 1)).days
    except ValueError:
        return value
    return replace(value, low=day, high=day)


def converted(one: Value, to: Value, node: exp.Expression) -> Value:
    """Return the value of a node after a cast that fits."""
    if to.is_number and one.is_number:
        is_exact = one.kind != "double" and one.scale <= to.scale
        rounding = 0 if is_exact or to.kind == "double" else 0.5 / 10**to.scale
        return replace(
            converted_bounds(one, to, rounding),
            is_constant=False, may_be_nan=one.may_be_nan and to.kind == "double",
            is_zero_excluded=one.excludes_zero and (to.kind == "double" or is_exact),
            step=one.step if to.kind == "double" else to.step,
        ).within(to.low, to.high)  # fmt: skip
    if to.kind in TIMES and one.kind in TIMES:
        return replace(one, kind=to.kind)
    if one.kind == "null":
        return replace(to, low=0, high=0, may_be_nan=False)
    if to.kind in TIMES and not one.is_constant:  # a text names any day that the engine knows
        to = replace(to, low=-2 * DATE_LIMIT, high=2 * DATE_LIMIT)
    elif to.kind == "date":
        to = of_day(node, to)
    return replace(to, may_be_null=one.may_be_null, is_constant=False)


@rule(exp.TryCast)
def _try_cast(place: Place) -> Value:
    one, to = place.of(place.node.this), values.of_type(place.node.to, place.dialect)
    if place.dialect == "snowflake" and one.kind not in ("text", "null"):
        place.fault(f"Snowflake's TRY_CAST takes texts only, not {one.kind}")
    return replace(converted(one, to, place.node.this), may_be_null=True)


@rule(exp.ToNumber, exp.ToDouble, exp.TsOrDsToDate, exp.ToBoolean, exp.StrToTime, exp.ParseJSON)
def _parsed(place: Place) -> Value:
    one = place.parts()[0]
    if not place.node.args.get("safe") and not one.is_constant:
        place.fault(f"parses {one.kind}, which may be anything; there is a form that gives NULL")
    if place.node.args.get("safe") and one.kind not in ("text", "null"):
        place.fault(f"takes texts only, not {one.kind}")
    if isinstance(place.node, exp.ToNumber):
        digits, scale = (place.node.text(name) for name in ("precision", "scale"))
        return values.of_decimal(int(digits or 38), int(scale or 0))
    to = {
        exp.ToDouble: DOUBLE, exp.TsOrDsToDate: DATE, exp.ToBoolean: BOOLEAN, exp.ParseJSON: JSON,
    }.get(type(place.node), MOMENT)  # fmt: skip
    return replace(converted(one, to, place.node.this), may_be_null=True)


@rule(exp.JSONExtract, exp.JSONExtractScalar)
def _part_of_json(place: Place) -> Value:
    one = place.of(place.node.this)
    if one.kind not in ("json", "null"):
        place.fault(f"takes {one.kind} for JSON, which it may not be")
    return TEXT if isinstance(place.node, exp.JSONExtractScalar) else JSON


@rule("from_json", "json_each", "dynamic_tables", "task_history")
def _opened(place: Place) -> Value:
    of_parts = place.parts()
    if place.node.name.lower() in ("from_json", "json_each") and of_parts[0].kind != "json":
        place.fault(f"takes {of_parts[0].kind} for JSON, which it may not be")
    return Value("list")


@rule("string_split", exp.Split, exp.Array)
def _list(place: Place) -> Value:
    place.parts()
    return Value("list")


@rule(exp.Explode, exp.Unnest)
def _rows_of_list(place: Place) -> Value:
    one = place.parts()[0]
    if one.kind not in ("list", "json", "null"):
        place.fault(f"takes {one.kind} for a list")
    return TEXT


@rule(exp.ArrayContains)
def _contains(place: Place) -> Value:
    place.parts()
    return BOOLEAN
