{# WRITE_FROM_TEMPLATE, DRAFT_MESSAGE, CHECK_MESSAGE, READ_REVIEW and MAIL_ADDRESS: the package
   outreach/, called from SQL. DuckDB: registered with the open file (embedded/functions.py). Snowflake: Python
   functions that import the package, zipped by `python -m outreach pack`, from a stage.
   dbt run-operation create_message_functions, before the first build: views call MAIL_ADDRESS. #}
{% macro create_message_functions(dry_run=false) %}
    {{ run_statements(
        message_function_statements(), 'create_message_functions', dry_run
    ) if target.type == 'snowflake' else log(
        'create_message_functions: nothing to do on DuckDB, where they are registered with the open file',
        info=True
    ) }}
{% endmacro %}

{% macro message_function_statements() %}
    {%- set schema = target.database ~ '.' ~ target.schema -%}
    {%- set statements = [
        'create schema if not exists ' ~ schema,
        'create stage if not exists ' ~ schema ~ '.churn_code',
        "put 'file://target/outreach.zip' @" ~ schema
        ~ '.churn_code auto_compress = false overwrite = true',
    ] -%}
    {%- for name, function in message_functions().items() -%}
        {%- set statement -%}
            create or replace function {{ schema }}.{{ name }}(
                {{ function.parameters | join(' varchar, ') }} varchar
            )
            copy grants
            returns varchar
            language python
            immutable
            runtime_version = '3.11'
            imports = ('@{{ schema }}.churn_code/outreach.zip')
            handler = '{{ function.handler }}'
        {%- endset -%}
        {%- do statements.append(statement) -%}
    {%- endfor -%}
    {{ return(statements) }}
{% endmacro %}

{# Views call them, so that a schema without them could not be built: said in a sentence before. A
   pre-hook of the model beneath those views. #}
{% macro check_message_functions() %}
    {{ return(adapter.dispatch('check_message_functions')()) }}
{% endmacro %}
{% macro default__check_message_functions() %}
    {{ no_such_engine('check_message_functions') }}
{% endmacro %}
{% macro snowflake__check_message_functions() %}
    {%- if execute and flags.WHICH in ['build', 'run'] -%}
        {%- for sentence in missing_message_functions() -%}
            {%- do exceptions.raise_compiler_error(sentence) -%}
        {%- endfor -%}
    {%- endif -%}
    select 1
{% endmacro %}
{# Every connection registers them. #}
{% macro duckdb__check_message_functions() %}select 1{% endmacro %}

{% macro message_functions() %}
    {{ return({
        'write_from_template': {
            'parameters': ['reasons', 'sentences'],
            'handler': 'outreach.template.write_from_template',
        },
        'draft_message': {
            'parameters': ['reply', 'name', 'offer_text', 'reasons', 'sentences', 'review'],
            'handler': 'outreach.letters.draft_message',
        },
        'check_message': {
            'parameters': ['subject', 'body', 'name', 'offer_text', 'reasons', 'sentences'],
            'handler': 'outreach.letters.check_message',
        },
        'read_review': {
            'parameters': ['reply'], 'handler': 'outreach.letters.read_review',
        },
        'mail_address': {
            'parameters': ['address'], 'handler': 'outreach.addresses.mail_address',
        },
    }) }}
{% endmacro %}
