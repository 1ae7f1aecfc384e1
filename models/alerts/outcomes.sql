-- Filled by the tasks, append-only. dbt keeps the columns, the tasks keep the rows.
select
    cast(null as {{ dbt.type_string() }}) as alert_id,
    cast(null as {{ dbt.type_string() }}) as customer_id,
    cast(null as {{ dbt.type_string() }}) as arm,
    cast(null as integer) as churned,
    cast(null as {{ type_utc() }}) as closed_at,
    cast(null as integer) as horizon_days,
    cast(null as double) as value
where 1 = 0
