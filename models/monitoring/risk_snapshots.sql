-- Filled by take_risk_snapshot, append-only. dbt keeps the columns, the task keeps the rows.
{{ config(
    materialized='incremental', full_refresh=false, on_schema_change='append_new_columns'
) }}

select
    cast(null as {{ type_utc() }}) as taken_at,
    cast(null as {{ dbt.type_string() }}) as region,
    cast(null as {{ dbt.type_string() }}) as segment,
    cast(null as {{ dbt.type_bigint() }}) as scored_customers,
    cast(null as {{ dbt.type_bigint() }}) as customers_at_risk,
    cast(null as double) as value_at_risk
where 1 = 0
