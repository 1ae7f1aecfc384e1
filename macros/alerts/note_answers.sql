{# Writes what Cortex answered into the ledger, once. AI_COMPLETE says it with return_error_details and
   show_details: {"value": {"structured_output": [{"raw_message": …}], "usage": …}, "error": …}; the
   value may be an object or its JSON text. #}
{% macro note_answers() %}
    insert into {{ ref('llm_calls') }} (
        call_id, alert_id, attempt, provider, model, prompt_version, outcome, detail, reply,
        prompt_tokens, reply_tokens, cost, called_at, purpose
    )
    with answered as (
        select
            answers.*,
            {{ parse_json('answers.answer') }} as parsed
        from {{ ref('llm_answers') }} as answers
        left join {{ ref('llm_calls') }} as noted on answers.call_id = noted.call_id
        where noted.call_id is null
    ),
    detailed as (
        select
            *,
            coalesce(
                {{ parse_json('as_varchar(' ~ json_part('parsed', 'value') ~ ')') }},
                {{ json_part('parsed', 'value') }}
            ) as details
        from answered
    ),
    opened as (
        select
            *,
            {{ json_text('details', 'structured_output[0].raw_message') }} as reply,
            {{ json_text('parsed', 'error') }} as error,
            try_cast({{ json_text('details', 'usage.prompt_tokens') }} as integer) as prompt_tokens,
            try_cast({{ json_text('details', 'usage.completion_tokens') }} as integer)
                as reply_tokens
        from detailed
    )
    select
        opened.call_id,
        opened.alert_id,
        opened.attempt,
        settings.provider,
        settings.model,
        settings.prompt_version,
        case when opened.reply is null then 'failed' else 'replied' end as outcome,
        case when opened.reply is null then coalesce(opened.error, 'no reply') end as detail,
        opened.reply,
        opened.prompt_tokens,
        opened.reply_tokens,
        (
            coalesce(cast(opened.prompt_tokens as double), 0)
            + coalesce(cast(opened.reply_tokens as double), 0)
        ) * settings.cost_per_million_tokens / 1e6 as cost,
        opened.called_at,
        opened.purpose
    from opened
    cross join {{ ref('message_settings') }} as settings
{% endmacro %}
