"""The check of files in words: tables of columns, types and rejections, and the next command."""

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from ingest.contract_limits import contract_limits
from ingest.event_types import UNNAMED
from ingest.events import RULES
from ingest.file_check import Checked
from ingest.file_options import FileOptions

_COLUMNS = ("column", "is read as", "kind", "empty", "example")
# What to do about a reason, where something can be said.
_REMEDIES = {
    RULES["amount"]: "amounts written as 1.234,50 need --decimal-comma",
    RULES["occurred_at"]: (
        "times are read as 2026-01-31, 2026-01-31 12:00 or 2026-01-31T12:00:00Z; others need"
        " --time-format, such as '%d.%m.%Y %H:%M'"
    ),
}
_CELL = 50  # characters that are shown of a cell


def in_words(checked: Checked, paths: Sequence[Path], options: FileOptions) -> list[str]:
    """Return the report, line by line."""
    lines = []
    for path, columns in checked.columns.items():
        rows = [(one.name, one.read_as, one.kind, f"{one.empty:,}", one.example) for one in columns]
        lines += [str(path), *_table(_COLUMNS, rows, wide=2), ""]
    if checked.types:
        lines += [*_table(("event type", "events", "category"), _types(checked)), ""]
    if checked.rejected:
        lines += [*_rejections(checked), ""]
    total = checked.accepted + checked.rejected
    counts = f"rows: {total:,}; can be loaded: {checked.accepted:,}; rejected: {checked.rejected:,}"
    if checked.copies:
        counts += f"; copies of earlier rows, which count once: {checked.copies:,}"
    lines.append(counts)
    if checked.readiness is None:
        return [*lines, "nothing can be loaded: see the reasons above"]
    lines.append(f"from {checked.first:%Y-%m-%d %H:%M} to {checked.last:%Y-%m-%d %H:%M} UTC")
    lines += checked.readiness.in_words()
    missing = checked.readiness.what_is_missing()
    alone = "these events alone are"
    lines.append(
        f"{alone} not enough to train on: {missing}" if missing else f"{alone} enough to train on"
    )
    command = " ".join(
        word
        for word in (
            "python -m ingest load",
            *(shlex.quote(str(path)) for path in paths),
            options.as_arguments(),
        )
        if word
    )
    return [*lines, "", "next:", f"    {command}"]


def _types(checked: Checked) -> list[tuple[str, str, str]]:
    named = contract_limits().categories
    unnamed = f"none: counts as {UNNAMED}; name it in event_categories (dbt_project.yml)"
    return [
        (name, f"{count:,}", named.get(name, unnamed))
        for name, count in checked.types.most_common()
    ]


def _rejections(checked: Checked) -> list[str]:
    rows = [
        (path.name, f"{count:,}", reason, ", ".join(map(str, first)))
        for (path, reason), (count, first) in sorted(
            checked.reasons.items(), key=lambda one: (-one[1][0], one[1][1])
        )
    ]
    reasons = {reason for _, reason in checked.reasons}
    return [
        *_table(("file", "rejected", "reason", "first rows"), rows, wide=2),
        *(f"  {remedy}" for reason, remedy in _REMEDIES.items() if reason in reasons),
    ]


def _table(
    heading: tuple[str, ...], rows: Iterable[tuple[str, ...]], wide: int | None = None
) -> list[str]:
    """Return a table as lines; cells are cut, but for those of the last and of a wide column."""
    last = len(heading) - 1
    cells = [
        [_line(cell, at in (wide, last)) for at, cell in enumerate(row)] for row in (heading, *rows)
    ]
    widths = [max(len(row[at]) for row in cells) for at in range(last)] + [0]
    rule = ["-" * max(len(row[at]) for row in cells) for at in range(last + 1)]
    return [
        "  "
        + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (cells[0], rule, *cells[1:])
    ]


def _line(cell: str, is_whole: bool) -> str:
    """Return a cell on one line, of characters that a terminal shows."""
    text = "".join(one if one.isprintable() else " " for one in cell)
    longest = 2 * _CELL if is_whole else _CELL
    return text if len(text) <= longest else text[: longest - 1] + "…"
