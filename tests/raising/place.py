"""An expression in the place where it stands: what the rules of functions.py are given."""

from typing import TYPE_CHECKING

from sqlglot import exp
from sqlglot.optimizer.scope import Scope

from tests.raising.facts import Facts
from tests.raising.values import NULL, Value

if TYPE_CHECKING:
    from tests.raising.evaluation import Evaluation


class Place:
    """A node of a statement, the query it stands in, and what the CASEs around it make true."""

    def __init__(
        self, evaluation: "Evaluation", node: exp.Expression, scope: Scope | None, facts: Facts
    ) -> None:
        self.evaluation, self.node, self.scope, self.facts = evaluation, node, scope, facts
        self.dialect = evaluation.dialect

    def of(self, node: exp.Expression | None, facts: Facts | None = None) -> Value:
        """Return what is known of a part of this node; NULL for one that is absent."""
        if node is None:
            return NULL
        return self.evaluation.value(node, self.scope, self.facts if facts is None else facts)

    def parts(self) -> list[Value]:
        """Return what is known of each part."""
        return [
            self.of(part)
            for part in self.node.iter_expressions()
            if not isinstance(part, exp.Identifier)
        ]

    def fault(self, why: str) -> None:
        """Note that this node may fail."""
        self.evaluation.note(self.node, why)
