-- Filled by FORGET_CUSTOMER, append-only. dbt keeps the columns, it keeps the rows.
select
    cast(null as {{ dbt.type_string() }}) as id_hash,
    cast(null as {{ dbt.type_string() }}) as salt,
    cast(null as {{ type_utc() }}) as forgotten_at,
    cast(null as {{ dbt.type_string() }}) as actor
where 1 = 0
