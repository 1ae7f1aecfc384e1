-- Filled by what asks the LLM, append-only. dbt keeps the columns, it keeps the rows.
select
    cast(null as {{ dbt.type_string() }}) as call_id,
    cast(null as {{ dbt.type_string() }}) as alert_id,
    cast(null as integer) as attempt,
    cast(null as {{ dbt.type_string() }}) as provider,
    cast(null as {{ dbt.type_string() }}) as model,
    cast(null as {{ dbt.type_string() }}) as prompt_version,
    cast(null as {{ dbt.type_string() }}) as outcome,
    cast(null as {{ dbt.type_string() }}) as detail,
    cast(null as {{ dbt.type_string() }}) as reply,
    cast(null as integer) as prompt_tokens,
    cast(null as integer) as reply_tokens,
    cast(null as double) as seconds,
    cast(null as double) as cost,
    cast(null as {{ type_utc() }}) as called_at,
    cast(null as {{ dbt.type_string() }}) as purpose,
    cast(null as {{ dbt.type_string() }}) as own_words
where 1 = 0
