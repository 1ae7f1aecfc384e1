-- Filled by ingest/: every message that broke the event contract, as it arrived.
select
    cast(null as {{ dbt.type_string() }}) as kafka_topic,
    cast(null as {{ dbt.type_int() }}) as kafka_partition,
    cast(null as {{ dbt.type_bigint() }}) as kafka_offset,
    cast(null as {{ type_bytes() }}) as message,
    cast(null as {{ dbt.type_string() }}) as reason,
    cast(null as {{ type_utc() }}) as published_at,
    cast(null as {{ type_utc() }}) as loaded_at
where 1 = 0
