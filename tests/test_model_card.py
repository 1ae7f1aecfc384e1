"""The model card: the run's own figures, the same every time, and nothing that data could do."""

import json
import math
import re
import subprocess
import sys
from html import unescape
from xml.etree import ElementTree

import numpy
import pytest
from markdown_it import MarkdownIt

from tests.dbt import PROJECT
from training.card_text import escaped
from training.model_card import model_card
from training.run import Settings
from training.stability import population_stability

RUN = {
    "status": "trained",
    "version": "forest-2026-10-26-52cae14b", "label": "lapse", "horizon_days": 28,
    "train_rows": 12_040, "test_rows": 2_008, "test_churners": 193,
    "cutoffs": json.dumps(["2026-08-31", "2026-09-28", "2026-10-26"]),
    "first_cutoff_date": "2026-08-31", "test_cutoff_date": "2026-10-26",
    "label_until_date": "2026-11-23",
    "roc_auc": 0.8591, "roc_auc_low": 0.837, "roc_auc_high": 0.882,
    "pr_auc": 0.369, "pr_auc_low": 0.31, "pr_auc_high": 0.42,
    "brier": 0.0715, "brier_low": 0.0642, "brier_high": 0.079,
    "lift_at_10_percent": 3.97, "value_at_risk_ratio": math.nan,
    "average_spend_per_day": 6.055, "spend_credibility_days": 13.53,
    "spend_by_tenure": [
        {"known": "29 to 84 days", "n": 262, "expected": 101.5, "spent": 97.25},
    ],
    "challenger_auc": 0.855, "baseline_auc": 0.77,
    "champion_version": "forest-2026-09-28-aaaaaaaa", "champion_comparison": "compared",
    "champion_roc_auc": 0.8512, "champion_brier": 0.0731,
    "suggested_threshold_capacity": 0.31, "suggested_threshold_cost": 0.22,
    "paid_by_rule": [
        {"rule": "score", "contacts": 900, "net_benefit": 1_661.4},
        {"rule": "value", "contacts": 410, "net_benefit": 4_273.2},
    ],
    "is_calibrated": False,
    "reliability": [
        {"from": 0.0, "to": 0.1, "n": 1_800, "predicted": 0.05, "observed": 0.06},
        {"from": 0.4, "to": 0.5, "n": 208, "predicted": 0.45, "observed": 0.4},
    ],
    "lift_curve": [{"share": 0.1, "lift": 3.97, "recall": 0.397}],
    "by_segment": json.dumps([
        {"segment": "regular", "n": 1_900, "churners": 180, "roc_auc": 0.86, "predicted": 0.09,
         "observed": 0.095, "observed_low": 0.0826, "observed_high": 0.109, "customers": 2_000,
         "alert_rate": 0.11, "alert_rate_low": 0.097, "alert_rate_high": 0.1245},
        {"segment": "young", "n": 79, "churners": 13, "roc_auc": 0.71, "predicted": 0.2,
         "observed": 0.16},
        {"segment": "gold", "n": 29, "churners": 0, "roc_auc": None, "predicted": 0.02,
         "observed": 0.0},
    ]),
    "by_region": [
        {"region": "north", "n": 400, "churners": 40, "roc_auc": 0.8, "predicted": 0.09,
         "observed": 0.1},
    ],
    "rolling_origin": [
        {"cutoff": "2026-09-28", "n": 1_990, "churners": 201, "roc_auc": 0.848, "pr_auc": 0.35,
         "brier": 0.0734, "challenger_auc": 0.845, "baseline_auc": 0.761},
    ],
    "features": json.dumps(["tenure_days", "active_days_28d"]),
    "feature_psi": {"tenure_days": 6.1, "active_days_28d": 0.04},
    "artefact": "forest-2026-10-26-52cae14b.onnx", "artefact_hash": "ab" * 32,
    "library_versions": json.dumps({"python": "3.11.7", "scikit-learn": "1.7.2"}),
    "trained_at": "2026-11-24 16:00:01.684",
}  # fmt: skip
ATTACKS = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[click](javascript:alert(1))",
    "![x](http://evil.example/x.png)", "a | b | c", "`code`", "**bold** _it_ ~~gone~~",
    "line\nbreak\r\n\r\n# heading", "https://evil.example", "www.evil.example", "me@evil.example",
    "\\| \\[a\\](b)", "&lt;b&gt;", "\u202egnitrevni", "$x^2$", "- item", "<!-- -->", "x" * 500,
]  # fmt: skip


@pytest.fixture(scope="module")
def card() -> str:
    return model_card(RUN, Settings())[f"{RUN['version']}.md"].decode()


def test_it_says_what_was_left_out_and_names_nobody(card):
    status = "trained without 2 of 14,050 rows that are no numbers, of customers ha-1, ha-2"
    found = model_card({**RUN, "status": status}, Settings())[f"{RUN['version']}.md"].decode()
    line = (
        "- **Left out**: it was trained without 2 of 14,050 rows that are no numbers;"
        " `train_churn_model.status` names their customers.\n"
    )
    assert found.replace(line, "") == card
    assert line in found
    assert "ha-1" not in found


def test_it_shows_the_run_s_own_figures(card):
    for line in (
        "# Model card: forest-2026-10-26-52cae14b",
        "| AUC | 0.859 | 0.837 to 0.882 |",
        "| Brier score, 0 is best | 0.0715 | 0.0642 to 0.0790 |",
        "| value at risk / value that was lost | – |  |",
        "| AUC of a logistic regression | 0.855 |  |",
        "| 2026-09-28 | 1,990 | 201 | 0.848 | 0.845 | 0.761 | 0.350 | 0.0734 |",
        "| regular | 1,900 | 180 | 0.860 | 9.0 % | 9.5 % | 8.3 % to 10.9 % | 11.0 % |"
        " 9.7 % to 12.4 % |",
        "| young | 79 | 13 | 0.710 (too few) | 20.0 % | 16.0 % | – | – | – |",
        "| gold | 29 | 0 | – (too few) | 2.0 % (too few) | 0.0 % (too few) | – | – (too few) | – |",
        "| north | 400 | 40 | 0.800 | 9.0 % | 10.0 % | – | – | – |",
    ):
        assert line in card.splitlines()
    for words in (
        "no active event within 28 days",
        "at least 3 active days in the 84 before",
        "2,008 customers, 193 of them churned (9.6 %)",
        "Expected to churn on the tested window: 184; did churn: 193.",
        "`forest-2026-09-28-aaaaaaaa`, which served then, had an AUC of 0.851",
        f"SHA-256 `{'ab' * 32}`",
        "1 of 2 have moved much",
    ):
        assert words in card


def test_the_same_facts_give_the_same_bytes_and_every_plot_is_shown(card):
    files = model_card(RUN, Settings())
    assert files == model_card({**RUN, "features": json.loads(RUN["features"])}, Settings())
    plots = {name for name in files if name.endswith(".svg")}
    assert len(plots) == 3
    for name in plots:
        assert f"]({name})" in card
        picture = ElementTree.fromstring(files[name])  # noqa: S314 - our own bytes
        assert picture.tag == "{http://www.w3.org/2000/svg}svg"
        assert b"<dc:date>" not in files[name]


def test_names_of_segments_are_shown_and_do_nothing():
    figures = {"n": 40, "churners": 4, "roc_auc": 0.5, "predicted": 0.1, "observed": 0.1}
    run = {**RUN, "by_segment": [{"segment": name, **figures} for name in ATTACKS]}
    text = model_card(run, Settings())[f"{RUN['version']}.md"].decode()
    html = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text)
    table = html[html.index("<h2>Segments") : html.index("<h2>Regions")]
    rows = table[table.index("<tbody>") : table.index("</tbody>")]
    assert rows.count("<tr>") == len(ATTACKS)
    assert rows.count("<td") == 9 * len(ATTACKS)
    assert set(re.findall(r"<(\w+)", rows)) == {"tbody", "tr", "td"}
    # Some readers make links of these by themselves.
    section = text[text.index("## Segments") : text.index("## Regions")]
    assert not re.search(r"://|www\.|@|\u202e", section)
    assert all(len(unescape(escaped(name))) <= 60 for name in ATTACKS)


def test_a_first_version_without_earlier_windows_has_a_card_too():
    run = {**RUN, "rolling_origin": "[]", "champion_version": "", "champion_comparison": "none",
           "champion_roc_auc": math.nan, "champion_brier": math.nan}  # fmt: skip
    text = model_card(run, Settings())[f"{RUN['version']}.md"].decode()
    assert "It was the first version." in text
    assert "no earlier cut-off that could be tested yet" in text
    assert "nan" not in text


def test_psi_of_training_is_that_of_monitoring():
    then = numpy.repeat([0.0, 1.0, 2.0, 9.0], 25)
    assert population_stability(then, then) == 0
    now = numpy.repeat([0.0, 2.0, 9.0], [60, 20, 20])
    little = 0.5 / 100
    assert population_stability(then, now) == pytest.approx(
        0.35 * math.log(0.6 / 0.25) + (little - 0.25) * math.log(little / 0.25)
        - 2 * 0.05 * math.log(0.2 / 0.25)
    )  # fmt: skip


def test_who_does_not_draw_does_not_load_the_drawing_library():
    code = "import sys, training.model_card; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=False).returncode == 0
