{# Whoever asks an LLM calls this first: it notes for whom the budget does not do, and answers whom
   to ask about in this run. #}
{{ config(
    materialized='procedure',
    meta={'parameters': [], 'returns': ['alert_id', 'top_reasons', 'attempt']}
) }}

{{ give_up_on_llm() }};
select
    alert_id,
    top_reasons,
    cast(attempt as {{ dbt.type_string() }}) as attempt
from {{ llm_turns() }} as turns
order by alert_id
