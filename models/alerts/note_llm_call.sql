{# One row of the ledger, from whoever asks an LLM: noted as asked before the call is made, and then
   with what came of it. The same outcome again adds nothing, nor does one of an alert that there is not
   any more, because its customer was forgotten while the LLM was writing. #}
{{ config(
    materialized='procedure',
    enabled=target.type == 'duckdb',
    meta={
        'parameters': [
            'alert_id', 'purpose', 'attempt', 'outcome', 'detail', 'reply', 'prompt_tokens', 'reply_tokens',
            'seconds',
        ],
        'returns': ['call_id'],
    }
) }}

{%- set call_id = llm_call_id(parameter('alert_id'), parameter('purpose'), parameter('attempt')) %}
{%- set cost = cost_of_tokens(
    'try_cast(' ~ parameter('prompt_tokens') ~ ' as double)',
    'try_cast(' ~ parameter('reply_tokens') ~ ' as double)',
) %}

update {{ ref('llm_calls') }} llm_calls
set
    outcome = {{ parameter('outcome') }},
    detail = {{ parameter('detail') }},
    reply = {{ parameter('reply') }},
    prompt_tokens = try_cast({{ parameter('prompt_tokens') }} as integer),
    reply_tokens = try_cast({{ parameter('reply_tokens') }} as integer),
    seconds = try_cast({{ parameter('seconds') }} as double),
    cost = {{ cost }}
from {{ ref('message_settings') }} as settings
where
    llm_calls.call_id = {{ call_id }}
    and llm_calls.outcome = 'asked'
    and {{ parameter('outcome') }} <> 'asked';
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
    case
        when {{ parameter('outcome') }} = 'asked' then {{ assumed_cost(parameter('purpose')) }}
        else {{ cost }}
    end as cost,
    {{ as_of() }} as called_at,
    {{ parameter('purpose') }} as purpose
from {{ ref('message_settings') }} as settings
inner join {{ ref('high_risk_history') }} as alerts on alerts.alert_id = {{ parameter('alert_id') }}
left join {{ ref('llm_calls') }} as noted on noted.call_id = {{ call_id }}
where noted.call_id is null;
select {{ call_id }} as call_id
