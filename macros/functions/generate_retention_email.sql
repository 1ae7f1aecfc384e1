{# GENERATE_RETENTION_EMAIL(prompt, reasons) asks the LLM once for a letter, REVIEW_RETENTION_EMAIL(
   prompt, letter) for its doubts about one. Both return JSON text: reply (a JSON text as
   message_schema and review_schema say), error, prompt_tokens, reply_tokens. Of reply and error one is
   NULL. The prompts are columns of MESSAGE_SETTINGS. DuckDB: registered with the open file
   (embedded/functions.py). Snowflake: exactly one call of AI_COMPLETE; a row that fails gives its
   error, not an error of the statement. dbt run-operation create_generate_retention_email makes both;
   which models there are: show_llm_models #}
{% macro create_generate_retention_email() %}
    {{ run_statements(
        [generate_retention_email_statement(), review_retention_email_statement()],
        'create_generate_retention_email'
    ) if target.type == 'snowflake' else log(
        'create_generate_retention_email: nothing to do on DuckDB, where it is registered with the open file',
        info=True
    ) }}
{% endmacro %}

{% macro generate_retention_email_statement() %}
    {{ return(llm_function('generate_retention_email', 'reasons', message_schema())) }}
{% endmacro %}

{% macro review_retention_email_statement() %}
    {{ return(llm_function('review_retention_email', 'letter', review_schema())) }}
{% endmacro %}

{% macro llm_function(name, parameter, schema) %}
    {%- set statement -%}
        create or replace function {{ target.database }}.{{ target.schema }}.{{ name }}(
            prompt varchar, {{ parameter }} varchar
        )
        copy grants
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
                    prompt => prompt || ' ' || {{ parameter }},
                    model_parameters => {
                        'temperature': 0, 'max_tokens': {{ var("llm_max_tokens") }}
                    },
                    response_format => {'type': 'json', 'schema': {{ tojson(schema)
                        | replace('"', "'") }}},
                    show_details => true,
                    return_error_details => true
                )) as answer
            )
        $$
    {%- endset -%}
    {{ return(statement) }}
{% endmacro %}

{# dbt run-operation show_llm_models: which models this account may start. #}
{% macro show_llm_models() %}
    {{ run_statements(['show cortex base models'], 'show_llm_models') if target.type == 'snowflake'
        else log(
            "show_llm_models: on the laptop 'ollama list' says which models there are", info=True
        ) }}
{% endmacro %}
