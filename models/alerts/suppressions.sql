-- Filled by SUPPRESS_CUSTOMER, append-only. dbt keeps the columns, it keeps the rows.
select
    cast(null as {{ dbt.type_string() }}) as customer_id,
    cast(null as {{ dbt.type_string() }}) as reason,
    cast(null as {{ dbt.type_string() }}) as actor,
    cast(null as {{ type_utc() }}) as noted_at
where 1 = 0
