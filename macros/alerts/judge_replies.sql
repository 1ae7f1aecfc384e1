{# Judges the replies that came since the last time, and writes the outcome into the ledger: a reply
   that is not a valid letter, or not a valid review, is refused, with the reason. The letter's own
   words are kept for the second reading. #}
{% macro judge_replies() %}
    update {{ ref('llm_calls') }} llm_calls
    set
        outcome = case when judged.error is null then 'accepted' else 'refused' end,
        detail = judged.error,
        own_words = judged.own_words
    from (
        select
            call_id,
            {{ json_text('verdict', 'error') }} as error,
            {{ json_text('verdict', 'own_words') }} as own_words
        from (
            select
                replied.call_id,
                case
                    when replied.purpose = 'review'
                        then {{ parse_json('read_review(replied.reply)') }}
                    else {{ parse_json(
                        "draft_message(replied.reply, null, '{offer}', alerts.top_reasons,"
                        ~ ' settings.sentences, null)'
                    ) }}
                end as verdict
            from {{ ref('llm_calls') }} as replied
            inner join {{ ref('high_risk_history') }} as alerts
                on replied.alert_id = alerts.alert_id
            cross join {{ ref('message_settings') }} as settings
            where replied.outcome = 'replied'
        ) as verdicts
    ) as judged
    where llm_calls.call_id = judged.call_id
{% endmacro %}

{# What follows once replies came: judge, draft, move. #}
{% macro draft_messages() %}
{{ judge_replies() }};
{{ draft_emails() }};
{{ move_alerts(drafted_alerts()) }}
{% endmacro %}
