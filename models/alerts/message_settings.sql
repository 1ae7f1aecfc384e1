{# What the vars say about writing messages, for whoever asks an LLM: one definition of the prompt
   and of the limits on both engines. A view, so that a run sees what was built last. #}
{{ config(materialized='view') }}

select
    {{ sql_literal(var('email_provider')) }} as provider,
    {{ sql_literal(llm_model()) }} as model,
    {{ sql_literal(message_prompt()) }} as prompt,
    {{ sql_literal(message_prompt_version()) }} as prompt_version,
    {{ sql_literal(tojson(message_schema())) }} as reply_schema,
    {{ var('llm_tries') }} as tries,
    {{ var('llm_calls_per_run') }} as calls_per_run,
    {{ var('llm_calls_per_day') }} as calls_per_day,
    {{ var('llm_max_tokens') }} as max_tokens,
    {{ var('llm_timeout_seconds') }} as timeout_seconds,
    cast({{ var('llm_cost_per_million_tokens') }} as double) as cost_per_million_tokens,
    {{ sql_literal(var('sender_address')) }} as sender_address,
    {{ sql_literal(var('unsubscribe_address')) }} as unsubscribe_address
