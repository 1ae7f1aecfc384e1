"""Columns of lists: how moments, risks, values and reasons are shown, one definition for all."""

from typing import Any

import pandas as pd
import streamlit as st
from words import Terms, first_reason, plain

_ONE = st.column_config


def text(title: str, width: int | str | None = None, definition: str | None = None) -> Any:
    """Return a column of texts."""
    return _ONE.TextColumn(title, width=width, help=definition)


def number(
    title: str,
    width: int | str | None = None,
    definition: str | None = None,
    form: str = "localized",
) -> Any:
    """Return a column of numbers, thousands separated unless `form` says otherwise."""
    return _ONE.NumberColumn(title, width=width, help=definition, format=form)


def share(title: str, width: int | str | None = None, definition: str | None = None) -> Any:
    """Return a column of percents, whose cells are shares times 100."""
    return number(title, width, definition, "%.1f%%")


def seconds(title: str, definition: str) -> Any:
    """Return a column of durations in seconds."""
    return number(title, 90, definition, "%.1f s")


def moment(title: str, width: int | str | None = 130) -> Any:
    """Return a column of moments in UTC; the title says so."""
    return _ONE.DatetimeColumn(f"{title} (UTC)", format="YYYY-MM-DD HH:mm", width=width)


def day(title: str, width: int = 95) -> Any:
    """Return a column of days."""
    return _ONE.DateColumn(title, width=width)


def risk(terms: Terms) -> Any:
    """Return the column of a risk in percent, with its horizon and model."""
    return number(terms.risk, 125, terms.risk_help, "%.0f%%")


def value_at_risk(terms: Terms) -> Any:
    """Return the column of a value at risk, with its horizon and model."""
    return number("Value at risk", 90, terms.value_help, "%.2f")


def with_words(rows: pd.DataFrame) -> pd.DataFrame:
    """Add to customers or alerts what is shown of them: name, reason, risk in percent."""
    return rows.assign(
        name=rows["name"].map(plain),
        reason=rows["top_reasons"].map(first_reason),
        percent=rows["score"] * 100,
    )
