"""Who sees what: every role × view × column, asked of the views themselves.

What is expected is derived from the seed, and from what a role sees that sees all. `make
snowflake-report` writes the table that docs/security.md holds.
"""

import re

import pandas

from embedded.session import connect
from tests.dbt import PROJECT
from tests.documented import Table, alike
from tests.rights import region_rows, shown_roles
from tests.snowflake.parity import plain

# Of views with a row per customer or alert: names, addresses, and texts that somebody wrote.
PERSONAL = (
    "name", "email", "subject", "body", "marks", "reason", "state_reason", "suppressed_because",
    "draft_error", "delivery_detail",
)  # fmt: skip
SEES_ALL = "CHURN_MANAGER"
TABLE = Table("who sees what")
NOT_TOLD = "no rows to tell by"
# View → all that a role sees of it.
Seen = dict[str, pandas.DataFrame]


def views() -> list[str]:
    """Return the managers' views that can be read, by name."""
    folder = PROJECT / "models" / "managers"
    return sorted(file.stem for file in folder.glob("manager_*.sql"))


def seen_on_duckdb(asking: str) -> Seen:
    """Return all that a role, or several with commas, sees on DuckDB."""
    with connect(asking) as pipeline:
        return {view: pipeline.execute(f"select * from {view}").df() for view in views()}


def expected(everything: Seen, asking: str) -> Seen:
    """Return what the seed lets roles see of views with customers, of all that there is."""
    regions = everything["manager_customers"].set_index("customer_id")["region"]
    return {
        view: _expected(frame, frame["customer_id"].map(regions), asking)
        for view, frame in everything.items()
        if "customer_id" in frame.columns
    }


def _expected(frame: pandas.DataFrame, regions: pandas.Series, asking: str) -> pandas.DataFrame:
    """Return the rows of a view that roles see, masked row by row."""
    rows = [region_rows(asking, "" if pandas.isna(region) else region) for region in regions]
    seen = frame.copy()
    unmasked = [any(row["sees_personal_data"] == "true" for row in found) for found in rows]
    for column in set(PERSONAL) & set(frame.columns):
        texts = zip(frame[column].astype(object), unmasked, strict=True)
        seen[column] = [text if shown or pandas.isna(text) else "masked" for text, shown in texts]
    if "sees_personal_data" in frame.columns:
        seen["sees_personal_data"] = unmasked
    if "may_act" in frame.columns:
        seen["may_act"] = [any(row["may_act"] == "true" for row in found) for found in rows]
    return seen[[bool(found) for found in rows]]


def texts(frame: pandas.DataFrame) -> list[tuple[str, ...]]:
    """Return the rows of a view as texts, in an order of their own, to be compared."""
    rows = frame[sorted(frame.columns)].astype(object).itertuples(index=False)
    return sorted(tuple(str(plain(value)) for value in row) for row in rows)


def hidden_texts(everything: Seen, asking: str) -> set[str]:
    """Return the names, addresses and messages that roles must see nowhere."""
    shown = expected(everything, asking)
    found = {}
    for side, frames in (("all", everything), ("shown", shown)):
        found[side] = {
            str(text)
            for view in shown
            for column in {"name", "email", "subject", "body"} & set(frames[view].columns)
            for text in frames[view][column].dropna()
        }
    return found["all"] - found["shown"]


# -- the table of docs/security.md ---------------------------------------------------------------


def table(seen: dict[str, Seen]) -> str:
    """Return what roles see as a Markdown table: roles alike share a column, views alike a row."""
    cells = {
        role: tuple(_cell(frames[view], seen[SEES_ALL][view]) for view in views())
        for role, frames in ((role, seen[role]) for role in shown_roles())
    }
    columns = alike(cells)
    rows = alike({
        view.removeprefix("manager_"): tuple(column[place] for column in columns)
        for place, view in enumerate(views())
    })  # fmt: skip
    heads = [_head(names) for names in columns.values()]
    lines = [f"| views | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    lines += [f"| {', '.join(names)} | {' | '.join(row)} |" for row, names in rows.items()]
    return "\n".join(lines)


def _head(names: list[str]) -> str:
    """Return the head of a column for roles; of a name that goes on another one, its end."""
    shown = [
        name.removeprefix(SEES_ALL) if place and name.startswith(f"{SEES_ALL}_") else name
        for place, name in enumerate(names)
    ]
    return ", ".join(one.replace(",", " with ") for one in shown)


def _cell(frame: pandas.DataFrame, everything: pandas.DataFrame) -> str:
    if frame.empty:
        return "nothing" if len(everything) else NOT_TOLD
    if "customer_id" not in frame.columns:
        # Between two roles' questions a minute may end.
        clocks = [name for name in frame.columns if re.search("lag_seconds|age_hours", name)]
        same = texts(frame.drop(columns=clocks)) == texts(everything.drop(columns=clocks))
        return "all figures" if same else "figures of what it sees"
    rows = "all rows" if len(frame) == len(everything) else "its region's rows"
    masked = {
        column: (frame[column].dropna() == "masked").agg(["any", "all"])
        for column in PERSONAL
        if column in frame.columns and frame[column].notna().any()
    }
    wholly = [column for column, found in masked.items() if found["all"]]
    partly = [column for column, found in masked.items() if found["any"] and not found["all"]]
    said = [rows]
    said += [f"{', '.join(wholly)} masked"] if wholly else []
    said += [f"{', '.join(partly)} masked in other regions"] if partly else []
    return "; ".join(said)
