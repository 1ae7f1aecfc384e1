"""The process behind `ApartClient`: reads with kafka-python, and sends what comes to the loader.

Started with the number of a socket as its argument. First it is sent an `Order`, and answers
once it has connected; then it is sent partitions with the offsets to read them from, at any time,
and sends `Tidings`: what each poll brought, or what went wrong. It ends with the loader's end of
the socket.
"""

import queue
import sys
import threading
from contextlib import closing, suppress
from multiprocessing.connection import Connection

import msgspec

from ingest.clients.kafka_python import KafkaPythonClient
from ingest.fetched import Fetched
from ingest.interpreter import busy_interpreter
from runtime.errors import IngestError

# By partition what a poll brought, or what went wrong.
Tidings = dict[int, Fetched] | str
TIDINGS = msgspec.msgpack.Decoder(Tidings)
STARTS = msgspec.msgpack.Decoder(dict[int, int])

_POLL_SECONDS = 0.1
# Polls that lie ready while the loader is busy with a batch: some tenths of a second's worth.
_READY_POLLS = 16


class Order(msgspec.Struct, frozen=True):
    """What a `KafkaPythonClient` is made from."""

    bootstrap_servers: str
    topic: str
    fetch_wait_milliseconds: int


ORDER = msgspec.msgpack.Decoder(Order)


def serve(connection: Connection) -> None:
    """Read for the loader until it has gone, or until something goes wrong that it is told of."""
    ready: queue.Queue[Tidings | None] = queue.Queue(_READY_POLLS)
    threading.Thread(target=_read, args=(connection, ready), daemon=True).start()
    with suppress(OSError):
        while (tidings := ready.get()) is not None:
            connection.send_bytes(msgspec.msgpack.encode(tidings))


def _read(connection: Connection, ready: "queue.Queue[Tidings | None]") -> None:
    try:
        order = ORDER.decode(connection.recv_bytes())
        with closing(KafkaPythonClient(*msgspec.structs.astuple(order))) as client:
            ready.put({})
            client.read(STARTS.decode(connection.recv_bytes()))
            _poll(client, connection, ready)
    except IngestError as error:
        ready.put(str(error))
    except (EOFError, OSError):  # the loader has gone
        pass
    finally:
        ready.put(None)


def _poll(
    client: KafkaPythonClient, connection: Connection, ready: "queue.Queue[Tidings | None]"
) -> None:
    told: dict[int, tuple] = {}
    while True:
        while connection.poll(0):
            client.read(STARTS.decode(connection.recv_bytes()))
        polled = client.poll(_POLL_SECONDS)
        stands = {number: (part.next_offset, part.end_offset) for number, part in polled.items()}
        if told != (told := told | stands):
            ready.put(polled)


if __name__ == "__main__":
    with busy_interpreter():
        serve(Connection(int(sys.argv[1])))
