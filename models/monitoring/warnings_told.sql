-- Filled by send_warnings, append-only. dbt keeps the columns, the warning keeps the rows.
{{ config(
    materialized='incremental',
    transient=false,
    full_refresh=false,
    on_schema_change='append_new_columns',
) }}

select
    cast(null as {{ dbt.type_string() }}) as warning,
    cast(null as {{ type_utc() }}) as told_at
where 1 = 0
