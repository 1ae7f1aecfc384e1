"""No secret of the environment is printed, logged or kept, whatever fails."""

import base64
import json
import os
import signal
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import duckdb
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from embedded.broker import broker_process
from ingest.sinks import snowflake_account
from outreach.senders.choice import open_sender
from runtime.errors import EngineError, IngestError
from tests.dbt import PROJECT, TARGETS, _target_path, run_dbt
from tests.ingest_fixtures import wait_until
from tests.outreach_fixtures import raise_alerts, set_up
from tests.test_deliveries import approve

pytest_plugins = ("tests.outreach_fixtures",)
MARK = "mArKeD"
# Nobody listens there, so that each command fails where it would have used its secret.
NOWHERE = "127.0.0.1:9"
SECRETS = {
    "KAFKA_SASL_PASSWORD": f"{MARK}-sasl",
    "KAFKA_SSL_KEY_PASSWORD": f"{MARK}-key",
    "CHURN_SMTP_PASSWORD": f"{MARK}-smtp",
    "OLLAMA_HOST": f"http://me:{MARK}-llm@{NOWHERE}",
    "OLLAMA_API_KEY": f"{MARK}-llm-key",
    "SNOWFLAKE_TOKEN": f"{MARK}-token",
    "SNOWFLAKE_OAUTH_TOKEN": f"{MARK}-oauth",
    "DBT_ENV_SECRET_SNOWFLAKE_KEY_PASSPHRASE": f"{MARK}-passphrase",
}
SASL = {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_USERNAME": "me"}
TO = ("--bootstrap-servers", NOWHERE, "--topic", "t")
LOAD = ("ingest", "load", "--until-end", *TO)
# What is run beside each other: its command line, its settings, and what must be said of it.
COMMANDS = {
    "load": (LOAD, SASL, "no Kafka broker answers"),
    "load in C": ((*LOAD, "--client", "librdkafka"), SASL, "no Kafka broker answers"),
    "load with a wrong password of the key": (
        LOAD, SASL | {"KAFKA_SSL_CERTFILE": "{key}", "KAFKA_SSL_KEYFILE": "{key}"}, "",
    ),
    "load in C with a wrong password of the key": (
        (*LOAD, "--client", "librdkafka"),
        SASL | {"KAFKA_SSL_CERTFILE": "{key}", "KAFKA_SSL_KEYFILE": "{key}"}, "",
    ),
    "up": (("embedded", "up", "--no-dashboard", "--port", "0"), {}, "broker: 127.0.0.1"),
    "up elsewhere": (
        ("embedded", "up", "--no-dashboard", "--bootstrap-servers", NOWHERE),
        SASL | {"CHURN_HOME": "{other}"}, "no Kafka broker answers",
    ),
    "outreach": (("outreach", "run", "--once"), {}, "messages wait"),
    "outreach with a password in the address": (
        ("outreach", "run", "--once"), {"CHURN_OUTBOX": f"smtp://me:{MARK}@{NOWHERE}"},
        "the password belongs into CHURN_SMTP_PASSWORD",
    ),
    "query": (("embedded", "query", "from duckdb_settings()", "--max-rows", "1000"), {}, "rows"),
    "tick": (("embedded", "tick"), {}, ""),
    "query as somebody": (("embedded", "query", "select nope"), {}, "nope"),
    "simulate": (
        ("ingest", "simulate", "--customers", "1", "--days", "1", *TO), SASL, "no Kafka broker",
    ),
    "replay": (("ingest", "replay", "{events}", *TO), SASL, "no Kafka broker"),
    "rejected": (("ingest", "rejected"), {}, ""),
    "export": (("embedded", "export", "{tables}"), {}, ""),
    "unresolved": (("outreach", "unresolved"), {}, ""),
    "note": (("outreach", "note", "nobody", "bounced"), {}, "There is no message"),
    "suppress": (("outreach", "suppress", "H", "complained"), {}, ""),
}  # fmt: skip
DBT = {
    "duckdb": {
        ("debug",): "All checks passed",
        ("--debug", "build", "-s", "message_settings"): "Completed successfully",
        ("compile", "-s", "message_settings"): "message_settings",
        ("seed", "-s", "offers"): "Completed successfully",
        ("run", "-s", "message_settings"): "Completed successfully",
        ("test", "-s", "offers"): "Completed successfully",
        (
            "run-operation",
            "execute_task",
            "--args",
            "{name: nonsense}",
        ): "execute_task",
    },
    "snowflake": {
        ("debug",): "Could not connect",
        ("--debug", "build", "-s", "churn_scores_raw"): "Could not connect",
        ("run-operation", "show_pipeline"): "Could not connect",
    },
}


def has_secret(content: bytes) -> bool:
    """Tell whether a content holds a mark, as it is or as a header of HTTP or SMTP would say it."""
    texts = [MARK, *(user + one for user in ("me:", "\0me\0") for one in SECRETS.values())]
    encoded = [base64.b64encode(text.encode())[:20] for text in texts[1:]]
    return any(one in content for one in (MARK.encode(), *encoded))


def leaks(folder: Path) -> list[str]:
    """Return the files below a folder that hold a mark, and the tables of databases that do."""
    found = [
        str(one) for one in folder.rglob("*") if one.is_file() and has_secret(one.read_bytes())
    ]
    for file in folder.rglob("*.duckdb"):
        with duckdb.connect(str(file), read_only=True) as connection:
            names = connection.execute(
                "select format('{}.{}', schema_name, table_name) from duckdb_tables()"
            ).fetchall()
            for (name,) in names:
                rows = connection.execute(f"from {name}").fetchall()
                found += [name] * has_secret(repr(rows).encode())
    return found


def encrypted_key(path: Path) -> Path:
    """Write a certificate with a key whose password is another one."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = serialization.Encoding.PEM
    path.write_bytes(
        certificate.public_bytes(pem)
        + key.private_bytes(
            pem,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"another"),
        )
    )
    return path


@pytest.fixture
def secrets(monkeypatch, tmp_path):
    for variable, value in SECRETS.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("CHURN_OUTBOX", f"smtp://me@{NOWHERE}")
    monkeypatch.setenv("DBT_LOG_PATH", str(tmp_path / "logs"))
    monkeypatch.setenv("SNOWFLAKE_HOST", "127.0.0.1")
    monkeypatch.setenv("DO_NOT_TRACK", "1")


def test_no_command_prints_logs_or_keeps_a_secret(pipeline, secrets, tmp_path):
    set_up(pipeline, provider="ollama", model="none")
    approve_some(pipeline)
    events = tmp_path / "events.jsonl"
    one = {"event_id": "e", "customer_id": "A", "event_type": "login"}
    events.write_text(json.dumps(one | {"occurred_at": "2026-01-01T00:00:00Z"}) + "\n")
    places = {
        "key": encrypted_key(tmp_path / "key.pem"),
        "other": tmp_path / "other",
        "events": events,
        "tables": tmp_path / "tables",
    }
    running = {}
    for name, (words, settings, _) in COMMANDS.items():
        command = [word.format(**places) for word in words]
        given = {one: text.format(**places) for one, text in settings.items()}
        with (tmp_path / f"{name}.said").open("wb") as said:
            running[name] = subprocess.Popen(
                [sys.executable, "-m", *command], cwd=PROJECT, env=os.environ | given,
                stdout=said, stderr=subprocess.STDOUT,
            )  # fmt: skip
    try:
        for name, process in running.items():
            if name != "up":
                process.wait(120)
        said = tmp_path / "up.said"
        wait_until(lambda: "messages wait" in said.read_text(), 60)
        running["up"].send_signal(signal.SIGTERM)
        assert running["up"].wait(60) == 0, said.read_text()
    finally:
        for process in running.values():
            process.kill()
    for name, (_, _, words) in COMMANDS.items():
        text = (tmp_path / f"{name}.said").read_text()
        assert words in text, (name, text)
        assert "Traceback" not in text, (name, text)
    outcomes = pipeline.rows("select distinct outcome from llm_calls")
    assert outcomes, "no LLM was asked"
    pipeline.close()
    assert leaks(tmp_path) == []


def approve_some(pipeline) -> None:
    """One message that waits for the mail server, one alert that waits for the LLM."""
    set_up(pipeline, provider="template")
    approve(pipeline, "A")
    set_up(pipeline, provider="ollama")
    raise_alerts(pipeline, "B")
    pipeline.close()


@pytest.mark.skipif(sys.platform != "linux", reason="it reads a process's environment from /proc")
def test_the_brokers_binary_is_told_no_secret(secrets):
    with broker_process(0) as (_, process):
        environment = Path(f"/proc/{process.pid}/environ").read_bytes()
    assert b"PATH=" in environment
    assert not has_secret(environment)


@pytest.mark.parametrize("target", ["duckdb", "snowflake"])
def test_dbt_prints_logs_and_keeps_no_secret(pipeline, secrets, tmp_path, target):
    pipeline.close()
    for number, (command, words) in enumerate(DBT[target].items()):
        done = run_dbt(*command, target=target, check=False)
        assert words in done.stdout, (command, done.stdout, done.stderr)
        (tmp_path / f"{number}.said").write_text(done.stdout + done.stderr)
    assert (tmp_path / "logs" / "dbt.log").exists()
    written = PROJECT / (TARGETS if target == "duckdb" else _target_path(target, ()))
    assert (written / "manifest.json").exists()
    assert leaks(tmp_path) == leaks(written) == []


def test_a_key_that_cannot_be_read_is_told_without_its_passphrase(secrets, monkeypatch, tmp_path):
    monkeypatch.delenv("SNOWFLAKE_TOKEN")
    monkeypatch.delenv("SNOWFLAKE_OAUTH_TOKEN")
    key = encrypted_key(tmp_path / "key.pem")
    monkeypatch.setenv("SNOWFLAKE_PRIVATE_KEY_PATH", str(key))
    done = run_dbt("--debug", "debug", target="snowflake", check=False)
    assert done.returncode != 0
    (tmp_path / "said").write_text(done.stdout + done.stderr)
    assert leaks(tmp_path) == []


@pytest.mark.parametrize("login", ["a token", "a key"])
def test_a_loader_that_snowflake_refuses_says_no_secret(
    secrets, monkeypatch, tmp_path, capfd, caplog, login
):
    caplog.set_level("DEBUG")
    monkeypatch.setattr(snowflake_account, "_CONNECT_SECONDS", 1)
    monkeypatch.setenv("SNOWFLAKE_ACCOUNT", "nowhere")
    monkeypatch.setenv("SNOWFLAKE_USER", "me")
    if login == "a key":
        monkeypatch.delenv("SNOWFLAKE_TOKEN")
        key = encrypted_key(tmp_path / "key.pem")
        monkeypatch.setenv("SNOWFLAKE_PRIVATE_KEY_PATH", str(key))
    account = snowflake_account.account_from_environment()
    for connect in (account.sql_connection, lambda: account.streaming_client("churn_scores_raw")):
        with pytest.raises(IngestError) as raised:
            connect()
        assert not has_secret(str(raised.value).encode())
    assert not has_secret(f"{account!r} {account}".encode())
    assert not has_secret("".join(capfd.readouterr()).encode() + caplog.text.encode())


@pytest.mark.parametrize(
    "where",
    [
        f"smtp://me:{MARK}@host", f"smtp://me:{MARK}/x@host", f"smtp://me:{MARK}#x@host:25",
        f"smtp://me@host:{MARK}", f"smtp://[{MARK}", f"smtp:/me:{MARK}@host", f"me:{MARK}@host",
        f"smtp:me:{MARK}@host", f"smtp//me:{MARK}@host", f"smtp://host?password={MARK}",
        f"smtp://host/{MARK}", f"SMTPS://me:{MARK}@host", f"ftp://me:{MARK}@host",
        f"mailto:{MARK}@host", "smtp://host:99999", "smtp://", "smtp://me@", "smtp://a b@host",
    ],
)  # fmt: skip
def test_an_address_of_a_mail_server_that_is_none_is_not_quoted(monkeypatch, tmp_path, where):
    monkeypatch.setenv("CHURN_OUTBOX", where)
    with pytest.raises(EngineError, match="CHURN_OUTBOX must be a folder") as raised:
        open_sender(tmp_path)
    assert MARK not in str(raised.value)


@pytest.mark.parametrize(
    ("where", "server"),
    [
        ("smtp://mail.example.com", ("mail.example.com", 25, None, False)),
        ("smtp://me@mail.example.com:587", ("mail.example.com", 587, "me", False)),
        ("smtps://me@example.com@[::1]/", ("::1", 465, "me@example.com", True)),
    ],
)
def test_an_address_of_a_mail_server_is_taken_apart(monkeypatch, tmp_path, where, server):
    monkeypatch.setenv("CHURN_OUTBOX", where)
    sender = open_sender(tmp_path)
    assert (sender._host, sender._port, sender._user, sender._is_tls) == server


@pytest.mark.parametrize("where", ["outbox", "/var/mail/me@home", "C:\\outbox", "./a:b@c"])
def test_a_folder_is_a_folder(monkeypatch, tmp_path, where):
    monkeypatch.setenv("CHURN_OUTBOX", where)
    assert open_sender(tmp_path).name == "folder"
