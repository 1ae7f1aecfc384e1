-- Filled by the tasks, append-only: every score given.
-- dbt keeps the columns, the tasks keep the rows.
select
    cast(null as {{ dbt.type_string() }}) as customer_id,
    cast(null as double) as score,
    cast(null as {{ dbt.type_string() }}) as band,
    cast(null as {{ type_utc() }}) as band_since,
    cast(null as double) as value_at_risk,
    cast(null as {{ dbt.type_string() }}) as top_reasons,
    cast(null as {{ dbt.type_string() }}) as model_version,
    cast(null as {{ dbt.type_string() }}) as features_hash,
    cast(null as {{ type_utc() }}) as scored_at,
    cast(null as date) as features_date
where 1 = 0
