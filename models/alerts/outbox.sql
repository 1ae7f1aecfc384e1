-- Filled by what hands messages over, append-only. dbt keeps the columns, it keeps the rows.
select
    cast(null as {{ dbt.type_string() }}) as message_id,
    cast(null as {{ dbt.type_string() }}) as alert_id,
    cast(null as {{ dbt.type_string() }}) as customer_id,
    cast(null as {{ dbt.type_string() }}) as step,
    cast(null as integer) as attempt,
    cast(null as {{ dbt.type_string() }}) as sender,
    cast(null as {{ dbt.type_string() }}) as detail,
    cast(null as {{ type_utc() }}) as noted_at
where 1 = 0
