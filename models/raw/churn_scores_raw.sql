-- Filled by ingest/. Zero rows from here: dbt keeps the columns, the loader keeps the rows.
select
    cast(null as {{ dbt.type_string() }}) as event_id,
    cast(null as {{ dbt.type_string() }}) as customer_id,
    cast(null as {{ dbt.type_string() }}) as event_type,
    cast(null as {{ type_utc() }}) as occurred_at,
    cast(null as double) as amount,
    cast(null as {{ type_json() }}) as payload,
    cast(null as {{ dbt.type_string() }}) as kafka_topic,
    cast(null as {{ dbt.type_int() }}) as kafka_partition,
    cast(null as {{ dbt.type_bigint() }}) as kafka_offset,
    cast(null as {{ type_utc() }}) as published_at,
    cast(null as {{ type_utc() }}) as loaded_at
where 1 = 0
