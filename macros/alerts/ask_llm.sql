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

{# Asks Cortex once for each alert that waits, within the budget, and stores what it said: one call of
   the function a row, in a statement that does nothing else.
   purpose: write or review; function: which one asks; prompt: the column of message_settings. #}
{% macro ask_llm(purpose, function, prompt) %}
    insert into {{ ref('llm_answers') }} (call_id, alert_id, purpose, attempt, answer, called_at)
    select
        md5(
            turns.alert_id || '|{{ purpose }}|' || turns.attempt || '|'
            || cast({{ as_of() }} as {{ dbt.type_string() }})
        ) as call_id,
        turns.alert_id,
        turns.purpose,
        turns.attempt,
        {{ ref(function) }}(settings.{{ prompt }}, turns.about) as answer,
        {{ as_of() }} as called_at
    from {{ llm_turns() }} as turns
    cross join {{ ref('message_settings') }} as settings
    where turns.purpose = '{{ purpose }}'
{% endmacro %}

{# What ASK_LLM has to do: whom to ask, and answers that no run has noted yet. #}
{% macro unfinished_llm_calls() %}
    select alert_id from {{ ref('waiting_for_llm') }}
    union all
    select answers.alert_id
    from {{ ref('llm_answers') }} as answers
    left join {{ ref('llm_calls') }} as noted on answers.call_id = noted.call_id
    where noted.call_id is null or noted.outcome = 'replied'
{% endmacro %}
