{# GENERATE_RETENTION_EMAIL(prompt, reasons) asks the LLM once for a letter, REVIEW_RETENTION_EMAIL(
   prompt, letter) for its doubts about one. The prompts are columns of MESSAGE_SETTINGS; replies are
   JSON texts as message_schema and review_schema say.
   Snowflake: exactly one call of AI_COMPLETE, whose answer is returned whole, as JSON text, and read
   by note_answers; a row that fails gives its error, not an error of the statement. They are there for
   the provider cortex only, because an account without AI functions refuses to make them.
   DuckDB: registered with the open file (embedded/functions.py), and return the JSON text of reply,
   error, prompt_tokens and reply_tokens.
   dbt run-operation create_generate_retention_email makes both; show_llm_models: which models there are #}
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
            to_json(to_variant(ai_complete(
                model => '{{ var("cortex_model") }}',
                prompt => prompt || ' ' || {{ parameter }},
                model_parameters => {
                    'temperature': 0, 'max_tokens': {{ var("llm_max_tokens") }}
                },
                response_format => {'type': 'json', 'schema': {{ tojson(schema)
                    | replace('"', "'") }}},
                show_details => true,
                return_error_details => true
            )))
        $$
    {%- endset -%}
    {{ return(statement) }}
{% endmacro %}

{# dbt run-operation show_llm_models: which models this role may start. #}
{% macro show_llm_models() %}
    {%- if execute and target.type == 'snowflake' -%}
        {%- do show_rows('SHOW CORTEX BASE MODELS: name | lifecycle_status', cortex_models(), 'none') -%}
    {%- elif execute -%}
        {%- do log(
            "show_llm_models: on the laptop 'ollama list' says which models there are", info=True
        ) -%}
    {%- endif -%}
{% endmacro %}

{# Models lie in a schema of Snowflake's own: without IN, those of the session's database are listed, none. #}
{% macro cortex_models() %}{{ return('show cortex base models in schema snowflake.models') }}{% endmacro %}
