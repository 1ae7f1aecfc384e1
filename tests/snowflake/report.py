"""Everything that deploys send to an account, as files to read, and the comparison of the engines.

`make snowflake-report` (or `python -m tests.snowflake.report`) writes target/snowflake/: one folder
a deploy, one file a statement, in order, first-day.sql with the steps of docs/snowflake.md and the
role of each, and parity.txt; also the tables of docs/security.md, that
of costs in docs/snowflake.md, and the expected heads. The last line is one JSON object.
"""

import json
import re
import shutil
import sys
import tempfile
from pathlib import Path

import pandas

from benchmarks import snowflake_costs
from tests import rights
from tests.dbt import PROJECT, EmptyPipelines
from tests.snowflake import heads, visibility
from tests.snowflake.deployment import Deployment
from tests.snowflake.grammar import everything_parses
from tests.snowflake.standin.account import Statement
from tests.snowflake.standin.statements import one_line
from tests.test_snowflake_costs import COSTS

FOLDER = PROJECT / "target" / "snowflake"


def main() -> None:
    """Deploy to the stand-in, write the report, print where it is and the figures."""
    print("deploying twice to a stand-in for an account: a minute or two", file=sys.stderr)
    shutil.rmtree(FOLDER, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        pipelines = Path(folder) / "pipelines"
        pipelines.mkdir()
        with Deployment.start(Path(folder) / "account", EmptyPipelines(pipelines)) as deployment:
            figures = _write(deployment)
            visibility.TABLE.write(visibility.table(deployment.seen[0]))
            heads.write(deployment.first + deployment.second + deployment.changed)
        outcomes = rights.outcomes(EmptyPipelines(pipelines).copy("all", Path(folder) / "rights"))
        rights.TABLE.write(rights.table(outcomes))
        rights.TABLE_OF_STATES.write(rights.table_of_states(outcomes))
    COSTS.write(snowflake_costs.table(snowflake_costs.deployed()))
    print(json.dumps(figures))


def _write(deployment: Deployment) -> dict[str, int]:
    operations, _ = deployment.operations
    deploys = {
        "0-set-up": [one for one in deployment.first_day if one not in deployment.first],
        "1-first-deploy": deployment.first,
        "2-second-deploy": deployment.second,
        "3-operations": operations,
        "4-changed-query": deployment.changed,
    }
    for name, statements in deploys.items():
        _write_statements(FOLDER / name, statements)
        print(f"{FOLDER / name}: {len(statements)} statements")
    (FOLDER / "first-day.sql").write_text(_script(deployment.script))
    compared = deployment.compared
    text = pandas.DataFrame(compared).drop(columns="example").to_string(index=False)
    (FOLDER / "parity.txt").write_text(text + "\n")
    print(text)
    everything = [statement for statements in deploys.values() for statement in statements]
    return {
        "statements_first": len(deployment.first),
        "statements_second": len(deployment.second),
        "unparsed": len(everything_parses(everything, deployment.manifest)),
        "parity_models": len(compared),
        "parity_differences": sum(row["differences"] for row in compared),
    }


def _script(steps: dict[str, list[Statement]]) -> str:
    """Return the steps as one script: who does what, and which statements that sends."""
    lines = []
    for number, (step, statements) in enumerate(steps.items(), 1):
        lines.append(f"-- step {number} · {step}: {len(statements)} statements")
        role = ""
        for statement in statements:
            if statement.role != role:
                role = statement.role
                lines.append(f"use role {role};")
            lines.append(statement.sql.strip().rstrip(";") + ";")
        lines.append("")
    return "\n".join(lines)


def _write_statements(folder: Path, statements: list[Statement]) -> None:
    folder.mkdir(parents=True)
    for number, statement in enumerate(statements, 1):
        node = statement.node.split(".")[2] if statement.node.count(".") > 1 else "dbt"
        verb = re.sub(r"\W+", "-", " ".join(one_line(statement.sql).lower().split()[:3]))[:30]
        file = folder / f"{number:03}-{node[:40]}-{verb.strip('-')}.sql"
        file.write_text(statement.sql.strip() + "\n")


if __name__ == "__main__":
    main()
