{# How many calls of this UTC day are left. #}
{% macro llm_calls_left() %}
    (
        select settings.calls_per_run, settings.calls_per_day - today.calls as calls_left
        from {{ ref('message_settings') }} as settings
        cross join (
            select count(*) as calls
            from {{ ref('llm_calls') }}
            where
                outcome <> 'not_called'
                and cast(called_at as date) = cast({{ as_of() }} as date)
        ) as today
    )
{% endmacro %}

{# Whether a row of the ledger is about writing; of an older release, all are. #}
{% macro is_writing() %}coalesce(purpose, 'write') = 'write'{% endmacro %}

{# What the LLM may be asked in this run, within the budget. #}
{% macro llm_turns() %}
    (
        select
            waiting.alert_id,
            waiting.purpose,
            waiting.about,
            waiting.tried + 1 as attempt
        from {{ ref('waiting_for_llm') }} as waiting
        cross join {{ llm_calls_left() }} as budget
        where waiting.place <= least(budget.calls_per_run, budget.calls_left)
    )
{% endmacro %}

{# Notes in the ledger what nobody will be asked, because the budget is used up. #}
{% macro give_up_on_llm() %}
    insert into {{ ref('llm_calls') }} (
        call_id, alert_id, attempt, provider, model, prompt_version, outcome, detail, cost, called_at,
        purpose
    )
    select
        md5(waiting.alert_id || '|' || waiting.purpose || '|not called') as call_id,
        waiting.alert_id,
        waiting.tried + 1 as attempt,
        settings.provider,
        settings.model,
        settings.prompt_version,
        'not_called' as outcome,
        'the LLM''s budget of the day is used up' as detail,
        0 as cost,
        {{ as_of() }} as called_at,
        waiting.purpose
    from {{ ref('waiting_for_llm') }} as waiting
    cross join {{ ref('message_settings') }} as settings
    cross join {{ llm_calls_left() }} as budget
    where
        waiting.place > budget.calls_left
        or budget.calls_per_run = 0
{% endmacro %}

{# Snowflake: asks Cortex once for each alert that waits, within the budget, and keeps what it said.
   One statement, because a reply that was not kept would be paid for twice. purpose: write or
   review; question: the call that asks. #}
{% macro ask_llm(purpose, question) %}
    insert into {{ ref('llm_calls') }} (
        call_id, alert_id, attempt, provider, model, prompt_version, outcome, detail, reply,
        prompt_tokens, reply_tokens, cost, called_at, purpose
    )
    with asked as (
        select
            turns.alert_id,
            turns.attempt,
            settings.provider,
            settings.model,
            settings.prompt_version,
            settings.cost_per_million_tokens,
            {{ parse_json(question) }} as answer
        from {{ llm_turns() }} as turns
        cross join {{ ref('message_settings') }} as settings
        where turns.purpose = '{{ purpose }}'
    ),
    opened as (
        select
            *,
            {{ json_text('answer', 'reply') }} as reply,
            {{ json_text('answer', 'error') }} as error,
            try_cast({{ json_text('answer', 'prompt_tokens') }} as integer) as prompt_tokens,
            try_cast({{ json_text('answer', 'reply_tokens') }} as integer) as reply_tokens
        from asked
    )
    select
        md5(
            alert_id || '|{{ purpose }}|' || attempt || '|'
            || cast({{ as_of() }} as {{ dbt.type_string() }})
        ) as call_id,
        alert_id,
        attempt,
        provider,
        model,
        prompt_version,
        case when reply is null then 'failed' else 'replied' end as outcome,
        case when reply is null then coalesce(error, 'no reply') end as detail,
        reply,
        prompt_tokens,
        reply_tokens,
        (coalesce(cast(prompt_tokens as double), 0) + coalesce(cast(reply_tokens as double), 0))
        * cost_per_million_tokens / 1e6
            as cost,
        {{ as_of() }} as called_at,
        '{{ purpose }}' as purpose
    from opened
{% endmacro %}
