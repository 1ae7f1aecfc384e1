"""Where things stand: side by side where there is room, below each other where there is not."""

from collections.abc import Iterable, Sequence
from typing import Any

import streamlit as st

_READABLE = 380  # pixels: what a picture or a table needs at least
_TILE = 215


def halves() -> Sequence[Any]:
    """Return two places; before Streamlit 1.67 they stay side by side, however narrow."""
    if not hasattr(st, "grid"):
        return st.columns(2, gap="large")
    grid = st.grid(2, min_column_width=_READABLE, gap=("small", "large"))
    return grid.cell(), grid.cell()


def tile_grid(columns: int) -> Any:
    """Return a place for tiles of equal width; before Streamlit 1.67 of the width they need."""
    if not hasattr(st, "grid"):
        return st.container(horizontal=True)
    return st.grid(columns, min_column_width=_TILE)


def tile(place: Any, title: str, value: object, definition: str, **more: Any) -> None:
    """Show a figure with its definition; `basis` says in grey what it rests on."""
    if basis := more.pop("basis", None):
        more |= {"delta": basis, "delta_color": "off", "delta_arrow": "off"}
    place.metric(title, value, help=definition, border=True, height="stretch", **more)


def tiles(figures: Iterable[Sequence[Any]]) -> None:
    """Show figures in a row that wraps: title, value, definition and, if there is one, basis."""
    row = st.container(horizontal=True)  # wraps where columns would cut the figures
    for title, value, definition, *basis in figures:
        tile(row, title, value, definition, basis=basis[0] if basis else None)
