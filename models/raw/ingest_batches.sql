-- Filled by ingest/, in the transaction that adds the rows: the offsets a restart resumes from.
select
    cast(null as {{ dbt.type_string() }}) as kafka_topic,
    cast(null as {{ dbt.type_string() }}) as kafka_topic_id,
    cast(null as {{ dbt.type_int() }}) as kafka_partition,
    cast(null as {{ dbt.type_bigint() }}) as first_offset,
    cast(null as {{ dbt.type_bigint() }}) as next_offset,
    cast(null as {{ dbt.type_bigint() }}) as end_offset,
    cast(null as {{ dbt.type_bigint() }}) as accepted_count,
    cast(null as {{ dbt.type_bigint() }}) as rejected_count,
    cast(null as {{ type_utc() }}) as loaded_at
where 1 = 0
