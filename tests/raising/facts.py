"""What the conditions of the CASEs around an expression make true of its parts.

Both engines take the branches of a CASE in order and stop at the first that holds. A WHERE is no
such guard: a planner may compute a column before it filters.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from math import inf

from sqlglot import exp

from tests.raising.values import Bound, Value

_OPPOSITE = {exp.LT: exp.GTE, exp.LTE: exp.GT, exp.GT: exp.LTE, exp.GTE: exp.LT,
             exp.EQ: exp.NEQ, exp.NEQ: exp.EQ}  # fmt: skip
_TURNED = {exp.LT: exp.GT, exp.LTE: exp.GTE, exp.GT: exp.LT, exp.GTE: exp.LTE,
           exp.EQ: exp.EQ, exp.NEQ: exp.NEQ}  # fmt: skip
_KEYS: dict[int, tuple[exp.Expression, str]] = {}


@dataclass(frozen=True)
class Fact:
    """Bounds of an expression. NaN is greater than all, so that an upper bound excludes it."""

    key: str
    low: Bound = -inf
    high: Bound = inf
    is_not_zero: bool = False


@dataclass(frozen=True)
class Facts:
    """Facts that hold in a place."""

    known: frozenset[Fact] = frozenset()

    def narrow(self, node: exp.Expression, value: Value) -> Value:
        """Return a value with what is known here of its expression."""
        if not self.known or not value.is_ordered:
            return value
        key = _key(node)
        for fact in self.known:
            if fact.key == key:
                value = value.within(
                    fact.low,
                    fact.high,
                    may_be_nan=value.may_be_nan and fact.high == inf,
                    is_zero_excluded=value.is_zero_excluded or fact.is_not_zero,
                )
        return value

    def and_if(
        self, condition: exp.Expression, holds: bool, value_of: Callable[[exp.Expression], Value]
    ) -> "Facts":
        """Return these facts with those that follow when a condition holds, or when it does not."""
        return Facts(self.known | frozenset(_facts(condition, holds, value_of)))


NO_FACTS = Facts()


def _facts(
    condition: exp.Expression, holds: bool, value_of: Callable[[exp.Expression], Value]
) -> Iterator[Fact]:
    condition = condition.unnest()
    if isinstance(condition, exp.Not):
        yield from _facts(condition.this, not holds, value_of)
    elif isinstance(condition, exp.And if holds else exp.Or):
        for part in (condition.left, condition.right):
            yield from _facts(part, holds, value_of)
    elif isinstance(condition, exp.Between) and holds:
        yield from _compared(exp.GTE, condition.this, condition.args["low"], value_of)
        yield from _compared(exp.LTE, condition.this, condition.args["high"], value_of)
    elif type(condition) in _OPPOSITE:
        operator = type(condition) if holds else _OPPOSITE[type(condition)]
        for one, other, compared in (
            (condition.left, condition.right, operator),
            (condition.right, condition.left, _TURNED[operator]),
        ):
            # What does not hold may be NULL as well, of which the opposite does not follow.
            if holds or not value_of(other).may_be_null:
                yield from _compared(compared, one, other, value_of)


def _compared(
    operator: type[exp.Expression],
    one: exp.Expression,
    other: exp.Expression,
    value_of: Callable[[exp.Expression], Value],
) -> Iterator[Fact]:
    one, than = one.unnest(), value_of(other)
    if isinstance(one, exp.Literal) or not than.is_ordered:
        return
    step = value_of(one).grain if than.is_constant or than.kind == "whole" else 0
    if step and than.is_constant and Fraction(than.low) % Fraction(step):
        step = 0  # it is compared with what lies between two of the multiples
    low = {exp.GT: than.low + step, exp.GTE: than.low, exp.EQ: than.low}.get(operator, -inf)
    high = {exp.LT: than.high - step, exp.LTE: than.high, exp.EQ: than.high}.get(operator, inf)
    if than.may_be_nan:
        high = inf
    is_not_zero = (
        (operator is exp.NEQ and than.low == than.high == 0)
        or (operator is exp.GT and than.low >= 0)
        or (operator is exp.LT and than.high <= 0)
    )
    fact = Fact(_key(one), low, high, is_not_zero)
    yield fact
    if isinstance(one, exp.Abs) and high < inf:
        yield replace(fact, key=_key(one.this), low=-high)


def _key(node: exp.Expression) -> str:
    """Return what an expression says, by which it is known again."""
    node = node.unnest()
    if id(node) not in _KEYS:
        _KEYS[id(node)] = node, node.sql(comments=False)
    return _KEYS[id(node)][1]
