"""Markdown for the model card: numbers, tables, and text that came with the data."""

import math
import unicodedata
from collections.abc import Iterable, Sequence

LONGEST = 60
_PLAIN = frozenset(" ,%'")  # dots, slashes and colons would make links


def escaped(text: object) -> str:
    """Return text that came with the data as Markdown that shows it, and does nothing else.

    Whatever is neither a letter nor a digit may mean something to Markdown or HTML.
    """
    visible = "".join(
        " " if unicodedata.category(one) in ("Zl", "Zp") or one in "\t\r\n" else one
        for one in str(text)
    )
    visible = "".join(one for one in visible if not unicodedata.category(one).startswith("C"))
    cut = visible if len(visible) <= LONGEST else visible[: LONGEST - 1] + "…"
    return "".join(one if one.isalnum() or one in _PLAIN else f"&#{ord(one)};" for one in cut)


def number(value: float | None, digits: int = 3) -> str:
    """Return a figure, or a dash where there is none."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "–"
    return f"{value:,.{digits}f}"


def percent(value: float | None) -> str:
    """Return a share in percent, or a dash where there is none."""
    return "–" if number(value) == "–" else f"{100 * value:.1f} %"


def interval(low: float | None, high: float | None, digits: int = 3) -> str:
    """Return the bounds of an interval, or a dash where there is none."""
    bounds = [number(one, digits) for one in (low, high)]
    return "–" if "–" in bounds else " to ".join(bounds)


def percents(low: float | None, high: float | None) -> str:
    """Return the bounds of a share's interval in percent, or a dash where there is none."""
    bounds = [percent(one) for one in (low, high)]
    return "–" if "–" in bounds else " to ".join(bounds)


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; the first column is text, the others are numbers."""
    lines = [heading, ["---", *["---:"] * (len(heading) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
