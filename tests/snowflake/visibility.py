"""Who sees what: every role × view × column, asked of the views themselves.

`make snowflake-report` writes the table that docs/security.md holds.
"""

import re
from pathlib import Path

import pandas

from embedded.session import connect
from tests.dbt import PROJECT

DOCUMENT = PROJECT / "docs" / "security.md"
BEGIN, END = "<!-- who sees what: generated -->", "<!-- end -->"
PERSONAL = ("name", "email", "subject", "body")
# Roles of seeds/manager_regions.csv, and those that have no row there.
WITHOUT_A_ROW = ("CHURN_LOADER", "CHURN_APP", "PUBLIC")
# View → all that a role sees of it.
Seen = dict[str, pandas.DataFrame]


def roles() -> list[str]:
    """Return every role that is asked as, from the seed and beyond it."""
    seed = pandas.read_csv(PROJECT / "seeds" / "manager_regions.csv")
    return [*dict.fromkeys(seed["role_name"]), *WITHOUT_A_ROW]


def views() -> list[str]:
    """Return the managers' views that can be read, by name."""
    folder = PROJECT / "models" / "managers"
    return sorted(file.stem for file in folder.glob("manager_*.sql"))


def seen_on_duckdb(role: str) -> Seen:
    """Return all that a role sees on DuckDB."""
    with connect(role) as pipeline:
        return {view: pipeline.execute(f"select * from {view}").df() for view in views()}


def shown(seen: Seen) -> dict[str, dict[str, str]]:
    """Return what every column of every view shows: view → column → values, masked, nothing."""
    return {view: _columns(frame) for view, frame in seen.items()}


def _columns(frame: pandas.DataFrame) -> dict[str, str]:
    return {column: "nothing" if frame.empty else _shown(column, frame) for column in frame.columns}


def _shown(column: str, frame: pandas.DataFrame) -> str:
    values = set(frame[column].dropna().astype(str))
    if column not in PERSONAL:
        return "values"
    return "masked" if values <= {"masked"} else ("values" if "masked" not in values else "both")


def table(seen: dict[str, Seen]) -> str:
    """Return as a Markdown table which rows each role sees, and what is masked in them."""
    everything = {view: max(len(frames[view]) for frames in seen.values()) for view in views()}
    lines = ["| role | " + " | ".join(view.removeprefix("manager_") for view in views()) + " |"]
    lines.append("|---" * (len(views()) + 1) + "|")
    for role, frames in seen.items():
        cells = [_cell(frames[view], everything[view]) for view in views()]
        lines.append(f"| {role} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(frame: pandas.DataFrame, everything: int) -> str:
    if "customer_id" not in frame.columns:
        return "figures of what it sees"
    if frame.empty:
        return "nothing"
    rows = "all rows" if len(frame) == everything else "its regions' rows"
    masked = [name for name, what in _columns(frame).items() if what == "masked"]
    return f"{rows}, {' and '.join(masked)} masked" if masked else rows


def documented() -> str:
    """Return the table as docs/security.md has it."""
    return re.search(f"{BEGIN}\n(.*?)\n{END}", DOCUMENT.read_text(), re.S)[1].strip()


def write(text: str, document: Path = DOCUMENT) -> None:
    """Put the table into docs/security.md."""
    content = document.read_text()
    document.write_text(
        re.sub(f"{BEGIN}\n.*?\n{END}", lambda _: f"{BEGIN}\n{text}\n{END}", content, flags=re.S)
    )
