{# Scheduled on Snowflake, where Cortex writes; on the laptop `python -m outreach` asks. Apart from
   the task that alerts, so that a slow or failing LLM holds nobody up. #}
{{ config(
    materialized='task',
    enabled=var('email_provider') == 'cortex',
    meta={'schedule': '5 MINUTES'}
) }}

{{ give_up_on_llm() }};
{{ ask_llm('write', 'generate_retention_email(settings.prompt, turns.about)') }};
{{ judge_replies() }};
{{ ask_llm('review', 'review_retention_email(settings.review_prompt, turns.about)') }};
{{ draft_messages() }}
