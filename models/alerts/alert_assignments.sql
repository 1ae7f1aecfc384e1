-- Filled by ASSIGN_ALERTS, append-only. dbt keeps the columns, it keeps the rows.
select
    cast(null as {{ dbt.type_string() }}) as alert_id,
    cast(null as {{ dbt.type_string() }}) as owner,
    cast(null as date) as due_on,
    cast(null as {{ dbt.type_string() }}) as assigned_by,
    cast(null as {{ type_utc() }}) as assigned_at
where 1 = 0
