"""The one error that a user of ingest/ sees."""


class IngestError(Exception):
    """Something outside is not as it must be; the message is one line that says what to do."""
