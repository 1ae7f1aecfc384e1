{# Writes what Cortex answered into the ledger, to the call that was noted before it. AI_COMPLETE says it
   with return_error_details and show_details: {"value": {"structured_output": [{"raw_message": …}],
   "usage": …}, "error": …}; the value may be an object or its JSON text. #}
{% macro note_answers() %}
    update {{ ref('llm_calls') }} llm_calls
    set
        outcome = case when opened.reply is null then 'failed' else 'replied' end,
        detail = case when opened.reply is null then coalesce(opened.error, 'no reply') end,
        reply = opened.reply,
        prompt_tokens = opened.prompt_tokens,
        reply_tokens = opened.reply_tokens,
        cost = opened.cost
    from (
        with answered as (
            select
                answers.*,
                {{ parse_json('answers.answer') }} as parsed
            from {{ ref('llm_answers') }} as answers
            inner join {{ ref('llm_calls') }} as asked on answers.call_id = asked.call_id
            where asked.outcome = 'asked'
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
            opened.*,
            {{ cost_of_tokens('cast(opened.prompt_tokens as double)', 'cast(opened.reply_tokens as double)') }}
                as cost
        from opened
        cross join {{ ref('message_settings') }} as settings
    ) as opened
    where llm_calls.call_id = opened.call_id
{% endmacro %}
