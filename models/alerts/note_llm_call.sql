{# One row of the ledger, from whoever asked an LLM. The same call again adds nothing. #}
{{ config(
    materialized='procedure',
    meta={
        'parameters': [
            'alert_id', 'purpose', 'attempt', 'outcome', 'detail', 'reply', 'prompt_tokens', 'reply_tokens',
            'seconds',
        ],
        'returns': ['call_id'],
    }
) }}

{%- set call_key = [parameter('alert_id'), parameter('purpose'), parameter('attempt')] %}
{%- set call_id = 'md5(' ~ call_key | join(" || '|' || ") ~ ')' %}

insert into {{ ref('llm_calls') }} (
    call_id, alert_id, attempt, provider, model, prompt_version, outcome, detail, reply,
    prompt_tokens, reply_tokens, seconds, cost, called_at, purpose
)
select
    {{ call_id }} as call_id,
    {{ parameter('alert_id') }} as alert_id,
    try_cast({{ parameter('attempt') }} as integer) as attempt,
    settings.provider,
    settings.model,
    settings.prompt_version,
    {{ parameter('outcome') }} as outcome,
    {{ parameter('detail') }} as detail,
    {{ parameter('reply') }} as reply,
    try_cast({{ parameter('prompt_tokens') }} as integer) as prompt_tokens,
    try_cast({{ parameter('reply_tokens') }} as integer) as reply_tokens,
    try_cast({{ parameter('seconds') }} as double) as seconds,
    (
        coalesce(try_cast({{ parameter('prompt_tokens') }} as double), 0)
        + coalesce(try_cast({{ parameter('reply_tokens') }} as double), 0)
    ) * settings.cost_per_million_tokens / 1e6 as cost,
    {{ as_of() }} as called_at,
    {{ parameter('purpose') }} as purpose
from {{ ref('message_settings') }} as settings
left join {{ ref('llm_calls') }} as noted on noted.call_id = {{ call_id }}
where noted.call_id is null;
select {{ call_id }} as call_id
