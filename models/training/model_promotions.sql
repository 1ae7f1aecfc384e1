-- Which version serves, and who decided it: append-only. A row per decision, also of those that
-- left a new version aside. Written by training (macros/training/promotion.sql), promote_model and
-- rollback_model. dbt keeps the columns.
{{ config(materialized='incremental', full_refresh=false, on_schema_change='append_new_columns') }}

select
    cast(null as {{ dbt.type_string() }}) as version,
    cast(null as {{ dbt.type_string() }}) as action,
    cast(null as {{ dbt.type_string() }}) as reason,
    cast(null as {{ dbt.type_string() }}) as actor,
    cast(null as {{ type_utc() }}) as decided_at
where 1 = 0
