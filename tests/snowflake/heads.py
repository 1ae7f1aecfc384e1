"""The heads of statements, to be compared with files that a person has read.

Bodies change with every model and are proved elsewhere; what is around them is written by hand
once, and a change of it must be seen. `make snowflake-report` writes the files again.
"""

import re
from pathlib import Path

from tests.snowflake.standin.account import Statement
from tests.snowflake.standin.statements import QUOTED_BODY, create_of, one_line

FOLDER = Path(__file__).parent / "expected"
# One of each kind that stays, whatever else the project gains.
WANTED = (
    ("dynamic table", "CUSTOMER_EVENTS"), ("dynamic table", "CHURN_METRICS_LIVE"),
    ("stream", "CHURN_METRICS_STREAM"), ("task", "PROCESS_ALERTS"),
    ("task", "SWEEP_SILENT_CUSTOMERS"), ("stage", "CHURN_MODELS"), ("function", "PREDICT_CHURN"),
    ("procedure", "TRAIN_CHURN_MODEL"), ("row access policy", "VISIBLE_REGION"),
    ("masking policy", "PERSONAL_DATA_OF_REGION"), ("procedure", "MOVE_ALERTS"),
)  # fmt: skip
ELIDED = (
    (QUOTED_BODY, "$$ … $$"),
    (re.compile(r"(?<=ENABLE')( copy grants)? as \(.*\)$"), r"\1 as ( … )"),
    (re.compile(r"(predict_churn\()[^)]*(\))"), r"\1 … \2"),
    (re.compile(r"forest-[\w.-]+\.onnx"), "forest-….onnx"),
    (re.compile(r"packages = \([^)]*\)"), "packages = ( … )"),
    (re.compile(r"imports = \([^)]*training[^)]*\)"), "imports = ( … )"),
)


def heads(statements: list[Statement]) -> dict[str, str]:
    """Return the last head of each wanted statement, by the name of its file."""
    found = {}
    for statement in statements:
        created = create_of(statement.sql)
        if created and (created.kind, created.name) in WANTED:
            text = one_line(statement.sql)
            for pattern, replacement in ELIDED:
                text = pattern.sub(replacement, text)
            found[f"{created.name.lower()}.sql"] = text + "\n"
    return found


def expected() -> dict[str, str]:
    """Return the files that a person has read."""
    return {file.name: file.read_text() for file in sorted(FOLDER.glob("*.sql"))}


def write(statements: list[Statement]) -> None:
    """Write the files again."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in heads(statements).items():
        (FOLDER / name).write_text(text)
