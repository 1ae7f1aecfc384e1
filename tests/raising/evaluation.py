"""Follows values through the expressions of a statement and notes each form that may fail.

A fault is a form that raises on some row, or that gives infinity or NaN to a sum over many rows.
What is not known counts as a fault: a function without a rule, a cast of an unknown type.
"""

from collections.abc import Callable
from typing import NamedTuple

from sqlglot import exp
from sqlglot.optimizer.scope import Scope

from tests.raising import values
from tests.raising.facts import NO_FACTS, Facts
from tests.raising.functions import NAMED, RULES
from tests.raising.place import Place
from tests.raising.values import UNKNOWN, Value

Relation = Callable[[exp.Table, str], Value]


class Fault(NamedTuple):
    """A form that may fail, as SQL, and why."""

    form: str
    why: str


class Evaluation:
    """Values of the expressions of one statement; `relation` knows the columns of stored tables."""

    def __init__(self, dialect: str, relation: Relation) -> None:
        self.dialect, self.relation = dialect, relation
        self.faults: dict[Fault, None] = {}
        self.scopes: dict[int, Scope] = {}  # of the queries inside of expressions, by their id
        self._known: dict[tuple[int, Facts], Value] = {}

    def value(self, node: exp.Expression, scope: Scope | None, facts: Facts = NO_FACTS) -> Value:
        """Return what is known of an expression in the place where it stands."""
        known = self._known.get((id(node), facts))
        if known is None:
            known = facts.narrow(node, self._rule(node)(Place(self, node, scope, facts)))
            self._known[id(node), facts] = known
        return known

    def column(self, scope: Scope, name: str) -> Value:
        """Return what is known of a column of a query's result."""
        names = [one.lower() for one in scope.expression.named_selects]
        return self.column_at(scope, names.index(name)) if name in names else UNKNOWN

    def column_at(self, scope: Scope, at: int) -> Value:
        """Return what is known of a column of a query's result, by its place."""
        if isinstance(scope.expression, exp.SetOperation):
            return values.hull([self.column_at(one, at) for one in scope.union_scopes])
        return self.value(scope.expression.selects[at].unalias(), scope)

    def note(self, node: exp.Expression, why: str) -> None:
        """Note a fault, once."""
        self.faults[Fault(node.sql(self.dialect, comments=False), why)] = None

    def _rule(self, node: exp.Expression) -> Callable[[Place], Value]:
        name = node.name.lower() if isinstance(node, exp.Anonymous) else type(node).__name__
        return (
            NAMED.get(name, _unknown)
            if isinstance(node, exp.Anonymous)
            else RULES.get(type(node), _unknown)
        )


def _unknown(place: Place) -> Value:
    place.parts()
    place.fault(f"{place.node.key} has no rule in tests/raising/functions.py")
    return UNKNOWN
