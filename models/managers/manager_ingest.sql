select
    kafka_topic,
    kafka_partition,
    cast(next_offset as bigint) as next_offset,
    cast(lag as bigint) as messages_behind,
    cast(messages_per_second as double) as messages_per_second,
    cast(accepted_count as bigint) as accepted_count,
    cast(rejected_count as bigint) as rejected_count,
    last_loaded_at
from {{ ref('ingest_partitions') }}
