-- Filled by ask_llm, append-only: what Cortex answered, as it came. dbt keeps the columns, the task
-- keeps the rows.
{{ config(enabled=target.type == 'snowflake' and var('email_provider') == 'cortex') }}

select
    cast(null as {{ dbt.type_string() }}) as call_id,
    cast(null as {{ dbt.type_string() }}) as alert_id,
    cast(null as {{ dbt.type_string() }}) as purpose,
    cast(null as integer) as attempt,
    cast(null as {{ dbt.type_string() }}) as answer,
    cast(null as {{ type_utc() }}) as called_at
where 1 = 0
