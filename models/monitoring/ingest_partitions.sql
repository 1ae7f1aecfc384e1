with

batches as (

    select * from {{ ref('ingest_batches') }}

),

partitions as (

    select
        kafka_topic,
        kafka_partition,
        max(next_offset) as next_offset,
        max(end_offset) as end_offset,
        sum(accepted_count) as accepted_count,
        sum(rejected_count) as rejected_count,
        max(loaded_at) as last_loaded_at
    from batches
    group by kafka_topic, kafka_partition

),

recent as (

    select
        kafka_topic,
        kafka_partition,
        sum(accepted_count + rejected_count) as message_count
    from batches
    where
        loaded_at
        >= {{ utc_now() }} - interval '{{ var("ingest_rate_minutes") }} minutes'
    group by kafka_topic, kafka_partition

),

progress as (

    select
        partitions.kafka_topic,
        partitions.kafka_partition,
        partitions.next_offset,
        -- Some brokers report an end that lies before what they have handed out.
        case
            when partitions.end_offset > partitions.next_offset
                then partitions.end_offset - partitions.next_offset
            when partitions.end_offset is not null then 0
        end as lag,
        coalesce(recent.message_count, 0)
        / ({{ var("ingest_rate_minutes") }} * 60.0) as messages_per_second,
        partitions.accepted_count,
        partitions.rejected_count,
        partitions.last_loaded_at
    from partitions
    left join recent
        on
            partitions.kafka_topic = recent.kafka_topic
            and partitions.kafka_partition = recent.kafka_partition

)

select * from progress
