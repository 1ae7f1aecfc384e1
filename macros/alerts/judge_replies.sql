{# Judges the replies that came since the last time, in the ledger itself: what breaks a check is a
   failed try, with the reason. #}
{% macro judge_replies() %}
    {%- set verdict = "draft_message(reply, null, '', " ~ sql_literal(message_prompt()) ~ ")" -%}
    {%- set error = json_text(parse_json(verdict), 'error') %}
    update {{ ref('llm_calls') }}
    set
        outcome = case when {{ error }} is null then 'accepted' else 'refused' end,
        detail = {{ error }}
    where outcome = 'replied'
{% endmacro %}

{# What follows once replies came: judge, draft, move. #}
{% macro draft_messages() %}
{{ judge_replies() }};
{{ draft_emails() }};
{{ move_alerts(drafted_alerts()) }}
{% endmacro %}
