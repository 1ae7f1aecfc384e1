"""The plots of the model card, as SVG: the same facts give the same bytes.

matplotlib is imported where it is needed: whoever only trains without a card, or scores, has no use
for it.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from training.stability import major_from, moderate_from

INK, MUTED, ACCENT, WARNING = "#1f2933", "#8a94a6", "#1f5fbf", "#b42318"
LONGEST_BAR = 1.0
_BACKGROUND = {"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.85}
_STYLE = {
    "svg.hashsalt": "model card",  # ids would be drawn by chance otherwise
    "svg.fonttype": "path",  # looks the same without the fonts
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 9,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
}


def reliability_plot(bins: list[dict[str, float]]) -> bytes:
    """Plot what was predicted against what happened; the size of a point is its customers."""
    with _figure(5.2, 4.6) as (axes, svg):
        most = max((one["n"] for one in bins), default=1)
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle="--", label="as predicted")
        predicted = [one["predicted"] for one in bins]
        observed = [one["observed"] for one in bins]
        axes.plot(predicted, observed, color=ACCENT, linewidth=1, label="what happened")
        axes.scatter(
            predicted,
            observed,
            s=[20 + 180 * one["n"] / most for one in bins],
            color=ACCENT,
            clip_on=False,
            zorder=3,
        )
        for one in bins:
            axes.annotate(
                f"n = {one['n']:,}",
                (one["predicted"], one["observed"]),
                xytext=(9, -11),
                textcoords="offset points",
                color=INK,
                fontsize=7.5,
                bbox=_BACKGROUND,
            )
        axes.legend(loc="lower right")
        axes.set(
            title="Reliability on the tested window",
            xlabel="predicted probability of churn (mean per tenth)",
            ylabel="share that churned",
            xlim=(0, 1),
            ylim=(0, 1),
        )
    return svg.getvalue()


def lift_plot(curve: list[dict[str, float]]) -> bytes:
    """Plot how many of the churners are among the first customers by score."""
    with _figure(5.2, 4.6) as (axes, svg):
        shares = [0.0, *(one["share"] for one in curve)]
        recalls = [0.0, *(one["recall"] for one in curve)]
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle="--", label="by chance")
        axes.plot(
            shares, recalls, color=ACCENT, marker="o", ms=4, clip_on=False, label="by the score"
        )
        for one in curve:
            if one["share"] in (0.05, 0.1, 0.2, 0.5):
                axes.annotate(
                    f"{one['lift']:.1f} times",
                    (one["share"], one["recall"]),
                    xytext=(8, -4),
                    textcoords="offset points",
                    color=INK,
                    fontsize=7.5,
                )
        axes.legend(loc="lower right")
        axes.set(
            title="Churners found, and lift over chance",
            xlabel="share of customers, the highest scores first",
            ylabel="share of all churners among them",
            xlim=(0, 1),
            ylim=(0, 1),
        )
    return svg.getvalue()


def stability_plot(feature_psi: dict[str, float], n: int, reference_n: int) -> bytes:
    """Plot how far each feature has moved between `reference_n` training rows and n tested ones."""
    moderate, major = moderate_from(n, reference_n), major_from(n, reference_n)
    ordered = sorted(feature_psi.items(), key=lambda one: (one[1], one[0]))
    with _figure(6.4, 1.2 + 0.19 * len(ordered)) as (axes, svg):
        values = [psi for _, psi in ordered]
        axes.barh(
            [feature for feature, _ in ordered],
            values,
            color=[WARNING if psi > major else ACCENT for psi in values],
            height=0.65,
        )
        # One feature that has moved very far would leave no room for the others.
        widest = min(max([*values, major]) * 1.12, LONGEST_BAR)
        for bound, words in ((moderate, "moderate"), (major, "major")):
            axes.axvline(bound, color=MUTED, linewidth=1, linestyle="--", zorder=0)
            axes.annotate(
                f" {words}", (bound, 1), xycoords=("data", "axes fraction"), color=MUTED,
                fontsize=7.5, va="bottom", ha="center",
            )  # fmt: skip
        for place, psi in enumerate(values):
            is_cut = psi > widest
            axes.text(
                widest if is_cut else psi, place, f"  {psi:.2f}  ", va="center", fontsize=7,
                ha="right" if is_cut else "left", color="white" if is_cut else INK,
                bbox=None if is_cut else _BACKGROUND,
            )  # fmt: skip
        axes.set(xlabel="population stability index (PSI)", xlim=(0, widest))
        axes.set_title("Tested window against training rows", pad=16)
        axes.margins(y=0.01)
        axes.tick_params(axis="y", length=0, labelsize=7.5)
    return svg.getvalue()


@contextmanager
def _figure(width: float, height: float) -> Iterator[tuple[Any, io.BytesIO]]:
    """Give axes to draw on, and a file that holds the SVG afterwards."""
    import matplotlib
    from matplotlib.figure import Figure

    svg = io.BytesIO()
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure.subplots(), svg
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
