"""The two libraries that speak to Kafka, and the choice between them."""

from importlib.util import find_spec

from runtime.errors import IngestError

KAFKA_PYTHON, LIBRDKAFKA, AUTO = "kafka-python", "librdkafka", "auto"
CHOICES = (AUTO, KAFKA_PYTHON, LIBRDKAFKA)


def chosen_library(choice: str) -> str:
    """Return the library that one of CHOICES stands for: `auto` is librdkafka where it is there.

    Raises IngestError when it is not installed.
    """
    is_fast = find_spec("confluent_kafka") is not None
    if choice == LIBRDKAFKA and not is_fast:
        raise IngestError(
            "--client librdkafka needs the package confluent-kafka: install the extra with"
            " 'uv pip install -r pyproject.toml --extra fast', or use --client kafka-python"
        )
    if choice == AUTO:
        return LIBRDKAFKA if is_fast else KAFKA_PYTHON
    return choice
