"""One partition on its way into Snowflake: rows first, then the offsets that they stand for."""

from dataclasses import dataclass

from ingest.sinks.snowflake_channels import Channel

EVENTS, REJECTED, OFFSETS = "churn_scores_raw", "churn_events_rejected", "ingest_batches"

# By table, then by partition, in the order of their offsets.
Rows = dict[str, dict[int, list[dict]]]


@dataclass
class Partition:
    """The channels of one partition, and what its tables held when they were opened.

    `unconfirmed` are the rows of ingest_batches that were sent but not waited for: they outlive
    the channels, so that the next ones can send them again.
    """

    number: int
    channels: dict[str, Channel]
    stored_offsets: set[int]
    unconfirmed: list[dict]

    def append(self, rows: Rows) -> None:
        """Send the rows that the tables do not hold yet."""
        for table in (EVENTS, REJECTED):
            missing = [
                row
                for row in rows[table].get(self.number, [])
                if row["kafka_offset"] not in self.stored_offsets
            ]
            self.channels[table].append(missing, [row["kafka_offset"] for row in missing])

    def wait(self) -> None:
        """Wait until these rows are stored."""
        for table in (EVENTS, REJECTED):
            self.channels[table].wait()

    def append_offsets(self, rows: list[dict]) -> None:
        """Send the offsets of a batch whose rows are stored; the next batch waits for them."""
        self.settle()
        self.unconfirmed += [row for row in rows if row not in self.unconfirmed]
        self.channels[OFFSETS].append(self.unconfirmed, _last_offsets(self.unconfirmed))

    def settle(self) -> None:
        """Wait until the offsets that were sent are stored."""
        send_offsets(self.channels[OFFSETS], self.unconfirmed)


def send_offsets(channel: Channel, unconfirmed: list[dict]) -> None:
    """Send rows of ingest_batches that were not sent yet, wait, and take out what is stored."""
    channel.append(unconfirmed, _last_offsets(unconfirmed))
    channel.wait()
    unconfirmed[:] = [row for row in unconfirmed if row["next_offset"] - 1 > channel.committed]


def channel_name(topic: str, partition: int) -> str:
    """Return the name of a partition's channels, the same in each table."""
    return f"{topic}-{partition}"


def _last_offsets(rows: list[dict]) -> list[int]:
    return [row["next_offset"] - 1 for row in rows]
