-- Filled by the tasks and by EDIT_DRAFT, append-only.
-- dbt keeps the columns, they keep the rows.
select
    cast(null as {{ dbt.type_string() }}) as alert_id,
    cast(null as {{ dbt.type_string() }}) as subject,
    cast(null as {{ dbt.type_string() }}) as body,
    cast(null as {{ dbt.type_string() }}) as provider,
    cast(null as {{ dbt.type_string() }}) as model,
    cast(null as {{ dbt.type_string() }}) as prompt_version,
    cast(null as {{ dbt.type_string() }}) as checks,
    cast(null as {{ dbt.type_string() }}) as status,
    cast(null as {{ dbt.type_string() }}) as error,
    cast(null as {{ type_utc() }}) as created_at,
    cast(null as integer) as revision,
    cast(null as {{ dbt.type_string() }}) as author,
    cast(null as {{ dbt.type_string() }}) as marks
where 1 = 0
