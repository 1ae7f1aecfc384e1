"""How every page begins: stale data first, then what it answers, and of when and by what it is."""

from typing import Any, NamedTuple

import pandas as pd
import streamlit as st
from connection import Source, current_source
from data import risk
from notices import is_away, says_away, says_empty, says_stale, says_unscored
from words import Terms, moment


class Page(NamedTuple):
    """What a page asks with: its source, the figures of now, and the terms to speak in."""

    source: Source
    figures: dict[str, Any]
    terms: Terms


def begin(title: str, question: str, *, needs_scores: bool = False) -> Page | None:
    """Show the head of a page; None when there is nothing below it to show, which it has said."""
    source = current_source()
    st.title(title, anchor=False)
    figures = risk.population(source) | risk.live(source) | {"is_away": is_away()}
    says_away()
    says_stale(figures)
    st.caption(f"{question} {_basis(figures)}")
    if says_empty(figures) or (needs_scores and says_unscored(figures)):
        return None
    return Page(source, figures, terms(figures))


def terms(figures: dict[str, Any]) -> Terms:
    """Return the terms of the moment."""
    model = figures["model_version"]
    return Terms(int(figures["horizon_days"]), None if pd.isna(model) else str(model))


def _basis(figures: dict[str, Any]) -> str:
    """Say what all figures rest on: the newest event, the horizon, the model."""
    model = figures["model_version"]
    return (
        f"Data as of {moment(figures['data_as_of'])}; risk is the probability of no activity in"
        f" the next {figures['horizon_days']:.0f} days, "
        + (f"by model {model}." if pd.notna(model) else "once a model is trained.")
    )
