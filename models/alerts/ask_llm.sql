{# Scheduled on Snowflake, where Cortex writes; on the laptop `python -m outreach` asks. Apart from
   the task that alerts, so that a slow or failing LLM holds nobody up; nobody waits for the LLM in
   a turn. An answer is stored as it came before anything reads it, because it is paid for: a run that
   broke off after that is made good by the next one. Exists while Cortex writes. #}
{%- set is_on = var('email_provider') == 'cortex' -%}
{{ config(
    materialized='task',
    enabled=target.type == 'snowflake',
    meta={'schedule': '5 MINUTES' if is_on else 'off'}
) }}

{% if is_on %}
{{ stop_unless(unfinished_llm_calls()) }}
{% call in_turn() %}
{{ note_answers() }};
{{ judge_replies() }};
{{ give_up_on_llm() }}
{% endcall %};
{{ ask_llm('write', 'generate_retention_email', 'prompt') }};
{% call in_turn() %}
{{ note_answers() }};
{{ judge_replies() }}
{% endcall %};
{{ ask_llm('review', 'review_retention_email', 'review_prompt') }};
{% call in_turn() %}
{{ note_answers() }};
{{ draft_messages() }}
{% endcall %}
{% endif %}
