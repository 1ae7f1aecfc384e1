{# Whoever asks an LLM calls this first: it judges what was replied, notes for whom the budget does
   not do, and answers what to ask in this run. #}
{{ config(
    materialized='procedure',
    meta={'parameters': [], 'returns': ['alert_id', 'purpose', 'about', 'attempt']}
) }}

{{ judge_replies() }};
{{ give_up_on_llm() }};
select
    alert_id,
    purpose,
    about,
    cast(attempt as {{ dbt.type_string() }}) as attempt
from {{ llm_turns() }} as turns
order by alert_id
