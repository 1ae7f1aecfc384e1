{# What whoever asked an LLM calls when replies are in the ledger; answers what was drafted. #}
{{ config(
    materialized='procedure',
    meta={'parameters': [], 'returns': ['alert_id', 'provider']}
) }}

{{ draft_messages() }};
select
    alert_id,
    provider
from {{ ref('retention_emails') }}
where {{ is_of_this_call('created_at') }} and revision = 0
