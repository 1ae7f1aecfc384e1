{# Scheduled on Snowflake, where Cortex writes; on the laptop `python -m outreach` asks. Apart from
   the task that alerts, so that a slow or failing LLM holds nobody up; nobody waits for the LLM in
   a turn. A call is noted before it is made, and an answer stored as it came before anything reads it,
   because both are paid for: a run that breaks off is made good by the next one, and is not tried
   again by itself. Exists while Cortex writes. #}
{%- set is_on = var('email_provider') == 'cortex' -%}
{{ config(
    materialized='task',
    enabled=target.type == 'snowflake',
    meta={'schedule': '5 MINUTES' if is_on else 'off', 'retries': 0}
) }}

{% if is_on %}
{{ stop_unless(unfinished_llm_calls()) }}
{% call in_turn() %}
{{ note_answers() }};
{{ give_up_on_answers() }};
{{ judge_replies() }};
{{ give_up_on_llm() }};
{{ plan_llm_calls('write') }}
{% endcall %};
{{ ask_llm('write', 'generate_retention_email', 'prompt') }};
{% call in_turn() %}
{{ note_answers() }};
{{ judge_replies() }};
{{ plan_llm_calls('review') }}
{% endcall %};
{{ ask_llm('review', 'review_retention_email', 'review_prompt') }};
{% call in_turn() %}
{{ note_answers() }};
{{ draft_messages() }}
{% endcall %}
{% endif %}
