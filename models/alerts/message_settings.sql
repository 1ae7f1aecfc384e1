{# What the vars and the company's sentences say about writing messages, for whoever asks an LLM:
   one definition of prompts and limits on both engines. A view, so that a run sees what was built
   last. #}
{{ config(
    materialized='view',
    pre_hook="{{ check_message_functions() }}",
    post_hook="{{ check_message_language() }}",
) }}

with

sentences as (

    select
        *,
        {{ place_of_sentence() }} as place
    from {{ ref('message_sentences') }}
    where {{ is_chosen_sentence() }}

),

-- One line a sentence, as outreach/sentences.py reads them; the LLM is shown those to choose from.
listed as (

    select
        {{ sentence_lines('1 = 1') }} as sentences,
        {{ sentence_lines("part not in ('" ~ framing_parts() | join("', '") ~ "')") }} as choice
    from sentences

)

select
    {{ sql_literal(var('email_provider')) }} as provider,
    {{ sql_literal(llm_model()) }} as model,
    {{ sql_literal(message_prompt() ~ '\n') }} || listed.choice
    || {{ sql_literal('\n' ~ message_prompt_end()) }} as prompt,
    {{ sql_literal(message_prompt_version()) }} as prompt_version,
    {{ sql_literal(tojson(message_schema())) }} as reply_schema,
    {{ sql_literal(review_prompt()) }} as review_prompt,
    {{ sql_literal(tojson(review_schema())) }} as review_schema,
    listed.sentences,
    {{ var('llm_tries') }} as tries,
    {{ var('llm_calls_per_run') }} as calls_per_run,
    {{ var('llm_calls_per_day') }} as calls_per_day,
    {{ var('llm_max_tokens') }} as max_tokens,
    {{ var('llm_timeout_seconds') }} as timeout_seconds,
    cast({{ var('llm_cost_per_million_tokens') }} as double) as cost_per_million_tokens,
    {{ sql_literal(var('sender_address')) }} as sender_address,
    {{ sql_literal(var('unsubscribe_address')) }} as unsubscribe_address
from listed
