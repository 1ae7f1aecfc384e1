"""What the pipeline costs on Snowflake in a month of 30 days, as arithmetic over what is deployed.

`python -m benchmarks.snowflake_costs --vars '{snowflake_target_lag: 5 minutes}'` prints the table
of docs/snowflake.md for other settings. Schedules, statements, lag, sizes and caps come from dbt,
which needs no account for it; how long things take is assumed below.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import yaml

PROJECT = Path(__file__).parents[1]
# Credits, as the Snowflake Service Consumption Table has them; the node's are in its table 1(e).
SERVERLESS_RATE = 0.9  # of the size's credits an hour
STREAMING_PER_GB = 0.0037
COMPUTE_POOL_NODE = 0.06  # CPU_X64_XS, an hour
HOURS, DAYS = 720, 30
# Assumed, not measured.
BYTES_OF_AN_EVENT = 300
SECONDS_OF_A_RUN = 1  # of a task, beside its statements
TOKENS_OF_A_CALL = 500
SECONDS_OF_A_BUILD = 300  # of dbt, once a day
SECONDS_OF_A_LOOK = 2  # of the dashboard
OFFICE_HOURS = 8 * 22  # that a tab is open, and somebody uses it
_UNITS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86400}
_ASKED = """{{ tojson({
    'lag': lag_seconds(target_lag()), 'refresh': refresh_assumptions(),
    'credits': warehouse_credits(), 'size': var('snowflake_refresh_size'),
    'quota': refresh_quota(), 'calls': var('llm_calls_per_day'),
    'token_credits': var('llm_cost_per_million_tokens'),
}) }}"""


class Business(NamedTuple):
    """A column of the table: how much comes, and how long things take with so much."""

    name: str
    events_per_day: int
    seconds_of_a_refresh: float
    seconds_of_a_statement: float


BUSINESSES = (
    Business("idle: no events", 0, 0, 0.5),
    Business("10 k customers", 10_000, 30, 1),
    Business("1 M customers", 1_000_000, 60, 5),
)


class Task(NamedTuple):
    """What runs by itself: its seconds between two runs (None: with a stream), its statements."""

    name: str
    interval: float | None
    statements: int
    idle_statements: int  # of a run that finds nothing to do


class Deployed(NamedTuple):
    """What dbt says of the project under its vars."""

    settings: dict
    tasks: list[Task]


def deployed(variables: str = "{}") -> Deployed:
    """Ask dbt, without a connection; tasks that only Cortex needs are there too."""
    asked = json.dumps({"email_provider": "cortex"} | (yaml.safe_load(variables) or {}))
    with tempfile.TemporaryDirectory() as folder:
        settings = json.loads(_dbt(folder, asked, "--inline", _ASKED))
        kinds = ("config.materialized:task", "config.materialized:warning")
        _dbt(folder, asked, "-s", *kinds)
        manifest = json.loads((Path(folder) / "manifest.json").read_text())
    nodes = sorted(manifest["nodes"].values(), key=lambda node: node["name"])
    tasks = [
        _task(node)
        for node in nodes
        if node["config"].get("materialized") in ("task", "warning")
        and node["config"]["meta"].get("schedule") != "off"
    ]
    return Deployed(settings, tasks)


def _dbt(folder: str, variables: str, *arguments: str) -> str:
    done = subprocess.run(  # noqa: S603 - dbt itself, without a shell
        [
            *(Path(sys.executable).with_name("dbt"), "-q", "--no-use-colors", "compile"),
            *("--no-populate-cache", "--no-introspect", "--target-path", folder),
            *("--profiles-dir", PROJECT, "--project-dir", PROJECT, "--vars", variables),
            *arguments,
        ],
        env={
            **os.environ, "DBT_TARGET": "snowflake", "SNOWFLAKE_ACCOUNT": "offline",
            "SNOWFLAKE_USER": "offline",
        },
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"dbt refuses this: {done.stdout.strip() or done.stderr.strip()}")
    return done.stdout


def _task(node: dict) -> Task:
    body, meta = node["compiled_code"], node["config"]["meta"]
    schedule = meta.get("schedule")
    return Task(
        node["name"],
        _interval(schedule) if schedule else None,
        max(1, statements(body)),
        1 if body.lstrip().startswith("let due") else max(1, statements(body)),
    )


def _interval(schedule: str) -> float:
    """Return seconds between two runs; one of a cron runs once a day, as the digest does."""
    if schedule.upper().startswith("USING CRON"):
        return 86400
    number, unit = schedule.upper().split()
    return int(number) * _UNITS[unit.removesuffix("S")]


def statements(body: str) -> int:
    """Count the statements of a task's body that need a warehouse; scripting needs none."""
    text = re.sub(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", "''", body, flags=re.S)
    scripting = r"(\s*\b(?:begin|end|exception|when other then)\b)*"
    verbs = r"\s*(insert|update|merge|delete|select|with|create|call)\b"
    return sum(bool(re.match(scripting + verbs, piece, re.I)) for piece in text.split(";"))


def rows(project: Deployed) -> list[tuple[str, list[float]]]:
    """Return credits a month by what costs them, for each of the businesses."""
    found = [("loading", [_loading(one) for one in BUSINESSES])]
    found.append(("refreshes, on CHURN_REFRESH_WH", [_refreshes(project, b) for b in BUSINESSES]))
    for task in project.tasks:
        name = f"task `{task.name}`, {_trigger(task)}, {_statements(task)}"
        found.append((name, [_task_credits(project, task, b) for b in BUSINESSES]))
    found.append(("tokens of Cortex", [_tokens(project, b) for b in BUSINESSES]))
    found.append(("a `dbt build` a day, on CHURN_WH", [_build(project)] * 3))
    found.append(("each open tab of the dashboard, 8 hours on 22 days", [_tab(project)] * 3))
    found.append(("the dashboard's compute pool, all month", [COMPUTE_POOL_NODE * HOURS] * 3))
    return found


def _loading(business: Business) -> float:
    return business.events_per_day * DAYS * BYTES_OF_AN_EVENT / 1e9 * STREAMING_PER_GB


def _refresh_interval(project: Deployed) -> float:
    return project.settings["lag"] / project.settings["refresh"]["refreshes_per_lag"]


def _until_suspended(project: Deployed) -> float:
    return project.settings["refresh"]["seconds_until_suspended"]


def _refreshes(project: Deployed, business: Business) -> float:
    if not business.events_per_day:
        return 0.0  # a refresh that finds no change wakes no warehouse
    interval = _refresh_interval(project)
    awake = min(interval, business.seconds_of_a_refresh + _until_suspended(project))
    return awake / interval * HOURS * project.settings["credits"][project.settings["size"]]


def _task_credits(project: Deployed, task: Task, business: Business) -> float:
    if task.interval is None and not business.events_per_day:
        return 0.0  # WHEN asks the stream, without a warehouse
    runs = DAYS * 86400 / (task.interval or _refresh_interval(project))
    count = task.statements if business.events_per_day else task.idle_statements
    seconds = runs * (SECONDS_OF_A_RUN + count * business.seconds_of_a_statement)
    return seconds / 3600 * SERVERLESS_RATE


def _tokens(project: Deployed, business: Business) -> float:
    if not business.events_per_day:
        return 0.0
    tokens = project.settings["calls"] * DAYS * TOKENS_OF_A_CALL
    return tokens / 1e6 * project.settings["token_credits"]


def _build(project: Deployed) -> float:
    return DAYS * (SECONDS_OF_A_BUILD + _until_suspended(project)) / 3600


def _tab(project: Deployed) -> float:
    """Between two looks the warehouse sleeps, if they are further apart than its minute."""
    interval = max(10, project.settings["lag"])
    awake = min(interval, SECONDS_OF_A_LOOK + _until_suspended(project))
    return awake / interval * OFFICE_HOURS


def _trigger(task: Task) -> str:
    if task.interval is None:
        return "with each refresh that changed rows"
    return f"every {task.interval / 60:g} minutes"


def _statements(task: Task) -> str:
    text = f"{task.statements} statement{'s' if task.statements > 1 else ''}"
    if task.idle_statements < task.statements:
        text += f" ({task.idle_statements} when there is nothing to do)"
    return text


def table(project: Deployed) -> str:
    """Return the table in Markdown, with sums without and with Cortex."""
    found = rows(project)
    cortex = [name for name, _ in found if "ask_llm" in name or "Cortex" in name]
    plain = [sum(v[i] for n, v in found if n not in cortex) for i in range(len(BUSINESSES))]
    whole = [sum(values[i] for _, values in found) for i in range(len(BUSINESSES))]
    found = [(f"{name} (with Cortex only)" if name in cortex else name, v) for name, v in found]
    found += [("**together, the template writes**", plain), ("**together, Cortex writes**", whole)]
    lines = ["| credits a month | " + " | ".join(one.name for one in BUSINESSES) + " |"]
    lines.append("|---|" + "---:|" * len(BUSINESSES))
    lines += [f"| {name} | " + " | ".join(map(_credits, values)) + " |" for name, values in found]
    return "\n".join(lines)


def _credits(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}" if value >= 0.05 else f"{value:.2g}"


def main() -> None:
    """Print the table for the project's vars, or for others."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.snowflake_costs")
    parser.add_argument("--vars", default="{}", help="as dbt takes them")
    print(table(deployed(parser.parse_args().vars)))


if __name__ == "__main__":
    main()
