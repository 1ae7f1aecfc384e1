-- Filled by the tasks, append-only. dbt keeps the columns, the tasks keep the rows.
select
    cast(null as {{ dbt.type_string() }}) as alert_id,
    cast(null as {{ dbt.type_string() }}) as customer_id,
    cast(null as double) as score,
    cast(null as double) as threshold,
    cast(null as double) as value_at_risk,
    cast(null as {{ dbt.type_string() }}) as top_reasons,
    cast(null as {{ dbt.type_string() }}) as offer,
    cast(null as {{ dbt.type_string() }}) as arm,
    cast(null as {{ dbt.type_string() }}) as status,
    cast(null as {{ dbt.type_string() }}) as model_version,
    cast(null as {{ type_utc() }}) as created_at,
    cast(null as {{ dbt.type_string() }}) as segment,
    cast(null as {{ dbt.type_string() }}) as suppressed_because,
    cast(null as integer) as holdout_percent,
    cast(null as {{ dbt.type_string() }}) as arm_drawn
where 1 = 0
