"""How many rows: a MERGE whose source names a row twice fails, as does a value of several rows."""

from sqlglot import exp


def are_unique(merge: exp.Merge) -> bool:
    """Tell whether a MERGE's source is proved to have one row at most for each row it writes to."""
    source = merge.args["using"]
    keys = {
        column.name.lower()
        for equal in merge.args["on"].find_all(exp.EQ)
        for column in equal.find_all(exp.Column)
        if column.table.lower() == source.alias.lower()
    }
    query = source.unnest()
    if not isinstance(query, exp.Select):
        return False
    if group := query.args.get("group"):
        return {one.name.lower() for one in group.expressions} <= keys
    qualify = query.args.get("qualify")
    return qualify is not None and any(
        isinstance(equal.left, exp.Window)
        and isinstance(equal.left.this, exp.RowNumber)
        and equal.right.name == "1"
        and {one.name.lower() for one in equal.left.args["partition_by"]} <= keys
        for equal in [qualify.this]
        if isinstance(equal, exp.EQ)
    )


def repeats(subquery: exp.Subquery) -> bool:
    """Tell whether a subquery stands for one value and may give several rows."""
    is_value = not isinstance(subquery.parent, (exp.From, exp.Join, exp.In, exp.CTE, exp.Lateral))
    return is_value and not _is_one_row(subquery.unnest())


def _is_one_row(query: exp.Expression) -> bool:
    if not isinstance(query, exp.Select):
        return False
    limit = query.args.get("limit")
    if limit is not None and limit.expression.name == "1":
        return True
    if query.args.get("group") or query.args.get("joins") or query.args.get("laterals"):
        return False
    if any(_is_aggregate(item) for item in query.selects):
        return True
    from_ = query.args.get("from_") or query.args.get("from")
    if from_ is None:
        return not query.find(exp.Explode, exp.Unnest)
    source = from_.this
    if isinstance(source, exp.Subquery):
        return _is_one_row(source.unnest())
    return (cte := _cte(source)) is not None and _is_one_row(cte)


def _is_aggregate(item: exp.Expression) -> bool:
    return any(not isinstance(one.parent, exp.Window) for one in item.find_all(exp.AggFunc))


def _cte(table: exp.Expression) -> exp.Expression | None:
    """Return the query of the CTE that a table's name stands for."""
    node = table
    while (node := node.parent) is not None and not table.text("db"):
        with_ = node.args.get("with_") or node.args.get("with")
        for cte in with_.expressions if with_ else ():
            if cte.alias.lower() == table.name.lower():
                return cte.this
    return None
