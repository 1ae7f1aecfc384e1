"""Replies of LLMs and names of customers to be judged, and the company's sentences.

first_letters.jsonl and letters.jsonl hold whole letters as an LLM might write them, bad and natural
ones (`kind`, `reply`, `expected`; `sentence` is the bad one by itself), attacks.jsonl what an LLM
answers that obeys a hostile customer. names.txt are names of many countries, not_names.jsonl texts
that are none.
"""

import csv
import json
from pathlib import Path

from outreach.sentences import CHOSEN_PARTS

HERE = Path(__file__).parent
_SEED = HERE.parents[1] / "seeds" / "message_sentences.csv"
PARTS = (
    "subject", "greeting", "greeting_without_name", *CHOSEN_PARTS, "sign_off", "signature",
)  # fmt: skip


def collected(name: str) -> list[dict]:
    return [json.loads(line) for line in (HERE / f"{name}.jsonl").read_text("utf-8").splitlines()]


def seed_rows() -> list[dict[str, str]]:
    with _SEED.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def sentences(language: str = "en", tone: str = "warm") -> str:
    """The lines of column `sentences` of MESSAGE_SETTINGS, made from the seed without SQL."""
    rows = [row for row in seed_rows() if (row["language"], row["tone"]) == (language, tone)]
    rows.sort(key=lambda row: (PARTS.index(row["part"]), row["code"]))
    columns = ("code", "part", "reason", "sentence_text")
    return "\n".join(" | ".join(row[column] for column in columns) for row in rows)
