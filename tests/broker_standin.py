"""A stand-in for a broker that serves given logs: what the laptop's broker never has in its own.

It speaks only as much of Kafka's protocol as a reader of a topic needs.
"""

import socketserver
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import UUID, uuid5

from kafka.protocol.api_message import ApiMessage
from kafka.protocol.consumer import (
    FetchRequest,
    FetchResponse,
    ListOffsetsRequest,
    ListOffsetsResponse,
)
from kafka.protocol.metadata import (
    ApiVersionsRequest,
    ApiVersionsResponse,
    FindCoordinatorRequest,
    FindCoordinatorResponse,
    MetadataRequest,
    MetadataResponse,
)
from kafka.protocol.producer import ProduceRequest

from tests.record_batches import PartitionLog

_SPOKEN = {
    request.API_KEY: (request, oldest, newest)
    for request, oldest, newest in (
        (FetchRequest, 4, 12),
        (ListOffsetsRequest, 1, 7),
        (MetadataRequest, 0, 12),
        (ApiVersionsRequest, 0, 3),
        # Nobody sends to it or joins a group, but librdkafka takes a broker without these for one
        # of a time before compression and transactions.
        (ProduceRequest, 3, 8),
        (FindCoordinatorRequest, 0, 2),
    )
}
_NODE = 1
_EARLIEST = -2
_UNKNOWN_TOPIC, _OUT_OF_RANGE, _UNSUPPORTED_VERSION = 3, 1, 35
_TOPIC_IDS = UUID(int=0)


class Standin:
    """Serves `topics`, logs by name and partition; tests change them as they like.

    An answer holds `batches_per_fetch` whole batches of a partition, and the beginning of the next:
    brokers cut at a number of bytes. A fetch that may take less than `slow_milliseconds` comes back
    empty. With `forgets_ends` it says of every partition that it is empty, when asked for its end.
    """

    def __init__(self) -> None:
        self.topics: dict[str, dict[int, PartitionLog]] = {}
        self.batches_per_fetch = 2
        self.slow_milliseconds = 0
        self.forgets_ends = False
        self.address = ""

    def answer(self, request: ApiMessage) -> ApiMessage:
        """Return the answer to a request."""
        return _ANSWERS[type(request)](self, request)

    def _api_versions(self, request: ApiVersionsRequest) -> ApiVersionsResponse:
        spoken = ApiVersionsResponse.ApiVersion
        keys = [
            spoken(api_key=key, min_version=oldest, max_version=newest)
            for key, (_, oldest, newest) in _SPOKEN.items()
        ]
        return ApiVersionsResponse(error_code=0, api_keys=keys, throttle_time_ms=0)

    def _find_coordinator(self, request: FindCoordinatorRequest) -> FindCoordinatorResponse:
        host, port = self.address.split(":")
        return FindCoordinatorResponse(
            throttle_time_ms=0, error_code=0, node_id=_NODE, host=host, port=int(port)
        )

    def _metadata(self, request: MetadataRequest) -> MetadataResponse:
        host, port = self.address.split(":")
        named = [topic.name for topic in request.topics] if request.topics else [*self.topics]
        broker = MetadataResponse.MetadataResponseBroker
        return MetadataResponse(
            throttle_time_ms=0,
            brokers=[broker(node_id=_NODE, host=host, port=int(port))],
            cluster_id="standin",
            controller_id=_NODE,
            topics=[self._topic(name) for name in named],
        )

    def _topic(self, name: str) -> MetadataResponse.MetadataResponseTopic:
        partition = MetadataResponse.MetadataResponseTopic.MetadataResponsePartition
        logs = self.topics.get(name)
        return MetadataResponse.MetadataResponseTopic(
            error_code=_UNKNOWN_TOPIC if logs is None else 0,
            name=name,
            topic_id=uuid5(_TOPIC_IDS, name),
            is_internal=False,
            partitions=[
                partition(
                    error_code=0,
                    partition_index=number,
                    leader_id=_NODE,
                    leader_epoch=0,
                    replica_nodes=[_NODE],
                    isr_nodes=[_NODE],
                    offline_replicas=[],
                )
                for number in logs or ()
            ],
        )

    def _list_offsets(self, request: ListOffsetsRequest) -> ListOffsetsResponse:
        answers = []
        topic_answer = ListOffsetsResponse.ListOffsetsTopicResponse
        for topic in request.topics:
            partitions = []
            for asked in topic.partitions:
                log = self.topics[topic.name][asked.partition_index]
                end = log.last_stable if request.isolation_level else log.end
                if self.forgets_ends:
                    end = log.start
                partitions.append(
                    topic_answer.ListOffsetsPartitionResponse(
                        partition_index=asked.partition_index,
                        error_code=0,
                        timestamp=-1,
                        offset=log.start if asked.timestamp == _EARLIEST else end,
                        leader_epoch=0,
                    )
                )
            answers.append(topic_answer(name=topic.name, partitions=partitions))
        return ListOffsetsResponse(throttle_time_ms=0, topics=answers)

    def _fetch(self, request: FetchRequest) -> FetchResponse:
        deadline = time.monotonic() + request.max_wait_ms / 1_000
        is_too_slow = request.max_wait_ms < self.slow_milliseconds
        while True:
            answers = [
                FetchResponse.FetchableTopicResponse(
                    topic=topic.topic,
                    partitions=[
                        self._fetched(topic.topic, asked, request.isolation_level)
                        for asked in topic.partitions
                    ],
                )
                for topic in request.topics
            ]
            parts = [part for answer in answers for part in answer.partitions]
            if is_too_slow:
                for part in parts:
                    part.records = b""
            if any(part.records or part.error_code for part in parts):
                break
            if (left := deadline - time.monotonic()) <= 0:
                break
            time.sleep(min(left, 0.005))
        return FetchResponse(throttle_time_ms=0, error_code=0, session_id=0, responses=answers)

    def _fetched(
        self, topic: str, asked: FetchRequest.FetchTopic.FetchPartition, isolation_level: int
    ) -> FetchResponse.FetchableTopicResponse.PartitionData:
        log, at = self.topics[topic][asked.partition], asked.fetch_offset
        limit = log.last_stable if isolation_level else log.end
        ready = [one for one in log.batches if one[1] >= at and one[0] < limit]
        sent, cut = ready[: self.batches_per_fetch], ready[self.batches_per_fetch :][:1]
        upper = sent[-1][1] + 1 if sent else limit
        data = FetchResponse.FetchableTopicResponse.PartitionData
        return data(
            partition_index=asked.partition,
            error_code=0 if log.start <= at <= log.end else _OUT_OF_RANGE,
            high_watermark=log.end,
            last_stable_offset=log.last_stable,
            log_start_offset=log.start,
            aborted_transactions=[
                data.AbortedTransaction(producer_id=producer, first_offset=first)
                for producer, first, last in log.aborted
                if isolation_level and last >= at and first < upper
            ],
            preferred_read_replica=-1,
            records=b"".join(
                [one[2] for one in sent] + [one[2][: len(one[2]) // 2] for one in cut]
            ),
        )


_ANSWERS = {
    ApiVersionsRequest: Standin._api_versions,
    MetadataRequest: Standin._metadata,
    FindCoordinatorRequest: Standin._find_coordinator,
    ListOffsetsRequest: Standin._list_offsets,
    FetchRequest: Standin._fetch,
}


class _Connection(socketserver.StreamRequestHandler):
    """Answers the requests of one connection, in their order."""

    disable_nagle_algorithm = True

    def handle(self) -> None:
        with suppress(ConnectionError):
            while head := self.rfile.read(4):
                self._answer(self.rfile.read(struct.unpack(">i", head)[0]))

    def _answer(self, data: bytes) -> None:
        key, version, correlation = struct.unpack_from(">hhi", data)
        if key not in _SPOKEN:
            raise ConnectionAbortedError
        kind, oldest, newest = _SPOKEN[key]
        if not oldest <= version <= newest:  # only asked for versions is a client ahead of us
            answer = ApiVersionsResponse(error_code=_UNSUPPORTED_VERSION, api_keys=[])
            version = 0
        else:
            answer = self.server.standin.answer(kind.decode(data, version=version, header=True))
        answer.API_VERSION = version
        answer.with_header(correlation)
        self.wfile.write(answer.encode(header=True, framed=True))


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    block_on_close = False


@contextmanager
def standin() -> Iterator[Standin]:
    """Run a stand-in while the context is open."""
    served = Standin()
    with _Server(("127.0.0.1", 0), _Connection) as server:
        server.standin = served
        served.address = f"127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield served
        server.shutdown()
