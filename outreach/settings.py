"""What the project's vars say about messages, as the view MESSAGE_SETTINGS holds it."""

from dataclasses import dataclass, fields

import duckdb

from runtime.errors import NOT_BUILT, EngineError


@dataclass(frozen=True)
class MessageSettings:
    """Who writes messages, within which limits; the columns of MESSAGE_SETTINGS."""

    provider: str
    model: str
    prompt: str
    reply_schema: str
    review_prompt: str
    review_schema: str
    sentences: str
    max_tokens: int
    timeout_seconds: int
    sender_address: str
    unsubscribe_address: str


def read_settings(connection: duckdb.DuckDBPyConnection) -> MessageSettings:
    """Return the settings that were built last; raises EngineError before the first build."""
    columns = ", ".join(field.name for field in fields(MessageSettings))
    try:
        row = connection.execute(f"select {columns} from message_settings").fetchone()
    except duckdb.CatalogException as error:
        raise EngineError(NOT_BUILT) from error
    if row is None:
        raise EngineError(NOT_BUILT)
    return MessageSettings(*row)
