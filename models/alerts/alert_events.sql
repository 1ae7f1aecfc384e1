-- Filled by the tasks and by MOVE_ALERTS, append-only.
-- dbt keeps the columns, they keep the rows.
select
    cast(null as {{ dbt.type_string() }}) as event_id,
    cast(null as {{ dbt.type_string() }}) as alert_id,
    cast(null as {{ dbt.type_string() }}) as from_state,
    cast(null as {{ dbt.type_string() }}) as to_state,
    cast(null as {{ dbt.type_string() }}) as actor,
    cast(null as {{ dbt.type_string() }}) as reason,
    cast(null as {{ type_utc() }}) as occurred_at
where 1 = 0
