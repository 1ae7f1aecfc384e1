-- Filled by monitor_model, append-only. dbt keeps the columns, the task keeps the rows.
{{ config(materialized='incremental', full_refresh=false, on_schema_change='append_new_columns') }}

select
    cast(null as date) as week,
    cast(null as {{ dbt.type_string() }}) as model_version,
    cast(null as integer) as score_bin,
    cast(null as bigint) as n,
    cast(null as bigint) as churners,
    cast(null as bigint) as treated,
    cast(null as double) as score_sum,
    cast(null as double) as variance_sum,
    cast(null as double) as squared_error_sum,
    cast(null as double) as churner_rank_sum,
    cast(null as {{ type_utc() }}) as judged_at,
    cast(null as double) as weight_sum,
    cast(null as double) as churner_weight_sum,
    cast(null as double) as squared_weight_sum,
    cast(null as double) as squared_churner_weight_sum
where 1 = 0
