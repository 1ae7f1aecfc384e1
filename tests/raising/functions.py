"""What each kind of expression gives, and when it may fail, on both engines.

A rule looks at its parts first, so that their faults are noted too. An expression without a rule is
a fault: whoever uses a new function says here whether it may fail.
"""

from collections.abc import Callable
from dataclasses import replace
from math import inf

from sqlglot import exp
from sqlglot.optimizer.scope import Scope

from tests.raising import values
from tests.raising.facts import Facts
from tests.raising.place import Place
from tests.raising.values import (
    BOOLEAN,
    COUNT,
    JSON,
    NOW,
    NULL,
    TEXT,
    TIMES,
    UNKNOWN,
    Value,
    hull,
)

Rule = Callable[[Place], Value]
RULES: dict[type[exp.Expression], Rule] = {}
NAMED: dict[str, Rule] = {}  # functions that sqlglot has no class for


def rule(*kinds: type[exp.Expression] | str) -> Callable[[Rule], Rule]:
    """Register the rule of expressions, by their class or by the name of the function."""

    def register(function: Rule) -> Rule:
        for kind in kinds:
            (NAMED if isinstance(kind, str) else RULES)[kind] = function
        return function

    return register


def _gives(value: Value, *kinds: type[exp.Expression] | str) -> None:
    """Register expressions that never fail and always give such a value."""

    def never_fails(place: Place) -> Value:
        place.parts()
        return value

    rule(*kinds)(never_fails)


_gives(TEXT, exp.DPipe, exp.Lower, exp.Upper, exp.MD5, exp.Substring, exp.Trim, exp.Replace,
       exp.Concat, exp.JSONFormat, exp.ToChar, exp.TimeToStr, exp.CurrentUser, exp.Translate,
       exp.SplitPart, exp.SHA2, exp.Hex, exp.Uuid,
       exp.Initcap, exp.Reverse, exp.JSONType, exp.GroupConcat, exp.WithinGroup, "translate",
       "split_part", "as_varchar")  # fmt: skip
_gives(BOOLEAN, exp.Exists, exp.Is, exp.IsArray, exp.Like, exp.Contains, exp.Boolean, "json_valid",
       "is_role_in_session", "isfinite")  # fmt: skip
_gives(COUNT, exp.Length, exp.StrPosition)
_gives(Value("list"), exp.ArrayAgg)
_gives(NOW, exp.CurrentTimestamp, "now")
_gives(replace(NOW, kind="date"), exp.CurrentDate)
_gives(JSON, exp.ToVariant, exp.Struct, exp.PropertyEQ)
# Of what TRY_CAST made a map, or NULL.
_gives(JSON, "map_entries", exp.SortArray)
_gives(Value("whole", 0, 2**64 - 1, limit=2**64), "hash")
_gives(COUNT, exp.Count, exp.RowNumber, exp.Rank, exp.DenseRank, exp.CountIf)
_gives(UNKNOWN, exp.Var, exp.DataType, exp.Order, exp.WindowSpec, exp.JSONPath, exp.Star)
# Our own, whose tests say that they take whatever a row holds.
_gives(TEXT, "draft_message", "check_message", "write_from_template", "mail_address",
       "generate_retention_email", "review_retention_email", "read_review",
       "system$send_email")  # fmt: skip
_gives(Value("double", 0, 1), "predict_churn")
# Cortex gives a row's error as a part of its answer.
_gives(JSON, "ai_complete")


# -- values that stand in the text -------------------------------------------------------------


@rule(exp.Literal)
def _literal(place: Place) -> Value:
    return values.of_literal(place.node)


@rule(exp.Null)
def _null(_: Place) -> Value:
    return NULL


@rule(exp.Placeholder, exp.Parameter)
def _parameter(_: Place) -> Value:
    return TEXT  # as all parameters of procedures are


@rule("getvariable")
def _variable(place: Place) -> Value:
    return NOW if place.node.expressions[0].name == "as_of" else TEXT


@rule("sys_context")
def _sys_context(place: Place) -> Value:
    # TRUE or FALSE, as a text or a boolean by the account's version.
    return BOOLEAN if place.node.expressions[1].name == "IS_ROLE_ACTIVATED" else TEXT


# -- columns and queries -------------------------------------------------------------------------


@rule(exp.Column)
def _column(place: Place) -> Value:
    name, scope = place.node.name.lower(), place.scope
    while scope is not None:
        source = _source(scope, place.node.table)
        if isinstance(source, exp.Expression):
            return place.evaluation.relation(source, name)
        if source is not None:
            query = source.expression
            if isinstance(query, exp.Lateral) and isinstance(query.this, exp.Subquery):
                source = place.evaluation.scopes[id(query.this.unnest())]
            if isinstance(source.expression, exp.Query):
                return place.evaluation.column(source, name)
            return place.evaluation.relation(source.expression, name)
        if not place.node.table and name in _names(scope.expression):  # as ORDER BY may name them
            return place.evaluation.column(scope, name)
        scope = scope.parent
    place.fault("a column of a relation that is not known")
    return UNKNOWN


def _names(query: exp.Expression) -> list[str]:
    return [one.lower() for one in query.named_selects] if isinstance(query, exp.Query) else []


def _source(scope: Scope, alias: str) -> Scope | exp.Expression | None:
    read = {name: source for name, (_, source) in scope.selected_sources.items()}
    if not alias and len(read) == 1:
        return next(iter(read.values()))
    return read.get(alias, scope.sources.get(alias))


@rule(exp.Subquery, exp.Select, exp.SetOperation)
def _subquery(place: Place) -> Value:
    query = place.node.unnest()
    return replace(place.evaluation.column_at(place.evaluation.scopes[id(query)], 0),
                   may_be_null=True, is_constant=False)  # fmt: skip


@rule(exp.All, exp.Paren, exp.Alias, exp.Kwarg, exp.Ordered, exp.Distinct)
def _the_same(place: Place) -> Value:
    of_parts = [place.of(part) for part in place.node.iter_expressions()
                if not isinstance(part, exp.Identifier)]  # fmt: skip
    return of_parts[-1] if of_parts else NULL


@rule(exp.Dot)
def _of_a_schema(place: Place) -> Value:
    return place.of(place.node.expression)


@rule(exp.Chr)
def _character(place: Place) -> Value:
    if not all(part.is_constant for part in place.parts()):
        place.fault("a character of a number that a row says")
    return TEXT


@rule(exp.RegexpLike, exp.RegexpFullMatch, exp.RegexpReplace, exp.RegexpExtract)
def _pattern(place: Place) -> Value:
    if not place.parts()[1].is_constant:
        place.fault("a pattern that a row says")
    return BOOLEAN if isinstance(place.node, (exp.RegexpLike, exp.RegexpFullMatch)) else TEXT


@rule("json_exists")
def _exists_in_json(place: Place) -> Value:
    if place.parts()[0].kind != "json":
        place.fault("takes for JSON what may be none")
    return BOOLEAN


@rule("error")
def _error(place: Place) -> Value:
    place.parts()
    place.fault("fails by intention")
    return NULL


@rule(exp.Window)
def _window(place: Place) -> Value:
    place.parts()
    for part in place.node.args.get("partition_by") or []:
        place.of(part)
    return place.of(place.node.this)


# -- conditions ----------------------------------------------------------------------------------


@rule(exp.And, exp.Or, exp.Not)
def _logic(place: Place) -> Value:
    for part in place.parts():
        if part.kind not in ("boolean", "null"):
            place.fault(f"{part.kind} is taken for true or false")
    return BOOLEAN


@rule(exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In, exp.NullSafeEQ)
def _comparison(place: Place) -> Value:
    compared = [part for part in place.node.iter_expressions() if part is not None]
    of_parts = [place.of(part) for part in compared]
    _must_mix(place, of_parts)
    return BOOLEAN


def _must_mix(place: Place, of_parts: list[Value]) -> None:
    """Note values of kinds that the engine would convert into each other, row by row."""
    classes = {
        "number" if part.is_number else "time" if part.kind in TIMES else part.kind
        for part in of_parts
        if part.kind != "null" and not (part.kind == "text" and part.is_constant)
    }
    scale = max((part.scale for part in of_parts if part.kind == "decimal"), default=0)
    if scale and any(
        part.kind == "whole" and max(-part.low, part.high) >= 10 ** (38 - scale)
        for part in of_parts
    ):
        place.fault("a whole number may have too many digits for the decimal it is compared with")
    if len(classes) > 1 or classes & {"unknown", "mixed"}:
        place.fault(f"{' and '.join(sorted(classes))} are converted into each other")


@rule(exp.Case)
def _case(place: Place) -> Value:
    node, facts, results = place.node, place.facts, []
    subject = node.this
    for branch in node.args["ifs"]:
        if subject is not None:
            _must_mix(place, [place.of(subject), place.of(branch.this, facts)])
            results.append(place.of(branch.args["true"], facts))
            continue
        place.of(branch.this, facts)
        results.append(place.of(branch.args["true"], _and_if(place, facts, branch.this, True)))
        facts = _and_if(place, facts, branch.this, False)
    results.append(place.of(node.args.get("default"), facts))
    return _one_of(place, results)


@rule(exp.If)
def _if(place: Place) -> Value:
    node, facts = place.node, place.facts
    place.of(node.this)
    return _one_of(place, [
        place.of(node.args["true"], _and_if(place, facts, node.this, True)),
        place.of(node.args.get("false"), _and_if(place, facts, node.this, False)),
    ])  # fmt: skip


def _and_if(place: Place, facts: Facts, condition: exp.Expression, holds: bool) -> Facts:
    return facts.and_if(condition, holds, lambda node: place.of(node, facts))


@rule(exp.Coalesce)
def _coalesce(place: Place) -> Value:
    of_parts = place.parts()
    result = _one_of(place, of_parts)
    return replace(result, may_be_null=all(part.may_be_null for part in of_parts))


def _one_of(place: Place, of_parts: list[Value]) -> Value:
    result = hull(of_parts)
    if result.kind == "mixed":
        place.fault("its branches are of different kinds and are converted into each other")
    return result


@rule(exp.Nullif)
def _nullif(place: Place) -> Value:
    one, other = place.parts()
    _must_mix(place, [one, other])
    is_zero = other.is_number and other.low == other.high == 0
    low = 1.0 if is_zero and one.kind == "whole" and one.low == 0 else one.low
    # Where zero is all that it can be, it is NULL in every row, and any bounds are true.
    return replace(one, low=low, high=max(one.high, low), may_be_null=True,
                   is_zero_excluded=one.excludes_zero or is_zero)  # fmt: skip


@rule(exp.Greatest, exp.Least)
def _extreme(place: Place) -> Value:
    of_parts, is_greatest = place.parts(), isinstance(place.node, exp.Greatest)
    result = _one_of(place, of_parts)
    # DuckDB leaves NULL out, Snowflake gives it: what cannot be NULL counts in any case.
    always = [part for part in of_parts if not part.may_be_null]
    if is_greatest and always:
        result = result.within(max(part.low for part in always), inf)
    elif always:
        result = result.within(-inf, min(part.high for part in always))
        # NaN is greater than everything, and never the least of several.
        result = replace(result, may_be_nan=all(part.may_be_nan for part in of_parts))
    is_null = place.dialect == "snowflake" and any(part.may_be_null for part in of_parts)
    return replace(result, is_count=False, is_constant=False,
                   may_be_null=is_null or not always)  # fmt: skip
