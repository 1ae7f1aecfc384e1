{# Puts approved messages into the outbox at once; ADVANCE_ALERTS does the same from time to time.
   Answers how many wait to be handed over. #}
{{ config(materialized='procedure', meta={'parameters': [], 'returns': ['waiting']}) }}

{{ queue_messages() }};
select cast(count(*) as {{ dbt.type_string() }}) as waiting
from {{ waiting_messages(as_of()) }} as waiting
