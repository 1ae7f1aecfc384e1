-- Filled by monitor_model, append-only. dbt keeps the columns, the task keeps the rows.
{{ config(materialized='incremental', full_refresh=false, on_schema_change='append_new_columns') }}

select
    cast(null as date) as week,
    cast(null as {{ dbt.type_string() }}) as model_version,
    cast(null as {{ dbt.type_string() }}) as feature,
    cast(null as integer) as bin,
    cast(null as bigint) as n,
    cast(null as {{ type_utc() }}) as counted_at
where 1 = 0
