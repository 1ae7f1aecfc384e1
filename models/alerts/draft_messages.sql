{# What whoever asked an LLM calls when replies are in the ledger; answers what was drafted. For the
   laptop: on Snowflake the task ask_llm does all of it. The laptop has one time for a whole call, by
   which its rows are told. #}
{{ config(
    materialized='procedure',
    enabled=target.type == 'duckdb',
    meta={'parameters': [], 'returns': ['alert_id', 'provider']}
) }}

{{ draft_messages() }};
select
    alert_id,
    provider
from {{ ref('retention_emails') }}
where created_at = {{ as_of() }} and revision = 0
