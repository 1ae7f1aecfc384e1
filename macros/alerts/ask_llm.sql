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

{# Notes in the ledger, before anybody is asked, whom this run asks. A call is counted from then on: an
   answer that is lost, because the task was cancelled while it waited, is paid for all the same.
   purpose: write or review. #}
{% macro plan_llm_calls(purpose) %}
    insert into {{ ref('llm_calls') }} (
        call_id, alert_id, attempt, provider, model, prompt_version, outcome, cost, called_at, purpose
    )
    select
        {{ llm_call_id('turns.alert_id', 'turns.purpose', 'turns.attempt') }} as call_id,
        turns.alert_id,
        turns.attempt,
        settings.provider,
        settings.model,
        settings.prompt_version,
        'asked' as outcome,
        {{ assumed_cost('turns.purpose') }} as cost,
        {{ as_of() }} as called_at,
        turns.purpose
    from {{ llm_turns() }} as turns
    cross join {{ ref('message_settings') }} as settings
    where turns.purpose = '{{ purpose }}'
{% endmacro %}

{# Asks Cortex once for each call that was planned, and stores what it said: one call of the function a
   row, in a statement that does nothing else.
   function: which one asks; prompt: the column of message_settings. #}
{% macro ask_llm(purpose, function, prompt) %}
    insert into {{ ref('llm_answers') }} (call_id, alert_id, purpose, attempt, answer, called_at)
    select
        asked.call_id,
        asked.alert_id,
        asked.purpose,
        asked.attempt,
        {{ ref(function) }}(settings.{{ prompt }}, waiting.about) as answer,
        {{ as_of() }} as called_at
    from {{ ref('llm_calls') }} as asked
    inner join {{ ref('waiting_for_llm') }} as waiting
        on asked.alert_id = waiting.alert_id and asked.purpose = waiting.purpose
    cross join {{ ref('message_settings') }} as settings
    where asked.outcome = 'asked' and asked.purpose = '{{ purpose }}'
{% endmacro %}

{# What an earlier run asked and never got an answer to. One run asks at a time, on both engines, so
   that nothing is under way when the next one begins. #}
{% macro give_up_on_answers() %}
    update {{ ref('llm_calls') }}
    set
        outcome = 'failed',
        detail = 'the run ended before the answer was stored; the cost is an estimate'
    where outcome = 'asked'
{% endmacro %}

{# The key of a call in the ledger. #}
{% macro llm_call_id(alert_id, purpose, attempt) -%}
    md5({{ [alert_id, purpose, attempt] | join(" || '|' || ") }})
{%- endmacro %}

{# What the tokens of a call cost; settings: message_settings. #}
{% macro cost_of_tokens(prompt_tokens, reply_tokens) -%}
    (coalesce({{ prompt_tokens }}, 0) + coalesce({{ reply_tokens }}, 0))
    * settings.cost_per_million_tokens / 1e6
{%- endmacro %}

{# What a call is taken to cost until its answer says it, and for good where the answer is lost: a token
   is about four characters of the prompt, and the reply is as long as it may be. #}
{% macro assumed_cost(purpose) -%}
    (
        length(case when {{ purpose }} = 'review' then settings.review_prompt else settings.prompt end)
        / 4.0 + settings.max_tokens
    ) * settings.cost_per_million_tokens / 1e6
{%- endmacro %}

{# What ASK_LLM has to do: whom to ask, and calls of an earlier run that are not settled yet. #}
{% macro unfinished_llm_calls() %}
    select alert_id from {{ ref('waiting_for_llm') }}
    union all
    select alert_id from {{ ref('llm_calls') }} where outcome in ('asked', 'replied')
{% endmacro %}
