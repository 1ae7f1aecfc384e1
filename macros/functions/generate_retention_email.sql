{# GENERATE_RETENTION_EMAIL(reasons) asks the LLM once and returns JSON text: reply (a JSON text with
   subject and body that hold {name} and {offer}), error, prompt_tokens, reply_tokens. Of reply and
   error one is NULL. DuckDB: registered with the open file (embedded/functions.py). Snowflake: exactly
   one call of AI_COMPLETE; a row that fails gives its error, not an error of the statement.
   dbt run-operation create_generate_retention_email; which models there are: show_llm_models #}
{% macro create_generate_retention_email() %}
    {{ run_statements(
        generate_retention_email_statements(), 'create_generate_retention_email'
    ) if target.type == 'snowflake' else log(
        'create_generate_retention_email: nothing to do on DuckDB, where it is registered with the open file',
        info=True
    ) }}
{% endmacro %}

{% macro generate_retention_email_statements() %}
    {%- set statement -%}
        create or replace function {{ target.database }}.{{ target.schema }}.generate_retention_email(
            reasons varchar
        )
        returns varchar
        as
        $$
            select to_json(object_construct(
                'reply', get_path(answer, 'value.structured_output[0].raw_message'),
                'error', get_path(answer, 'error'),
                'prompt_tokens', get_path(answer, 'value.usage.prompt_tokens'),
                'reply_tokens', get_path(answer, 'value.usage.completion_tokens')
            ))
            from (
                select to_variant(ai_complete(
                    model => '{{ var("cortex_model") }}',
                    prompt => {{ sql_literal(message_prompt()) }} || ' ' || reasons,
                    model_parameters => {
                        'temperature': 0, 'max_tokens': {{ var("llm_max_tokens") }}
                    },
                    response_format => {'type': 'json', 'schema': {{ tojson(message_schema())
                        | replace('"', "'") }}},
                    show_details => true,
                    return_error_details => true
                )) as answer
            )
        $$
    {%- endset -%}
    {{ return([statement]) }}
{% endmacro %}

{# dbt run-operation show_llm_models: which models this account may start. #}
{% macro show_llm_models() %}
    {{ run_statements(['show cortex base models'], 'show_llm_models') if target.type == 'snowflake'
        else log(
            "show_llm_models: on the laptop 'ollama list' says which models there are", info=True
        ) }}
{% endmacro %}
