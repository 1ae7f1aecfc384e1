-- Filled by the tasks, append-only. dbt keeps the columns, the tasks keep the rows.
select
    cast(null as {{ dbt.type_string() }}) as alert_id,
    cast(null as integer) as days,
    cast(null as double) as spend,
    cast(null as {{ type_utc() }}) as closed_at,
    cast(null as integer) as has_left
where 1 = 0
