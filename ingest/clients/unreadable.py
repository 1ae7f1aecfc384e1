"""What is said of messages that a client cannot read: where they are, why, and what to do."""

from ingest.libraries import KAFKA_PYTHON, LIBRDKAFKA
from runtime.errors import IngestError

WRONG_CHECKSUM = "their checksum is wrong"

_WAY_ON = "delete them with Kafka's kafka-delete-records and go on with --skip-lost"

# By their numbers in Kafka's protocol.
_CODECS = {1: "gzip", 2: "snappy", 3: "lz4", 4: "zstd"}
# What kafka-python takes for them; gzip is Python's own.
_PACKAGES = {"snappy": "python-snappy", "lz4": "lz4", "zstd": "zstandard"}


def unknown_codec(topic: str, partition: int, offset: int, codec: int, client: str) -> IngestError:
    """Return the error for a client that lacks what decompresses these messages."""
    name = _codec(codec)
    if codec not in _CODECS:
        remedy = (
            "no client here knows it: let their sender use gzip, snappy, lz4 or zstd, then"
            f" {_WAY_ON}"
        )
    elif client == KAFKA_PYTHON:
        package = _PACKAGES.get(name, KAFKA_PYTHON)
        remedy = (
            f"kafka-python needs the package {package} for it: 'uv pip install {package}',"
            f" or read with --client {LIBRDKAFKA}"
        )
    else:
        remedy = f"this build of librdkafka was made without it: read with --client {KAFKA_PYTHON}"
    return IngestError(
        f"{_place(topic, partition, offset)} are compressed with {name}, and {remedy}"
    )


def damaged(topic: str, partition: int, offset: int, cause: object, client: str) -> IngestError:
    """Return the error for messages that are not what their sender sent, any more."""
    other = LIBRDKAFKA if client == KAFKA_PYTHON else KAFKA_PYTHON
    reason = " ".join(str(cause).split())
    return IngestError(
        f"{_place(topic, partition, offset)} are damaged ({reason}): start the loader again, then"
        f" with --client {other}; if they stay unreadable, {_WAY_ON}"
    )


def not_compressed(codec: int) -> str:
    """Return what is wrong with messages that a codec does not decompress."""
    return f"they do not decompress as {_codec(codec)}"


def _codec(number: int) -> str:
    return _CODECS.get(number, f"codec {number}")


def _place(topic: str, partition: int, offset: int) -> str:
    return f"topic {topic}, partition {partition}: the messages from offset {offset} on"
