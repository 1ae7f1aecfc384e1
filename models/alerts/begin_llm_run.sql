{# Whoever asks an LLM on the laptop calls this first: it settles the calls of a run that broke off,
   judges what was replied, notes for whom the budget does not do, and answers what to ask in this run. #}
{{ config(
    materialized='procedure',
    enabled=target.type == 'duckdb',
    meta={'parameters': [], 'returns': ['alert_id', 'purpose', 'about', 'attempt']}
) }}

{{ give_up_on_answers() }};
{{ judge_replies() }};
{{ give_up_on_llm() }};
select
    alert_id,
    purpose,
    about,
    cast(attempt as {{ dbt.type_string() }}) as attempt
from {{ llm_turns() }} as turns
order by alert_id
