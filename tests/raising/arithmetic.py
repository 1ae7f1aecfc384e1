"""The rules of numbers: what divides by zero, leaves its domain, or is more than its type holds."""

from dataclasses import replace
from fractions import Fraction
from math import factorial, inf, log

from sqlglot import exp

from tests.raising import values
from tests.raising.dates import longer, moved
from tests.raising.functions import rule
from tests.raising.place import Place
from tests.raising.values import DOUBLE, FINITE, MOST_ROWS, TIMES, UNKNOWN, Bound, Value

_OPERATORS = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/"}


@rule(exp.Add, exp.Sub, exp.Mul, exp.Div)
def _arithmetic(place: Place) -> Value:
    one, other = place.of(place.node.left), place.of(place.node.right)
    if one.kind in TIMES or (other.kind in TIMES and one.kind in ("interval", "whole")):
        return moved(place, one, other)
    if isinstance(place.node, exp.Mul) and "interval" in (one.kind, other.kind):
        return longer(place, one, other)
    if isinstance(place.node, exp.Div) and not other.excludes_zero and other.kind != "null":
        place.fault("its divisor may be zero")
    return _calculated(place, _OPERATORS[type(place.node)], one, other)


def _calculated(place: Place, operator: str, one: Value, other: Value) -> Value:
    if "null" in (one.kind, other.kind):
        return one if other.kind == "null" else other
    if not (one.is_number and other.is_number):
        place.fault(f"{one.kind} and {other.kind} are calculated with")
        return UNKNOWN
    return _fitting(place, values.calculate(operator, one, other, place.dialect))


def _fitting(place: Place, result: Value) -> Value:
    """Note a result that its type may not hold; return it with the bounds of its type."""
    if not result.fits:
        place.fault("the result may be more than its type holds")
        return result.within(-result.limit, result.limit)
    return result


@rule(exp.Mod, exp.IntDiv)
def _remainder(place: Place) -> Value:
    one, other = place.of(place.node.left), place.of(place.node.right)
    if not other.excludes_zero:
        place.fault("its divisor may be zero")
    if not (one.is_number and other.is_number):
        place.fault(f"{one.kind} and {other.kind} are calculated with")
        return UNKNOWN
    if isinstance(place.node, exp.IntDiv):
        return replace(_calculated(place, "/", one, other), kind="whole", limit=one.limit)
    kind, limit, scale = values.result_type("-", one, other, place.dialect)
    if kind == "whole" and one.low <= -limit and other.low <= -1 <= other.high:
        place.fault("the least of a type divided by -1 is more than the type holds")
    most = max(abs(other.low), abs(other.high))
    return Value(
        kind, 0 if one.low >= 0 else -most, 0 if one.high <= 0 else most, limit=limit, scale=scale,
        may_be_nan=kind == "double" and not (one.is_bounded and other.is_bounded),
    )  # fmt: skip


@rule(exp.Neg, exp.Abs)
def _sign(place: Place) -> Value:
    one = place.of(place.node.this)
    if not one.is_number:
        place.fault(f"{one.kind} is taken for a number")
        return UNKNOWN
    if isinstance(place.node, exp.Neg):
        result = replace(one, low=-one.high, high=-one.low, is_count=False)
    else:
        least = 0.0 if one.low <= 0 <= one.high else min(abs(one.low), abs(one.high))
        result = replace(one, low=least, high=max(abs(one.low), abs(one.high)))
    # The least of a type has no opposite in it.
    return _fitting(place, result)


@rule(exp.Round, exp.Ceil, exp.Floor)
def _rounded(place: Place) -> Value:
    one = place.parts()[0]
    if not one.is_number:
        place.fault(f"{one.kind} is taken for a number")
        return UNKNOWN
    digits = place.node.args.get("decimals")
    step = Fraction(1, 10 ** int(digits.name)) if digits is not None else 1
    is_whole = one.kind == "whole"
    return replace(
        one,
        low=one.low if is_whole else _outward(one.low, -step),
        high=one.high if is_whole else _outward(one.high, step),
        is_zero_excluded=is_whole and one.excludes_zero,
        is_count=False,
        is_constant=False,
        step=1 if is_whole else step,
    )


def _outward(bound: Bound, step: Bound) -> Bound:
    """A bound that is a multiple of the step stays: nothing rounds across it."""
    return bound if abs(bound) == inf or Fraction(bound) % Fraction(step) == 0 else bound + step


MOST_FACTORIAL = 33
_MOST_SQUARED = 1e140
# The least and the greatest that a function takes, and what it gives.
_DOMAINS: dict[type[exp.Expression], tuple[float, float, float, float]] = {
    exp.Sqrt: (0, inf, 0, inf),
    exp.Asin: (-1, 1, -1.6, 1.6),
    exp.Acos: (-1, 1, 0, 3.2),
    exp.Factorial: (0, MOST_FACTORIAL, 1, factorial(MOST_FACTORIAL)),
    exp.Exp: (-inf, 700, 0, inf),
}


@rule(*_DOMAINS)
def _of_a_domain(place: Place) -> Value:
    one, (least, most, low, high) = place.of(place.node.this), _DOMAINS[type(place.node)]
    is_whole = isinstance(place.node, exp.Factorial)
    if not one.is_number or one.low < least or one.high > most:
        place.fault(f"{place.node.key} takes numbers from {least:g} to {most:g} only")
    elif isinstance(place.node, exp.Sqrt):
        low, high = one.low**0.5, one.high**0.5
    elif is_whole:
        low, high = factorial(int(one.low)), factorial(int(one.high))
    limit = (2**127 if place.dialect == "duckdb" else 10**38) if is_whole else inf
    return Value(
        "whole" if is_whole else "double", low, high, limit=limit,
        may_be_nan=one.may_be_nan and not is_whole, may_be_null=one.may_be_null,
        is_zero_excluded=low > 0 or (isinstance(place.node, exp.Sqrt) and one.excludes_zero),
    )  # fmt: skip


@rule(exp.Ln, exp.Log)
def _logarithm(place: Place) -> Value:
    for part in place.parts():
        if not part.is_number or not (part.low > 0 or (part.low >= 0 and part.excludes_zero)):
            place.fault("a logarithm takes numbers above zero only")
    one = place.parts()[-1]
    if not one.is_number or one.low <= 0:
        return DOUBLE
    ends = log(one.low), log(one.high) if one.high < inf else inf
    slack = [abs(end) * 1e-9 for end in ends]  # engines differ in the last digits
    base = 1 if isinstance(place.node, exp.Ln) else 1 / log(2)
    low, high = min(ends[0] - slack[0], 0) * base, max(ends[1] + slack[1], 0) * base
    return Value("double", low, high, may_be_nan=one.may_be_nan)


@rule(exp.Pow)
def _power(place: Place) -> Value:
    one, other = place.of(place.node.this), place.of(place.node.expression)
    if not one.is_number or other.low != other.high or other.low not in (2, 3):
        place.fault("a power of which the exponent is not 2 or 3")
        return DOUBLE
    squared = values.calculate("*", one, one, place.dialect)
    if other.low == 2:
        squared = squared.within(0, inf, is_zero_excluded=one.excludes_zero)
    return replace(squared, kind="double", limit=inf)


@rule(exp.Sum, exp.Avg, exp.Stddev, exp.Variance)
def _sum(place: Place) -> Value:
    one = place.of(place.node.this)
    if one.kind == "null":
        return one
    if not one.is_number:
        place.fault(f"adds up {one.kind}")
        return UNKNOWN
    if not one.is_bounded:
        place.fault("one row makes the result infinite or NaN for all of them")
        return DOUBLE
    if isinstance(place.node, exp.Avg):
        return Value("double", one.low, one.high)
    if not isinstance(place.node, exp.Sum):
        if max(-one.low, one.high) > _MOST_SQUARED:
            place.fault("the squares of its numbers may be infinite")
        return Value("double", 0, inf, may_be_nan=True)
    if one.is_count:
        return replace(one, high=MOST_ROWS, may_be_null=True, is_constant=False,
                       limit=_of_sums(place, one))  # fmt: skip
    total = replace(one, low=min(one.low, one.low * MOST_ROWS),
                    high=max(one.high, one.high * MOST_ROWS), limit=_of_sums(place, one),
                    may_be_null=True, is_zero_excluded=False, is_constant=False)  # fmt: skip
    if max(-total.low, total.high) > FINITE:
        place.fault("the sum may be infinite")
        return DOUBLE
    return _fitting(place, total)


def _of_sums(place: Place, one: Value) -> Bound:
    if one.kind == "double":
        return inf
    is_huge = one.kind == "whole" and place.dialect == "duckdb"
    return 2**127 if is_huge else 10 ** (38 - one.scale)


@rule(exp.Max, exp.Min, exp.ArgMax, exp.ArgMin, exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue)
def _one_row_of_many(place: Place) -> Value:
    return replace(place.parts()[0], may_be_null=True, is_constant=False)
