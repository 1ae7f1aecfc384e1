"""Walks the statements of a project: each expression of each query, where it stands."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope

from tests.raising import arithmetic, casts, dates  # noqa: F401 - they register their rules
from tests.raising.casts import why_it_may_not_fit
from tests.raising.evaluation import Evaluation, Fault
from tests.raising.rows import are_unique, repeats
from tests.raising.values import COUNT, JSON, MOMENT, TEXT, UNKNOWN, Value, of_column

# By name of the table, the types of its columns as DuckDB writes them.
Schema = Mapping[str, Mapping[str, str]]
_STORED = "stored"  # the schema of all tables here, so that no CTE hides one
_FLATTENED = {"key": TEXT, "path": TEXT, "index": COUNT, "seq": COUNT, "value": JSON, "this": JSON}
_FUNCTIONS_OF_ROWS = {
    "flatten": _FLATTENED,
    "json_each": {"key": TEXT, "value": JSON},
    # How Snowflake's own objects fare.
    "task_history": {
        "query_start_time": MOMENT, "completed_time": MOMENT,
        **dict.fromkeys(
            ("name", "database_name", "schema_name", "condition_text", "state", "error_message"),
            TEXT,
        ),
    },
    "dynamic_tables": {
        "latest_data_timestamp": MOMENT, "scheduling_state": JSON,
        **dict.fromkeys(("target_lag_sec", "mean_lag_sec", "maximum_lag_sec"), COUNT),
        **dict.fromkeys(
            ("name", "schema_name", "target_lag_type", "last_completed_refresh_state",
             "last_completed_refresh_state_message"), TEXT,
        ),
    },
}  # fmt: skip


@dataclass
class _Query:
    """A statement as a query, and the columns that its first columns are written to."""

    scope: Scope
    table: str = ""
    columns: list[str] = field(default_factory=list)


class Project:
    """All statements of one engine, by the name of their object, and the types of its tables.

    `bounds` is what is known of stored columns beyond their type.
    """

    def __init__(
        self, dialect: str, schema: Schema, bounds: Mapping[tuple[str, str], Value] | None = None
    ) -> None:
        self.dialect = dialect
        self.bounds = dict(bounds or {})
        self._schema = {table: dict.fromkeys(columns, "int") for table, columns in schema.items()}
        self._types = {
            (table, column): of_column(exp.DataType.build(kind, dialect="duckdb"), dialect)
            for table, columns in schema.items()
            for column, kind in columns.items()
        }
        self._queries: dict[str, list[_Query]] = {}
        self._relations: set[str] = set()
        self._doubled: list[tuple[str, exp.Expression]] = []
        self._evaluations: dict[str, Evaluation] = {}

    def add(self, name: str, sql: str, *, is_relation: bool = False) -> None:
        """Add an object's statements.

        A relation is a view, or a table that always holds what its query gives: what is known of
        the query's columns is known of its own. Of other tables only types are known. What reads
        a relation is added after it.
        """
        self._queries[name] = []
        for statement in sqlglot.parse(sql, read=self.dialect):
            if statement is not None:
                self._queries[name] += self._as_queries(statement)
            if isinstance(statement, exp.Merge) and not are_unique(statement):
                self._doubled.append((name, statement.args["using"]))
        if is_relation:
            self._relations.add(name)
            if name not in self._schema:
                [query] = self._queries[name]
                columns = [one.lower() for one in query.scope.expression.named_selects]
                self._schema[name] = dict.fromkeys(columns, "int")

    @property
    def names(self) -> set[str]:
        """Of all objects."""
        return set(self._queries)

    @property
    def relations(self) -> set[str]:
        """Of all views, and tables that hold what their query gives."""
        return self._relations

    def faults(self) -> dict[str, list[Fault]]:
        """Return what may fail, by the name of the object."""
        self._evaluations = {
            name: Evaluation(self.dialect, self._column_of) for name in self._queries
        }
        for name, queries in self._queries.items():
            for query in queries:
                for scope in query.scope.traverse():
                    self._evaluations[name].scopes[id(scope.expression)] = scope
        for name, queries in self._queries.items():
            for query in queries:
                self._walk(query, self._evaluations[name])
        for name, source in self._doubled:
            self._evaluations[name].note(source, "its rows may match one row twice")
        return {name: list(one.faults) for name, one in self._evaluations.items() if one.faults}

    def kinds(self, name: str) -> dict[str, str]:
        """Return, after faults(), what the columns of a relation were taken for."""
        [query] = self._queries[name]
        names = [column.lower() for column in query.scope.expression.named_selects]
        return {column: self.value(name, column).kind for column in names}

    def value(self, name: str, column: str) -> Value:
        """Return, after faults(), what is known of a column of a relation."""
        [query] = self._queries[name]
        return self._evaluations[name].column(query.scope, column)

    # -- statements as queries --------------------------------------------------------------------

    def _as_queries(self, statement: exp.Expression) -> Iterator[_Query]:
        """Give a query for each statement that reads rows: what it writes, as its first columns."""
        if isinstance(statement, exp.Query):
            yield _Query(self._scope(statement))
        elif isinstance(statement, exp.Insert):
            table = statement.this.find(exp.Table).name.lower()
            named = [column.name.lower() for column in statement.this.expressions]
            columns = named or list(self._schema[table])
            yield _Query(self._scope(statement.expression), table, columns)
        elif isinstance(statement, (exp.Update, exp.Delete, exp.Merge)):
            yield self._of_rows(statement)
        elif isinstance(statement, exp.Command) and statement.name.upper() == "CALL":
            called = sqlglot.parse_one(f"select {statement.text('expression')}", read=self.dialect)
            yield _Query(self._scope(called))
        elif isinstance(statement, exp.Create):
            yield from self._of_function(statement)
        elif isinstance(statement, exp.Set):  # variables of a session, each from a query
            yield from (
                _Query(self._scope(one.this.expression.unnest())) for one in statement.expressions
            )
        else:
            raise AssertionError(f"no rule for the statement {statement.sql(self.dialect)[:200]}")

    def _of_rows(self, statement: exp.Expression) -> _Query:
        """Return the query that has what an UPDATE, DELETE or MERGE computes as its columns."""
        sets = [*statement.expressions] if isinstance(statement, exp.Update) else []
        conditions = [one.this for one in [statement.args.get("where")] if one]
        for when in statement.args["whens"].expressions if isinstance(statement, exp.Merge) else ():
            then = when.args["then"]
            conditions += [one for one in [when.args.get("condition")] if one]
            sets += then.expressions if isinstance(then, exp.Update) else [
                exp.EQ(this=column.copy(), expression=value.copy())
                for column, value in zip(then.this.expressions, then.expression.expressions,
                                         strict=True)
            ]  # fmt: skip
        conditions += [one for one in [statement.args.get("on")] if one]
        query = exp.select(
            *(one.expression.copy() for one in sets), *(c.copy() for c in conditions)
        )
        query = query.from_(statement.this.copy())
        using = statement.args.get("using") or []
        sources = [*using] if isinstance(using, list) else [using]
        from_ = statement.args.get("from_") or statement.args.get("from")
        for source in sources + [one.this for one in [from_] if one]:
            query = query.join(source.copy(), join_type="cross")
        columns = [one.this.name.lower() for one in sets]
        return _Query(self._scope(query), statement.this.name.lower(), columns)

    def _of_function(self, statement: exp.Create) -> Iterator[_Query]:
        """Give the body of an SQL function; one in Python is tested by itself."""
        body, properties = statement.expression, str(statement.args.get("properties")).lower()
        if (
            not isinstance(body, (exp.RawString, exp.Literal, exp.Heredoc))
            or "python" in properties
        ):
            return
        is_query = body.this.strip().lower().startswith("select")
        text = body.this if is_query else f"select {body.this}"
        query = sqlglot.parse_one(text, read=self.dialect)
        parameters = {one.this.name.lower() for one in statement.this.expressions}
        for column in list(query.find_all(exp.Column)):
            if column.name.lower() in parameters:
                column.replace(exp.Placeholder(this=column.name))
        yield _Query(self._scope(query))

    def _scope(self, query: exp.Expression) -> Scope:
        for table in query.find_all(exp.Table):
            if isinstance(table.this, exp.Identifier) and table.db:
                table.set("catalog", None)
                table.set("db", exp.to_identifier(_STORED))
        qualified = qualify(
            query, schema={_STORED: self._schema}, dialect=self.dialect,
            validate_qualify_columns=False, quote_identifiers=False, identify=False,
        )  # fmt: skip
        return build_scope(qualified)

    # -- what is known of columns -----------------------------------------------------------------

    def _column_of(self, source: exp.Expression, name: str) -> Value:
        """Return what is known of a column of a table, a view or a function of rows."""
        table = source.name.lower()
        if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier):
            if table in self._relations:
                [query] = self._queries[table]
                if name in [one.lower() for one in query.scope.expression.named_selects]:
                    return self._evaluations[table].column(query.scope, name)
            return self.bounds.get((table, name), self._types.get((table, name), UNKNOWN))
        function = source.find(exp.Func)
        named = function.name if isinstance(function, exp.Anonymous) else "flatten"
        return _FUNCTIONS_OF_ROWS.get(named.lower(), {}).get(name, UNKNOWN)

    # -- walking ----------------------------------------------------------------------------------

    def _walk(self, query: _Query, evaluation: Evaluation) -> None:
        for scope in query.scope.traverse():
            if isinstance(scope.expression, exp.Select):
                for part in _parts(scope.expression):
                    evaluation.value(part, scope)
            elif isinstance(scope.expression, exp.SetOperation):
                for at, name in enumerate(scope.expression.named_selects):
                    if evaluation.column_at(scope, at).kind == "mixed":
                        evaluation.note(exp.column(name), "the sides of a union are of two kinds")
        for scope in query.scope.traverse():
            for node in scope.expression.find_all(exp.Subquery):
                if repeats(node):
                    evaluation.note(node, "a subquery that may give several rows")
        for at, column in enumerate(query.columns):
            to = self._types.get((query.table, column), UNKNOWN)
            value = evaluation.column_at(query.scope, at)
            if why := why_it_may_not_fit(value, to, self.dialect):
                evaluation.note(exp.column(column, table=query.table), f"written: {why}")


def _parts(select: exp.Select) -> Iterator[exp.Expression]:
    """Give all expressions of a query, without those of the queries inside of it."""
    for item in select.selects:
        yield item.unalias()
    for name in ("where", "having", "qualify"):
        if part := select.args.get(name):
            yield part.this
    for name in ("group", "order", "distinct"):
        if part := select.args.get(name):
            yield from part.iter_expressions()
    from_ = select.args.get("from_") or select.args.get("from")
    for join in select.args.get("joins") or []:
        yield from (one for one in [join.args.get("on")] if one)
    sources = [one.this for one in [from_, *(select.args.get("joins") or [])] if one]
    for source in sources + (select.args.get("laterals") or []):
        if (isinstance(source, exp.Table) and isinstance(source.this, exp.Func)) or isinstance(
            source, (exp.Lateral, exp.TableFromRows)
        ):
            yield source.this
