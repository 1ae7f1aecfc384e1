"""How to reach a Kafka broker: the address, and TLS and SASL from the environment."""

import logging
import os
import queue
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from kafka.errors import KafkaError

from runtime.errors import IngestError

BOOTSTRAP_TIMEOUT_SECONDS = 5

_PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
# From what kafka-python calls it.
_LIBRDKAFKA_NAMES = {
    "security_protocol": "security.protocol",
    "sasl_mechanism": "sasl.mechanism",
    "sasl_plain_username": "sasl.username",
    "sasl_plain_password": "sasl.password",
    "ssl_cafile": "ssl.ca.location",
    "ssl_certfile": "ssl.certificate.location",
    "ssl_keyfile": "ssl.key.location",
    "ssl_password": "ssl.key.password",
}
_FILES = {
    "ssl_cafile": "KAFKA_SSL_CAFILE",
    "ssl_certfile": "KAFKA_SSL_CERTFILE",
    "ssl_keyfile": "KAFKA_SSL_KEYFILE",
}
_ADDRESS = re.compile(r"[^\s:,]+:(\d{1,5})|\[[0-9a-fA-F:]+\]:(\d{1,5})")
_TOPIC = re.compile(r"[a-zA-Z0-9._-]{1,249}")

Client = TypeVar("Client")

# Failures reach the user as one line of ours; the libraries' own logs would bury it.
logging.getLogger("kafka").addHandler(logging.NullHandler())
LIBRDKAFKA_LOG = logging.getLogger("librdkafka")
LIBRDKAFKA_LOG.addHandler(logging.NullHandler())
LIBRDKAFKA_LOG.propagate = False


def default_bootstrap_servers() -> str:
    """Return $KAFKA_BOOTSTRAP_SERVERS, or Kafka's usual address on this machine."""
    return os.environ.get("KAFKA_BOOTSTRAP_SERVERS") or "127.0.0.1:9092"


def kafka_python_settings(bootstrap_servers: str) -> dict[str, Any]:
    """Return the settings that every kafka-python client of the project shares.

    TLS and SASL come from the environment. Raises IngestError for an address or a setting that
    cannot be right.
    """
    return {
        "bootstrap_servers": _addresses(bootstrap_servers),
        "bootstrap_timeout_ms": BOOTSTRAP_TIMEOUT_SECONDS * 1_000,
        "reconnect_backoff_max_ms": 1_000,
        **_security_settings(),
    }


def librdkafka_settings(bootstrap_servers: str) -> dict[str, Any]:
    """Return the same settings under librdkafka's names; raises IngestError in the same cases."""
    return {
        "bootstrap.servers": ",".join(_addresses(bootstrap_servers)),
        "reconnect.backoff.max.ms": 1_000,
        **{_LIBRDKAFKA_NAMES[name]: value for name, value in _security_settings().items()},
    }


def open_kafka_python(
    kind: Callable[..., Client], bootstrap_servers: str, **options: Any
) -> Client:
    """Return a connected kafka-python client of that kind; raises IngestError within seconds.

    A TLS handshake with something that does not speak TLS never ends, whatever the timeouts say:
    the connection is therefore made in a thread that can be left behind.
    """
    settings = kafka_python_settings(bootstrap_servers) | options
    outcome: queue.SimpleQueue[Client | Exception] = queue.SimpleQueue()

    def connect() -> None:
        try:
            outcome.put(kind(**settings))
        except Exception as error:
            outcome.put(error)

    threading.Thread(target=connect, daemon=True).start()
    try:
        client = outcome.get(timeout=BOOTSTRAP_TIMEOUT_SECONDS + 1)
    except queue.Empty:
        raise no_broker(bootstrap_servers) from None
    if isinstance(client, (KafkaError, OSError)):
        raise no_broker(bootstrap_servers) from client
    if isinstance(client, Exception):
        raise client
    return client


def check_topic_name(topic: str) -> str:
    """Return the name of a topic if Kafka would take it; raises IngestError."""
    if not _TOPIC.fullmatch(topic):
        raise IngestError(
            f"'{topic}' is not a topic's name: use up to 249 letters, digits, dots, _ and -"
        )
    return topic


def no_broker(bootstrap_servers: str) -> "BrokerSilentError":
    """Return the error for a broker that cannot be reached."""
    return BrokerSilentError(
        f"no Kafka broker answers at {bootstrap_servers}: start one, or check"
        " --bootstrap-servers and the KAFKA_ variables of the environment"
    )


def refused(bootstrap_servers: str, topic: str, cause: object) -> IngestError:
    """Return the error for a broker that answers, but will not let a topic be read."""
    return IngestError(f"the broker at {bootstrap_servers} refuses topic {topic}: {cause}")


def vanished(bootstrap_servers: str, topic: str) -> IngestError:
    """Return the error for messages that the broker deleted before they were read."""
    return IngestError(
        f"the broker at {bootstrap_servers} no longer has what comes next in topic {topic}:"
        " start the loader again, it says what is missing"
    )


def _addresses(bootstrap_servers: str) -> list[str]:
    addresses = bootstrap_servers.split(",")
    for address in addresses:
        if not _is_address(address):
            raise IngestError(f"'{address}' is not a broker's address: write HOST:PORT")
    return addresses


def _is_address(text: str) -> bool:
    found = _ADDRESS.fullmatch(text)
    return bool(found) and 0 < int(found[1] or found[2]) < 65_536


def _security_settings() -> dict[str, Any]:
    protocol = _choice("KAFKA_SECURITY_PROTOCOL", _PROTOCOLS)
    settings: dict[str, Any] = {"security_protocol": protocol}
    if protocol.endswith("SSL"):
        settings |= _tls_settings()
    if protocol.startswith("SASL"):
        settings["sasl_mechanism"] = _choice("KAFKA_SASL_MECHANISM", _MECHANISMS)
        settings["sasl_plain_username"] = _required("KAFKA_SASL_USERNAME", protocol)
        settings["sasl_plain_password"] = _required("KAFKA_SASL_PASSWORD", protocol)
    return settings


def _tls_settings() -> dict[str, Any]:
    settings = {}
    for name, variable in _FILES.items():
        if path := os.environ.get(variable):
            if not Path(path).is_file():
                raise IngestError(f"{variable} names {path}, but there is no such file")
            settings[name] = path
    if password := os.environ.get("KAFKA_SSL_KEY_PASSWORD"):
        settings["ssl_password"] = password
    return settings


def _choice(variable: str, choices: tuple[str, ...]) -> str:
    value = os.environ.get(variable) or choices[0]
    if value not in choices:
        raise IngestError(f"{variable} is '{value}': use one of {', '.join(choices)}")
    return value


def _required(variable: str, protocol: str) -> str:
    value = os.environ.get(variable)
    if not value:
        raise IngestError(f"KAFKA_SECURITY_PROTOCOL is {protocol}, so {variable} must be set")
    return value


class BrokerSilentError(IngestError):
    """No broker answers; it may come back."""
