{# Scheduled on Snowflake, where Cortex writes; on the laptop `python -m outreach` asks. Apart from
   the task that alerts, so that a slow or failing LLM holds nobody up. #}
{{ config(
    materialized='task',
    enabled=var('email_provider') == 'cortex',
    meta={'schedule': '5 MINUTES'}
) }}

{{ give_up_on_llm() }};
{{ ask_llm() }};
{{ draft_messages() }}
