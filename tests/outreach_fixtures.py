"""A pipeline with customers and alerts, and a server that speaks Ollama's protocol and obeys."""

import json
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from embedded.engine.registry import tasks
from embedded.engine.storage import transact
from runtime.clock import utc_now
from tests.conftest import Pipeline, event
from tests.letters import collected

ATTACKS = collected("attacks")
REASONS = json.dumps(
    [
        {
            "code": "silent",
            "text": "No activity for 20 days, usually every 3 days",
            "facts": {"weeks_away": 2},
        }
    ]
)
GOOD = json.dumps(
    {
        "subject": "silent_subject_1",
        "sentences": ["silent_opening_2", "silent_offer_1", "closing_2"],
    }
)
OWN_SENTENCE = "We kept your favourite seat by the window."
OWN_WORDS = json.dumps(
    {
        "subject": "silent_subject_1",
        "sentences": ["silent_opening_1", OWN_SENTENCE, "silent_offer_1", "closing_2"],
    }
)
NO_DOUBTS = json.dumps({"doubts": []})


def customer(customer_id: str, name: str | None = "Ada Keller", **profile) -> list[dict]:
    """Events of a customer who agrees to marketing, unless `profile` says otherwise."""
    profile = {
        "name": name,
        "email": f"{customer_id}@example.org".lower(),
        "region": "north",
        "segment": "default",
        "marketing_consent": True,
        **profile,
    }
    now = utc_now()
    return [
        event(f"p-{customer_id}", customer_id, "profile_updated", now, properties=profile),
        event(f"a-{customer_id}", customer_id, "purchase", now, amount=10.0),
    ]


def raise_alerts(
    pipeline: Pipeline,
    *customers: str,
    days_ago: float = 0,
    arm: str = "treated",
    arm_drawn: str | None = "approval",
) -> None:
    """Alerts as PROCESS_ALERTS raises them, one a customer, with the customer's id as theirs.

    arm_drawn=None: as it did when the arm was drawn with the alert.
    """
    status = "OPEN" if arm == "treated" or arm_drawn else "HELD_OUT"
    at = utc_now() - timedelta(days=days_ago)
    rows = [
        (one, one, 0.5, 0.2, 10.0 + number, REASONS, "thank_you", arm, status, "m", at, "default")
        for number, one in enumerate(customers)
    ]
    marks = ", ".join("?" for _ in rows[0])
    rows = [(*row, arm_drawn) for row in rows]
    insert = f"insert into high_risk_history values ({marks}, null, 10, ?)"
    transact(pipeline.connection, lambda open_: open_.executemany(insert, rows))
    run(pipeline, "sweep_silent_customers")


def run(pipeline: Pipeline, task: str, as_of=None) -> None:
    """Run a task now, or as of another moment; it must succeed."""
    done = pipeline.run_task(tasks(pipeline.connection)[task], as_of or utc_now())
    assert done.error is None, done.error


def states(pipeline: Pipeline) -> dict[str, str]:
    return dict(pipeline.rows("select alert_id, state from alert_states"))


def set_up(pipeline: Pipeline, **settings) -> None:
    """Build MESSAGE_SETTINGS anew, as a build with other vars would."""
    sql = pipeline.one("select sql from duckdb_views() where view_name = 'message_settings'")
    query = sql[sql.lower().index(" as ") + 4 :].rstrip("; \n")
    changes = ", ".join(
        f"{value!r} as {name}" if isinstance(value, str) else f"{value} as {name}"
        for name, value in settings.items()
    )
    pipeline.connection.execute(
        f"create or replace view message_settings as select * replace ({changes}) from ({query})"
    )


@pytest.fixture(scope="module")
def prepared(empty_pipelines, tmp_path_factory):
    """A built pipeline with eight customers A to H, to be copied; the model is not needed."""
    path = empty_pipelines.copy("all", tmp_path_factory.mktemp("outreach") / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHURN_HOME", str(path))
        pipeline = Pipeline(path)
        pipeline.add(*(one for name in "ABCDEFGH" for one in customer(name)))
        pipeline.tick()
        pipeline.close()
    return path


@pytest.fixture
def pipeline(prepared, tmp_path, monkeypatch) -> Iterator[Pipeline]:
    """A copy of the prepared pipeline, for one test."""
    path = tmp_path / "home"
    shutil.copytree(prepared, path)
    monkeypatch.setenv("CHURN_HOME", str(path))
    opened = Pipeline(path)
    yield opened
    opened.close()


class Llm:
    """What the server answers next, and what it was asked."""

    def __init__(self) -> None:
        self.prompts: list[str] = []
        self.reviewed: list[str] = []
        self.replies: list[str] = []
        self.reviews: list[str] = []
        self.status, self.wait_seconds, self.padding = 200, 0.0, 0
        self.raw: bytes | None = None
        self.stop = threading.Event()

    def answer(self, prompt: str, is_review: bool = False) -> bytes:
        (self.reviewed if is_review else self.prompts).append(prompt)
        self.stop.wait(self.wait_seconds)
        if self.raw is not None:
            return self.raw
        next_ones, otherwise = (self.reviews, NO_DOUBTS) if is_review else (self.replies, GOOD)
        reply = next_ones.pop(0) if next_ones else otherwise
        return json.dumps(
            {
                "model": "fake",
                "created_at": "2026-01-01T00:00:00Z",
                "done": True,
                "message": {"role": "assistant", "content": reply + " " * self.padding},
                "prompt_eval_count": 200,
                "eval_count": 100,
            }
        ).encode()


@contextmanager
def ollama_server() -> Iterator[tuple[Llm, str]]:
    llm = Llm()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            size = int(self.headers["Content-Length"])
            request = json.loads(self.rfile.read(size))
            assert self.path == "/api/chat"
            assert request["options"]["temperature"] == 0
            is_review = "doubts" in request["format"]["properties"]
            body = llm.answer(request["messages"][0]["content"], is_review)
            self.send_response(llm.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            try:
                self.wfile.write(body)
            except OSError:
                time.sleep(0)  # who asked has hung up

        def log_message(self, *_):
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield llm, f"http://127.0.0.1:{server.server_port}"
        finally:
            llm.stop.set()
            server.shutdown()
            thread.join()


@pytest.fixture
def llm(monkeypatch) -> Iterator[Llm]:
    """The server, as the one that OLLAMA_HOST names."""
    with ollama_server() as (answering, address):
        monkeypatch.setenv("OLLAMA_HOST", address)
        yield answering
